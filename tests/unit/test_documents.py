"""The documents keep up with the code: links lead somewhere, and every command they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for path in sorted(PROJECT.rglob("*.md"))
    if not path.relative_to(PROJECT).parts[0].startswith((".venv", ".lineshaft", ".pytest_cache"))
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_command_named_in_a_document_exists() -> None:
    from typer.main import get_command

    from orchestration.cli import app

    command = get_command(app)
    known = set(command.commands)
    inner = {name: set(getattr(each, "commands", {})) for name, each in command.commands.items()}
    pattern = re.compile(r"(?:^|`|/)lineshaft (?:--home \S+ )?([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
    named = {
        (document.relative_to(PROJECT).as_posix(), *found)
        for document in DOCUMENTS
        for found in pattern.findall(document.read_text(encoding="utf-8"))
    }
    assert len(named) > 15
    assert [each for each in named if each[1] not in known] == []
    assert [each for each in named if inner.get(each[1]) and each[2] and each[2] not in inner[each[1]]] == []


def test_the_readme_names_exactly_two_commands_to_begin_with() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    first_block = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)[0]
    assert [line.split("#")[0].split() for line in first_block.splitlines()] == [["make", "demo"], ["make", "test"]]


def test_every_decision_is_listed() -> None:
    pages = {path.name for path in (PROJECT / "docs" / "adr").glob("0*.md")}
    index = (PROJECT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert pages
    assert {page for page in pages if f"({page})" not in index} == set()


def test_the_examples_of_a_deployments_files_are_accepted(tmp_path: Path) -> None:
    import yaml

    from ingest.mapping import load_mapping
    from tests.builders.sparkplug import a_json_site

    text = (PROJECT / "docs" / "reference" / "deployment.md").read_text(encoding="utf-8")
    topics, payload, mapping = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    site = a_json_site(**yaml.safe_load(topics), **yaml.safe_load(payload))
    assert (site.roots, len(site.topics.levels), site.payload[0].value) == (("acme/mx/monterrey",), 3, "v")
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "cnc.yaml").write_text("rules: [{metric: x, is: x, role: context}]\n")
    (tmp_path / "site.yaml").write_text(mapping)
    assert len(load_mapping(tmp_path / "site.yaml").rules) == 5


def test_every_log_event_and_every_metric_is_in_the_reference() -> None:
    from ingest.monitoring import Monitor, SiteBatch, SiteStatus

    reference = (PROJECT / "docs" / "reference" / "operation.md").read_text(encoding="utf-8")
    code = "".join(
        path.read_text(encoding="utf-8")
        for package in ("ingest", "orchestration")
        for path in sorted((PROJECT / package).rglob("*.py"))
        if "simulator" not in path.parts
    )
    events = set(
        re.findall(r'\b(?:log|get_logger\(__name__\))\.(?:debug|info|warning|error|exception)\(\s*"(\w+)"', code)
    )
    assert len(events) > 10
    assert {event for event in events if f"| `{event}` |" not in reference} == set()

    monitor = Monitor()
    status = SiteStatus(
        is_subscribed=True, is_host_online=True, waiting_count=0, unacknowledged_count=0, oldest_received_at=None
    )
    monitor.watch(lambda: {"hamburg": status})
    monitor.note_batch({"hamburg": SiteBatch(quarantined={"malformed_json": 1})}, seconds=0.1)
    metrics = {family.name + "_total" * (family.type == "counter") for family in monitor.collect()}
    assert {name for name in metrics if f"| `{name}` |" not in reference} == set()
    assert set(re.findall(r"^\| `(lineshaft_\w+)` \|", reference, re.MULTILINE)) == metrics
