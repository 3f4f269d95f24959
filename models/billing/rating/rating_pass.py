"""One pass over a contract's terms: charges first, then the adjustments, with or without their explanations.

Belongs here: a rule as the registry holds it, a contract made ready once for many months, and the two ways to rate it.
Does not belong here: a rule's arithmetic, the registry (rules.py), periods and coverage (`rules.rate`).

`rated_lines` keeps with each line what its explanation is written from. `rated_amounts` gives the same amounts in the
same order and keeps nothing: for sums over many contracts, where nobody will ask why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import Any, NamedTuple

from models.billing.rating.adjustment import AdjustmentParameters, Reach, reach_of
from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Charges, Explain, minor_unit_of
from models.billing.rating.line import RatedLine, Reasons, RuleInput, RuleParameters
from models.billing.rating.parts import UsagePart, parts_data
from models.billing.rating.quantity import (
    PricedQuantity,
    priced_parts,
    priced_usage,
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
    is_of_all: bool = False
    """Whether an adjustment applies to every line before it."""


class ReadyContract(NamedTuple):
    """A contract whose terms were read and put in order once; it rates any number of months."""

    contract: Contract
    minor_unit: Decimal
    terms: tuple[ReadyTerm, ...]
    """Charges by position, then adjustments by phase and position."""
    needs_balances: bool
    """Whether an adjustment applies to some of the lines before it only."""


class ChargeWhy(NamedTuple):
    """What the explanation of one charge is written from."""

    ready: ReadyTerm
    basis: Basis
    charge: Charge
    priced: PricedQuantity | None
    parts: tuple[UsagePart, ...]
    """As metered."""

    def reasons(self) -> Reasons:
        """The rule's own words, after how the quantity came about."""
        explain = self.ready.rule.explain
        own = explain(self.ready.parameters, self.basis, self.charge) if explain else Reasons(formula="")
        steps = own.steps if self.priced is None else (*self.priced.steps, *own.steps)
        inputs = dict(own.inputs)
        if self.parts:
            inputs["parts"] = parts_data(self.parts)
        if self.ready.reach is not None:
            inputs["applies_to"] = sorted(self.ready.reach.charges)
        return own._replace(steps=steps, inputs=inputs)


# From all their values in order, in less than half the time of naming them: these are made for every line rated.
_new_line = partial(tuple.__new__, RatedLine)
_new_why = partial(tuple.__new__, ChargeWhy)
_new_basis = partial(tuple.__new__, Basis)


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
    contract, minor_unit, terms, needs_balances = ready
    currency_code = contract.currency_code
    multiply, quantize = WIDE.multiply, _HALF_UP.quantize
    balances: dict[str, Decimal] = {}
    lines: list[RatedLine] = []
    for item in terms:
        term, rule, parameters, reach, _, is_of_all = item
        first = len(lines)
        if rule.charges is None:
            given = RuleInput(contract, term, None, availability, (), share, parameters)
            lines += _own_lines(rule, given, measured=usage, service_period=service_period)
            if needs_balances:
                balances[term.term_id] = _sum(line.net for line in lines[first:])
            continue
        record, hold, priced = None, None, None
        own_parts: tuple[UsagePart, ...] = ()
        if rule.is_metered:
            record, own_parts = usage.get(term.metric or ""), parts.get(term.metric or "", ()) if parts else ()
            priced = priced_usage(term, record, agreed=parameters)
            hold = priced.hold_reason or _missing_parts(item, priced, own_parts)
            in_unit = priced_parts(term, record, own_parts) if own_parts else ()
            unit = priced.unit_code
            basis = _new_basis((priced.quantity, in_unit, ZERO, share, minor_unit, contract.time_zone, unit))
        else:
            unit = EACH
            base = _sum(line.net for line in lines) if is_of_all else _base(reach, balances)
            basis = _new_basis((ZERO, (), base, share, minor_unit, contract.time_zone, EACH))
        for charge in rule.charges(parameters, basis):
            quantity, unit_price, _, _, unit_code = charge
            net = quantize(multiply(quantity, unit_price), minor_unit)
            why = _new_why((item, basis, charge, priced, own_parts))
            lines.append(
                _new_line((term, quantity, unit_code or unit, unit_price, net, currency_code, why, record, hold))
            )
        if needs_balances:
            balances[term.term_id] = _sum(line.net for line in lines[first:])
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
    contract, minor_unit, terms, needs_balances = ready
    multiply, quantize = WIDE.multiply, _HALF_UP.quantize
    balances: dict[str, Decimal] = {}
    amounts: list[Decimal] = []
    nets: Sequence[Decimal]
    for term, rule, parameters, reach, whole, is_of_all in terms:
        if whole is not None and share is WHOLE_PERIOD:
            nets = whole
        elif rule.charges is None:
            given = RuleInput(contract, term, None, availability, (), share, parameters)
            nets = [line.net for line in _own_lines(rule, given, measured=usage, service_period=service_period)]
        else:
            quantity, base = ZERO, ZERO
            in_unit: tuple[UsagePart, ...] = ()
            if rule.is_metered:
                metric = term.metric or ""
                record = usage.get(metric)
                if record is not None:
                    quantity = quantity_at_price(record, unit_code=term.quantity_unit_code or "", agreed=parameters)
                    if parts and metric in parts:
                        in_unit = priced_parts(term, record, parts[metric])
            else:
                base = _sum(amounts) if is_of_all else _base(reach, balances)
            basis = _new_basis((quantity, in_unit, base, share, minor_unit, contract.time_zone, EACH))
            nets = [
                quantize(multiply(quantity, price), minor_unit)
                for quantity, price, _, _, _ in rule.charges(parameters, basis)
            ]
        if needs_balances:
            balances[term.term_id] = _sum(nets)
        amounts += nets
    return amounts


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for amount in amounts:
        result = WIDE.add(result, amount)
    return result


def _base(reach: Reach | None, balances: Mapping[str, Decimal]) -> Decimal:
    return _sum(balances[term_id] for term_id in reach.term_ids) if reach is not None else ZERO


def _missing_parts(item: ReadyTerm, priced: PricedQuantity, parts: tuple[UsagePart, ...]) -> str | None:
    """What keeps a line back that is priced by part where there are none."""
    if parts or not item.parameters.needs_parts or not priced.quantity:
        return None
    return f"{item.term.term_id}: it is priced by part, and the parts of {item.term.metric} are missing"


def _own_lines(
    rule: Rule, given: RuleInput, *, measured: Mapping[str, UsageRecord], service_period: Period | None
) -> tuple[RatedLine, ...]:
    if rule.rate is None:
        return ()
    metric = given.term.metric
    record = None if metric is None else measured.get(metric)
    return rule.rate(given._replace(usage=record, measured=measured, service_period=service_period))


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
        before = reachable | {adjustment.term.term_id for adjustment in adjustments[:number]}
        adjustments[number] = item._replace(reach=reach, is_of_all=reach.term_ids == before)
    return ReadyContract(
        contract, minor_unit, (*charges, *adjustments), any(not item.is_of_all for item in adjustments)
    )


def _reach(item: ReadyTerm, *, reachable: frozenset[str], earlier: tuple[Reach, ...]) -> Reach:
    named = frozenset(item.parameters.applies_to)
    if unknown := named - reachable:
        raise RatingError(
            f"Term {item.term.term_id} applies to {', '.join(sorted(unknown))}, which is no charge of the contract; "
            f"name some of {', '.join(sorted(reachable)) or 'its charges, once it has any'}."
        )
    return reach_of(item.term.term_id, charges=named or reachable, earlier=earlier)
