"""The command line: what it writes, what it finds, and how it says that something is wrong."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.simulator.publication import Publication, Tally
from orchestration.billing import BlockedInvoice, IssueReport
from orchestration.build import BuildReport
from orchestration.cli import app, main
from orchestration.commands.console import print_json, print_table
from orchestration.commands.demo import _print as print_demo
from orchestration.demonstration import Demonstration, MessageAccount
from orchestration.errors import BuildError
from orchestration.replaying import Replay
from orchestration.settings import TEMPLATE


@pytest.fixture(autouse=True)
def environment(tmp_path: Path) -> Iterator[None]:
    """The command line writes its global options into the environment: give it back as it was."""
    before = dict(os.environ)
    os.environ["LINESHAFT_HOME"] = str(tmp_path / "home")
    yield
    os.environ.clear()
    os.environ.update(before)


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_init_writes_a_deployment_that_the_doctor_finds_well(tmp_path: Path) -> None:
    written = run("init", str(tmp_path / "plant"))
    assert "lineshaft.yaml" in written
    names = {path.relative_to(TEMPLATE) for path in TEMPLATE.rglob("*.yaml")}
    assert {path.relative_to(tmp_path / "plant") for path in (tmp_path / "plant").rglob("*.yaml")} == names
    found = json.loads(run("-d", str(tmp_path / "plant"), "doctor", "--offline", "--json"))
    assert {finding["state"] for finding in found} <= {"ok", "note"}
    assert any(finding["detail"].startswith("14 physical assets, 6 contracts") for finding in found)


def test_the_doctor_names_a_broker_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    run("init", str(tmp_path / "plant"))
    configuration = tmp_path / "plant" / "lineshaft.yaml"
    configuration.write_text(configuration.read_text().replace(":1883", f":{free}"))
    result = CliRunner().invoke(app, ["-d", str(tmp_path / "plant"), "doctor", "--json"])
    assert result.exit_code == 1
    wrong = [finding for finding in json.loads(result.output) if finding["state"] == "wrong"]
    assert [finding["subject"] for finding in wrong] == ["broker"]
    assert "does not answer" in wrong[0]["detail"]


def test_the_doctor_names_a_contract_that_covers_an_unknown_asset(tmp_path: Path) -> None:
    run("init", str(tmp_path / "plant"))
    contract = tmp_path / "plant" / "contracts" / "eaas-air-pune.yaml"
    contract.write_text(contract.read_text().replace("weller-ax75-2231", "weller-ax75-9999"))
    result = CliRunner().invoke(app, ["-d", str(tmp_path / "plant"), "doctor", "--offline", "--json"])
    assert result.exit_code == 1
    wrong = [finding["detail"] for finding in json.loads(result.output) if finding["state"] == "wrong"]
    assert len(wrong) == 1
    assert "weller-ax75-9999" in wrong[0]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-d", "nowhere", "build"), "error: No lineshaft.yaml in"),
        (("share",), "error: There is no warehouse yet; run `lineshaft build` first."),
        (("invoice", "draft", "2026-03"), "error: There is no warehouse yet; run `lineshaft build` first."),
        (("invoice", "show", "WELLER-2026-000001"), "error: There is no invoice or draft 'WELLER-2026-000001'"),
        (("invoice", "verify", "missing.pdf"), "error: There is no file missing.pdf"),
        (("quarantine", "replay"), "error: Name the messages to replay, or say --all"),
        (("quarantine", "list", "--since", "lately"), "error: --since lately: write a day or a time"),
        (("contracts", "show", "party"), "error: event type 'party' has no contract; known are corrective_action"),
        (("contracts", "check", "missing.json"), "error: missing.json: No such file"),
        (("contracts", "check", "a_file"), "error: a_file: the payload is no JSON"),
        (("quarantine", "replay", "abc"), "error: no quarantined message has an id beginning with 'abc'"),
        (("init", "a_file"), "error: a_file is a file; name a new directory"),
        (("--home", "a_file/home", "quarantine", "replay", "--all"), "error: "),
        (("simulate", "--broker", "mqtt://b:99999"), "error: 'mqtt://b:99999' is no broker address"),
        (("collect", "--site", "atlantis"), "error: Site 'atlantis' is not in"),
        (("collect", "--collector-id", "../up"), "error: A collector cannot be called '../up'"),
        (("collect", "--broker", "http://b"), "error: --broker or --protocol:"),
        (("replay", "tape", "--path", "."), "error: There is no data set 'tape' to replay"),
    ],
)
def test_an_error_is_one_sentence_that_says_what_to_do(
    words: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").touch()
    monkeypatch.setattr(sys, "argv", ["lineshaft", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(sentence)


def test_an_empty_quarantine_and_an_empty_state_say_so() -> None:
    assert "The quarantine is empty." in run("quarantine", "list")
    assert "Nothing known matches 'hamburg/#'" in run("state", "hamburg/#")


@dataclass(frozen=True)
class Priced:
    amount: Decimal
    on: date


def test_json_keeps_amounts_as_text_and_results_by_their_fields(capsys: pytest.CaptureFixture[str]) -> None:
    print_json((Priced(Decimal("0.10"), date(2026, 3, 1)),))
    assert json.loads(capsys.readouterr().out) == [{"amount": "0.10", "on": "2026-03-01"}]


def test_a_table_shows_absent_values_as_a_dash_and_groups_thousands(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "count"), [("a", 12_345), ("b", None)])
    out = capsys.readouterr().out
    assert "12,345" in out
    assert "–" in out


def test_issuing_ends_with_1_when_a_draft_was_held_back_for_machines_too(monkeypatch: pytest.MonkeyPatch) -> None:
    held = IssueReport(
        billing_period="2026-03",
        issued=(),
        blocked=(BlockedInvoice(contract_id="c", physical_asset_id="a", reasons=("estimated",)),),
    )
    monkeypatch.setattr("orchestration.billing.issue_invoices", lambda *_, **__: held)
    for words in (("invoice", "issue", "2026-03"), ("invoice", "issue", "2026-03", "--json")):
        assert CliRunner().invoke(app, list(words)).exit_code == 1


def test_a_replay_that_is_not_exact_ends_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Replay(
        subset="FD001",
        published=2,
        landed=1,
        quarantined=0,
        test_row_count=1,
        expected_reading_count=24,
        found_reading_count=0,
        is_exact=False,
        grade={},
        home="",
    )
    monkeypatch.setattr("orchestration.replaying.replay_cmapss", lambda *_, **__: outcome)
    result = CliRunner().invoke(app, ["replay", "cmapss", "--path", ".", "--json"])
    assert isinstance(result.exception, BuildError)
    assert json.loads(result.stdout)["is_exact"] is False


def test_the_simulator_publishes_as_whom_the_deployment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", str(tmp_path / "plant"))
    configuration = tmp_path / "plant" / "lineshaft.yaml"
    text = configuration.read_text().replace(
        "username_env: null, password_env: null", "username_env: U, password_env: P"
    )
    configuration.write_text(text)
    monkeypatch.setenv("U", "plant")
    monkeypatch.setenv("P", "a secret")
    asked: dict[str, object] = {}

    async def publish(_plan: object, **options: object) -> Publication:
        asked.update(options)
        return Tally(site_by_group={}).publication(expected_quarantine={}, elapsed_s=1.0)

    monkeypatch.setattr("ingest.simulator.publisher.publish", publish)
    run("-d", str(tmp_path / "plant"), "simulate", "--days", "1")
    assert (asked["username"], asked["password"]) == ("plant", "a secret")


def test_a_demo_without_invoices_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Demonstration(
        account=MessageAccount(published=1, published_twice=0, landed=1, quarantined=0, doubled=0),
        is_played_now=True,
        build=BuildReport(is_up_to_date=False, seconds=1.0),
        performance=(),
        at_risk=(),
        issued=(),
        totals={},
    )
    print_demo(done, home=tmp_path, seconds=1.0)
    out = capsys.readouterr().out
    assert "Invoices for March 2026: none" in out
    assert "state 'hamburg/#'" in out


@pytest.mark.parametrize("words", [("share",), ("publish",), ("build",), ("invoice", "draft", "2026-03")])
def test_a_file_that_is_no_warehouse_is_named(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    warehouse = tmp_path / "home" / "warehouse.duckdb"
    warehouse.parent.mkdir()
    warehouse.write_bytes(b"no database" * 10_000)
    monkeypatch.setattr(sys, "argv", ["lineshaft", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {warehouse} cannot be opened")
    found = json.loads(CliRunner().invoke(app, ["doctor", "--offline", "--json"]).stdout)
    assert "warehouse" in {finding["subject"] for finding in found if finding["state"] == "wrong"}
