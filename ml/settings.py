"""What a user decides per equipment class: label cap, operating settings, and what a breakdown costs.

Belongs here: choices with defaults. Does not belong here: anything learned from data (that is in the model) or chosen
from it (the alert threshold, which is in the model card).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class CostPolicy:
    """What one event costs, in multiples of a planned visit, and how long a visit takes to arrange.

    These are weights that choose a threshold, never amounts that reach an invoice; hence floats.
    """

    breakdown_cost: float = 10.0
    visit_cost: float = 1.0
    notice_cycles: int = 5
    horizon_cycles: int = 60
    """An alert with more life left than this was a false alarm."""


@dataclass(frozen=True, kw_only=True)
class ClassSettings:
    """The choices for one equipment class; a cycle is whatever the feature mart counts (an hour of operation)."""

    cap: int = 125
    """Lives longer than this are not told apart: nothing in the sensors shows them yet."""
    operating_settings: tuple[str, ...] = ()
    """Metrics that say how the asset is used (altitude, speed step), not how it is."""
    cost: CostPolicy = field(default_factory=CostPolicy)
    band_coverage: float = 0.90
    seed_count: int = 3
    health_alert_score: float = 25.0
    """Alert level of the health score while too few failures are known to weigh costs."""


_TURBOFAN = ClassSettings(operating_settings=("op_setting_1", "op_setting_2", "op_setting_3"))

_BY_CLASS: dict[str, ClassSettings] = {
    "cnc_machining_centre": ClassSettings(cost=CostPolicy(notice_cycles=8)),
    "air_compressor": ClassSettings(cost=CostPolicy(notice_cycles=8)),
    **{f"turbofan_fd00{number}": _TURBOFAN for number in range(1, 5)},
}


def settings_for(equipment_class: str) -> ClassSettings:
    """The defaults of a class; a class nobody described gets the general ones."""
    return _BY_CLASS.get(equipment_class, ClassSettings())
