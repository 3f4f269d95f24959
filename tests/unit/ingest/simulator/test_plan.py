from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

from ingest.simulator.actions import Connect, Disconnect, Drop, Publish, PublishSparkplug
from ingest.simulator.plan import plan
from ingest.simulator.plant_life import live
from ingest.simulator.shift_calendar import epoch_ms
from ingest.sparkplug.payload import decode_payload
from tests.builders.plants import on_the_wire, some_plants, the_plants, the_whole_plan


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert on_the_wire(plan(some_plants(days=2))) == on_the_wire(plan(some_plants(days=2)))


def test_another_seed_gives_other_bytes() -> None:
    plants = some_plants(days=1)
    other = plants.model_copy(update={"scenario": plants.scenario.model_copy(update={"seed": 8})})
    assert on_the_wire(plan(plants)) != on_the_wire(plan(other))


def test_taking_a_machine_away_changes_no_other_machine() -> None:
    plants = some_plants(days=3)
    fewer = plants.model_copy(
        update={
            "scenario": plants.scenario.model_copy(
                update={"machining": tuple(m for m in plants.scenario.machining if m.work_unit_id != "cnc_102")}
            )
        }
    )
    whole = [s for s in live(plants, site_id="hamburg").samples if s.work_unit_id != "cnc_102"]
    assert live(fewer, site_id="hamburg").samples == whole


def test_actions_stand_in_time_order() -> None:
    assert all(left.at_ms <= right.at_ms for left, right in pairwise(the_whole_plan()))


def test_the_plan_is_as_large_as_the_demo_expects() -> None:
    messages = on_the_wire(the_whole_plan())
    assert 50_000 <= len(messages) <= 65_000


def test_seq_runs_without_a_gap_from_every_birth_of_a_node() -> None:
    expected: dict[str, int] = {}
    for action in the_whole_plan():
        if not isinstance(action, PublishSparkplug):
            continue
        if "/NBIRTH/" in action.topic:
            expected[action.client_id] = 0
        assert action.seq == expected[action.client_id]
        expected[action.client_id] = (action.seq + 1) % 256
    assert len(expected) == 4


def test_bd_seq_counts_connections_and_death_names_the_birth_it_ends() -> None:
    wills: dict[str, list[tuple[int, int]]] = {}
    pending: dict[str, int] = {}
    for action in the_whole_plan():
        if isinstance(action, Connect) and action.will is not None:
            (bd_seq,) = decode_payload(action.will.payload).metrics
            assert isinstance(bd_seq.value, int)
            pending[action.client_id] = bd_seq.value
        elif isinstance(action, PublishSparkplug) and "/NBIRTH/" in action.topic:
            born = next(m.value for m in action.metrics if m.name == "bdSeq")
            assert isinstance(born, int)
            wills.setdefault(action.client_id, []).append((pending[action.client_id], born))
        elif isinstance(action, Publish) and "/NDEATH/" in action.topic:
            died = decode_payload(action.payload)
            assert died.seq is None
            assert died.metrics[0].value == pending[action.client_id]
    assert wills == {
        "sim-hamburg-milling_line": [(0, 0), (1, 1)],
        "sim-hamburg-air_station": [(0, 0)],
        "sim-pune-milling_line": [(0, 0)],
        "sim-pune-air_station": [(0, 0), (1, 1)],
    }


def test_aliases_are_unique_per_edge_node_and_born_before_they_are_used() -> None:
    born: dict[str, dict[int, str]] = {}
    for action in the_whole_plan():
        if not isinstance(action, PublishSparkplug):
            continue
        known = born.setdefault(action.client_id, {})
        if "/NBIRTH/" in action.topic:
            known.clear()
        for metric in action.metrics:
            if action.is_birth and metric.alias is not None:
                assert metric.alias not in known
                known[metric.alias] = f"{action.topic.rpartition('/')[2]}/{metric.name}"
            elif not action.is_birth:
                assert metric.alias is not None
                assert known[metric.alias].startswith(action.topic.rpartition("/")[2])
                assert metric.name is None


def test_a_cut_edge_node_forwards_what_it_stored_as_historical_after_its_births() -> None:
    actions = [a for a in the_whole_plan() if a.client_id == "sim-hamburg-milling_line"]
    cut = next(i for i, a in enumerate(actions) if isinstance(a, Drop))
    back = actions[cut + 1]
    assert isinstance(back, Connect)
    assert back.at_ms - actions[cut].at_ms == 4.5 * 3_600_000
    births = actions[cut + 2 : cut + 7]
    assert all(isinstance(a, PublishSparkplug) and a.is_birth for a in births)
    historical = [
        m for a in actions[cut + 7 :] if isinstance(a, PublishSparkplug) for m in a.metrics if m.is_historical
    ]
    stamps = [m.timestamp for m in historical]
    assert len(historical) > 400
    assert all(t is not None and actions[cut].at_ms <= t < back.at_ms for t in stamps)
    assert stamps == sorted(stamps, key=lambda t: t or 0)


def test_telemetry_of_monterrey_arrives_six_to_thirty_hours_late_where_the_scenario_says_so() -> None:
    delays = []
    for action in the_whole_plan():
        if isinstance(action, Publish) and action.topic.endswith("/telemetria") and action.payload.endswith(b"}"):
            stamp = int(action.payload[len(b'{"timestamp":') :].partition(b",")[0])
            if action.at_ms > stamp:
                delays.append((action.at_ms - stamp) / 3_600_000)
    assert len(delays) > 150
    assert 6 <= min(delays) < max(delays) <= 30


def test_mistyped_payloads_are_expected_in_the_quarantines_own_words() -> None:
    assert the_whole_plan().expected_quarantine == {
        "contract_violation": 2,
        "malformed_json": 2,
        "malformed_payload": 2,
        "mistyped_value": 2,
    }


def test_only_redelivered_messages_are_equal_to_one_another() -> None:
    counts = Counter(on_the_wire(the_whole_plan()))
    twice = [topic for (topic, _), count in counts.items() if count > 1]
    assert max(counts.values()) == 2
    assert 40 < len(twice) < 160
    assert all(not topic.startswith("spBv1.0/") for topic in twice)


def test_every_client_connects_first_and_leaves_last() -> None:
    by_client: dict[str, list[object]] = {}
    for action in the_whole_plan():
        by_client.setdefault(action.client_id, []).append(action)
    assert len(by_client) == 8
    assert all(isinstance(actions[0], Connect) for actions in by_client.values())
    assert all(isinstance(actions[-1], Disconnect) for actions in by_client.values())


def test_nothing_happens_outside_the_scenarios_window() -> None:
    scenario = the_plants().scenario
    for life in the_whole_plan().lives:
        stamps = [s.at_ms for s in life.samples] + [h.at_ms for h in life.happenings]
        assert min(stamps) >= epoch_ms(scenario.start_at)
        assert max(stamps) < epoch_ms(datetime(2026, 4, 5, tzinfo=UTC))
