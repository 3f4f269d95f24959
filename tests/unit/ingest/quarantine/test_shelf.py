"""ingest.quarantine.shelf: what the quarantine holds, without reading its payloads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.errors import IngestError
from ingest.quarantine import Selection, advice, read_quarantine, replay, show
from ingest.quarantine.advice import ADVICE
from tests.builders.event_contracts import a_contract, write_contract
from tests.builders.quarantine import an_event_arrival, land
from tests.builders.sparkplug import RECEIVED_AT, a_json_site, a_metric, a_site, an_arrival, device_data

RECEIVED = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=RECEIVED_AT)
STROKE = {"event_id": "s1", "event_type": "press_stroke", "event_at": "2026-03-01T00:00:00Z", "force": 1}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three messages of two sites: the youngest first, one of them refused twice."""
    stroke = an_event_arrival(STROKE, event_type="press_stroke", second=60)
    land(tmp_path, a_json_site(), stroke, an_arrival("meridian/monterrey/a/b", "{"))
    land(tmp_path, a_json_site(), stroke._replace(received_at=stroke.received_at + 1))
    data = device_data([a_metric(value=5, alias=1)])
    land(tmp_path, a_site(), data._replace(received_at=RECEIVED_AT + 30_000_000))
    return tmp_path


def test_messages_come_oldest_first_and_each_once(home: Path) -> None:
    found = list(read_quarantine(home).messages())
    assert [each.reason for each in found] == ["malformed_json", "unknown_alias", "contract_violation"]
    assert found[0].received_at == RECEIVED
    assert found[2].received_at == RECEIVED + timedelta(seconds=60)
    assert read_quarantine(home).message_ids == [each.message_id for each in found]
    assert list(read_quarantine(home).messages(limit=1)) == found[:1]


def test_a_count_says_how_many_of_which_reason_and_since_when(home: Path) -> None:
    counts = read_quarantine(home).counts()
    assert [(each.site_id, each.reason, each.message_count) for each in counts] == [
        ("hamburg", "unknown_alias", 1),
        ("monterrey", "contract_violation", 1),
        ("monterrey", "malformed_json", 1),
    ]
    assert counts[2].first_received_at == counts[2].last_received_at == RECEIVED


@pytest.mark.parametrize(
    ("selection", "reasons"),
    [
        (Selection(site_id="hamburg"), ["unknown_alias"]),
        (Selection(reason="malformed_json"), ["malformed_json"]),
        (Selection(since=RECEIVED + timedelta(seconds=30)), ["unknown_alias", "contract_violation"]),
        (Selection(site_id="monterrey", since=RECEIVED + timedelta(seconds=30)), ["contract_violation"]),
        (Selection(message_ids=frozenset()), []),
    ],
)
def test_a_selection_narrows(selection: Selection, reasons: list[str], home: Path) -> None:
    assert [each.reason for each in read_quarantine(home, selection).messages()] == reasons
    assert not selection.is_everything
    assert replace(selection, site_id=None, reason=None, since=None, message_ids=None).is_everything


def test_what_a_replay_landed_is_counted_as_landed(home: Path) -> None:
    write_contract(home / "events", a_contract())
    replay(home, [a_json_site(events=home / "events"), a_site()])
    assert "contract_violation" not in {each.reason for each in read_quarantine(home).messages()}
    every = list(read_quarantine(home, include_landed=True).messages())
    assert [each.is_landed for each in every] == [False, False, True]


def test_a_list_never_reads_a_payload(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Payloads may be megabytes each; a hundred thousand of them are no list."""
    read: list[list[str] | None] = []
    original = pq.ParquetFile.read

    def watched(self: pq.ParquetFile, columns: list[str] | None = None) -> object:
        read.append(columns)
        return original(self, columns)

    monkeypatch.setattr(pq.ParquetFile, "read", watched)
    assert len(read_quarantine(home)) == 3
    assert read
    assert all(columns is not None and "payload" not in columns for columns in read)


def test_a_message_is_shown_by_the_beginning_of_its_id(home: Path) -> None:
    (oldest, *_) = read_quarantine(home).messages()
    found = show(home, oldest.message_id[:7])
    assert (found.message, found.payload) == (oldest, b"{")


@pytest.mark.parametrize(("beginning", "sentence"), [("xyz", "no quarantined message has"), ("", "3 quarantined")])
def test_an_id_nobody_has_or_several_have_says_what_to_do(beginning: str, sentence: str, home: Path) -> None:
    with pytest.raises(IngestError, match=f"{sentence}.*list the quarantine"):
        show(home, beginning)


def test_an_empty_home_has_an_empty_quarantine(tmp_path: Path) -> None:
    quarantine = read_quarantine(tmp_path)
    assert (len(quarantine), quarantine.counts(), list(quarantine.messages())) == (0, (), [])


def test_every_reason_we_document_has_its_advice() -> None:
    readme = (Path(__file__).parents[4] / "ingest" / "README.md").read_text(encoding="utf-8")
    documented = readme.partition("## Quarantine reasons")[2].split("`")[1].split()
    assert set(documented) == set(ADVICE)
    assert advice("a reason of tomorrow").startswith("Mend what the detail names")
