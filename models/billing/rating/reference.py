"""A reference quantity: a second metric that a term sets its own against, as parts against energy.

It gets a line of its own at a price of zero: both counters are shown, and a customer's copy alone proves the result.

Belongs here: the reference as a parameter, its quantity and its line. Does not belong here: what a rule makes of it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from models.billing.rating.line import RatedLine, RuleInput
from models.billing.rating.quantity import PricedQuantity, priced_quantity
from models.billing.terms import Term


class Reference(BaseModel):
    """A metric of the same asset and the unit it is counted in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    unit_code: str


class MeteredQuantity(NamedTuple):
    """A metric that a term needs measured, and the unit it is counted in."""

    metric: str
    unit_code: str


def metered_quantities(term: Term) -> tuple[MeteredQuantity, ...]:
    """Everything that a metered term counts: its own metric, and its reference if it has one.

    The term has passed its rule's check.
    """
    own = MeteredQuantity(metric=str(term.metric), unit_code=str(term.quantity_unit_code))
    if "reference" not in term.parameters:
        return (own,)
    reference = Reference.model_validate(term.parameters["reference"])
    return (own, MeteredQuantity(metric=reference.metric, unit_code=reference.unit_code))


class MeasuredReference(NamedTuple):
    """The reference's quantity in its unit, held where it is missing, and the line that shows it."""

    priced: PricedQuantity
    line: RatedLine


def measure_reference(given: RuleInput, reference: Reference) -> MeasuredReference:
    """What was measured of it in the same period."""
    usage = given.measured.get(reference.metric)
    counted = RuleInput(
        contract=given.contract,
        term=replace(given.term, metric=reference.metric, quantity_unit_code=reference.unit_code),
        usage=usage,
        availability=None,
    )
    priced = priced_quantity(counted)
    shown = RuleInput(contract=given.contract, term=given.term, usage=usage, availability=None)
    line = shown.line(
        quantity=priced.quantity,
        unit_code=priced.unit_code,
        unit_price=Decimal(0),
        formula="the quantity that the term is set against; it costs nothing here",
        inputs={"is_reference": True},
        steps=priced.steps,
        hold_reason=priced.hold_reason,
    )
    return MeasuredReference(priced=priced, line=line)
