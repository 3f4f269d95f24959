"""One pass over a contract's terms: charges first, then the adjustments, with or without their explanations.

Belongs here: a rule as the registry holds it, a contract made ready once for many months, and the two ways to rate it.
Does not belong here: a rule's arithmetic, the registry (rules.py), periods and coverage (`rules.rate`).

`rated_lines` keeps with each line what its explanation is written from. `rated_amounts` gives the same amounts in the
same order and keeps nothing: for sums over many contracts, where nobody will ask why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, NamedTuple

from models.billing.rating.adjustment import AdjustmentParameters, Reach, reach_of
from models.billing.rating.charge import ZERO, Basis, Charge, Charges, Explain, minor_unit_of
from models.billing.rating.line import RatedLine, Reasons, RuleInput, RuleParameters
from models.billing.rating.parts import UsagePart, parts_data
from models.billing.rating.quantity import (
    MeteredParameters,
    PricedQuantity,
    priced_parts,
    priced_quantity,
    quantity_at_price,
)
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
from models.billing.terms import Contract, Term
from models.billing.usage import Availability, UsageRecord
from models.errors import RatingError
from models.exact import WIDE
from models.timeline import Period

_HALF_UP = Context(prec=WIDE.prec, rounding=ROUND_HALF_UP)
NO_PARTS: Mapping[str, tuple[UsagePart, ...]] = {}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: its parameters, whether it prices a metric, and either charges with their words or lines of its own."""

    parameters: type[RuleParameters]
    is_metered: bool = False
    charges: Charges | None = None
    explain: Explain | None = None
    rate: Callable[[RuleInput], tuple[RatedLine, ...]] | None = None


class ReadyTerm(NamedTuple):
    """A term with its rule and its parameters read."""

    term: Term
    rule: Rule
    parameters: Any
    reach: Reach | None = None
    """What an adjustment applies to; None for a charge."""
    whole: tuple[Decimal, ...] | None = None
    """The amounts of a charge that depends on nothing measured, in a period covered whole."""


class ReadyContract(NamedTuple):
    """A contract whose terms were read and put in order once; it rates any number of months."""

    contract: Contract
    minor_unit: Decimal
    terms: tuple[ReadyTerm, ...]
    """Charges by position, then adjustments by phase and position."""


class ChargeWhy(NamedTuple):
    """What the explanation of one charge is written from."""

    ready: ReadyTerm
    basis: Basis
    charge: Charge
    given: RuleInput
    priced: PricedQuantity | None

    def reasons(self) -> Reasons:
        """The rule's own words, after how the quantity came about."""
        explain = self.ready.rule.explain
        own = explain(self.ready.parameters, self.basis, self.charge) if explain else Reasons(formula="")
        steps = own.steps if self.priced is None else (*self.priced.steps, *own.steps)
        inputs = dict(own.inputs)
        if self.given.parts:
            inputs["parts"] = parts_data(self.given.parts)
        if self.ready.reach is not None:
            inputs["applies_to"] = sorted(self.ready.reach.charges)
        return own._replace(steps=steps, inputs=inputs)


def rated_lines(
    ready: ReadyContract,
    *,
    usage: Mapping[str, UsageRecord],
    availability: Availability | None,
    parts: Mapping[str, tuple[UsagePart, ...]] = NO_PARTS,
    share: PeriodShare = WHOLE_PERIOD,
    service_period: Period | None = None,
) -> tuple[RatedLine, ...]:
    """Every line with what explains it. `usage` and `parts` are by metric, `share` is what the contract covers."""
    contract, minor_unit = ready.contract, ready.minor_unit
    currency_code = contract.currency_code
    balances: dict[str, Decimal] = {}
    lines: list[RatedLine] = []
    for item in ready.terms:
        term, rule = item.term, item.rule
        given = _given(contract, item, usage, availability, parts, share)
        if rule.charges is None:
            own = _own_lines(rule, given, measured=usage, service_period=service_period)
            lines.extend(own)
            balances[term.term_id] = _sum(line.net for line in own)
            continue
        basis, priced = _basis(ready, item, given)
        if item.reach is not None:
            basis = basis._replace(base=_base(item.reach, balances))
        record = None if priced is None else given.usage
        hold = None if priced is None else _hold_reason(item, given, priced)
        balance = ZERO
        for charge in rule.charges(item.parameters, basis):
            quantity, unit_price, _, _, unit_code = charge
            net = _HALF_UP.quantize(WIDE.multiply(quantity, unit_price), minor_unit)
            balance = WIDE.add(balance, net)
            lines.append(
                RatedLine(
                    term,
                    quantity,
                    unit_code or basis.unit_code,
                    unit_price,
                    net,
                    currency_code,
                    ChargeWhy(item, basis, charge, given, priced),
                    record,
                    hold,
                )
            )
        balances[term.term_id] = balance
    return tuple(lines)


