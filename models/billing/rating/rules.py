"""Which rules exist, and the one function that applies a contract to what was measured.

Belongs here: the registry and `rate`. Does not belong here: arithmetic; each rule's file has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.billing.rating.availability_guarantee import (
    AvailabilityGuaranteeParameters,
    base_amount,
    rate_availability_guarantee,
)
from models.billing.rating.flat_fee import FlatFeeParameters, rate_flat_fee
from models.billing.rating.graduated import GraduatedParameters, rate_graduated
from models.billing.rating.line import RatedLine, Rating, RuleInput, RuleParameters, read_parameters
from models.billing.rating.per_unit import PerUnitParameters, rate_per_unit
from models.billing.terms import Contract, Term
from models.billing.usage import Availability, UsageRecord
from models.errors import RatingError
from models.timeline import Period, local_date, month_days, month_period


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule's parameters, its function, and whether it prices a metric."""

    parameters: type[RuleParameters]
    rate: Callable[[RuleInput], tuple[RatedLine, ...]]
    is_metered: bool


RULES: Mapping[str, Rule] = {
    "flat_fee": Rule(parameters=FlatFeeParameters, rate=rate_flat_fee, is_metered=False),
    "per_unit": Rule(parameters=PerUnitParameters, rate=rate_per_unit, is_metered=True),
    "graduated": Rule(parameters=GraduatedParameters, rate=rate_graduated, is_metered=True),
    "availability_guarantee": Rule(
        parameters=AvailabilityGuaranteeParameters, rate=rate_availability_guarantee, is_metered=False
    ),
}


def rate(
    contract: Contract,
    *,
    physical_asset_id: str,
    service_period: Period,
    usage: Mapping[str, UsageRecord],
    availability: Availability | None,
) -> Rating:
    """The lines of one asset and one calendar month of the contract's zone; `usage` is by metric."""
    billing_period = f"{local_date(service_period.start, contract.time_zone):%Y-%m}"
    if service_period != month_period(billing_period, contract.time_zone):
        raise RatingError(
            f"{service_period.start:%Y-%m-%dT%H:%MZ} to {service_period.end:%Y-%m-%dT%H:%MZ} is not a calendar month "
            f"in {contract.time_zone}; take the period from month_period."
        )
    contract.require_coverage(physical_asset_id, *month_days(billing_period))
    for metric, record in usage.items():
        measured = (record.contract_id, record.physical_asset_id, record.metric, record.service_period)
        if measured != (contract.contract_id, physical_asset_id, metric, service_period):
            raise RatingError(f"The usage given for {metric} was measured for {measured[:3]}, not for this invoice.")
    lines: list[RatedLine] = []
    for term in sorted(contract.terms, key=lambda term: term.position):
        metered = usage.get(term.metric) if term.metric else None
        given = RuleInput(contract=contract, term=term, usage=metered, availability=availability)
        lines.extend(_rule_of(term).rate(given))
    return Rating(
        contract=contract,
        physical_asset_id=physical_asset_id,
        billing_period=billing_period,
        service_period=service_period,
        lines=tuple(lines),
    )


def check_terms(contract: Contract) -> None:
    """Refuse a contract that could not be rated, before any month needs it."""
    for term in contract.terms:
        rule = _rule_of(term)
        parameters = read_parameters(term, rule.parameters)
        if rule.is_metered and not (term.metric and term.quantity_unit_code):
            raise RatingError(
                f"Term {term.term_id} ({term.rule}) prices usage; give it a metric and a quantity_unit_code."
            )
        if not rule.is_metered and (term.metric or term.quantity_unit_code):
            raise RatingError(f"Term {term.term_id} ({term.rule}) prices no usage; leave metric and unit out.")
        if isinstance(parameters, AvailabilityGuaranteeParameters):
            base_amount(RuleInput(contract=contract, term=term, usage=None, availability=None), parameters)


def _rule_of(term: Term) -> Rule:
    try:
        return RULES[term.rule]
    except KeyError:
        raise RatingError(
            f"Term {term.term_id} names the rule {term.rule!r}, which does not exist; use one of {', '.join(RULES)}."
        ) from None
