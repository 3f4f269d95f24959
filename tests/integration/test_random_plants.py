"""Two hundred plants drawn from seeds: what the warehouse makes of them against a count of every second and item.

The other side (tests/builders/second_by_second.py) shares no code and no method with the models.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.builders import second_by_second
from tests.builders.random_plant import draw, tell
from tests.builders.tiny_plant import Plant
from tests.integration.test_dbt_warehouse import built

pytestmark = pytest.mark.xdist_group("dbt_warehouse")

SEEDS = range(200)
UNMAPPED = frozenset({"not_null_fct_equipment_states_time_category"})
"""The plants tell a state that nothing maps."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plant = Plant()
    for seed in SEEDS:
        tell(plant, draw(seed), seed=seed)
    return built(plant, tmp_path_factory.mktemp("random"), warned=UNMAPPED)


def test_times_and_items_agree_to_the_second_and_the_piece(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            """
            select
                work_unit_id, shift_id, shift_date, work_order_id, observed_s, planned_downtime_s,
                actual_production_time_s, actual_unit_setup_time_s, actual_unit_delay_time_s, actual_unit_down_time_s,
                good_quantity, scrap_quantity, planned_run_time_s, good_run_time_s
            from performance.fct_performance_elements
            """
        ).fetchall()
    landed = {row[:4]: tuple(_number(value) for value in row[4:]) for row in rows}
    counted = {
        key: (
            *(cell.observed, cell.planned_downtime, cell.production, cell.setup, cell.delay, cell.down),
            *(cell.items.get("good_count", 0), cell.items.get("scrap_count", 0), cell.planned_run, cell.good_run),
        )
        for seed in SEEDS
        for key, cell in second_by_second.elements(draw(seed)).items()
    }
    assert {
        key: (landed.get(key), counted.get(key)) for key in {*landed, *counted} if landed.get(key) != counted.get(key)
    } == {}
    assert len(counted) > 900
    assert sum(row[6] for row in counted.values()) > 100_000


def _number(value: float | Decimal | None) -> float | Decimal:
    return 0 if value is None else value
