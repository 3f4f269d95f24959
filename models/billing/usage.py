"""What was measured: readings, the segments between them, usage of one metric in one service period, availability.

Belongs here: the shapes rating takes and the one way a segment's quantity follows from its readings.
Does not belong here: choosing readings or finding rollovers (dbt meters), and prices (models.billing.rating).

A quantity is flagged `actual` (read), `estimated` (a bounding reading was missing and a named rule stood in, or a
person estimated the month), `substituted` (a person decided what a held step counts, models.billing.meter_decision) or
`held` (a step that readings do not explain: nothing may be charged until somebody decides).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from models.billing.document_model import LineSegment, MeterReading
from models.errors import RatingError
from models.exact import WIDE, exact, plain_text
from models.timeline import Period

QuantityFlag = Literal["actual", "estimated", "substituted", "held"]

Reading = MeterReading
MeterSegment = LineSegment


@dataclass(frozen=True, kw_only=True)
class UsageRecord:
    """One metric of one asset in one service period, in the unit of its readings; its segments add up to it."""

    contract_id: str
    physical_asset_id: str
    metric: str
    unit_code: str
    service_period: Period
    quantity: Decimal
    quantity_flag: QuantityFlag
    segments: tuple[MeterSegment, ...]

    def __post_init__(self) -> None:
        if exact(self.quantity) < 0:
            raise RatingError(f"Usage of {self.metric} is {self.quantity}; a counter cannot run backwards.")
        metered = sum_of(segment.quantity for segment in self.segments)
        if metered != self.quantity:
            raise RatingError(
                f"Usage of {self.metric} says {plain_text(self.quantity)} but its segments add up to "
                f"{plain_text(metered)}; build the metered usage again."
            )


@dataclass(frozen=True, kw_only=True)
class Availability:
    """Seconds of one asset in one service period: scheduled, and lost to whom."""

    scheduled_s: Decimal
    supplier_down_s: Decimal
    operator_down_s: Decimal
    planned_down_s: Decimal

    def __post_init__(self) -> None:
        for name in ("scheduled_s", "supplier_down_s", "operator_down_s", "planned_down_s"):
            if exact(getattr(self, name)) < 0:
                raise RatingError(f"{name} is {getattr(self, name)}; a duration is not negative.")


def sum_of(quantities: Iterable[Decimal]) -> Decimal:
    """The sum with every digit kept."""
    result = Decimal(0)
    for quantity in quantities:
        result = WIDE.add(result, quantity)
    return result


def segment_quantity(segment: MeterSegment) -> Decimal:
    """What the segment's readings say: the rule a verifier recomputes.

    - increase: closing - opening
    - rollover: closing + modulus - opening
    - replacement: (declared last value - opening) + (closing - declared first value)
    - held: 0, because an undeclared drop is neither nothing nor a rollover
    """
    opening, closing = segment.opening.value, segment.closing.value
    match segment.segment_kind:
        case "increase":
            quantity = WIDE.subtract(closing, opening)
        case "rollover" if segment.modulus is not None:
            quantity = WIDE.subtract(WIDE.add(closing, segment.modulus), opening)
        case "replacement" if segment.old_final_value is not None and segment.new_start_value is not None:
            before = WIDE.subtract(segment.old_final_value, opening)
            quantity = WIDE.add(before, WIDE.subtract(closing, segment.new_start_value))
        case "held":
            quantity = Decimal(0)
        case _:
            raise RatingError(
                f"Segment {segment.segment_number} is a {segment.segment_kind} without what proves it; a rollover "
                "needs its modulus, a replacement the two declared values."
            )
    return quantity
