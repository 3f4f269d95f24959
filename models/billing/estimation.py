"""Estimates: what stands in for a reading that is missing, by a rule that is named.

    interpolated   two readings around a boundary: the counts are parted by time, whole counts first, none is lost
    mean_of_last   an asset reported nothing: the mean of its last periods (engine contracts take six months)

An estimate is flagged and superseded: when the reading arrives, the period is rated again and the difference is billed
(rerating.py).

Belongs here: the rules of estimating, exact. Does not belong here: deciding that a reading is missing (dbt, readiness).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from models.billing.usage import Reading, sum_of
from models.errors import RatingError
from models.exact import WIDE, divide
from models.money import QUANTITY_PLACES, round_quantity

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class BoundarySplit:
    """A step parted at a boundary without a reading; both parts are estimates, their sum is not."""

    before: Decimal
    after: Decimal
    rule: str


def split_at(boundary: datetime, *, opening: Reading, closing: Reading, quantity: Decimal) -> BoundarySplit:
    """The quantity of a step, parted by time: floored to whole counts before the boundary, the remainder after.

    Raises RatingError where the boundary does not lie between the readings.
    """
    if not opening.at <= boundary <= closing.at or opening.at == closing.at:
        raise RatingError(f"{boundary} does not lie between {opening.at} and {closing.at}; split the step around it.")
    elapsed, whole = (boundary - opening.at) // _MICROSECOND, (closing.at - opening.at) // _MICROSECOND
    before = Decimal(Fraction(quantity) * elapsed // whole)
    return BoundarySplit(
        before=before,
        after=WIDE.subtract(quantity, before),
        rule="interpolated between two readings, whole counts before the boundary, the remainder after it",
    )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A quantity nobody read, and the rule it comes from."""

    quantity: Decimal
    rule: str


def mean_of_last(quantities: Sequence[Decimal], *, count: int) -> Estimate:
    """The mean of the last `count` periods, oldest first, rounded as a priced quantity is.

    Raises RatingError where fewer are known: a contract that estimates so needs them.
    """
    if len(quantities) < count or count < 1:
        raise RatingError(f"A mean of {count} periods needs as many, {len(quantities)} are known; estimate otherwise.")
    return Estimate(
        quantity=round_quantity(divide(sum_of(quantities[-count:]), count)),
        rule=f"mean of the last {count} periods, rounded half-up at {QUANTITY_PLACES} decimals",
    )
