"""What rating returns: lines whose quantity times price is their amount, each with the data that explains it.

Belongs here: the shapes every rule shares. Does not belong here: a rule, or anything a database or a page needs.

A line keeps what its explanation is made of (the term, the quantity, the charge) and writes the sentences when they are
read: a million contract-months are rated without writing a sentence nobody reads, and each can still be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from models.billing.rating.parts import UsagePart
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
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


class Reasons(NamedTuple):
    """What a rule says of one of its lines: the formula, its own inputs and steps, and what the line is of the term."""

    formula: str
    steps: tuple[str, ...] = ()
    inputs: Mapping[str, object] = {}
    label: str = ""
    """Added to the term's description, as ", tier 2 (5 to 10)"."""
    description: str = ""
    """In place of the term's description and the label, where a rule has words of its own."""


class Why(Protocol):
    """Where a line's reasons come from: written already, or kept as what they are made of."""

    def reasons(self) -> Reasons:
        """The reasons, in sentences."""
        ...


class Written(NamedTuple):
    """Reasons that a rule wrote at once."""

    given: Reasons

    def reasons(self) -> Reasons:
        """As given."""
        return self.given


class RatedLine(NamedTuple):
    """One invoice line. A credit has a negative quantity and a positive price, as EN 16931 (BR-27) wants it."""

    term: Term
    quantity: Decimal
    unit_code: str
    unit_price: Decimal
    net: Decimal
    """The amount's number: quantity times price, rounded once."""
    currency_code: str
    why: Why
    usage: UsageRecord | None = None
    hold_reason: str | None = None

    @property
    def term_id(self) -> str:
        """The clause it follows from."""
        return self.term.term_id

    @property
    def rule(self) -> str:
        """The rule of that clause."""
        return self.term.rule

    @property
    def amount(self) -> Money:
        """What it charges; negative for a credit."""
        return Money(self.net, self.currency_code)

    @property
    def description(self) -> str:
        """The term's words, and which part of the term the line is."""
        reasons = self.why.reasons()
        return reasons.description or f"{self.term.description}{reasons.label}"

    @property
    def explanation(self) -> Explanation:
        """Inputs, formula, steps and result, written out."""
        reasons = self.why.reasons()
        product = (
            f"{plain_text(self.quantity)} {self.unit_code} x {plain_text(self.unit_price)} = {self.amount}, "
            "rounded half-up"
        )
        return Explanation(
            inputs={"term": term_data(self.term), **reasons.inputs},
            formula=reasons.formula,
            steps=(*reasons.steps, product),
            result=str(self.amount),
        )


@dataclass(frozen=True, kw_only=True)
class Rating:
    """All lines of one contract, asset and month: charges in the order of the terms, then what adjusts them."""

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


class RuleInput(NamedTuple):
    """What a rule sees of the world: its term, the contract around it, and what was measured."""

    contract: Contract
    term: Term
    usage: UsageRecord | None
    availability: Availability | None
    parts: tuple[UsagePart, ...] = ()
    """The usage by transaction, hour or product, for the rules that price each on its own."""
    share: PeriodShare = WHOLE_PERIOD
    """How much of the billing period the contract covers."""
    checked: RuleParameters | None = None
    """The term's parameters, where they were read before."""
    measured: Mapping[str, UsageRecord] = {}
    """All usage by metric, for a rule that sets one metric against another."""
    service_period: Period | None = None
    """For a rule whose price goes by date."""

    def parameters(self, model: type[Parameters]) -> Parameters:
        """The term's parameters, checked."""
        return self.checked if isinstance(self.checked, model) else read_parameters(self.term, model)

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
        return RatedLine(
            term=self.term,
            quantity=quantity,
            unit_code=unit_code,
            unit_price=unit_price,
            net=amount.amount,
            currency_code=amount.currency_code,
            why=Written(Reasons(formula=formula, steps=steps, inputs=inputs or {}, description=description)),
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
