"""What the doctor finds about mappings, before the first build and after it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.current_state import CurrentState
from ingest.decoder import SiteDecoder
from orchestration.diagnosis import examine
from orchestration.settings import Deployment, load_deployment
from orchestration.warehouse.schema import open_warehouse
from tests.builders.sparkplug import an_arrival

MAPPING = """
version: 1
rules:
  - {metric: "estado", is: state, role: state}
  - {metric: "energia", is: energy, role: counter, unit: KWH}
  - {metric: "vibracion", is: vibration, role: sensor, unit: C16}
states: {MARCHA: executing}
"""
SITES = """
enterprise: meridian
sites:
  - site_id: monterrey
    time_zone: America/Monterrey
    payload_family: uns_json
    topics: {levels: [area, work_unit], ignore: "*/debug/*"}
    broker: {url: "mqtt://127.0.0.1:1"}
    mapping: mapping/monterrey.yaml
"""


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "monterrey.yaml").write_text(MAPPING)
    (tmp_path / "lineshaft.yaml").write_text(SITES)
    return load_deployment(tmp_path, home=tmp_path / "home")


def collect(deployment: Deployment, **said: str) -> None:
    site = deployment.site("monterrey")
    state = CurrentState(deployment.home, site_id=site.site_id)
    arrivals = [an_arrival(f"meridian/monterrey/a/cnc_1/{metric}", payload) for metric, payload in said.items()]
    state.apply(SiteDecoder(site).decode(arrivals, now=0))
    state.save()


def notes(deployment: Deployment) -> list[str]:
    found = examine(deployment, online=False)
    return [f"{each.subject}: {each.detail}" for each in found if each.subject.split()[0] in {"mapping", "schema"}]


def test_before_the_first_build_the_current_state_says_what_the_mapping_leaves_open(deployment: Deployment) -> None:
    collect(deployment, estado='"PARADA"', energia="1.5", presion="3")
    assert notes(deployment) == [
        "mapping of monterrey: 3 rules",
        "mapping of monterrey: no rule matches a/cnc_1 presion; its values land unmapped",
        "mapping of monterrey: state word 'PARADA' of a/cnc_1 estado is unknown; add it to states",
        (
            "mapping of monterrey: rule 3 of monterrey.yaml (metric 'vibracion', device '*') matches nothing seen so "
            "far; mend it or take it out"
        ),
    ]


def test_a_mended_mapping_is_found_well_without_a_build(deployment: Deployment) -> None:
    collect(deployment, estado="7", energia="1.5", vibracion="3")
    assert "state word '7'" in notes(deployment)[1]
    (deployment.directory / "mapping" / "monterrey.yaml").write_text(MAPPING.replace("MARCHA", "7"))
    assert notes(deployment) == ["mapping of monterrey: 3 rules"]


def test_after_a_build_the_warehouse_tells_of_what_is_no_longer_current(deployment: Deployment) -> None:
    collect(deployment, estado='"MARCHA"', energia="1", vibracion="2")
    at = datetime(2026, 3, 1)  # noqa: DTZ001  (the warehouse's times carry no zone)
    with open_warehouse(deployment.warehouse_path) as connection:
        for metric, role in (("estado", "state"), ("humedad", "unmapped")):
            connection.execute(
                "insert into raw.metric_mapping (site_id, edge_node_id, device_id, metric_name, metric_role) "
                "values ('monterrey', '', 'a/cnc_1', ?, ?)",
                [metric, role],
            )
        for text, number, double in (
            ("AVERIA", None, None),
            (None, Decimal(9), 9.0),
            ("MARCHA", None, None),
            (None, None, 30.0),
        ):
            connection.execute(
                "insert into raw.reading (site_id, edge_node_id, device_id, metric_name, value_text, value_decimal, "
                "value_double) values ('monterrey', '', 'a/cnc_1', 'estado', ?, ?, ?)",
                [text, number, double],
            )
        connection.execute(
            "insert into raw.schema_drift (site_id, edge_node_id, device_id, metric_name, drift_kind, before, after, "
            "event_at) values ('monterrey', '', 'a/cnc_1', 'energia', 'datatype', 'Int64', 'Double', ?)",
            [at],
        )
    assert notes(deployment)[1:] == [
        "mapping of monterrey: no rule matches a/cnc_1 humedad; its values land unmapped",
        "mapping of monterrey: state word '30' of a/cnc_1 estado is unknown; add it to states",
        "mapping of monterrey: state word '9' of a/cnc_1 estado is unknown; add it to states",
        "mapping of monterrey: state word 'AVERIA' of a/cnc_1 estado is unknown; add it to states",
        "schema of monterrey: a/cnc_1 energia: datatype changed from Int64 to Double at 2026-03-01 00:00:00",
    ]


def test_a_long_list_is_cut_and_counted(deployment: Deployment) -> None:
    collect(deployment, estado='"MARCHA"', energia="1", vibracion="2", **{f"m{n:02}": "1" for n in range(25)})
    found = notes(deployment)
    assert len(found) == 1 + 20 + 1
    assert found[-1] == "mapping of monterrey: and 5 more metrics without a rule"


def test_the_doctor_says_which_topics_are_read_and_which_are_ignored(deployment: Deployment) -> None:
    found = [each.detail for each in examine(deployment, online=False) if each.subject == "topics of monterrey"]
    assert found == ["meridian/monterrey/#; ignored: */debug/*"]
