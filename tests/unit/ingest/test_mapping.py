"""ingest.mapping: local names to the enterprise's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ingest.errors import MappingError
from ingest.mapping import CANONICAL_STATES, SiteMapping, load_mapping

RULES = [
    {"metric": "conteo/buenas", "is": "good_count", "role": "counter", "unit": "H87"},
    {"metric": "*/energia", "device": "*/compresor_*", "is": "energy", "role": "counter", "unit": "KWH"},
    {"metric": "*/energia", "is": "energy", "role": "counter", "unit": "KWH", "source_unit": "Wh"},
    {"metric": "estado/valor", "is": "state", "role": "state"},
]
DOCUMENT = {
    "version": 3,
    "equipment": {"torno_1": "cnc_201", "*/compresor_*": "comp_201"},
    "rules": RULES,
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
        ({"rules": [{"metric": "m", "is": "energy", "role": "counter"}]}, "rule 1 .*give its unit"),
        (
            {"rules": [{"metric": "m", "is": "energy", "role": "counter", "unit": "KWH", "source_unit": "bar"}]},
            "rule 1",
        ),
        ({"rules": [{"metric": "m", "is": "Energy!", "role": "sensor", "unit": "KWH"}]}, "is: 'Energy!' is no id"),
        ({"rules": [{"metric": "m", "is": "energy", "role": "state", "unti": "KWH"}]}, "did you mean unit"),
        ({"rules": [{"metric": "m", "role": "state"}]}, "rule 1 .*: is is missing: add it"),
        ({"rules": [*RULES, {"metric": "m", "is": "e", "role": "motor"}]}, "rule 5 .*metric 'm'.*: role: .*'state'"),
        ({"rules": [{"metric": "m", "is": "e", "role": "context", "states": {1: "idle"}}]}, "only a state has states"),
        ({"rules": [{"metric": "m", "is": "s", "role": "state", "states": {1: "runs"}}]}, "'runs': use one of"),
        ({"rules": [{"metric": "a/*", "is": "s", "role": "state", "work_unit": "u_{2}"}]}, "a star that the metric"),
        ({"rules": [{"metric": "a/*", "is": "s", "role": "state", "work_unit": "U {1}"}]}, "is no id"),
        ({"rules": ["energy"]}, "rule 1"),
        ({"rules": {"metric": "m"}}, "rules: write a list here"),
        ({"states": ["x"]}, "states: write a mapping here"),
        ({"include": ["../up.yaml"]}, "lies outside"),
        ({"include": ["monterrey.yaml"]}, "leads back to itself"),
        ({"include": ["none.yaml"]}, "none.yaml: this mapping file does not exist"),
        ({"include": [{"file": "x.yaml", "devices": "*"}]}, "include 1: devices is no key here: did you mean device"),
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
    (tmp_path / "twice.yaml").write_text("version: 1\nstates: {A: idle, A: held}\n", encoding="utf-8")
    with pytest.raises(MappingError, match=r"twice\.yaml: .*repeats the key 'A'"):
        load_mapping(tmp_path / "twice.yaml")


def a_file(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_codes_are_words_and_a_rule_may_have_words_of_its_own(tmp_path: Path) -> None:
    text = """
version: 1
states: {7: executing, 2: idle, on: held, true: executing}
rules:
  - {metric: "PLC/Mode", device: "robot_*", is: state, role: state, states: {7: stopped}}
  - {metric: "PLC/Mode", is: state, role: state}
