"""The embedded build: everything from landed files to feeds in one process, and nothing when nothing is new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.billing import draft_invoices, issue_invoices
from orchestration.build import BuildReport, build
from orchestration.errors import BuildError, NotReadyError
from orchestration.settings import Deployment, load_deployment
from orchestration.warehouse.schema import open_warehouse
from tests.builders.landed_plant import land_plant

pytestmark = [pytest.mark.xdist_group("dagster_build")]

DAYS = 3


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return load_deployment(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def message_count(deployment: Deployment) -> int:
    return land_plant(deployment, days=DAYS, batches=slice(0, -1))


@pytest.fixture(scope="module")
def progress() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def first(deployment: Deployment, message_count: int, progress: list[tuple[str, float]]) -> BuildReport:
    return build(deployment, on_progress=lambda what, fraction: progress.append((what, fraction)))


@pytest.fixture
def warehouse(deployment: Deployment, first: BuildReport) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(deployment.warehouse_path) as connection:
        yield connection


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def test_every_landed_message_is_in_the_warehouse_once(
    first: BuildReport, warehouse: duckdb.DuckDBPyConnection, message_count: int
) -> None:
    assert not first.is_up_to_date
    assert count(warehouse, "raw.message") + count(warehouse, "raw.quarantined_message") == message_count
    assert first.loaded["messages"].row_count == count(warehouse, "raw.message")
    assert first.loaded["readings"].row_count == count(warehouse, "raw.reading")
    assert first.rejected_files == {}


def test_marts_predictions_serving_copy_and_feeds_are_built(
    deployment: Deployment, first: BuildReport, warehouse: duckdb.DuckDBPyConnection
) -> None:
    for table in ("performance.fct_oee_per_shift", "predictive.asset_prediction", "predictive.fct_asset_health"):
        assert count(warehouse, table) > 0, table
    assert (deployment.serving / "serving.duckdb").is_file()
    manifests = [json.loads(path.read_text()) for path in deployment.feeds.glob("*/*/*/manifest.json")]
    assert {manifest["feed"] for manifest in manifests} == {"component_quality", "order_progress", "machine_usage"}
    assert sum(manifest["row_count"] for manifest in manifests) > 0
    assert [check for check in first.failed_checks if check.is_error] == []
    assert first.passed_check_count > 50


def test_progress_never_runs_backwards(first: BuildReport, progress: list[tuple[str, float]]) -> None:
    fractions = [fraction for _, fraction in progress]
    assert fractions == sorted(fractions)
    assert 0 <= min(fractions) <= max(fractions) <= 1
    assert {"dbt_before_predictions", "raw.reading"} <= {what for what, _ in progress}


def test_a_second_build_does_nothing_and_says_so(deployment: Deployment, first: BuildReport) -> None:
    before = deployment.warehouse_path.stat().st_mtime_ns
    again = build(deployment)
    assert again.is_up_to_date
    assert again.run_ids == ()
    assert deployment.warehouse_path.stat().st_mtime_ns == before


def test_a_lost_output_is_made_again(deployment: Deployment, first: BuildReport) -> None:
    from orchestration.fingerprint import is_up_to_date

    copy = deployment.serving / "serving.duckdb"
    aside = copy.rename(copy.with_suffix(".aside"))
    assert not is_up_to_date(deployment)
    aside.rename(copy)
    assert is_up_to_date(deployment)


def test_a_month_that_is_not_over_is_not_drafted(deployment: Deployment, first: BuildReport) -> None:
    report = draft_invoices(deployment, "2026-03")
    assert report.outcomes == ()
    assert not report.is_ready
    assert all("is collected until 2026-03-0" in one.reasons[0] for one in report.blocked)
    with pytest.raises(NotReadyError, match="no drafts"):
        issue_invoices(deployment, "2026-03")


def test_a_later_batch_is_loaded_and_a_damaged_file_is_reported(deployment: Deployment, first: BuildReport) -> None:
    land_plant(deployment, days=DAYS, batches=slice(-1, None))
    newest = max((deployment.home / "landing" / "readings").rglob("*.parquet"))
    sound = newest.read_bytes()
    newest.write_bytes(sound[:-1] + b"x")
    report = build(deployment)
    name = str(newest.relative_to(deployment.home))
    assert report.rejected_files == {name: "sha256_mismatch"}
    assert "every_landed_file_is_sound" in {check.name for check in report.failed_checks}
    assert report.loaded["messages"].row_count > 0

    assert build(deployment).is_up_to_date, "a damaged file alone is no reason to build again"
    newest.write_bytes(sound)
    mended = build(deployment)
    assert mended.rejected_files == {}
    assert mended.loaded["readings"].file_count == 1


def test_a_broken_border_stops_the_build_before_anything_stands_on_it(
    deployment: Deployment, first: BuildReport, tmp_path: Path
) -> None:
    with open_warehouse(deployment.warehouse_path) as connection:
        connection.execute(
            "insert into raw.message (message_id, site_id, message_type) values ('x', 'HAM/BURG', 'DDATA')"
        )
    with pytest.raises(BuildError, match="landed_messages_keep_their_promises"):
        build(deployment, force=True)
    with open_warehouse(deployment.warehouse_path) as connection:
        connection.execute("delete from raw.message where message_id = 'x'")


def test_definitions_load_for_dagster_dev(deployment: Deployment, first: BuildReport, monkeypatch: Any) -> None:
    from orchestration.definitions import defs

    monkeypatch.setenv("LINESHAFT_HOME", str(deployment.home))
    definitions = defs()
    names = {job.name for job in definitions.resolve_all_job_defs()}
    assert {"landing_load", "landing_compact", "warehouse_build", "invoices_draft", "invoices_issue"} <= names
    repository = definitions.get_repository_def()
    schedules = {schedule.name: schedule.default_status.value for schedule in repository.schedule_defs}
    assert schedules == dict.fromkeys(
        ("invoices_draft_monthly", "landing_compact_daily", "warehouse_build_daily"), "STOPPED"
    )
    assert [sensor.name for sensor in repository.sensor_defs] == ["landing_load_on_manifests"]


def test_the_sensor_asks_for_one_run_a_site(deployment: Deployment, first: BuildReport, monkeypatch: Any) -> None:
    import dagster as dg

    from orchestration.definitions import defs

    monkeypatch.setenv("LINESHAFT_HOME", str(deployment.home))
    repository = defs().get_repository_def()
    sensor = repository.get_sensor_def("landing_load_on_manifests")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(
            instance=instance, repository_def=repository, resources={"deployment": deployment}
        )
        tick = sensor.evaluate_tick(context)
        assert {
            request.tags["dagster/asset_partition_range_start"].split("|")[1] for request in tick.run_requests or ()
        } == {
            "hamburg",
            "monterrey",
            "pune",
        }
        quiet = dg.build_sensor_context(
            instance=instance, repository_def=repository, resources={"deployment": deployment}, cursor=tick.cursor
        )
        assert "No batch" in str(sensor.evaluate_tick(quiet).skip_message)
