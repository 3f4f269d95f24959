"""The demo's main job: play the plant, collect it, build, invoice March, and account for every message.

Belongs here: the order of the steps, and what was done before and need not be done again.
Does not belong here: printing (orchestration.commands.demo), or any step's own work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.errors import DeploymentError
from orchestration.settings import Deployment

if TYPE_CHECKING:
    from orchestration.billing import IssuedDocument
    from orchestration.build import BuildReport

BILLING_PERIOD = "2026-03"
ISSUED_ON = date(2026, 4, 1)
"""The simulated plants' today, so that every demo writes the same invoices."""

RECORD = "demo.json"

Report = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class MessageAccount:
    """Where every published message went. It balances when published = landed + quarantined."""

    published: int
    published_twice: int
    landed: int
    quarantined: int
    doubled: int

    @property
    def distinct(self) -> int:
        """Messages published, each counted once."""
        return self.published - self.published_twice

    @property
    def balances(self) -> bool:
        """Nothing lost, nothing doubled."""
        return self.distinct == self.landed + self.quarantined and self.doubled == 0


@dataclass(frozen=True, kw_only=True)
class SitePerformance:
    """One site over the whole time: ratios of sums (ISO 22400-2), None where a denominator is zero."""

    site_id: str
    availability_ratio: float | None
    effectiveness_ratio: float | None
    quality_ratio: float | None
    oee_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class AssetAtRisk:
    """A physical asset whose expected cost says: plan the service now."""

    physical_asset_id: str
    work_unit_id: str
    remaining_life_h: float | None
    lower_h: float | None
    upper_h: float | None


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """What the demo did and found."""

    account: MessageAccount
    is_played_now: bool
    build: BuildReport
    performance: tuple[SitePerformance, ...]
    at_risk: tuple[AssetAtRisk, ...]
    issued: tuple[IssuedDocument, ...]
    totals: dict[str, Decimal]

    @property
    def changed(self) -> bool:
        """Whether this run did anything that the home did not hold already."""
        return self.is_played_now or not self.build.is_up_to_date or any(each.invoice.is_new for each in self.issued)


def demonstrate(deployment: Deployment, *, days: int | None = None, on_progress: Report) -> Demonstration:
    """Do what has not been done yet of the demo, and read the result.

    Raises:
        LineshaftError: a step failed; the message says which, and how to look closer.
    """
    from orchestration.billing import draft_invoices, issue_invoices
    from orchestration.billing.signing import create_signing_key, find_signer
    from orchestration.build import build

    record, is_played_now = _play_once(deployment, days=days, on_progress=_part(on_progress, 0.0, 0.45))
    built = build(deployment, on_progress=_part(on_progress, 0.45, 0.9))
    on_progress(f"rating {BILLING_PERIOD}", 0.9)
    if find_signer(deployment) is None:
        create_signing_key(deployment)
    draft_invoices(deployment, BILLING_PERIOD)
    on_progress(f"issuing {BILLING_PERIOD}", 0.94)
    documents = issue_invoices(deployment, BILLING_PERIOD, issued_on=ISSUED_ON).issued
    issued = tuple(each for each in documents if each.invoice.document_type == "invoice")
    account, performance, at_risk = _read(deployment, record)
    return Demonstration(
        account=account,
        is_played_now=is_played_now,
        build=built,
        performance=performance,
        at_risk=at_risk,
        issued=issued,
        totals=_totals(deployment),
    )


def _play_once(deployment: Deployment, *, days: int | None, on_progress: Report) -> tuple[dict[str, Any], bool]:
    """Play the plant unless this very scenario has been played into this home before.

    An interrupted run leaves no record, so the next one plays again from the start: every message that had landed is
    recognised by its identity.
    """
    from ingest.simulator.plan import plan
    from ingest.simulator.publisher import publish
    from ingest.simulator.scenario import load_plants
    from orchestration.playing import play

    path = deployment.home / RECORD
    scenario = _fingerprint(deployment.directory, days=days)
    if path.exists():
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["scenario"] != scenario:
            raise DeploymentError(
                f"{deployment.home} holds a demo of another scenario or length; use a new --home, or delete this one."
            )
        return record, False
    plants = load_plants(deployment.directory)
    if days is not None:
        plants = plants.lasting(days)
    account = play(
        lambda url, progress: publish(plan(plants), broker_url=url, on_progress=progress),
        deployment=deployment.directory,
        home=deployment.home,
        on_progress=on_progress,
    )
    record = {"scenario": scenario, "publication": asdict(account)}
    path.write_text(json.dumps(record, indent=2, sort_keys=True), encoding="utf-8")
    return record, True


