"""What rating returns: lines whose quantity times price is their amount, each with the data that explains it.

Belongs here: the shapes every rule shares. Does not belong here: a rule, or anything a database or a page needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from models.billing.terms import Contract, Term
from models.billing.usage import Availability, UsageRecord
from models.errors import RatingError
from models.exact import plain_text
from models.money import Money, round_amount, total
from models.timeline import Period


class RuleParameters(BaseModel):
    """Base of each rule's parameters: frozen, and an unknown name is refused rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Parameters = TypeVar("Parameters", bound=RuleParameters)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a line says what it says, as data: inputs, the formula in words, the steps, the result. Numbers are text."""

    inputs: Mapping[str, object]
    formula: str
    steps: tuple[str, ...]
    result: str

    def as_data(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return {"inputs": dict(self.inputs), "formula": self.formula, "steps": list(self.steps), "result": self.result}


@dataclass(frozen=True, kw_only=True)
class RatedLine:
    """One invoice line. A credit has a negative quantity and a positive price, as EN 16931 (BR-27) wants it."""

    term_id: str
    rule: str
    description: str
    quantity: Decimal
    unit_code: str
    unit_price: Decimal
    amount: Money
    explanation: Explanation
    usage: UsageRecord | None = None
    hold_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rating:
    """All lines of one contract, asset and month, in the order of the contract's terms."""

    contract: Contract
    physical_asset_id: str
    billing_period: str
    service_period: Period
    lines: tuple[RatedLine, ...]

    @property
    def net_amount(self) -> Money:
        """The sum of the lines; each was rounded once, the sum is not rounded again."""
        return total((line.amount for line in self.lines), currency_code=self.contract.currency_code)

    @property
    def hold_reasons(self) -> tuple[str, ...]:
        """Why this must not be invoiced yet; empty if it may."""
        return tuple(dict.fromkeys(line.hold_reason for line in self.lines if line.hold_reason))


@dataclass(frozen=True, kw_only=True)
class RuleInput:
    """What a rule sees of the world: its term, the contract around it, and what was measured."""

    contract: Contract
    term: Term
    usage: UsageRecord | None
    availability: Availability | None

    def parameters(self, model: type[Parameters]) -> Parameters:
        """The term's parameters, checked."""
        return read_parameters(self.term, model)

    def line(
        self,
        *,
        quantity: Decimal,
        unit_code: str,
        unit_price: Decimal,
        formula: str,
        steps: tuple[str, ...],
        inputs: Mapping[str, object] | None = None,
        description: str = "",
        hold_reason: str | None = None,
    ) -> RatedLine:
        """A line of this term: its amount is quantity times price, rounded half-up once."""
        amount = round_amount(Money(unit_price, self.contract.currency_code) * quantity)
        product = f"{plain_text(quantity)} {unit_code} x {plain_text(unit_price)} = {amount}, rounded half-up"
        return RatedLine(
            term_id=self.term.term_id,
            rule=self.term.rule,
            description=description or self.term.description,
            quantity=quantity,
            unit_code=unit_code,
            unit_price=unit_price,
            amount=amount,
            explanation=Explanation(
                inputs={"term": term_data(self.term), **(inputs or {})},
                formula=formula,
                steps=(*steps, product),
                result=str(amount),
            ),
            usage=self.usage,
            hold_reason=hold_reason,
        )


def read_parameters(term: Term, model: type[Parameters]) -> Parameters:
    """The term's parameters as its rule's model; a misfit names the term and the place."""
    try:
        return model.model_validate(dict(term.parameters))
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise RatingError(f"Term {term.term_id} ({term.rule}): parameters.{place}: {message}") from None


def term_data(term: Term) -> dict[str, object]:
    """A term as plain JSON values, complete enough to rate it again from an invoice's copy."""
    return {
        "term_id": term.term_id,
        "position": term.position,
        "rule": term.rule,
        "description": term.description,
        "metric": term.metric,
        "quantity_unit_code": term.quantity_unit_code,
        "parameters": dict(term.parameters),
    }
