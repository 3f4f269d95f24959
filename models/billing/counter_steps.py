"""From one reading of a counter to the next: what the step between them is, and how much was counted in it.

    increase      the counter rose
    rollover      it fell, and by its modulus that is less than half its range: it started again at zero
    replacement   it was exchanged or set back, and somebody declared so
    held          it fell and nothing explains why: nothing may be charged until somebody decides

The same judgement as dbt makes over all readings at once (int_metering__counter_steps), for a handful of readings: a
reading told twice counts once, two values for one instant are a conflict and not an update.

Belongs here: judging steps. Does not belong here: a step's quantity (usage.segment_quantity), estimates
(estimation.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from models.billing.usage import MeterSegment, QuantityFlag, Reading, segment_quantity
from models.errors import RatingError


@dataclass(frozen=True, kw_only=True)
class DeclaredReplacement:
    """A counter exchanged or set back at a UTC instant: its last value (None: nobody read it), the new one's first.

    An unread last value is taken as the last reading before: a named estimate, which counts nothing for the gap.
    """

    at: datetime
    new_start_value: Decimal = Decimal(0)
    old_final_value: Decimal | None = None


def distinct_readings(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Each instant once, in order of time.

    Raises RatingError where one instant has two values: somebody must say which holds.
    """
    by_instant: dict[datetime, Reading] = {}
    for reading in readings:
        known = by_instant.setdefault(reading.at, reading)
        if known.value != reading.value:
            raise RatingError(
                f"At {reading.at:%Y-%m-%d %H:%M:%SZ} the counter is read as {known.value} and as {reading.value}; "
                "decide which holds and correct the other."
            )
    return tuple(by_instant[instant] for instant in sorted(by_instant))


def steps_between(
    readings: Iterable[Reading], *, modulus: Decimal | None = None, replacements: Sequence[DeclaredReplacement] = ()
) -> tuple[MeterSegment, ...]:
    """One segment per pair of readings that follow each other, judged and with its quantity.

    Raises RatingError for two values at one instant.
    """
    return tuple(
        _judge(number, opening, closing, modulus=modulus, replacements=replacements)
        for number, (opening, closing) in enumerate(pairwise(distinct_readings(readings)), start=1)
    )


def flag_of(steps: Iterable[MeterSegment], *, replacements: Sequence[DeclaredReplacement] = ()) -> QuantityFlag:
    """What the quantity of the steps is: held if one is, estimated if a replaced counter's last value was not read."""
    kinds = {step.segment_kind for step in steps}
    if "held" in kinds:
        return "held"
    is_unread = any(replacement.old_final_value is None for replacement in replacements)
    return "estimated" if "replacement" in kinds and is_unread else "actual"


def _judge(
    number: int,
    opening: Reading,
    closing: Reading,
    *,
    modulus: Decimal | None,
    replacements: Sequence[DeclaredReplacement],
) -> MeterSegment:
    step = MeterSegment(
        segment_number=number, segment_kind="held", opening=opening, closing=closing, quantity=Decimal(0)
    )
    declared = [replacement for replacement in replacements if opening.at < replacement.at <= closing.at]
    if declared:
        step = _replaced(step, declared)
    elif closing.value >= opening.value:
        step = replace(step, segment_kind="increase")
    elif modulus is not None and opening.value <= modulus and _is_under_half(opening.value - closing.value, modulus):
        step = replace(step, segment_kind="rollover", modulus=modulus)
    return replace(step, quantity=segment_quantity(step))


def _replaced(step: MeterSegment, declared: Sequence[DeclaredReplacement]) -> MeterSegment:
    """A replacement, unless two were declared or the readings contradict it: that proves nothing."""
    replacement, *others = declared
    old_final = step.opening.value if replacement.old_final_value is None else replacement.old_final_value
    if others or old_final < step.opening.value or step.closing.value < replacement.new_start_value:
        return step
    return replace(
        step,
        segment_kind="replacement",
        old_final_value=old_final,
        new_start_value=replacement.new_start_value,
    )


def _is_under_half(fallen: Decimal, modulus: Decimal) -> bool:
    """Whether what a rollover would have counted is less than what the counter fell by; more is a lost count."""
    return modulus - fallen < fallen
