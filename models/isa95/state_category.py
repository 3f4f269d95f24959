"""What a machine state counts as, per site, and who answers for it.

Belongs here: the versioned mapping the interval spine reads. Does not belong here: a site's local words for states
(ingest.mapping).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.orm import Row


class StateCategoryRow(Row):
    """One row per site and canonical state."""

    __tablename__ = "state_category"
    __table_args__ = (
        CheckConstraint(
            "time_category IN ('production', 'setup', 'delay', 'down', 'planned_down', 'not_planned')",
            name="time_category",
        ),
        CheckConstraint("attribution IN ('supplier', 'operator', 'planned')", name="attribution"),
    )

    site_id: Mapped[str] = mapped_column(ForeignKey("site.site_id"), primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    time_category: Mapped[str]
    attribution: Mapped[str | None]
    mapping_version: Mapped[int]
