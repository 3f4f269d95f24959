"""Meters: which cumulative counters an asset carries, in which unit, and where they start again.

Belongs here: the meter table. Does not belong here: readings (landing zone) and usage (dbt, models.billing.usage).
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.orm import Row


class MeterRow(Row):
    """One row per counter.

    `modulus` is in unit_code, null where the counter never rolls over; `maximum_rate_per_hour` is the most it can count
    in an hour, null where nothing is known of that: a step beyond it is held. `boundary_rule` `interpolated` splits a
    step over a local midnight by time; null leaves it whole to the day of its second reading.
    """

    __tablename__ = "meter"
    __table_args__ = (UniqueConstraint("physical_asset_id", "metric"),)

    meter_id: Mapped[str] = mapped_column(primary_key=True)
    physical_asset_id: Mapped[str] = mapped_column(ForeignKey("physical_asset.physical_asset_id"))
    metric: Mapped[str]
    unit_code: Mapped[str]
    modulus: Mapped[Decimal | None]
    maximum_rate_per_hour: Mapped[Decimal | None]
    boundary_rule: Mapped[str | None]
