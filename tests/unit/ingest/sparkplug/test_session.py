"""ingest.sparkplug.session: births, deaths, gaps and suspicion, without a clock or a socket."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sparkplug import snapshot
from ingest.sparkplug.session import BirthMetric, EdgeNode, Effects, Header, Sessions

T0 = 1_772_323_200_000


def header(kind: str, *, seq: int | None = None, at: int | None = T0, device: str = "", **changes: Any) -> Header:
    values: dict[str, Any] = {
        "message_type": kind,
        "edge_node_id": "line",
        "device_id": device,
        "seq": seq,
        "bd_seq": None,
        "at": at,
        "received_at": at if at is not None else T0,
    }
    return Header(**(values | changes))


def a_born_node(*, bd_seq: int = 0, at: int = T0) -> Sessions:
    sessions = Sessions()
    sessions.observe(header("NBIRTH", seq=0, bd_seq=bd_seq, at=at), [BirthMetric("bdSeq", None, 4, None)])
    sessions.observe(
        header("DBIRTH", seq=1, device="cnc", at=at), [BirthMetric("a", 1, 4, "Wh"), BirthMetric("b", 2, 10, None)]
    )
    return sessions


def kinds(effects: Effects) -> list[str]:
    return [loss.loss_kind for loss in effects.losses]


def test_an_unbroken_sequence_wraps_at_256_without_a_loss() -> None:
    sessions = a_born_node()
    for step in range(2, 600):
        effects = sessions.observe(header("DDATA", seq=step % 256, at=T0 + step, device="cnc"))
        assert (effects.losses, effects.flags) == ([], [])
    assert sessions.expire(T0 + 10**9).losses == []


def test_a_gap_becomes_a_loss_and_a_rebirth_request_once_hope_is_over() -> None:
    sessions = a_born_node()
    sessions.observe(header("DDATA", seq=254, at=T0 + 1000, device="cnc"))
    sessions.observe(header("DDATA", seq=2, at=T0 + 2000, device="cnc"))
    assert sessions.expire(T0 + 3000).losses == []
    effects = sessions.expire(T0 + 60_000)
    gaps = [loss for loss in effects.losses if loss.loss_kind == "seq_gap"]
    assert [(g.first_missing_seq, g.last_missing_seq, g.estimated_count) for g in gaps] == [(2, 253, 252), (255, 1, 3)]
    assert effects.rebirths == ["line"]


def test_a_gap_that_fills_in_time_is_no_loss() -> None:
    sessions = a_born_node()
    sessions.observe(header("DDATA", seq=4, at=T0 + 4, device="cnc"))
    for seq in (3, 2):
        assert sessions.observe(header("DDATA", seq=seq, at=T0 + seq, device="cnc")).flags == ["out_of_order"]
    assert sessions.expire(T0 + 10**6).losses == []


def test_a_gap_filled_in_part_counts_what_stays_missing() -> None:
    sessions = a_born_node()
    sessions.observe(header("DDATA", seq=12, at=T0 + 12, device="cnc"))
    sessions.observe(header("DDATA", seq=5, at=T0 + 5, device="cnc"))
    assert [loss.estimated_count for loss in sessions.expire(T0 + 10**6).losses][:1] == [9]


def test_a_death_counts_only_with_the_bd_seq_of_its_birth() -> None:
    sessions = a_born_node(bd_seq=7)
    stranger = sessions.observe(header("NDEATH", bd_seq=8, at=T0 + 1))
    assert (stranger.flags, stranger.rebirths, sessions.node("line").is_online) == (["unmatched_death"], ["line"], True)
    own = sessions.observe(header("NDEATH", bd_seq=7, at=T0 + 2))
    assert (kinds(own), sessions.node("line").is_online) == (["death"], False)
    assert own.stale == [("line", None, T0 + 2)]
    assert kinds(sessions.observe(header("NDEATH", bd_seq=7, at=T0 + 3))) == []


def test_a_suspect_that_answers_stays_and_one_that_does_not_goes_offline() -> None:
    sessions = a_born_node(bd_seq=7)
    sessions.observe(header("NDEATH", bd_seq=8, at=T0 + 1))
    sessions.observe(header("DDATA", seq=2, at=T0 + 2, device="cnc"))
    assert kinds(sessions.expire(T0 + 10**6)) == []
    sessions.observe(header("NDEATH", bd_seq=9, at=T0 + 3))
    assert "death" in kinds(sessions.expire(T0 + 10**6))
    assert not sessions.node("line").is_online


def test_a_new_session_without_a_death_leaves_a_stale_span_in_the_ledger() -> None:
    sessions = a_born_node(bd_seq=3)
    effects = sessions.observe(header("NBIRTH", seq=0, bd_seq=4, at=T0 + 90_000), [])
    assert [(loss.loss_kind, loss.from_at, loss.until_at) for loss in effects.losses] == [("stale", T0, T0 + 90_000)]


def test_a_rebirth_keeps_the_session_and_costs_nothing() -> None:
    sessions = a_born_node(bd_seq=3)
    effects = sessions.observe(header("NBIRTH", seq=2, bd_seq=3, at=T0 + 5), [BirthMetric("bdSeq", None, 4, None)])
    assert effects.losses == []
    assert sessions.observe(header("DBIRTH", seq=3, at=T0 + 5, device="cnc"), []).flags == []


def test_a_birth_overtaken_by_its_successor_changes_nothing() -> None:
    sessions = a_born_node(bd_seq=4, at=T0 + 100)
    effects = sessions.observe(header("NBIRTH", seq=0, bd_seq=3, at=T0), [])
    assert (effects.flags, sessions.node("line").bd_seq) == (["older_birth"], 4)


def test_two_sessions_with_the_same_bd_seq_are_told_apart_by_birth_time() -> None:
    sessions = a_born_node(bd_seq=0)
    sessions.observe(header("NDEATH", bd_seq=0, at=T0 + 10))
    sessions.observe(header("NBIRTH", seq=0, bd_seq=0, at=T0 + 20), [])
    assert (sessions.node("line").birth_at, sessions.node("line").is_online) == (T0 + 20, True)


def test_aliases_live_as_long_as_their_birth() -> None:
    sessions = a_born_node()
    assert sessions.node("line").by_alias("cnc", 1) is not None
    sessions.observe(header("NBIRTH", seq=2, bd_seq=1, at=T0 + 5), [])
    assert sessions.node("line").by_alias("cnc", 1) is None


def test_the_version_of_the_definitions_grows_with_every_change_of_names_and_only_then() -> None:
    sessions = a_born_node()
    node = sessions.node("line")
    versions = [node.definitions_version]
    for message, metrics in (
        (header("DDATA", seq=2, at=T0 + 1, device="cnc"), []),
        (header("DBIRTH", seq=3, at=T0 + 2, device="cnc"), [BirthMetric("c", 1, 4, None)]),
        (header("DBIRTH", seq=4, at=T0 + 3, device="cnc"), [BirthMetric("", 1, 4, None)]),
        (header("NBIRTH", seq=5, bd_seq=0, at=T0 + 4), [BirthMetric("bdSeq", None, 4, None)]),
    ):
        sessions.observe(message, metrics)
        versions.append(node.definitions_version)
    assert versions == [2, 2, 3, 3, 4]
    again = Sessions()
    snapshot.restore(again, births=snapshot.births(sessions), positions=snapshot.positions(sessions))
    assert again.node("line").definitions_version == 1


def test_an_ambiguous_birth_keeps_the_last_good_names() -> None:
    sessions = a_born_node()
    twice = [BirthMetric("x", 1, 4, None), BirthMetric("y", 1, 4, None)]
    effects = sessions.observe(header("DBIRTH", seq=2, at=T0 + 1, device="cnc"), twice)
    assert effects.flags == ["malformed_birth"]
    found = sessions.node("line").by_alias("cnc", 1)
    assert found is not None
    assert found.name == "a"


def test_a_client_that_numbers_each_device_from_one_is_read_and_flagged() -> None:
    sessions = a_born_node()
    effects = sessions.observe(header("DBIRTH", seq=2, at=T0, device="press"), [BirthMetric("p", 1, 4, None)])
    node = sessions.node("line")
    assert effects.flags == ["alias_reused"]
    assert [getattr(node.by_alias(device, 1), "name", None) for device in ("cnc", "press")] == ["a", "p"]


def test_a_device_death_without_seq_leaves_the_expected_seq_alone() -> None:
    sessions = a_born_node()
    effects = sessions.observe(header("DDEATH", seq=None, at=None, device="cnc"))
    assert (effects.flags, effects.stale) == (["no_seq"], [("line", "cnc", T0)])
    assert sessions.observe(header("NDATA", seq=2, at=T0 + 1)).flags == []


def test_data_before_any_birth_asks_for_one_and_then_keeps_quiet() -> None:
    sessions = Sessions()
    asked = [sessions.observe(header("DDATA", seq=s, at=T0 + s, device="cnc")).rebirths for s in range(100)]
    assert asked == [["line"], *([[]] * 99)]


def test_a_rebirth_switch_behind_a_prefix_is_found() -> None:
    sessions = Sessions()
    sessions.observe(header("NBIRTH", seq=0, bd_seq=0), [BirthMetric("CMD/Node Control/Rebirth", None, 11, None)])
    assert sessions.node("line").rebirth_metric == "CMD/Node Control/Rebirth"


def test_a_snapshot_brings_back_names_positions_and_open_gaps() -> None:
    sessions = a_born_node(bd_seq=5)
    sessions.observe(header("DDATA", seq=9, at=T0 + 9, device="cnc"))
    births = json.loads(json.dumps(snapshot.births(sessions)))
    positions = json.loads(json.dumps(snapshot.positions(sessions)))
    again = Sessions()
    snapshot.restore(again, births=births, positions=positions)
    assert again.node("line").by_alias("cnc", 1) == sessions.node("line").by_alias("cnc", 1)
    assert snapshot.positions(again) == snapshot.positions(sessions)
    assert again.expire(T0 + 10**6).losses == sessions.expire(T0 + 10**6).losses


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_every_message_that_never_comes_is_counted(is_lost: list[bool]) -> None:
    """Fewer than 256 in a row are counted exactly, whatever the pattern."""
    sessions = a_born_node()
    run, longest, expected = 0, 0, 0
    for position, lost in enumerate(is_lost):
        run = run + 1 if lost else 0
        longest = max(longest, run)
        if not lost:
            sessions.observe(header("DDATA", seq=(2 + position) % 256, at=T0 + 1000 * (position + 1), device="cnc"))
    while is_lost and is_lost[-1]:  # what is missing at the end is not missed yet
        is_lost.pop()
    expected = sum(is_lost)
    counted = sum(loss.estimated_count or 0 for loss in sessions.expire(T0 + 10**9).losses)
    assert longest >= 255 or counted == expected


def test_a_birth_stamped_far_ahead_does_not_make_all_that_follows_look_late() -> None:
    year = 365 * 86_400_000
    sessions = Sessions()
    sessions.observe(header("NBIRTH", seq=0, bd_seq=0, at=T0 + year, received_at=T0), [])
    sessions.observe(header("DBIRTH", seq=1, at=T0 + year, received_at=T0, device="cnc"), [])
    assert sessions.observe(header("DDATA", seq=4, at=T0 + 1000, device="cnc")).flags == []
    assert sessions.observe(header("DDATA", seq=3, at=T0 + 500, device="cnc")).flags == ["out_of_order"]
    assert [loss.estimated_count for loss in sessions.expire(T0 + 60_000).losses][:1] == [1]
    assert sessions.node("line").birth_at == T0 + year  # the session keeps the name it gave itself
    assert sessions.observe(header("NBIRTH", seq=0, bd_seq=1, at=T0 + 90_000), []).flags == []


def test_one_wild_stamp_in_data_is_forgotten_by_the_next_message() -> None:
    sessions = a_born_node()
    sessions.observe(header("DDATA", seq=2, at=T0 + 10**12, received_at=T0 + 1000, device="cnc"))
    sessions.observe(header("DDATA", seq=3, at=T0 + 2000, device="cnc"))
    assert sessions.observe(header("DDATA", seq=200, at=T0 + 3000, device="cnc")).flags == []
    assert [loss.estimated_count for loss in sessions.expire(T0 + 60_000).losses][:1] == [196]


def test_a_clock_set_back_at_a_reboot_does_not_hide_the_session_it_begins() -> None:
    sessions = a_born_node(bd_seq=255, at=T0)
    effects = sessions.observe(
        header("NBIRTH", seq=0, bd_seq=0, at=T0 - 10**9, received_at=T0 + 5000), [BirthMetric("new", 1, 4, None)]
    )
    assert (effects.flags, sessions.node("line").bd_seq) == ([], 0)


def test_a_straggler_of_the_session_before_is_told_apart() -> None:
    sessions = a_born_node(bd_seq=1, at=T0 + 5000)
    effects = sessions.observe(header("NDATA", seq=77, at=T0, received_at=T0 + 6000))
    assert effects.flags == ["out_of_order", "before_birth"]
    assert sessions.expire(T0 + 10**6).losses == []


def test_any_sequence_number_may_open_a_session() -> None:
    for seq in (0, 1, 200, 255):
        sessions = Sessions()
        sessions.observe(header("NBIRTH", seq=seq, bd_seq=0), [])
        assert sessions.observe(header("NDATA", seq=(seq + 1) % 256, at=T0 + 1)).flags == []
        assert sessions.expire(T0 + 10**9).losses == []


def test_devices_are_online_from_their_birth_to_their_own_death_or_their_nodes_birth_and_death() -> None:
    sessions = a_born_node()
    node = sessions.node("line")
    seen = [dict(node.devices)]
    for message in (
        header("DDEATH", seq=2, at=T0 + 1, device="cnc"),
        header("DBIRTH", seq=3, at=T0 + 2, device="cnc"),
        header("NBIRTH", seq=4, bd_seq=0, at=T0 + 3),
        header("DBIRTH", seq=5, at=T0 + 4, device="cnc"),
        header("NDEATH", bd_seq=0, at=T0 + 5),
    ):
        sessions.observe(message)
        seen.append(dict(node.devices))
    assert [each["cnc"] for each in seen] == [True, False, True, False, True, False]


def test_a_device_that_speaks_before_its_birth_is_flagged_asked_for_and_stays_stale() -> None:
    sessions = a_born_node()
    sessions.observe(header("NBIRTH", seq=2, bd_seq=0, at=T0 + 1), [])
    effects = sessions.observe(header("DDATA", seq=3, at=T0 + 2, device="cnc"))
    assert (effects.flags, effects.rebirths, effects.stale_after) == (["device_offline"], ["line"], T0 + 2)
    sessions.observe(header("DBIRTH", seq=4, at=T0 + 3, device="cnc"), [])
    assert sessions.observe(header("DDATA", seq=5, at=T0 + 4, device="cnc")).stale_after is None


def test_a_death_is_stale_from_receipt_and_a_devices_death_from_its_payloads_time() -> None:
    sessions = a_born_node(bd_seq=7)
    device = sessions.observe(header("DDEATH", seq=2, at=T0 + 10, received_at=T0 + 900, device="cnc"))
    node = sessions.observe(header("NDEATH", bd_seq=7, at=T0 - 10**6, received_at=T0 + 1000))
    assert (device.stale, node.stale) == ([("line", "cnc", T0 + 10)], [("line", None, T0 + 1000)])


def test_the_reorder_timeout_is_the_sites_to_choose() -> None:
    for timeout in (0, 200, 60_000):
        sessions = Sessions(reorder_timeout_ms=timeout)
        sessions.observe(header("NBIRTH", seq=0, bd_seq=0), [])
        sessions.observe(header("NDATA", seq=2, at=T0 + 1))
        assert sessions.expire(T0 + timeout).rebirths == []
        assert sessions.expire(T0 + 1 + timeout).rebirths == ["line"]


def test_a_site_may_forbid_to_ask() -> None:
    sessions = Sessions(ask_for_rebirth=False)
    effects = sessions.observe(header("DDATA", seq=2, at=T0, device="cnc"))
    assert (effects.flags, effects.rebirths, effects.losses) == (["no_birth"], [], [])


def test_a_rebirth_is_countable_and_a_new_session_is_none() -> None:
    sessions = a_born_node(bd_seq=3)
    assert sessions.observe(header("NBIRTH", seq=2, bd_seq=3, at=T0 + 5), []).flags == ["rebirth"]
    assert sessions.observe(header("NBIRTH", seq=0, bd_seq=4, at=T0 + 9), []).flags == []


def test_a_node_that_answers_without_mending_the_cause_is_asked_ever_more_rarely() -> None:
    sessions = a_born_node()
    asked_at, now = [], T0
    while len(asked_at) < 6:
        now += 1000
        effects = Effects()
        sessions.request_rebirth("line", now, effects, why="a metric in no birth")
        if effects.rebirths:
            asked_at.append(now)
            sessions.observe(header("NBIRTH", seq=0, bd_seq=0, at=now + 1), [])
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked_at)]
    assert pauses == [5_000, 10_000, 20_000, 40_000, 80_000]


def test_what_comes_after_the_timeout_is_a_backfill_of_the_loss() -> None:
    sessions = a_born_node()
    sessions.observe(header("DDATA", seq=5, at=T0 + 5000, device="cnc"))
    sessions.observe(header("DDATA", seq=2, at=T0 + 2000, device="cnc"))
    (gap, *_) = sessions.expire(T0 + 60_000).losses
    assert (gap.loss_kind, gap.estimated_count, gap.filled_count) == ("seq_gap", 2, 1)
    late = sessions.observe(header("DDATA", seq=4, at=T0 + 4000, received_at=T0 + 70_000, device="cnc"))
    (fill,) = late.losses
    assert (fill.loss_kind, fill.first_missing_seq, fill.estimated_count, fill.filled_count) == ("backfill", 4, 0, 1)
    assert (fill.from_at, fill.until_at) == (T0, T0 + 5000)
    assert sessions.observe(header("DDATA", seq=4, at=T0 + 4001, received_at=T0 + 71_000, device="cnc")).losses == []


def test_a_whole_turn_that_only_the_clock_shows_is_a_time_gap() -> None:
    sessions = a_born_node()
    now = T0
    for step in range(300):
        now += 1000
        sessions.observe(header("DDATA", seq=(2 + step) % 256, at=now, device="cnc"))
    now += 1000 * (256 * 3 + 1)
    effects = sessions.observe(header("DDATA", seq=(2 + 300) % 256, at=now, device="cnc"))
    assert [(loss.loss_kind, loss.estimated_count) for loss in effects.losses] == [("time_gap", 768)]
    pause = sessions.observe(header("DDATA", seq=(2 + 301) % 256, at=now + 1000 * 400, device="cnc"))
    assert pause.losses == []  # 399 are no whole turns: the sequence is believed


def test_a_birth_that_changes_a_datatype_or_a_unit_is_told_once() -> None:
    sessions = a_born_node()
    changed = [BirthMetric("a", 1, 10, "kWh"), BirthMetric("b", 2, 10, None), BirthMetric("c", 3, 4, None)]
    effects = sessions.observe(header("DBIRTH", seq=2, at=T0 + 1, device="cnc"), changed)
    assert [(d.metric_name, d.metric_index, d.drift_kind, d.before, d.after) for d in effects.drifts] == [
        ("a", 0, "datatype", "Int64", "Double"),
        ("a", 0, "unit", "Wh", "kWh"),
    ]
    assert sessions.observe(header("DBIRTH", seq=3, at=T0 + 2, device="cnc"), changed).drifts == []


def test_drift_is_judged_over_sessions_restarts_and_births_that_leave_a_metric_out() -> None:
    sessions = a_born_node()
    sessions.observe(header("DBIRTH", seq=2, at=T0 + 1, device="cnc"), [BirthMetric("b", 2, 10, None)])
    again = Sessions()
    document = json.loads(json.dumps([snapshot.births(sessions), snapshot.positions(sessions)]))
    snapshot.restore(again, births=document[0], positions=document[1])
    assert again.node("line").by_name("cnc", "a") == (None, False)
    again.observe(header("NBIRTH", seq=0, bd_seq=1, at=T0 + 10), [])
    effects = again.observe(header("DBIRTH", seq=1, at=T0 + 11, device="cnc"), [BirthMetric("a", 1, 12, "Wh")])
    assert [(d.metric_name, d.before, d.after) for d in effects.drifts] == [("a", "Int64", "String")]


def test_names_and_ids_that_differ_by_case_only_are_kept_apart_and_told_once() -> None:
    sessions = a_born_node()
    twins = [BirthMetric("Temp", 11, 10, None), BirthMetric("temp", 12, 10, None)]
    effects = sessions.observe(header("DBIRTH", seq=2, at=T0 + 1, device="CNC"), twins)
    assert [(d.drift_kind, d.metric_name, d.metric_index, d.before, d.after) for d in effects.drifts] == [
        ("case_conflict", "", -1, "cnc", "CNC"),
        ("case_conflict", "temp", 1, "Temp", "temp"),
    ]
    assert effects.flags == ["case_conflict"]
    node = sessions.node("line")
    assert [getattr(node.by_alias("CNC", alias), "name", None) for alias in (11, 12)] == ["Temp", "temp"]
    assert sessions.observe(header("DBIRTH", seq=3, at=T0 + 2, device="CNC"), twins).drifts == []
    other = sessions.observe(header("NBIRTH", seq=0, bd_seq=0, edge_node_id="Line"), [])
    assert [(d.edge_node_id, d.before, d.after) for d in other.drifts] == [("Line", "line", "Line")]


def test_a_snapshot_of_an_older_version_is_read() -> None:
    sessions = a_born_node(bd_seq=5)
    births, positions = snapshot.births(sessions), snapshot.positions(sessions)
    for entry in births:
        del entry["known"], entry["data_drifts"]
    for position in positions.values():
        for name in ("started_at", "devices", "closed_gaps", "rebirth", "cadence"):
            del position[name]
    again = Sessions()
    snapshot.restore(again, births=births, positions=positions)
    assert again.observe(header("DDATA", seq=2, at=T0 + 1, device="cnc")).flags == []


def a_node_with(*names: str) -> EdgeNode:
    sessions = a_born_node()
    metrics = [BirthMetric(name, None, 10, None) for name in names]
    sessions.observe(header("DBIRTH", seq=2, device="press"), metrics)
    return sessions.node("line")


@pytest.mark.parametrize(
    ("births", "said", "meant"),
    [
        (["DATA/temp"], "temp", ("DATA/temp", True)),
        (["Werte/temp"], "temp", ("Werte/temp", True)),  # a client not yet seen, with a folder of its own
        (["DATA/Sensors/temp"], "Sensors/temp", ("DATA/Sensors/temp", True)),
        (["ATTR/temp", "DATA/temp"], "temp", ("DATA/temp", True)),
        (["Left/temp", "Right/temp"], "temp", (None, False)),  # either would be a guess
        (["DATA/temp", "temp"], "temp", ("temp", False)),
        (["DATA/Sensors/temp"], "temp", (None, False)),  # two folders are no manner anybody has
    ],
)
def test_a_name_less_its_first_folder_is_found_where_it_can_mean_one_metric_only(
    births: list[str], said: str, meant: tuple[str | None, bool]
) -> None:
    found, is_bare = a_node_with(*births).by_name("press", said)
    assert (found.name if found else None, is_bare) == meant


def test_names_less_their_folder_belong_to_their_birth() -> None:
    sessions = a_born_node()
    for seq, name in ((2, "A/temp"), (3, "B/temp")):
        sessions.observe(header("DBIRTH", seq=seq, device="press"), [BirthMetric(name, None, 10, None)])
        found, _ = sessions.node("line").by_name("press", "temp")
        assert found is not None
        assert found.name == name


def test_a_rebirth_switch_is_known_by_its_whole_name() -> None:
    sessions = Sessions()
    sessions.observe(header("NBIRTH", seq=0, bd_seq=0), [BirthMetric("No Node Control/Rebirth", None, 11, None)])
    assert sessions.node("line").rebirth_metric == "Node Control/Rebirth"


def test_what_was_lost_while_nobody_listened_is_counted_by_the_clock_after_a_restart() -> None:
    sessions = a_born_node()
    now = T0
    for step in range(300):
        now += 1000
        sessions.observe(header("DDATA", seq=(2 + step) % 256, at=now, device="cnc"))
    again = Sessions()
    document = json.loads(json.dumps([snapshot.births(sessions), snapshot.positions(sessions)]))
    snapshot.restore(again, births=document[0], positions=document[1])
    lost = 3 * 3600  # three hours at one a second
    now += 1000 * (lost + 1)
    again.observe(header("DDATA", seq=(2 + 300 + lost) % 256, at=now, device="cnc"))
    assert [loss.estimated_count for loss in again.expire(now + 60_000).losses][:1] == [lost]


messages = st.builds(
    header,
    st.sampled_from(["NBIRTH", "NDEATH", "DBIRTH", "DDEATH", "DDATA", "DDATA", "NDATA", "NDATA"]),
    seq=st.none() | st.integers(0, 255) | st.integers(0, 8),
    bd_seq=st.none() | st.integers(0, 2),
    at=st.none() | st.integers(T0, T0 + 20_000) | st.integers(0, 2**47),
    device=st.sampled_from(["", "cnc", "CNC"]),
    received_at=st.integers(T0, T0 + 40_000),
)
declared = st.lists(
    st.builds(
        BirthMetric,
        st.sampled_from(["a", "A", "b", "bdSeq", ""]),
        st.none() | st.integers(0, 3),
        st.integers(0, 12),
        st.sampled_from([None, "Wh"]),
    ),
    max_size=3,
)


@given(st.lists(st.tuples(messages, declared), max_size=30), st.lists(st.tuples(messages, declared), max_size=10))
def test_a_restart_between_any_two_messages_changes_nothing(
    before: list[tuple[Header, list[BirthMetric]]], after: list[tuple[Header, list[BirthMetric]]]
) -> None:
    """And whatever comes, in whatever order and with whatever times, the machine takes it."""
    sessions = Sessions()
    for message, metrics in before:
        sessions.observe(message, metrics)
    again = Sessions()
    document = json.loads(json.dumps([snapshot.births(sessions), snapshot.positions(sessions)]))
    snapshot.restore(again, births=document[0], positions=document[1])
    for message, metrics in after:
        ours, theirs = sessions.observe(message, metrics), again.observe(message, metrics)
        assert [getattr(ours, name) for name in Effects.__slots__] == [
            getattr(theirs, name) for name in Effects.__slots__
        ]
    ours, theirs = sessions.expire(T0 + 10**6), again.expire(T0 + 10**6)
    assert (ours.losses, ours.rebirths, ours.stale) == (theirs.losses, theirs.rebirths, theirs.stale)
    assert snapshot.positions(again) == snapshot.positions(sessions)
