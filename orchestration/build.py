"""Everything up to date, once, in this process: what `lineshaft build` does without a web server.

Belongs here: the order of runs, what they report, and that a second build with nothing new does nothing.
Does not belong here: what an asset does (defs), or printing (commands).

The runs are Dagster's, on an instance in the home: `dagster dev` on the same home shows their history.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from models.errors import LineshaftError
from orchestration.errors import BuildError
from orchestration.fingerprint import fingerprint_inputs, is_up_to_date, record_completed_build
from orchestration.progress import Listener, Progress, listening
from orchestration.settings import Deployment
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import find_pending
from orchestration.warehouse.schema import open_warehouse

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.partitions import LoadRange


@dataclass(frozen=True, kw_only=True)
class LoadedKind:
    """What this build loaded of one kind of landed file."""

    file_count: int
    row_count: int
    redelivered_row_count: int


@dataclass(frozen=True, kw_only=True)
class FailedCheck:
    """A check that does not hold but stops nothing: worth a look."""

    asset: str
    name: str
    is_error: bool
    metadata: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What a build did. `is_up_to_date`: nothing had changed, so nothing ran and everything else is empty."""

    is_up_to_date: bool
    seconds: float
    loaded: dict[str, LoadedKind] = field(default_factory=dict)
    """By kind: messages, readings, events, losses, drifts, quarantine."""
    rejected_files: dict[str, str] = field(default_factory=dict)
    """Landed file to reason; set aside until it is restored."""
    materialized_count: int = 0
    passed_check_count: int = 0
    failed_checks: tuple[FailedCheck, ...] = ()
    step_seconds: dict[str, float] = field(default_factory=dict)
    run_ids: tuple[str, ...] = ()


def build(deployment: Deployment, *, force: bool = False, on_progress: Progress | None = None) -> BuildReport:
    """Load what landed, then mappings, reference tables, dbt, predictions, serving copy and feeds; never an invoice.

    Args:
        deployment: what to build, and where.
        force: run everything even though nothing has changed.
        on_progress: called with what is going on and how far along the build is (0 to 1).

    Raises:
        BuildError: a step failed or a check that guards what follows does not hold; the message names it.
    """
    started = time.monotonic()
    if on_progress:
        on_progress("looking for changes", 0.0)
    if not force and is_up_to_date(deployment):
        return BuildReport(is_up_to_date=True, seconds=time.monotonic() - started)
    begun_at = datetime.now(UTC).replace(tzinfo=None)
    inputs = fingerprint_inputs(deployment)
    listener = Listener(on_progress=on_progress)
    listener.say("preparing the dbt project")
    with _environment(deployment), listening(listener):
        outcome = _run_jobs(deployment, listener)
    feeds = [path.parent for path in deployment.feeds.glob("*/*/*/manifest.json")]
    record_completed_build(deployment, inputs=inputs, published=feeds)
    loaded, rejected = _read_loads(deployment, since=begun_at)
    return BuildReport(
        is_up_to_date=False,
        seconds=time.monotonic() - started,
        loaded=loaded,
        rejected_files=rejected,
        materialized_count=outcome.materialized_count,
        passed_check_count=outcome.passed_check_count,
        failed_checks=tuple(outcome.failed_checks),
        step_seconds=dict(listener.seconds),
        run_ids=tuple(outcome.run_ids),
    )


@dataclass
class _Outcome:
    run_ids: list[str] = field(default_factory=list)
    materialized_count: int = 0
    passed_check_count: int = 0
    failed_checks: list[FailedCheck] = field(default_factory=list)


