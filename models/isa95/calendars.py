"""When a site works: shifts by its own clock, and holidays.

Belongs here: the pattern. Does not belong here: shift instances with their instants (dbt derives them per day).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.orm import Row


class ShiftRow(Row):
    """One row per shift pattern; an end at or before the start means the next day."""

    __tablename__ = "shift"

    shift_id: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"))
    name: Mapped[str]
    iso_weekdays: Mapped[str]
    start_local_time: Mapped[str]
    end_local_time: Mapped[str]
    break_start_local_time: Mapped[str | None]
    break_end_local_time: Mapped[str | None]


class SiteHolidayRow(Row):
    """One row per site and day on which no shift starts."""

    __tablename__ = "site_holiday"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    holiday_date: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]