"""
    found = load_mapping(a_file(tmp_path / "m.yaml", text))
    robot = found.resolve(edge_node_id="", device_id="robot_1", metric_name="PLC/Mode")
    other = found.resolve(edge_node_id="", device_id="mill_1", metric_name="PLC/Mode")
    assert (robot.state_map, robot.rule_number, other.state_map, other.rule_number) == ("1", 1, "", 2)
    assert [found.state_of(code, state_map="1") for code in ("7", "2", "on", "Held", "9")] == [
        "stopped",
        "idle",
        "held",
        "held",
        None,
    ]
    assert (found.state_of("7"), found.state_of("true")) == ("executing", "executing")
    assert found.state_maps["1"] == found.states | {"7": "stopped"}
    assert set(found.state_maps) == {"", "1"}


def test_a_star_of_the_metric_may_name_the_work_unit() -> None:
    rule = {"metric": "Line/*/*/Temp", "is": "temp", "role": "sensor", "unit": "CEL", "work_unit": "line_{1}"}
    found = SiteMapping.model_validate({"version": 1, "rules": [rule]})
    one = found.resolve(edge_node_id="e", device_id="", metric_name="Line/7/oven/Temp")
    odd = found.resolve(edge_node_id="e", device_id="", metric_name="Line/Seven/oven/Temp")
    assert (one.work_unit_id, one.metric) == ("line_7", "temp")
    assert (odd.metric_role, odd.rule_number) == ("unmapped", 1)
    assert "line_Seven" in str(odd.problem)


def test_a_class_of_machines_is_described_once_and_instantiated(tmp_path: Path) -> None:
    a_file(
        tmp_path / "classes" / "cnc.yaml",
        """
rules:
  - {metric: "temp", is: temperature, role: sensor, unit: CEL}
  - {metric: "temp", device: "special", is: heat, role: sensor, unit: CEL}
  - {metric: "state", is: state, role: state}
states: {RUN: executing, WAIT: idle}
equipment: {m1: cnc_1, m2: cnc_9}
""",
    )
    path = a_file(
        tmp_path / "site.yaml",
        """
version: 2
include:
  - {file: classes/cnc.yaml, device: "milling/*", below: telemetria}
  - classes/cnc.yaml
rules:
  - {metric: "telemetria/temp", device: "milling/m2", is: oil_temperature, role: sensor, unit: CEL, source_unit: degF}
states: {WAIT: held}
equipment: {m2: cnc_2}
""",
    )
    found = load_mapping(path)

    def meaning(device_id: str, metric_name: str) -> tuple[str | None, str | None, str]:
        resolved = found.resolve(edge_node_id="", device_id=device_id, metric_name=metric_name)
        number = resolved.rule_number
        return resolved.work_unit_id, resolved.metric, found.name_of_rule(number) if number else ""

    assert meaning("milling/m1", "telemetria/temp")[:2] == ("cnc_1", "temperature")
    assert meaning("milling/m2", "telemetria/temp")[:2] == ("cnc_2", "oil_temperature")
    assert meaning("special", "telemetria/temp")[1] == "heat"
    assert meaning("turning/m1", "telemetria/temp")[1] is None
    assert meaning("turning/m1", "temp") == ("cnc_1", "temperature", "rule 1 of cnc.yaml (metric 'temp', device '*')")
    assert (found.state_of("RUN"), found.state_of("WAIT"), found.version) == ("executing", "held", 2)


def test_a_mistake_in_an_included_file_names_that_file_and_its_rule(tmp_path: Path) -> None:
    a_file(
        tmp_path / "cnc.yaml", "rules:\n  - {metric: a, is: a, role: state}\n  - {metric: b, is: b, role: counter}\n"
    )
    path = a_file(tmp_path / "site.yaml", "version: 1\ninclude: [cnc.yaml]\nrules: [{metric: c, is: c, role: state}]\n")
    with pytest.raises(MappingError, match=r"cnc\.yaml: rule 2 \(metric 'b'\): metric 'b' is a counter: give its unit"):
        load_mapping(path)
    a_file(tmp_path / "cnc.yaml", "rule: []\n")
    with pytest.raises(MappingError, match=r"cnc\.yaml: rule is no key here"):
        load_mapping(path)


def test_includes_that_go_round_are_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path / "a.yaml", "version: 1\ninclude: [b.yaml]\n")
    a_file(tmp_path / "b.yaml", "include: [a.yaml]\n")
    with pytest.raises(MappingError, match=r"b\.yaml: include 'a\.yaml' leads back to itself"):
        load_mapping(path)


def test_what_names_from_the_wire_make_us_keep_is_bounded() -> None:
    found = mapping()
    for number in range(50_100):
        found.resolve(edge_node_id="", device_id="d", metric_name=f"m{number}")
    found.resolve(edge_node_id="", device_id="d", metric_name="m" * 60_000)
    assert len(found._resolved) <= 50_000
    assert max(len(key[2]) for key in found._resolved) < 600
