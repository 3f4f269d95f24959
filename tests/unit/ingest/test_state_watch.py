"""ingest.state_watch: what changed since the last look, and nothing read twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import state_watch
from ingest.current_state import CurrentValue, read_snapshot
from ingest.state_watch import StateWatch
from tests.builders.pictures import AT, Picture


def told(values: list[CurrentValue]) -> dict[str, int]:
    return {value.metric_name: int(str(value.value)) for value in values}


def test_the_first_look_tells_everything_and_the_next_only_what_changed(tmp_path: Path) -> None:
    picture, watch = Picture(tmp_path), StateWatch(tmp_path)
    picture.says({"a": 1, "b": 2})
    assert told(watch.look()) == {"a/v": 1, "b/v": 2}
    picture.says({"b": 3}, at=AT + 1)
    assert told(watch.look()) == {"b/v": 3}
    assert told(watch.values) == {"a/v": 1, "b/v": 3}


def test_a_snapshot_that_was_not_saved_again_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Picture(tmp_path, part="line-a").says({"a": 1})
    other = Picture(tmp_path, part="line-b")
    other.says({"b": 2})
    read: list[str] = []

    def reading(path: Path, pattern: str) -> list[CurrentValue]:
        read.append(path.name)
        return read_snapshot(path, pattern)

    monkeypatch.setattr(state_watch, "read_snapshot", reading)
    watch = StateWatch(tmp_path)
    watch.look()
    assert watch.look() == []
    other.says({"b": 3}, at=AT + 1)
    watch.look()
    assert read == ["monterrey.line-a.parquet", "monterrey.line-b.parquet", "monterrey.line-b.parquet"]


def test_of_what_two_collectors_heard_of_one_metric_the_newer_stands(tmp_path: Path) -> None:
    watch = StateWatch(tmp_path)
    Picture(tmp_path, part="line-a").says({"a": 7}, at=AT + 9)
    Picture(tmp_path, part="line-b").says({"a": 6}, at=AT + 8)
    assert told(watch.look()) == {"a/v": 7}


def test_only_what_matches_is_told_and_no_home_is_no_error(tmp_path: Path) -> None:
    assert StateWatch(tmp_path).look() == []
    Picture(tmp_path).says({"a": 1, "b": 2})
    assert told(StateWatch(tmp_path, "monterrey/+/+/b/#").look()) == {"b/v": 2}
    assert told(StateWatch(tmp_path, "monterrey/#").look()) == {"a/v": 1, "b/v": 2}
    assert StateWatch(tmp_path, "hamburg/#").look() == []