def _run_jobs(deployment: Deployment, listener: Listener) -> _Outcome:
    import dagster as dg

    from orchestration.asset_keys import keys_of_kinds, sound_file_checks
    from orchestration.partitions import SITES
    from orchestration.resources import prepare_dagster_home

    definitions = _load_definitions()
    load, warehouse = (definitions.resolve_job_def(name) for name in ("landing_load", "warehouse_build"))
    ranges = _pending_ranges(deployment)
    kinds = {kind for one in ranges for kind in one.kinds}
    listener.expected_step_count = len(warehouse.graph.node_dict) + len(kinds)
    outcome = _Outcome()
    home = prepare_dagster_home(deployment.dagster_home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        sites = {site.site_id for site in deployment.sites} | {one.site_id for one in ranges}
        instance.add_dynamic_partitions(str(SITES.name), sorted(sites))
        run = partial(_run, instance=instance, outcome=outcome)
        for one in ranges:
            keys = keys_of_kinds(one.kinds)
            checks = frozenset(sound_file_checks(keys))
            run(load.get_subset(asset_selection=frozenset(keys), asset_check_selection=checks), tags=one.tags)
        run(warehouse)
    return outcome


def _load_definitions() -> "dg.Definitions":
    """All definitions; what a user can mend is told as our own error, not as Dagster's tree of components."""
    from orchestration.definitions import defs

    try:
        return defs()
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, LineshaftError):
            cause = cause.__cause__
        if cause is None:
            raise
        raise cause from error


def _run(job, *, instance, outcome: _Outcome, **options) -> None:  # type: ignore[no-untyped-def]  # Dagster's types would cost its import
    from orchestration.progress import RUN_CONFIG

    result = job.execute_in_process(run_config=RUN_CONFIG, instance=instance, raise_on_error=False, **options)
    outcome.run_ids.append(result.run_id)
    for event in result.all_events:
        if event.is_step_materialization:
            outcome.materialized_count += 1
    for evaluation in result.get_asset_check_evaluations():
        if evaluation.passed:
            outcome.passed_check_count += 1
        else:
            outcome.failed_checks.append(
                FailedCheck(
                    asset=evaluation.asset_key.to_user_string(),
                    name=evaluation.check_name,
                    is_error=evaluation.severity.value == "ERROR",
                    metadata={name: value.value for name, value in evaluation.metadata.items()},
                )
            )
    if not result.success:
        raise BuildError(_describe_failure(result, outcome))


def _describe_failure(result, outcome: _Outcome) -> str:  # type: ignore[no-untyped-def]  # as above
    """The first broken step and its root cause; a check that does not hold names itself."""
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        user = event.step_failure_data.user_failure_data
        description = (user.description if user else None) or (
            error.message.strip() if error else "no reason was given"
        )
        broken = [
            f"{check.asset}: {check.name} ({check.metadata})" for check in outcome.failed_checks if check.is_error
        ]
        checks = f" Checks that do not hold: {'; '.join(broken)}." if broken else ""
        return f"The build stopped at {event.step_key}: {description}{checks} Run {result.run_id} holds the log."
    return f"The build did not succeed; run {result.run_id} holds the log."


def _pending_ranges(deployment: Deployment) -> "tuple[LoadRange, ...]":
    from orchestration.partitions import load_ranges

    with open_warehouse(deployment.warehouse_path) as connection:
        landed = (file for files in read_landed_files(deployment.home).values() for file in files)
        return load_ranges(find_pending(connection, landed=landed))


def _read_loads(deployment: Deployment, *, since: datetime) -> tuple[dict[str, LoadedKind], dict[str, str]]:
    query = """
        select kind, count(*), sum(loaded_row_count)::bigint, sum(redelivered_row_count)::bigint
        from raw.loaded_file where loaded_at >= ? group by kind order by kind
    """
    with open_warehouse(deployment.warehouse_path) as connection:
        loaded = {
            kind: LoadedKind(file_count=files, row_count=rows, redelivered_row_count=redelivered)
            for kind, files, rows, redelivered in connection.execute(query, [since]).fetchall()
        }
        rejected = connection.execute("select landed_file, reason from raw.rejected_file order by all").fetchall()
    return loaded, dict(rejected)


@contextmanager
def _environment(deployment: Deployment) -> Iterator[None]:
    """Definitions read the deployment from the environment: while they run, it names this one."""
    wanted = {
        "LINESHAFT_DEPLOYMENT": str(deployment.directory),
        "LINESHAFT_HOME": str(deployment.home),
        "LINESHAFT_DATABASE_URL": deployment.database_url,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
