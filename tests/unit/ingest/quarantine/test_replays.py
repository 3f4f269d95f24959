"""ingest.quarantine.replays: refused, kept, and read after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.arrival import Arrival
from ingest.errors import CollectorLocked, LandingError
from ingest.landing import Landing, read_manifests
from ingest.lock import collector_lock
from ingest.quarantine import REPLAY_ID, ReplayReport, Selection, read_quarantine, replay, replays, show
from ingest.site import Site
from tests.builders.event_contracts import a_contract, write_contract
from tests.builders.quarantine import an_event_arrival, land, landed, landed_ids
from tests.builders.sparkplug import (
    a_device_birth,
    a_json_site,
    a_metric,
    a_node_birth,
    a_site,
    an_arrival,
    device_data,
)

COUNTER = "version: 1\nrules:\n  - {metric: conteo/buenas, is: good_count, role: counter, unit: H87}\n"
CONTEXT = "version: 2\nrules:\n  - {metric: conteo/buenas, is: note, role: context}\n"
MISTYPED = an_arrival("meridian/monterrey/a/cnc_201/conteo", '{"timestamp": 1772323200000, "buenas": "17"}')
STROKE = {"event_id": "s1", "event_type": "press_stroke", "event_at": "2026-03-01T00:00:00Z", "force": 12.5}


def waiting_ids(home: Path) -> list[str]:
    return read_quarantine(home).message_ids


def reasons(report: ReplayReport) -> list[str]:
    return [each.reason for each in report.refused]


def test_a_mapping_put_right_lets_a_refused_message_in_under_its_own_id(tmp_path: Path) -> None:
    mapping = tmp_path / "monterrey.yaml"
    mapping.write_text(COUNTER, encoding="utf-8")
    site = a_json_site(mapping=mapping)
    land(tmp_path, site, MISTYPED)
    (refused,) = read_quarantine(tmp_path).messages()
    assert (refused.reason, refused.is_landed) == ("mistyped_value", False)
    assert show(tmp_path, refused.message_id).payload == MISTYPED.payload

    assert reasons(replay(tmp_path, [site])) == ["mistyped_value"]
    mapping.write_text(CONTEXT, encoding="utf-8")
    report = replay(tmp_path, [site])
    assert (report.landed, report.refused) == ((refused.message_id,), ())
    assert landed_ids(tmp_path) == [refused.message_id]
    assert waiting_ids(tmp_path) == []
    assert show(tmp_path, refused.message_id[:6]).message.is_landed
    assert replay(tmp_path, [site]).landed == ()


def test_a_contract_added_lets_its_events_in_under_their_own_ids(tmp_path: Path) -> None:
    """A component with events of its own is plugged in after the fact: what it said meanwhile is not lost."""
    events = tmp_path / "events"
    land(tmp_path, a_json_site(), an_event_arrival(STROKE, event_type="press_stroke"))
    (refused,) = read_quarantine(tmp_path).messages()
    assert refused.reason == "contract_violation"
    assert refused.detail.startswith("/event_type: unknown_event_type: 'press_stroke' has no contract")
    write_contract(events, a_contract())
    assert replay(tmp_path, [a_json_site(events=events)]).landed == (refused.message_id,)
    (event,) = landed(tmp_path, "events")
    assert (event["message_id"], event["event_type"]) == (refused.message_id, "press_stroke")
    assert event["event_id"] == "s1"
    assert waiting_ids(tmp_path) == []


def test_a_contract_loosened_lets_its_events_in(tmp_path: Path) -> None:
    events = tmp_path / "events"
    write_contract(events, a_contract(properties={"force": {"maximum": 10}}, examples=[]))
    site = a_json_site(events=events)
    land(tmp_path, site, an_event_arrival(STROKE, event_type="press_stroke"))
    assert [each.detail for each in read_quarantine(tmp_path).messages()] == [
        "/force: maximum: must be at most 10, not 12.5"
    ]
    assert reasons(replay(tmp_path, [site])) == ["contract_violation"]
    write_contract(events, a_contract())
    assert len(replay(tmp_path, [site]).landed) == 1


def test_an_unknown_alias_is_read_once_its_birth_is_known(tmp_path: Path) -> None:
    site = a_site()
    data = device_data([a_metric(value=5, alias=1)])
    land(tmp_path, site, data)
    land(tmp_path, site, a_node_birth(), a_device_birth([a_metric("Counters/Good", 1, alias=1)]))
    (refused,) = waiting_ids(tmp_path)
    assert replay(tmp_path, [site], Selection(message_ids=frozenset([refused]))).landed == (refused,)
    row = landed(tmp_path, "readings")[-1]
    assert (row["metric_name"], row["value_double"], row["message_id"]) == ("Counters/Good", 5.0, refused)


def test_a_topic_put_right_lets_a_message_in_under_the_id_it_was_refused_with(tmp_path: Path) -> None:
    """Refused before it was parsed, it was not known to have no time of its own; its id must not change for that."""
    land(tmp_path, a_json_site(), an_arrival("atlas/monterrey/a/cnc_201/husillo", '{"rpm": 1200}'))
    (refused,) = read_quarantine(tmp_path).messages()
    assert refused.reason == "unknown_topic"
    assert replay(tmp_path, [a_json_site(enterprise="atlas")]).landed == (refused.message_id,)
    assert [row["message_id"] for row in landed(tmp_path, "readings")] == [refused.message_id]
    assert waiting_ids(tmp_path) == []


def test_what_a_replay_would_land_is_said_without_landing_it(tmp_path: Path) -> None:
    site = a_json_site()
    land(tmp_path, site, an_event_arrival(STROKE, event_type="press_stroke"), an_arrival("meridian/monterrey/a/b", "{"))
    write_contract(tmp_path / "events", a_contract())
    before = len(list(read_manifests(tmp_path)))
    report = replay(tmp_path, [a_json_site(events=tmp_path / "events")], is_dry_run=True)
    assert (len(report.landed), reasons(report), report.manifests) == (1, ["malformed_json"], ())
    assert report.is_dry_run
    assert len(list(read_manifests(tmp_path))) == before
    assert len(waiting_ids(tmp_path)) == 2


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(), 2),
        (Selection(site_id="monterrey"), 2),
        (Selection(site_id="hamburg"), 0),
        (Selection(reason="malformed_json"), 1),
        (Selection(reason="unknown_alias"), 0),
        (Selection(message_ids=frozenset(["0" * 32])), 0),
    ],
)
def test_only_what_is_meant_is_tried(selection: Selection, count: int, tmp_path: Path) -> None:
    site = a_json_site()
    land(tmp_path, site, an_event_arrival(STROKE, event_type="press_stroke"), an_arrival("meridian/monterrey/a/b", "{"))
    report = replay(tmp_path, [site], selection)
    assert (len(report.refused), report.landed, report.manifests) == (count, (), ())


def test_a_message_of_a_site_that_is_gone_is_refused_with_what_to_do(tmp_path: Path) -> None:
    land(tmp_path, a_json_site(), an_event_arrival(STROKE, event_type="press_stroke"))
    (refusal,) = replay(tmp_path, [a_site()]).refused
    assert refusal.detail == "site 'monterrey' is not in this deployment: enter it in lineshaft.yaml"


def test_a_message_refused_twice_lands_once(tmp_path: Path) -> None:
    """A redelivery after a crash is quarantined again, under the same id."""
    arrival = an_event_arrival(STROKE, event_type="press_stroke")
    land(tmp_path, a_json_site(), arrival)
    land(tmp_path, a_json_site(), arrival._replace(received_at=arrival.received_at + 1))
    write_contract(tmp_path / "events", a_contract())
    assert len(replay(tmp_path, [a_json_site(events=tmp_path / "events")]).landed) == 1
    assert len(landed(tmp_path, "events")) == 1


def test_many_messages_land_in_portions_in_the_order_they_came(tmp_path: Path, portions_of_two: None) -> None:
    land(tmp_path, a_json_site(), *five_strokes())
    report = replay(tmp_path, [a_site_with_strokes(tmp_path)])
    assert len(report.manifests) == 3
    assert [row["event_id"] for row in landed(tmp_path, "events")] == ["s0", "s1", "s2", "s3", "s4"]
    assert report.landed == tuple(landed_ids(tmp_path))


def test_a_replay_that_a_full_disk_stops_goes_on_where_it_stopped(
    tmp_path: Path, portions_of_two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(tmp_path, a_json_site(), *five_strokes())
    site = a_site_with_strokes(tmp_path)
    commit, calls = Landing.commit, iter(range(9))

    def commit_once(self: Landing, sites: Any) -> Any:
        if next(calls):
            raise LandingError("no space left", path=self.home)
        return commit(self, sites)

    with monkeypatch.context() as full_disk:
        full_disk.setattr(Landing, "commit", commit_once)
        with pytest.raises(LandingError):
            replay(tmp_path, [site])
    assert len(landed(tmp_path, "events")) == 2
    assert len(replay(tmp_path, [site]).landed) == 3
    assert len(set(landed_ids(tmp_path))) == len(landed_ids(tmp_path)) == 5


@pytest.fixture
def portions_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "PORTION_MESSAGES", 2)


def five_strokes() -> list[Arrival]:
    return [
        an_event_arrival(STROKE | {"event_id": f"s{number}"}, event_type="press_stroke", second=number)
        for number in range(5)
    ]


def a_site_with_strokes(tmp_path: Path) -> Site:
    write_contract(tmp_path / "events", a_contract())
    return a_json_site(events=tmp_path / "events")


def test_two_replays_never_run_at_once(tmp_path: Path) -> None:
    """Each begins by removing what the other has not committed yet."""
    with collector_lock(tmp_path, REPLAY_ID), pytest.raises(CollectorLocked):
        replay(tmp_path, [a_site()])
