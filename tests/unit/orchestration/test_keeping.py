"""`lineshaft compact`: what the warehouse or an invoice still needs is never let go."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from ingest import landing
from ingest.inventory import read_inventory
from models.store import open_store, sessions
from orchestration import keeping
from orchestration.cli import app
from orchestration.errors import DeploymentError
from orchestration.keeping import keep_landing
from orchestration.settings import TEMPLATE, Deployment, load_deployment
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, READING, open_warehouse
from tests.builders.landed import land_messages


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return load_deployment(TEMPLATE, home=tmp_path)


def kinds_left(home: Path) -> set[str]:
    return {file.kind for file in read_inventory(home).files()}


def load(deployment: Deployment, *tables: object) -> None:
    files = [file for files in read_landed_files(deployment.home).values() for file in files]
    with open_warehouse(deployment.warehouse_path) as connection:
        for table in LANDED_TABLES:
            if table in tables:
                load_files(connection, table=table, files=files, home=deployment.home)


def test_only_what_the_warehouse_has_loaded_is_let_go(deployment: Deployment) -> None:
    land_messages(deployment.home, 1)
    everything = {"readings": 1, "messages": 1}
    report = keep_landing(deployment, keep_days=everything)
    assert report.retention is not None
    assert (report.retention.expired_file_count, report.retention.kept_file_count) == (0, 2)
    load(deployment, READING)
    assert keep_landing(deployment, keep_days=everything, is_dry_run=True).retention.expired_file_count == 1  # type: ignore[union-attr]
    keep_landing(deployment, keep_days=everything)
    assert kinds_left(deployment.home) == {"messages"}


def test_what_an_invoice_stands_on_is_kept(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = land_messages(deployment.home, 1)
    load(deployment, *LANDED_TABLES)
    billed = next(file.path for file in manifest.files if file.kind == "readings")
    monkeypatch.setattr(keeping, "_evidence_files", lambda _: {billed})
    keep_landing(deployment, keep_days={"readings": 1, "messages": 1})
    assert kinds_left(deployment.home) == {"readings"}


def test_evidence_is_looked_for_in_the_operational_store(deployment: Deployment) -> None:
    engine = open_store(deployment.database_url)
    with sessions(engine).begin() as session:
        assert session.execute(text("select count(*) from invoice_line_segment")).scalar() == 0
    engine.dispose()
    assert keeping._evidence_files(deployment) == set()


def test_by_default_everything_is_kept_and_only_old_files_are_merged(deployment: Deployment) -> None:
    for number in range(3):
        land_messages(deployment.home, number)
    report = keep_landing(deployment)
    assert (report.compaction.merged_file_count, report.retention) == (0, None)
    assert len(list(read_inventory(deployment.home).files())) == 6


def test_the_command_says_what_it_would_do_and_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path))
    for number in range(103):  # the newest hundred batches stay as they are
        land_messages(tmp_path, number, readings=1)
    would = CliRunner().invoke(app, ["compact", "--older-than", "0", "--dry-run"])
    assert would.output == "Would merge 6 files (6 rows) into 2; 0 manifests to bind.\n"
    done = CliRunner().invoke(app, ["compact", "--older-than", "0", "--json"])
    report = json.loads(done.output)
    assert (report["compaction"]["merged_file_count"], report["is_dry_run"], report["retention"]) == (6, False, None)
    again = CliRunner().invoke(app, ["compact", "--older-than", "0", "--keep-days", "1"])
    assert again.output.splitlines()[0] == "Merged 0 files (0 rows) into 0, 0.0 MB into 0.0 MB; 0 manifests bound."
    assert again.output.splitlines()[1].startswith("Let go of 0 files (0.0 MB); kept ")


def test_a_changed_file_makes_the_command_fail_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path))
    first = land_messages(tmp_path, 0).files[0]
    for number in range(1, 102):
        land_messages(tmp_path, number, readings=0)
    (tmp_path / first.path).write_bytes(b"")
    result = CliRunner().invoke(app, ["compact", "--older-than", "0"])
    assert f"left alone: {first.path} (sha256_mismatch" in result.output
    assert "restore them from a backup" in str(result.exception)


@pytest.mark.parametrize("wrong", ["{readings: 0}", "{readings: soon}", "{everything: 5}", "30", "{readings: true}"])
def test_days_to_keep_that_are_none_are_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "mapping").mkdir()
    configuration = (TEMPLATE / "lineshaft.yaml").read_text(encoding="utf-8")
    (tmp_path / "lineshaft.yaml").write_text(f"{configuration}\nkeep_days: {wrong}\n", encoding="utf-8")
    with pytest.raises(DeploymentError, match="keep_days gives whole days"):
        load_deployment(tmp_path)


def test_days_to_keep_are_read_from_the_deployment(tmp_path: Path) -> None:
    configuration = (TEMPLATE / "lineshaft.yaml").read_text(encoding="utf-8")
    (tmp_path / "lineshaft.yaml").write_text(f"{configuration}\nkeep_days: {{readings: 800}}\n", encoding="utf-8")
    assert load_deployment(tmp_path).keep_days == {"readings": 800}


# sqlglot, which dagster-dbt imports, warns of an accelerator of its own that some other tool may have installed.
@pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Parameter .execution_type.:dagster_shared.utils.warnings.BetaWarning")
def test_the_daily_job_merges_what_landed_more_than_an_hour_ago(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from orchestration.defs.housekeeping.compaction import landing_compact

    hours_ago = time.time_ns() - 2 * 3_600 * 10**9
    monkeypatch.setattr(landing.time, "time_ns", lambda: hours_ago)
    for number in range(103):
        land_messages(deployment.home, number, readings=0)
    monkeypatch.undo()
    with dg.DagsterInstance.ephemeral() as instance:
        assert landing_compact.execute_in_process(resources={"deployment": deployment}, instance=instance).success
    assert len(list(read_inventory(deployment.home).files())) == 103 - 3 + 1
