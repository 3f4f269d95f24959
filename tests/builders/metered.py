"""A warehouse with metered usage written by hand: what dbt would have built, in the columns that rating reads."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from orchestration.warehouse.schema import open_warehouse
from tests.builders.contracts import ASSET

_TABLES = """
create schema if not exists billing; create schema if not exists production;
create or replace table billing.fct_metered_usage_per_month (
    contract_id varchar, physical_asset_id varchar, metric varchar, unit_code varchar, billing_period varchar,
    quantity decimal(38, 9), quantity_flag varchar, period_start_at timestamp, period_end_at timestamp,
    completeness_ratio double
);
create or replace table billing.fct_metered_segments (
    contract_id varchar, physical_asset_id varchar, metric varchar, unit_code varchar, billing_period varchar,
    segment_number integer, segment_kind varchar,
    opening_at timestamp, opening_reading decimal(38, 9), opening_message_id varchar, opening_metric_index integer,
    opening_landed_file varchar, opening_file_row bigint,
    closing_at timestamp, closing_reading decimal(38, 9), closing_message_id varchar, closing_metric_index integer,
    closing_landed_file varchar, closing_file_row bigint,
    quantity decimal(38, 9), modulus decimal(38, 9), old_final_value decimal(38, 9), new_start_value decimal(38, 9)
);
create or replace table billing.fct_availability_per_month (
    contract_id varchar, physical_asset_id varchar, billing_period varchar, scheduled_s decimal(18, 6),
    supplier_down_s decimal(18, 6), operator_down_s decimal(18, 6), planned_down_s decimal(18, 6)
);
create or replace table production.fct_equipment_states (
    site_id varchar, physical_asset_id varchar, ended_at timestamp
);
delete from raw.message;
insert or ignore into raw.loaded_file
values ('f', 'readings', 'hamburg', date '2026-03-01', 1, repeat('a', 64), 1, 0, null, null, timestamp '2026-04-01');
"""


def write_march(
    home: Path,
    *,
    hours: str = "300",
    parts: str = "6200",
    collected_until: datetime = datetime(2026, 4, 1, 8),  # noqa: DTZ001 - the warehouse keeps UTC without a zone
    completeness: float = 1.0,
    quantity_flag: str = "actual",
) -> Path:
    """March of the contract in tests.builders.contracts: running hours and good parts of one asset in Hamburg."""
    key = ("eaas-cnc-hamburg", ASSET)
    bounds = (datetime(2026, 2, 28, 23), datetime(2026, 3, 31, 22))  # noqa: DTZ001
    path = home / "warehouse.duckdb"
    with open_warehouse(path) as connection:
        connection.execute(_TABLES)
        for metric, unit, quantity in (
            ("running_time", "SEC", Decimal(hours) * 3600),
            ("good_count", "C62", Decimal(parts)),
        ):
            connection.execute(
                "insert into billing.fct_metered_usage_per_month values (?, ?, ?, ?, '2026-03', ?, ?, ?, ?, ?)",
                [*key, metric, unit, quantity, quantity_flag, *bounds, completeness],
            )
            connection.execute(
                "insert into billing.fct_metered_segments values "
                "(?, ?, ?, ?, '2026-03', 1, 'increase', ?, 0, 'o', 0, 'f', 1, ?, ?, 'c', 0, 'f', 2, ?, null, null, "
                "null)",
                [*key, metric, unit, *bounds, quantity, quantity],
            )
        connection.execute(
            "insert into billing.fct_availability_per_month values (?, ?, '2026-03', 1000000, 50000, 0, 0)", [*key]
        )
        connection.execute(
            "insert into production.fct_equipment_states values ('hamburg', ?, ?)", [ASSET, collected_until]
        )
        connection.execute(
            "insert into raw.message (message_id, site_id, received_at) values ('m', 'hamburg', ?)", [collected_until]
        )
    return path
