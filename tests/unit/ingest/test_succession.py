"""ingest.succession: the heir of a standby group knows what the one before it knew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.decoder import SiteDecoder
from ingest.landing import Landing
from ingest.sparkplug import snapshot
from ingest.succession import newest_by_lease, recent_message_ids, succeed
from tests.builders.sparkplug import MARCH_1, a_device_birth, a_metric, a_node_birth, a_site, device_data


class Member:
    """Decodes and commits as a collector of the group does."""

    def __init__(self, home: Path, name: str, token: int | None) -> None:
        self.landing = Landing(home, collector_id=name, lease_token=token)
        self.decoder = SiteDecoder(a_site())

    def lands(self, *arrivals: Any) -> None:
        batch = self.decoder.decode(arrivals, now=0)
        sessions = self.decoder.sessions
        births = None
        if sessions.births_changed:
            births = json.dumps({"hamburg": snapshot.births(sessions)}).encode()
            sessions.births_changed = False
        self.landing.commit([batch.rows], births=births, edge_nodes={"hamburg": snapshot.positions(sessions)})


def data(value: int, *, seq: int) -> Any:
    return device_data([a_metric(value=value, alias=1, timestamp=MARCH_1 + value)], seq=seq)


def an_heir(home: Path) -> SiteDecoder:
    decoder = SiteDecoder(a_site())
    succeed([decoder], home=home)
    return decoder


def test_the_heir_knows_aliases_and_positions_and_recognises_what_was_landed(tmp_path: Path) -> None:
    first = Member(tmp_path, "line-a", 1)
    birth = a_device_birth([a_metric("Counters/Good", 0, alias=1)])
    first.lands(a_node_birth(), birth, data(1, seq=2))
    heir = an_heir(tmp_path)
    batch = heir.decode([data(1, seq=2), data(2, seq=3)], now=0)
    assert batch.redelivered_count == 1
    assert batch.rows.readings.lists["metric_name"] == ["Counters/Good"]
    assert len(batch.rows.quarantine) == len(batch.rows.losses) == 0
    assert heir.sessions.node("milling_line").seq == 3


def test_an_heir_writes_down_the_names_it_inherited_for_its_own_heir(tmp_path: Path) -> None:
    Member(tmp_path, "line-a", 1).lands(a_node_birth(), a_device_birth([a_metric("Counters/Good", 0, alias=1)]))
    second = Member(tmp_path, "line-b", 2)
    succeed([second.decoder], home=tmp_path)
    second.lands(data(1, seq=2))
    batch = an_heir(tmp_path).decode([data(2, seq=3)], now=0)
    assert batch.rows.readings.lists["metric_name"] == ["Counters/Good"]


def test_what_a_replaced_member_commits_late_does_not_count_as_newest(tmp_path: Path) -> None:
    first, second = Member(tmp_path, "line-a", 1), Member(tmp_path, "line-b", 2)
    first.lands(a_node_birth(), a_device_birth([a_metric("Counters/Good", 0, alias=1)]))
    succeed([second.decoder], home=tmp_path)
    second.lands(data(1, seq=2), data(2, seq=3), data(3, seq=4))
    first.lands(data(1, seq=2))  # woke up in the middle of its last batch
    assert [(m.collector, m.lease_token) for m in newest_by_lease(tmp_path)] == [("line-b", 2), ("line-a", 1)]
    assert an_heir(tmp_path).sessions.node("milling_line").seq == 4


def test_recent_messages_are_those_of_all_members_newest_last(tmp_path: Path) -> None:
    first, second = Member(tmp_path, "line-a", 1), Member(tmp_path, "line-b", 2)
    for number, member in enumerate((first, second, first)):
        member.lands(a_node_birth(bd_seq=number, at=MARCH_1 + number))
    found = recent_message_ids(tmp_path, limit=10)
    assert (len(found), len(set(found))) == (3, 3)
    assert recent_message_ids(tmp_path, limit=1) == found[-1:]


def test_what_is_older_than_a_file_that_is_gone_is_not_looked_for(tmp_path: Path) -> None:
    member = Member(tmp_path, "line-a", 1)
    for number in range(3):
        member.lands(a_node_birth(bd_seq=number, at=MARCH_1 + number))
    everything = recent_message_ids(tmp_path, limit=10)
    second = sorted((tmp_path / "landing" / "messages").rglob("*.parquet"))[1]
    second.unlink()
    assert recent_message_ids(tmp_path, limit=10) == everything[-1:]


def test_an_empty_home_leaves_nothing(tmp_path: Path) -> None:
    decoder = an_heir(tmp_path)
    assert (decoder.sessions.nodes, decoder.sessions.births_changed) == ({}, False)
