"""The prices of one quantity, by rule, and one inside another rule's parameters.

Belongs here: which rules price a quantity alone, and `NestedPrice` for the rules that split a quantity first
(per_part.py, time_of_day.py). Does not belong here: the rules themselves, and the registry of all rules (rules.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from models.billing.rating.charge import ONE, Basis, Charge, Pricing
from models.billing.rating.commitment import COMMITMENT
from models.billing.rating.dynamic import DYNAMIC
from models.billing.rating.graduated import GRADUATED
from models.billing.rating.graduated_blocks import GRADUATED_BLOCKS
from models.billing.rating.graduated_percentage import GRADUATED_PERCENTAGE
from models.billing.rating.package import PACKAGE
from models.billing.rating.per_unit import PER_UNIT
from models.billing.rating.quantity import MeteredParameters
from models.billing.rating.volume import VOLUME
from models.billing.rating.volume_blocks import VOLUME_BLOCKS
from models.exact import WIDE

PRICES: Mapping[str, Pricing] = {
    "per_unit": PER_UNIT,
    "graduated": GRADUATED,
    "volume": VOLUME,
    "package": PACKAGE,
    "graduated_blocks": GRADUATED_BLOCKS,
    "volume_blocks": VOLUME_BLOCKS,
    "graduated_percentage": GRADUATED_PERCENTAGE,
    "dynamic": DYNAMIC,
    "commitment": COMMITMENT,
}


class NestedPrice(BaseModel):
    """A price inside a rule's parameters: a rule's name and that rule's own parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    parameters: dict[str, Any]

    @model_validator(mode="after")
    def _parameters_fit_the_rule(self) -> Self:
        if self.rule not in PRICES:
            raise ValueError(f"{self.rule!r} prices no quantity; use one of {', '.join(PRICES)}")
        try:
            agreed = PRICES[self.rule].parameters.model_validate(self.parameters)
        except ValidationError as invalid:
            first = invalid.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
        if isinstance(agreed, MeteredParameters) and (agreed.unit_conversion or agreed.included_quantity):
            raise ValueError("unit_conversion and included_quantity belong to the term, not to a price inside it")
        return self

    @cached_property
    def checked(self) -> Any:
        """The parameters as the rule's model."""
        return PRICES[self.rule].parameters.model_validate(self.parameters)

    def charges(self, quantity: Decimal, basis: Basis) -> Iterable[Charge]:
        """What one quantity costs."""
        return PRICES[self.rule].charges(self.checked, basis._replace(quantity=quantity, parts=()))


def merged(charges: Iterable[Charge]) -> list[Charge]:
    """Charges of the same kind and tier as one, in the order they first appear; no amount changes.

    At one price the quantities add up; what is charged once (quantity 1) adds up in its price.
    """
    by_identity: dict[tuple[str, int, str, Decimal | None], Charge] = {}
    for charge in charges:
        is_once = charge.quantity == ONE and charge.kind in {"overage", "true_up"}
        identity = (charge.kind, charge.place, charge.unit_code, None if is_once else charge.unit_price)
        before = by_identity.get(identity)
        if before is None:
            by_identity[identity] = charge
        elif is_once:
            by_identity[identity] = before._replace(unit_price=WIDE.add(before.unit_price, charge.unit_price))
        else:
            by_identity[identity] = before._replace(quantity=WIDE.add(before.quantity, charge.quantity))
    return list(by_identity.values())
