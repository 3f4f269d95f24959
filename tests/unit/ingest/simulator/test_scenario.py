from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingest.mapping import load_mapping
from ingest.simulator.errors import ScenarioError
from ingest.simulator.scenario import load_plants
from tests.builders.plants import TEMPLATE, the_plants


def test_the_bundled_scenario_plays_fourteen_work_units_over_37_days() -> None:
    scenario = the_plants().scenario
    assert len(scenario.machining) + len(scenario.compression) == 14
    assert (scenario.start_at.isoformat(), scenario.end_at.isoformat()) == (
        "2026-02-27T00:00:00+00:00",
        "2026-04-05T00:00:00+00:00",
    )
    assert scenario.seed == 7


def test_a_missing_scenario_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"lineshaft\.yaml: this file does not exist"):
        load_plants(tmp_path)


def test_a_work_unit_the_enterprise_does_not_know_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE, tmp_path / "deployment")
    path = tmp_path / "deployment" / "plant" / "scenario.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("cnc_104", "cnc_999"), encoding="utf-8")
    with pytest.raises(ScenarioError, match="cnc_999 is no equipment"):
        load_plants(tmp_path / "deployment")


def test_a_misspelt_member_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE, tmp_path / "deployment")
    path = tmp_path / "deployment" / "plant" / "scenario.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed: 7", "seed: 7\nspede: 3"), encoding="utf-8")
    with pytest.raises(ScenarioError, match="spede"):
        load_plants(tmp_path / "deployment")


@pytest.mark.parametrize("site_id", ["hamburg", "monterrey", "pune"])
def test_every_state_word_a_site_uses_is_in_its_mapping(site_id: str) -> None:
    dialect = next(d for d in the_plants().scenario.dialects if d.site_id == site_id)
    mapping = load_mapping(TEMPLATE / "mapping" / f"{site_id}.yaml")
    assert {word: mapping.states[word] for word in dialect.state_words.values()} == {
        word: state for state, word in dialect.state_words.items()
    }
