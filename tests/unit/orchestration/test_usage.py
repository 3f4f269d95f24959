"""orchestration.billing.usage: until when an asset has been collected."""

from __future__ import annotations

from datetime import datetime

import duckdb

from orchestration.billing.usage import _COLLECTED_UNTIL

TABLES = """
create schema production; create schema raw;
create table production.fct_equipment_states (site_id varchar, physical_asset_id varchar, ended_at timestamp);
insert into production.fct_equipment_states values
    ('hamburg', 'awake', '2026-04-01 08:00:00'),
    ('hamburg', 'silent', '2026-03-20 12:00:00'),
    ('hamburg', 'ahead', '2099-01-01 00:00:00'),
    ('hamburg', null, '2026-04-01 08:00:00');
create table raw.message (site_id varchar, received_at timestamp);
insert into raw.message values ('hamburg', '2026-03-10 08:00:00'), ('hamburg', '2026-04-01 08:00:05')
"""


def test_an_asset_is_collected_until_its_own_last_state_and_never_past_the_newest_receipt() -> None:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        until = dict(connection.execute(_COLLECTED_UNTIL).fetchall())
    assert until == {
        "awake": datetime(2026, 4, 1, 8),  # noqa: DTZ001 - the warehouse keeps UTC without a zone
        "silent": datetime(2026, 3, 20, 12),  # noqa: DTZ001
        "ahead": datetime(2026, 4, 1, 8, 0, 5),  # noqa: DTZ001
    }
