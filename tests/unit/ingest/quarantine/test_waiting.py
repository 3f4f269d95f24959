"""ingest.quarantine.replay_waiting: what waits for a birth lands when it comes, if it is the same session's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.arrival import Arrival
from ingest.quarantine import read_quarantine, replay_waiting
from ingest.sparkplug.metrics import Metric
from tests.builders.quarantine import land, landed
from tests.builders.sparkplug import (
    MARCH_1,
    RECEIVED_AT,
    a_device_birth,
    a_metric,
    a_node_birth,
    a_node_death,
    a_site,
    device_data,
)

NODE = "milling_line"
METRICS = [a_metric("Counters/Good", 1, alias=1)]


def seconds_later(arrival: Arrival, seconds: int) -> Arrival:
    return arrival._replace(received_at=RECEIVED_AT + seconds * 1_000_000)


def data(second: int, *, value: int = 5, node: str = NODE) -> Arrival:
    metrics: list[Metric] = [a_metric(value=value, alias=1)]
    return seconds_later(device_data(metrics, at=MARCH_1 + second * 1000, node=node), second)


def birth(second: int, *, bd_seq: int = 0, node: str = NODE) -> list[Arrival]:
    return [
        seconds_later(a_node_birth(bd_seq=bd_seq, at=MARCH_1 + second * 1000, node=node), second),
        seconds_later(a_device_birth(METRICS, at=MARCH_1 + second * 1000, node=node), second),
    ]


def test_what_came_before_our_restart_was_over_lands_with_the_rebirth_it_asked_for(tmp_path: Path) -> None:
    land(tmp_path, a_site(), data(1), data(2, value=6))
    land(tmp_path, a_site(), *birth(3))
    report = replay_waiting(tmp_path, a_site(), edge_node_id=NODE)
    assert (len(report.landed), report.refused) == (2, ())
    found = [(row["metric_name"], row["value_double"]) for row in landed(tmp_path, "readings")]
    assert found[-2:] == [("Counters/Good", 5.0), ("Counters/Good", 6.0)]
    assert len(read_quarantine(tmp_path)) == 0


@pytest.mark.parametrize(
    ("between", "why"),
    [
        ([], "no birth has come"),
        ([seconds_later(a_node_death(), 2), *birth(3, bd_seq=1)], "its session died before the birth"),
        ([*birth(2, bd_seq=1), *birth(3, bd_seq=2)], "the births are of two sessions"),
        (birth(3, node="turning_line"), "the birth is another edge node's"),
    ],
)
def test_a_message_of_another_session_is_left_to_a_person(between: list[Arrival], why: str, tmp_path: Path) -> None:
    """A new session may number its aliases anew; a guess would put a value under another metric's name."""
    land(tmp_path, a_site(), data(1))
    land(tmp_path, a_site(), *between)
    assert replay_waiting(tmp_path, a_site(), edge_node_id=NODE).landed == (), why
    assert len(read_quarantine(tmp_path)) == 1


def test_a_death_before_the_message_does_not_matter(tmp_path: Path) -> None:
    land(tmp_path, a_site(), *birth(-60), seconds_later(a_node_death(), -30))
    land(tmp_path, a_site(), data(1))
    land(tmp_path, a_site(), *birth(3, bd_seq=1))
    assert len(replay_waiting(tmp_path, a_site(), edge_node_id=NODE).landed) == 1


def test_only_this_edge_nodes_messages_are_tried(tmp_path: Path) -> None:
    land(tmp_path, a_site(), data(1), data(1, node="turning_line"))
    land(tmp_path, a_site(), *birth(3), *birth(3, node="turning_line"))
    assert len(replay_waiting(tmp_path, a_site(), edge_node_id=NODE).landed) == 1
    (left,) = read_quarantine(tmp_path).messages()
    assert "turning_line" in left.topic


def test_what_has_waited_too_long_is_left_to_a_person(tmp_path: Path) -> None:
    """The cost of looking must not grow with the landing zone."""
    land(tmp_path, a_site(), data(1))
    land(tmp_path, a_site(), *birth(3))
    later = datetime.now(UTC) + timedelta(hours=2)
    assert replay_waiting(tmp_path, a_site(), edge_node_id=NODE, now=later).landed == ()
    assert len(replay_waiting(tmp_path, a_site(), edge_node_id=NODE).landed) == 1
