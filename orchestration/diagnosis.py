"""What `lineshaft doctor` looks at: every part of a deployment that can be wrong, each with one finding.

Belongs here: looking, never mending. Does not belong here: printing (orchestration.commands).
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from models.errors import LineshaftError
from orchestration.findings import Finding
from orchestration.mapping_diagnosis import examine_drifts, examine_mappings
from orchestration.settings import Deployment

LEAST_FREE_BYTES = 1_000_000_000
CONNECT_TIMEOUT_S = 2.0
RECENT_DAYS = 7
MOST_FINDINGS = 20

_COVERED_LATELY = """
select
    site_id,
    coalesce(physical_asset_id, work_unit_id) as named,
    count(distinct utc_date) filter (where not is_complete) as incomplete_days,
    1 - sum(uncovered_s)::double / sum(date_diff('microsecond', started_at, ended_at) / 1e6) as covered
from completeness.fct_completeness_per_day
where utc_date > (select max(utc_date) from completeness.fct_completeness_per_day) - $days
group by all
order by covered, site_id, named
"""


def examine(deployment: Deployment, *, online: bool = True) -> list[Finding]:
    """Everything that can be found without changing anything; `online` also knocks at each broker."""
    findings = [
        Finding(subject="deployment", state="ok", detail=f"{deployment.directory}, {len(deployment.sites)} sites"),
        *_configuration(deployment),
        *_home(deployment),
    ]
    if online:
        findings += _brokers(deployment)
    return [*findings, *_warehouse(deployment)]


def _configuration(deployment: Deployment) -> Iterator[Finding]:
    from ingest.contracts import Catalogue
    from ingest.mapping import load_mapping
    from models.billing.contract_documents import load_contracts
    from models.isa95.enterprise_files import load_enterprise

    def rules(mapping: Path | None) -> str:
        return f"{len(load_mapping(mapping).rules)} rules" if mapping else "none; every value lands unmapped"

    def events(directory: Path | None) -> str:
        return f"{len(Catalogue.load(directory).contracts)} contracts of events"

    for site in deployment.sites:
        left_out = f"; ignored: {', '.join(site.topics.ignore)}" if site.topics.ignore else ""
        yield Finding(
            subject=f"topics of {site.site_id}", state="ok", detail=f"{', '.join(site.subscriptions)}{left_out}"
        )
        yield _tried(f"mapping of {site.site_id}", partial(rules, site.mapping))
        if site.events is not None:
            yield _tried(f"events of {site.site_id}", partial(events, site.events))

    def contracts() -> str:
        enterprise = load_enterprise(deployment.directory / "enterprise")
        found = load_contracts(deployment.directory / "contracts", enterprise=enterprise)
        covered = sum(len(contract.assets) for contract in found)
        return f"{len(enterprise.physical_asset)} physical assets, {len(found)} contracts covering {covered} of them"

    yield _tried("enterprise and contracts", contracts)


def _home(deployment: Deployment) -> Iterator[Finding]:
    home = deployment.home
    if not home.exists():
        yield Finding(
            subject="home", state="note", detail=f"{home} does not exist yet; the first command that writes makes it"
        )
        return
    if not os.access(home, os.W_OK):
        yield Finding(subject="home", state="wrong", detail=f"{home} cannot be written; give this user the right to")
        return
    free = shutil.disk_usage(home).free
    state: Literal["ok", "wrong"] = "ok" if free >= LEAST_FREE_BYTES else "wrong"
    yield Finding(subject="home", state=state, detail=f"{home}, {free / 1e9:,.1f} GB free")


def _brokers(deployment: Deployment) -> Iterator[Finding]:
    addresses = {(site.broker.host, site.broker.port): site.broker.url for site in deployment.sites}
    for address, url in sorted(addresses.items()):
        try:
            socket.create_connection(address, timeout=CONNECT_TIMEOUT_S).close()
        except OSError as error:
            yield Finding(
                subject="broker",
                state="wrong",
                detail=f"{url} does not answer ({error.strerror or error}); start it or mend the url",
            )
        else:
            yield Finding(subject="broker", state="ok", detail=f"{url} answers")


def _warehouse(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.warehouse_path.exists():
        yield Finding(subject="warehouse", state="note", detail="not built yet; `lineshaft build` makes it")
        yield from examine_mappings(deployment)
        return
    import duckdb

    from orchestration.warehouse.schema import why_not_opened

    try:
        connection = duckdb.connect(str(deployment.warehouse_path), read_only=True)
    except duckdb.IOException as error:
        is_busy = "lock" in str(error)
        detail = why_not_opened(deployment.warehouse_path, error)
        yield Finding(subject="warehouse", state="note" if is_busy else "wrong", detail=detail)
        yield from examine_mappings(deployment)
        return
    with connection:
        yield from _tables(connection, deployment.warehouse_path)
        yield from examine_mappings(deployment, connection=connection)
        yield from examine_drifts(connection)


def _tables(connection: object, path: Path) -> Iterator[Finding]:
    fetch = cast("Any", connection).execute
    messages, readings = fetch(
        "select (select count(*) from raw.message), (select count(*) from raw.reading)"
    ).fetchone()
    yield Finding(subject="warehouse", state="ok", detail=f"{path}: {messages:,} messages, {readings:,} readings")
    for reason, count in fetch(
        "select reason, count(distinct message_id) from raw.quarantined_message "
        "where message_id not in (select message_id from raw.message) group by reason order by reason"
    ).fetchall():
        detail = f"{count:,} messages ({reason}); `lineshaft quarantine list` shows them"
        yield Finding(subject="quarantine", state="note", detail=detail)
    is_built = fetch(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'completeness' and table_name = 'fct_completeness_per_day'"
    ).fetchone()
    if is_built[0]:
        yield from _completeness(fetch)


def _completeness(fetch: Callable[..., Any]) -> Iterator[Finding]:
    told, is_known = 0, False
    for site_id, named, incomplete_days, covered in fetch(_COVERED_LATELY, {"days": RECENT_DAYS}).fetchall():
        is_known = True
        if not incomplete_days:
            continue
        told += 1
        if told <= MOST_FINDINGS:
            detail = (
                f"{covered:.1%} of the last {RECENT_DAYS} days of {named} is covered, {incomplete_days} of them too "
                "little; completeness.fct_losses says what is missing"
            )
            yield Finding(subject=f"completeness of {site_id}", state="note", detail=detail)
    if told > MOST_FINDINGS:
        yield Finding(subject="completeness", state="note", detail=f"and {told - MOST_FINDINGS:,} more")
    if is_known and not told:
        detail = f"every machine was heard enough on each of the last {RECENT_DAYS} days"
        yield Finding(subject="completeness", state="ok", detail=detail)


def _tried(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject=subject, state="ok", detail=look())
    except LineshaftError as error:
        return Finding(subject=subject, state="wrong", detail=str(error))
