"""Which rules exist, and the one function that applies a contract to what was measured.

Belongs here: the registry and `rate`. Does not belong here: arithmetic; each rule's file has its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.billing.rating.adjustment import AdjustmentParameters
from models.billing.rating.amount_discount import AMOUNT_DISCOUNT
from models.billing.rating.availability_guarantee import AvailabilityGuaranteeParameters, rate_availability_guarantee
from models.billing.rating.base_amount import base_term_of
from models.billing.rating.charge import Pricing
from models.billing.rating.dimension_prices import DIMENSION_PRICES
from models.billing.rating.flat_fee import FLAT_FEE
from models.billing.rating.hour_bands import HourBandsParameters, rate_hour_bands
from models.billing.rating.indexation import (
    IndexationParameters,
    IndexedFlatFeeParameters,
    rate_indexation,
    rate_indexed_flat_fee,
)
from models.billing.rating.line import Rating, RuleParameters, read_parameters
from models.billing.rating.maximum import MAXIMUM
from models.billing.rating.minimum_commitment import MINIMUM_COMMITMENT
from models.billing.rating.parts import UsagePart
from models.billing.rating.per_part import PER_PART
from models.billing.rating.percentage import PERCENTAGE
from models.billing.rating.percentage_discount import PERCENTAGE_DISCOUNT
from models.billing.rating.performance_credit import PerformanceCreditParameters, rate_performance_credit
from models.billing.rating.prepaid_credit import PREPAID_CREDIT
from models.billing.rating.prices import PRICES
from models.billing.rating.rating_pass import NO_PARTS, ReadyContract, Rule, rated_lines, ready_contract
from models.billing.rating.severity_factor import SeverityFactorParameters, rate_severity_factor
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
from models.billing.rating.time_of_day import TIME_OF_DAY
from models.billing.terms import Contract, Term
from models.billing.usage import Availability, UsageRecord
from models.errors import RatingError
from models.timeline import Period, local_date, month_days, month_period


def _priced(pricing: Pricing, *, is_metered: bool) -> Rule:
    return Rule(parameters=pricing.parameters, is_metered=is_metered, charges=pricing.charges, explain=pricing.explain)


RULES: Mapping[str, Rule] = {
    "flat_fee": _priced(FLAT_FEE, is_metered=False),
    **{name: _priced(pricing, is_metered=True) for name, pricing in PRICES.items()},
    "percentage": _priced(PERCENTAGE, is_metered=True),
    "per_part": _priced(PER_PART, is_metered=True),
    "time_of_day": _priced(TIME_OF_DAY, is_metered=True),
    "dimension_prices": _priced(DIMENSION_PRICES, is_metered=True),
    "availability_guarantee": Rule(parameters=AvailabilityGuaranteeParameters, rate=rate_availability_guarantee),
    "indexation": Rule(parameters=IndexationParameters, rate=rate_indexation, is_metered=True),
    "indexed_flat_fee": Rule(parameters=IndexedFlatFeeParameters, rate=rate_indexed_flat_fee),
    "performance_credit": Rule(parameters=PerformanceCreditParameters, rate=rate_performance_credit, is_metered=True),
    "severity_factor": Rule(parameters=SeverityFactorParameters, rate=rate_severity_factor, is_metered=True),
    "hour_bands": Rule(parameters=HourBandsParameters, rate=rate_hour_bands, is_metered=True),
    "percentage_discount": _priced(PERCENTAGE_DISCOUNT, is_metered=False),
    "amount_discount": _priced(AMOUNT_DISCOUNT, is_metered=False),
    "maximum": _priced(MAXIMUM, is_metered=False),
    "minimum_commitment": _priced(MINIMUM_COMMITMENT, is_metered=False),
    "prepaid_credit": _priced(PREPAID_CREDIT, is_metered=False),
}


def rate(
    contract: Contract,
    *,
    physical_asset_id: str,
    service_period: Period,
    usage: Mapping[str, UsageRecord],
    availability: Availability | None,
    parts: Mapping[str, tuple[UsagePart, ...]] = NO_PARTS,
    share: PeriodShare = WHOLE_PERIOD,
) -> Rating:
    """The lines of one asset and one calendar month of the contract's zone; `usage` and `parts` are by metric."""
    billing_period = f"{local_date(service_period.start, contract.time_zone):%Y-%m}"
    if service_period != month_period(billing_period, contract.time_zone):
        raise RatingError(
            f"{service_period.start:%Y-%m-%dT%H:%MZ} to {service_period.end:%Y-%m-%dT%H:%MZ} is not a calendar month "
            f"in {contract.time_zone}; take the period from month_period."
        )
    days = month_days(billing_period)
    contract.require_coverage(physical_asset_id, *days)
    contract = contract.with_terms_for(*days)
    for metric, record in usage.items():
        measured = (record.contract_id, record.physical_asset_id, record.metric, record.service_period)
        if measured != (contract.contract_id, physical_asset_id, metric, service_period):
            raise RatingError(f"The usage given for {metric} was measured for {measured[:3]}, not for this invoice.")
    lines = rated_lines(
        ready(contract),
        usage=usage,
        availability=availability,
        parts=parts,
        share=share,
        service_period=service_period,
    )
    return Rating(
        contract=contract,
        physical_asset_id=physical_asset_id,
        billing_period=billing_period,
        service_period=service_period,
        lines=lines,
    )


def ready(contract: Contract) -> ReadyContract:
    """The contract made ready to be rated: every term read, charges and adjustments in order."""
    return ready_contract(contract, _rule_and_parameters)


def check_terms(contract: Contract) -> None:
    """Refuse a contract that could not be rated, before any month needs it."""
    for item in ready(contract).terms:
        term, is_metered = item.term, item.rule.is_metered
        if is_metered and not (term.metric and term.quantity_unit_code):
            raise RatingError(
                f"Term {term.term_id} ({term.rule}) prices usage; give it a metric and a quantity_unit_code."
            )
        if not is_metered and (term.metric or term.quantity_unit_code):
            raise RatingError(f"Term {term.term_id} ({term.rule}) prices no usage; leave metric and unit out.")
        if isinstance(item.parameters, AdjustmentParameters) and len(set(item.parameters.applies_to)) < len(
            item.parameters.applies_to
        ):
            raise RatingError(f"Term {term.term_id} ({term.rule}) names a term twice in applies_to; name it once.")
        if isinstance(item.parameters, AvailabilityGuaranteeParameters):
            base_term_of(contract, term_id=term.term_id, base_term=item.parameters.base_term)
        if isinstance(item.parameters, PerformanceCreditParameters) and item.parameters.cap is not None:
            base_term_of(contract, term_id=term.term_id, base_term=item.parameters.cap.base_term)


def _rule_and_parameters(term: Term) -> tuple[Rule, RuleParameters]:
    try:
        rule = RULES[term.rule]
    except KeyError:
        raise RatingError(
            f"Term {term.term_id} names the rule {term.rule!r}, which does not exist; use one of {', '.join(RULES)}."
        ) from None
    return rule, read_parameters(term, rule.parameters)