def _fingerprint(directory: Path, *, days: int | None) -> str:
    digest = hashlib.sha256(f"{days}".encode())
    for path in sorted(directory.rglob("*.yaml")):
        digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _part(on_progress: Report, start: float, end: float) -> Report:
    return lambda what, fraction: on_progress(what, start + (end - start) * min(fraction, 1.0))


_ACCOUNT = """
select
    (select count(distinct message_id) from raw.message) as landed,
    (select count(distinct message_id) from raw.quarantined_message
     where message_id not in (select message_id from raw.message)) as quarantined,
    (select count(*) - count(distinct message_id) from raw.message)
    + (select count(*) - count(distinct (message_id, metric_index)) from raw.reading) as doubled
"""
_PERFORMANCE = """
select
    site_id,
    sum(actual_production_time_s) / nullif(sum(planned_busy_time_s), 0),
    sum(planned_run_time_s) / nullif(sum(actual_production_time_s), 0),
    sum(good_quantity) / nullif(sum(produced_quantity), 0),
    sum(good_run_time_s) / nullif(sum(planned_busy_time_s), 0)
from performance.fct_oee_per_shift
where is_counting_items
group by site_id
order by site_id
"""
_AT_RISK = """
select
    health.physical_asset_id, assignment.work_unit_id,
    health.remaining_life_cycles, health.lower_cycles, health.upper_cycles
from predictive.fct_asset_health as health
inner join core.bridge_asset_assignment as assignment
    on assignment.physical_asset_id = health.physical_asset_id
    and health.as_of_at > assignment.assigned_from_at
    and (assignment.assigned_until_at is null or health.as_of_at <= assignment.assigned_until_at)
where health.is_at_risk
order by health.remaining_life_cycles nulls last, health.physical_asset_id
"""


def _read(
    deployment: Deployment, record: dict[str, Any]
) -> tuple[MessageAccount, tuple[SitePerformance, ...], tuple[AssetAtRisk, ...]]:
    import duckdb

    with duckdb.connect(str(deployment.warehouse_path), read_only=True) as connection:
        landed, quarantined, doubled = connection.execute(_ACCOUNT).fetchall()[0]
        performance = connection.execute(_PERFORMANCE).fetchall()
        at_risk = connection.execute(_AT_RISK).fetchall()
    published = record["publication"]
    account = MessageAccount(
        published=published["published"],
        published_twice=published["redelivered"],
        landed=landed,
        quarantined=quarantined,
        doubled=doubled,
    )
    columns = ("site_id", "availability_ratio", "effectiveness_ratio", "quality_ratio", "oee_ratio")
    risks = ("physical_asset_id", "work_unit_id", "remaining_life_h", "lower_h", "upper_h")
    return (
        account,
        tuple(SitePerformance(**dict(zip(columns, _plain(row), strict=True))) for row in performance),
        tuple(AssetAtRisk(**dict(zip(risks, row, strict=True))) for row in at_risk),
    )


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (row[0], *(float(value) if value is not None else None for value in row[1:]))


def _totals(deployment: Deployment) -> dict[str, Decimal]:
    """Payable amounts of the period's issued invoices by currency."""
    from models.billing.invoicing import list_invoices
    from models.billing.life_cycle import OWED
    from orchestration.billing.proof import operations

    totals: dict[str, Decimal] = {}
    with operations(deployment) as session:
        for invoice in list_invoices(session, billing_period=BILLING_PERIOD):
            if invoice.status not in OWED:
                continue
            totals[invoice.currency_code] = totals.get(invoice.currency_code, Decimal(0)) + invoice.payable_amount
    return dict(sorted(totals.items()))
