from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml

from ingest.mapping import load_mapping
from ingest.simulator.actions import Publish, PublishSparkplug
from ingest.simulator.cmapss import BASE_MS, METRIC_NAMES, cmapss_plan, read_engines
from ingest.simulator.cmapss_deployment import cmapss_deployment
from ingest.simulator.errors import ReplayDataError
from models.isa95.enterprise_files import load_enterprise

HOUR_MS = 3_600_000


def a_row(unit: int, cycle: int, value: float) -> str:
    return f"{unit} {cycle} " + " ".join(f"{value + n / 100:.4f}" for n in range(24)) + "  \n"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two training engines of 3 and 2 cycles, one test engine of 2."""
    lives = {"train": [(1, 3), (2, 2)], "test": [(1, 2)]}
    for part, engines in lives.items():
        with gzip.open(tmp_path / f"{part}_FD001.txt.gz", "wt", encoding="ascii") as file:
            file.writelines(
                a_row(unit, cycle, 100 * unit + cycle) for unit, cycles in engines for cycle in range(1, cycles + 1)
            )
    return tmp_path


def test_every_row_is_said_exactly_once_with_its_own_hour(recordings: Path) -> None:
    played = cmapss_plan(recordings, subset="FD001")
    said = [
        (a.topic.rpartition("/")[2], (a.at_ms - BASE_MS) // HOUR_MS, tuple(m.value for m in a.metrics))
        for a in played
        if isinstance(a, PublishSparkplug) and not a.is_birth
    ]
    expected = [
        (engine.work_unit_id, cycle, row)
        for part in ("train", "test")
        for engine in read_engines(recordings, subset="FD001", part=part)
        for cycle, row in enumerate(engine.rows, start=1)
    ]
    assert said == expected
    assert len(said) == 7


def test_births_name_every_column_and_carry_no_value(recordings: Path) -> None:
    births = [
        a for a in cmapss_plan(recordings, subset="FD001") if isinstance(a, PublishSparkplug) and "/DBIRTH/" in a.topic
    ]
    assert len(births) == 3
    assert all(tuple(m.name for m in birth.metrics) == METRIC_NAMES for birth in births)
    assert all(metric.value is None for birth in births for metric in birth.metrics)


def test_only_training_engines_end_with_a_failure_right_after_their_last_cycle(recordings: Path) -> None:
    failures = [
        (json.loads(a.payload)["physical_asset_id"], (a.at_ms - BASE_MS) / HOUR_MS)
        for a in cmapss_plan(recordings, subset="FD001")
        if isinstance(a, Publish) and "/_event/" in a.topic
    ]
    assert failures == [("fd001-train-001", 3.5), ("fd001-train-002", 2.5)]


def test_engines_limits_each_part(recordings: Path) -> None:
    played = cmapss_plan(recordings, subset="FD001", engines=1)
    nodes = {a.topic.split("/")[3] for a in played if isinstance(a, PublishSparkplug)}
    assert nodes == {"train_001", "test_001"}


def test_an_unknown_subset_and_a_missing_file_are_refused(recordings: Path) -> None:
    with pytest.raises(ReplayDataError, match="'FD009' is no subset"):
        cmapss_plan(recordings, subset="FD009")
    with pytest.raises(ReplayDataError, match="does not exist"):
        cmapss_plan(recordings, subset="FD002")


def test_a_cycle_that_is_missing_is_named(recordings: Path) -> None:
    with gzip.open(recordings / "test_FD001.txt.gz", "wt", encoding="ascii") as file:
        file.writelines([a_row(1, 1, 1.0), a_row(1, 3, 1.0)])
    with pytest.raises(ReplayDataError, match="line 2: cycle 3 does not follow cycle 1"):
        read_engines(recordings, subset="FD001", part="test")


def test_the_deployment_maps_every_engine_to_itself(tmp_path: Path) -> None:
    cmapss_deployment(tmp_path, subset="FD001", engines=3)
    mapping = load_mapping(tmp_path / "mapping" / "nasa.yaml")
    meaning = mapping.resolve(edge_node_id="test_002", device_id="test_002", metric_name="s11")
    assert (meaning.work_unit_id, meaning.metric, meaning.metric_role) == ("test_002", "s11", "sensor")
    enterprise = load_enterprise(tmp_path / "enterprise")
    assert enterprise is not None
    assets = yaml.safe_load((tmp_path / "enterprise" / "assets.yaml").read_text(encoding="utf-8"))
    assert [a["physical_asset_id"] for a in assets["physical_asset"]][:4] == [
        "fd001-train-001",
        "fd001-train-002",
        "fd001-train-003",
        "fd001-test-001",
    ]
    assert {a["equipment_class"] for a in assets["physical_asset"]} == {"turbofan_fd001"}
