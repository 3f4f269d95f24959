"""ingest.sparkplug.session: births, deaths, gaps and suspicion, without a clock or a socket."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.sparkplug import snapshot
from ingest.sparkplug.session import BirthMetric, Effects, Header, Sessions

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
    assert sessions.observe(header("DDATA", seq=2, at=T0 + 1, device="cnc")).flags == []


def test_data_before_any_birth_asks_for_one_and_then_keeps_quiet() -> None:
    sessions = Sessions()
    asked = [sessions.observe(header("DDATA", seq=s, at=T0 + s, device="cnc")).rebirths for s in range(100)]
    assert asked == [["line"], *([[]] * 99)]


def test_a_rebirth_switch_behind_a_prefix_is_found() -> None:
    sessions = Sessions()
    sessions.observe(header("NBIRTH", seq=0, bd_seq=0), [BirthMetric("CMD/Node Control/Rebirth", None, 11, None)])
    assert sessions.node("line").rebirth_metric == "CMD/Node Control/Rebirth"


def test_a_snapshot_brings_back_names_positions_and_open_gaps() -> None:
    import json

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
