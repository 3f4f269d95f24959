"""ingest.mapping: local names to the enterprise's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ingest.errors import MappingError
from ingest.mapping import CANONICAL_STATES, SiteMapping, load_mapping

DOCUMENT = {
    "version": 3,
    "equipment": {"torno_1": "cnc_201", "*/compresor_*": "comp_201"},
    "rules": [
        {"metric": "conteo/buenas", "is": "good_count", "role": "counter", "unit": "H87"},
        {"metric": "*/energia", "device": "*/compresor_*", "is": "energy", "role": "counter", "unit": "KWH"},
        {"metric": "*/energia", "is": "energy", "role": "counter", "unit": "KWH", "source_unit": "Wh"},
        {"metric": "estado/valor", "is": "state", "role": "state"},
    ],
    "states": {"Produciendo": "executing"},
}


def mapping() -> SiteMapping:
    return SiteMapping.model_validate(DOCUMENT)


def test_a_rule_gives_a_metric_its_meaning_unit_and_factor() -> None:
    found = mapping().resolve(edge_node_id="", device_id="mecanizado/torno_1", metric_name="x/energia")
    assert (found.work_unit_id, found.metric, found.metric_role, found.unit_code, found.factor) == (
        "cnc_201",
        "energy",
        "counter",
        "KWH",
        Decimal("0.001"),
    )


def test_the_first_matching_rule_wins() -> None:
    found = mapping().resolve(edge_node_id="", device_id="aire/compresor_1", metric_name="x/energia")
    assert (found.work_unit_id, found.factor) == ("comp_201", Decimal(1))


def test_a_unit_that_came_with_the_reading_wins_over_the_declared_one() -> None:
    found = mapping().resolve(edge_node_id="", device_id="torno_1", metric_name="x/energia", source_unit="kWh")
    assert found.factor == 1


def test_a_unit_that_cannot_be_converted_leaves_the_metric_unmapped_and_says_why() -> None:
    found = mapping().resolve(edge_node_id="", device_id="torno_1", metric_name="x/energia", source_unit="bar")
    assert (found.metric, found.metric_role) == (None, "unmapped")
    assert "bar" in str(found.problem)


def test_a_device_defaults_to_its_last_path_element_when_that_is_a_slug() -> None:
    assert mapping().work_unit("a/b/cnc_203") == "cnc_203"
    assert mapping().work_unit("a/Prensa Grande") is None


def test_a_metric_no_rule_names_is_unmapped() -> None:
    found = mapping().resolve(edge_node_id="e", device_id="cnc_203", metric_name="unknown")
    assert (found.metric_role, found.work_unit_id, found.problem) == ("unmapped", "cnc_203", None)


def test_canonical_states_need_no_line_of_their_own() -> None:
    assert mapping().states == {state: state for state in CANONICAL_STATES} | {"Produciendo": "executing"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"version": 0}, "version"),
        ({"states": {"x": "running"}}, "states"),
        ({"rules": [{"metric": "m", "is": "energy", "role": "counter"}]}, "rules"),
        ({"rules": [{"metric": "m", "is": "energy", "role": "counter", "unit": "KWH", "source_unit": "bar"}]}, "rules"),
        ({"rules": [{"metric": "m", "is": "Energy!", "role": "sensor", "unit": "KWH"}]}, "rules"),
        ({"equipment": {"x": "../up"}}, "equipment"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_mapping_that_cannot_be_meant_names_the_place(change: dict[str, object], where: str, tmp_path: Path) -> None:
    import yaml

    path = tmp_path / "monterrey.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT | change), encoding="utf-8")
    with pytest.raises(MappingError, match=where):
        load_mapping(path)


def test_a_file_that_is_missing_or_no_yaml_says_so(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="does not exist"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(MappingError, match="YAML"):
        load_mapping(tmp_path / "bad.yaml")
