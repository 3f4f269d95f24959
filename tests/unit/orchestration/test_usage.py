"""orchestration.billing.usage: until when a site has been collected."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from orchestration.billing.usage import _COLLECTED_UNTIL

TABLES = """
create schema operations; create schema raw;
create table operations.asset_assignment as select 'asset' as physical_asset_id, 'cnc_101' as work_unit_id;
create table operations.equipment as select 'cnc_101' as equipment_id, 'hamburg' as site_id;
create table raw.message (site_id varchar, event_at timestamp, received_at timestamp);
insert into raw.message values
    ('hamburg', '2026-03-10 08:00:00', '2026-03-10 08:00:02'),
    ('hamburg', '2099-01-01 00:00:00', '2026-03-10 08:00:03'),
    ('hamburg', '2026-04-01 02:00:00', '2026-03-10 08:00:04')
"""


def test_a_clock_that_runs_ahead_does_not_end_the_month() -> None:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        ((asset_id, until),) = connection.execute(_COLLECTED_UNTIL).fetchall()
    assert (asset_id, until.replace(tzinfo=UTC)) == ("asset", datetime(2026, 3, 10, 8, 0, 4, tzinfo=UTC))