def rated_amounts(
    ready: ReadyContract,
    *,
    usage: Mapping[str, UsageRecord],
    availability: Availability | None,
    parts: Mapping[str, tuple[UsagePart, ...]] = NO_PARTS,
    share: PeriodShare = WHOLE_PERIOD,
    service_period: Period | None = None,
) -> list[Decimal]:
    """The amounts of `rated_lines`, in its order, in the contract's currency; nothing else is kept."""
    contract, minor_unit = ready.contract, ready.minor_unit
    multiply, quantize, add = WIDE.multiply, _HALF_UP.quantize, WIDE.add
    balances: dict[str, Decimal] = {}
    amounts: list[Decimal] = []
    for item in ready.terms:
        term, rule, parameters, reach, whole = item
        nets: Sequence[Decimal]
        if whole is not None and share is WHOLE_PERIOD:
            nets = whole
        elif rule.charges is None:
            given = _given(contract, item, usage, availability, parts, share)
            own = _own_lines(rule, given, measured=usage, service_period=service_period)
            nets = [line.net for line in own]
        else:
            record = usage.get(term.metric) if term.metric is not None else None
            if reach is not None:
                base = _base(reach, balances)
                basis = Basis(ZERO, (), base, share, minor_unit)
            elif parts or record is None:
                given = _given(contract, item, usage, availability, parts, share)
                basis, _ = _basis(ready, item, given)
            else:
                basis = Basis(quantity_at_price(record, unit_code=term.quantity_unit_code or "", agreed=parameters))
            charges = rule.charges(parameters, basis)
            nets = [quantize(multiply(charge[0], charge[1]), minor_unit) for charge in charges]
        balance = ZERO
        for net in nets:
            balance = add(balance, net)
        balances[term.term_id] = balance
        amounts += nets
    return amounts


def _base(reach: Reach, balances: Mapping[str, Decimal]) -> Decimal:
    base = ZERO
    for term_id in reach.term_ids:
        base = WIDE.add(base, balances[term_id])
    return base


def _given(
    contract: Contract,
    item: ReadyTerm,
    usage: Mapping[str, UsageRecord],
    availability: Availability | None,
    parts: Mapping[str, tuple[UsagePart, ...]],
    share: PeriodShare,
) -> RuleInput:
    metric = item.term.metric
    if metric is None:
        return RuleInput(contract, item.term, None, availability, (), share, item.parameters)
    own = parts.get(metric, ()) if parts else ()
    return RuleInput(contract, item.term, usage.get(metric), availability, own, share, item.parameters)


def _basis(ready: ReadyContract, item: ReadyTerm, given: RuleInput) -> tuple[Basis, PricedQuantity | None]:
    if not item.rule.is_metered:
        return Basis(ZERO, (), ZERO, given.share, ready.minor_unit), None
    priced = priced_quantity(given)
    parts = priced_parts(given) if given.parts else ()
    zone = ready.contract.time_zone
    return Basis(priced.quantity, parts, ZERO, given.share, ready.minor_unit, zone, priced.unit_code), priced


def _hold_reason(item: ReadyTerm, given: RuleInput, priced: PricedQuantity) -> str | None:
    """What keeps a metered line back: its reading, or parts that are missing or are not the usage."""
    parameters = item.parameters
    if priced.hold_reason or not isinstance(parameters, MeteredParameters):
        return priced.hold_reason
    if parameters.needs_parts and not given.parts and priced.quantity:
        return f"{item.term.term_id}: it is priced by part, and the parts of {item.term.metric} are missing"
    return None


def _own_lines(
    rule: Rule, given: RuleInput, *, measured: Mapping[str, UsageRecord], service_period: Period | None
) -> tuple[RatedLine, ...]:
    return rule.rate(given._replace(measured=measured, service_period=service_period)) if rule.rate else ()


def _sum(amounts: Iterator[Decimal]) -> Decimal:
    result = ZERO
    for amount in amounts:
        result = WIDE.add(result, amount)
    return result


def ready_contract(contract: Contract, rule_of: Callable[[Term], tuple[Rule, RuleParameters]]) -> ReadyContract:
    """The contract with its terms read by `rule_of`; raises RatingError for terms that cannot be rated together."""
    minor_unit = minor_unit_of(contract.currency_code)
    charges: list[ReadyTerm] = []
    adjustments: list[ReadyTerm] = []
    for term in sorted(contract.terms, key=lambda term: term.position):
        rule, parameters = rule_of(term)
        chosen = adjustments if isinstance(parameters, AdjustmentParameters) else charges
        chosen.append(ReadyTerm(term, rule, parameters))
        if rule.charges is not None and not rule.is_metered and chosen is charges:
            fixed = rule.charges(parameters, Basis(minor_unit=minor_unit))
            nets = tuple(_HALF_UP.quantize(WIDE.multiply(charge[0], charge[1]), minor_unit) for charge in fixed)
            charges[-1] = charges[-1]._replace(whole=nets)
    reachable = frozenset(item.term.term_id for item in charges)
    adjustments.sort(key=lambda item: (item.parameters.phase, item.term.position))
    reaches: list[Reach] = []
    for number, item in enumerate(adjustments):
        reach = _reach(item, reachable=reachable, earlier=tuple(reaches))
        reaches.append(reach)
        adjustments[number] = item._replace(reach=reach)
    return ReadyContract(contract, minor_unit, (*charges, *adjustments))


def _reach(item: ReadyTerm, *, reachable: frozenset[str], earlier: tuple[Reach, ...]) -> Reach:
    named = frozenset(item.parameters.applies_to)
    if unknown := named - reachable:
        raise RatingError(
            f"Term {item.term.term_id} applies to {', '.join(sorted(unknown))}, which is no charge of the contract; "
            f"name some of {', '.join(sorted(reachable)) or 'its charges, once it has any'}."
        )
    return reach_of(item.term.term_id, charges=named or reachable, earlier=earlier)
