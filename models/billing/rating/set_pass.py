"""The net amounts of many contract-months at once, in SQL: for sums where nobody asks for lines, as unbilled revenue.

Belongs here: a contract's terms as rows of `price_tier` and `net_bound`, and the one query over them that gives what
`rated_lines` gives, to the minor unit. Does not belong here: an engine (the query runs in DuckDB), explanations, or the
rules that need parts, shares or discounts: those are refused here, never left out.

The query keeps to exact types: whole numbers where it divides, DECIMAL where it multiplies. It joins usage to the terms
from the left, so that a month without usage still owes its fees, its first tier and its minimum.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from models.billing.rating.flat_fee import FlatFeeParameters
from models.billing.rating.graduated import GraduatedParameters, TieredParameters
from models.billing.rating.maximum import MaximumParameters
from models.billing.rating.minimum_commitment import MinimumCommitmentParameters
from models.billing.rating.package import PackageParameters
from models.billing.rating.per_unit import PerUnitParameters
from models.billing.rating.quantity import MeteredParameters, divisor_of
from models.billing.rating.rating_pass import ReadyContract, ReadyTerm
from models.errors import RatingError

MOST_PLACES = 6
"""Decimals of a price that the query's types hold beside four of a quantity."""


class PriceTier(NamedTuple):
    """A row of `price_tier`: one tier of one term of one contract."""

    contract_id: str
    minor_places: int
    term_position: int
    kind: str
    metric: str | None
    divisor: int
    included_quantity: Decimal
    tier: int
    above: Decimal
    up_to: Decimal | None
    unit_price: Decimal
    flat_amount: Decimal
    flat_when_zero: bool
    package_size: Decimal | None


class NetBound(NamedTuple):
    """A row of `net_bound`: what a contract's charges together are at most and at least."""

    contract_id: str
    at_most: Decimal | None
    at_least: Decimal | None


PRICE_TIER_COLUMNS = """
    contract_id varchar, minor_places integer, term_position integer, kind varchar, metric varchar, divisor integer,
    included_quantity decimal(18, 4), tier integer, above decimal(18, 4), up_to decimal(18, 4),
    unit_price decimal(18, 6), flat_amount decimal(18, 6), flat_when_zero boolean, package_size decimal(18, 4)
"""
NET_BOUND_COLUMNS = "contract_id varchar, at_most decimal(18, 4), at_least decimal(18, 4)"

NET_AMOUNTS = """
with priced as (
    select
        contract_month.contract_id,
        contract_month.month,
        price_tier.* exclude (contract_id),
        case
            when price_tier.metric is null then 1
            else greatest(
                (
                    (2 * (coalesce(metered.quantity, 0) * 10000)::hugeint + price_tier.divisor)
                    // (2 * price_tier.divisor)
                )::decimal(18, 0) * 0.0001::decimal(5, 4) - price_tier.included_quantity,
                0
            )::decimal(18, 4)
        end as quantity
    from contract_month
    inner join price_tier on price_tier.contract_id = contract_month.contract_id
    left join metered
        on metered.contract_id = contract_month.contract_id
        and metered.month = contract_month.month
        and metered.metric = price_tier.metric
),

entered as (
    select
        *,
        case kind
            when 'graduated' then (least(quantity, coalesce(up_to, quantity)) - above)::decimal(18, 4)
            when 'package' then
                (
                    ((quantity * 10000)::hugeint + (package_size * 10000)::hugeint - 1)
                    // (package_size * 10000)::hugeint
                )::decimal(18, 4)
            else quantity
        end as units
    from priced
    where (tier = 1 or quantity > above) and (kind <> 'volume' or up_to is null or quantity <= up_to)
),

charged as (
    select
        contract_id,
        month,
        sum(
            round_at(units * unit_price, minor_places)
            + case when quantity > 0 or flat_when_zero then round_at(flat_amount, minor_places) else 0 end
        )::decimal(38, 4) as base
    from entered
    group by all
)

select
    charged.contract_id,
    charged.month,
    greatest(
        least(charged.base, coalesce(net_bound.at_most, charged.base)),
        coalesce(net_bound.at_least, least(charged.base, coalesce(net_bound.at_most, charged.base)))
    ) as net_amount
from charged
left join net_bound on net_bound.contract_id = charged.contract_id
"""
"""One row per contract and month, over `contract_month` (contract_id, month), `metered` (contract_id, month, metric,
quantity decimal(18, 4) in the unit of its readings), `price_tier` and `net_bound`. `round_at` is ROUND_AT."""

ROUND_AT = """
create or replace temp macro round_at(amount, places) as
    case places when 0 then round(amount, 0) when 2 then round(amount, 2) when 3 then round(amount, 3)
    else round(amount, 4) end::decimal(38, 4)
"""
"""DuckDB rounds a DECIMAL half away from zero, as the house does; the places have to be constants."""


def price_tiers(ready: ReadyContract, *, metered_units: Iterable[tuple[str, str]]) -> tuple[PriceTier, ...]:
    """The contract's charges as rows; `metered_units` says in which unit each metric is read.

    Raises RatingError for a term whose amount the query cannot compute: rate that contract by `rated_amounts`.
    """
    units = dict(metered_units)
    return tuple(row for item in ready.terms if item.reach is None for row in _rows(ready, item, units))


def net_bounds(ready: ReadyContract) -> tuple[NetBound, ...]:
    """The contract's maximum and minimum over all its charges; raises RatingError for any other adjustment."""
    charges = {item.term.term_id for item in ready.terms if item.reach is None}
    bounds: dict[type, Decimal] = {}
    for item in ready.terms:
        if item.reach is None:
            continue
        kind = type(item.parameters)
        is_known = kind in {MaximumParameters, MinimumCommitmentParameters} and kind not in bounds
        if not is_known or item.reach.charges != charges:
            raise _refusal(item)
        bounds[kind] = _held(item, item.parameters.amount)
    if not bounds:
        return ()
    return (
        NetBound(
            contract_id=ready.contract.contract_id,
            at_most=bounds.get(MaximumParameters),
            at_least=bounds.get(MinimumCommitmentParameters),
        ),
    )


def _rows(ready: ReadyContract, item: ReadyTerm, units: dict[str, str]) -> Iterable[PriceTier]:
    parameters, term = item.parameters, item.term
    exponent = ready.minor_unit.as_tuple().exponent
    included, divisor = Decimal(0), 1
    if isinstance(parameters, MeteredParameters):
        if parameters.unit_conversion is not None or parameters.needs_parts:
            raise _refusal(item)
        included = parameters.included_quantity
        divisor = divisor_of(from_unit=units[str(term.metric)], to_unit=str(term.quantity_unit_code))
    row = PriceTier(
        contract_id=ready.contract.contract_id,
        minor_places=-int(exponent),
        term_position=term.position,
        kind="each",
        metric=term.metric,
        divisor=divisor,
        included_quantity=included,
        tier=1,
        above=Decimal(0),
        up_to=None,
        unit_price=Decimal(0),
        flat_amount=Decimal(0),
        flat_when_zero=False,
        package_size=None,
    )
    if isinstance(parameters, FlatFeeParameters):
        yield row._replace(unit_price=_held(item, parameters.amount))
    elif isinstance(parameters, PerUnitParameters):
        yield row._replace(unit_price=_held(item, parameters.unit_price))
    elif isinstance(parameters, PackageParameters) and parameters.rounding == "up":
        price = _held(item, parameters.package_price)
        yield row._replace(kind="package", unit_price=price, package_size=parameters.package_size)
    elif isinstance(parameters, TieredParameters):
        above = Decimal(0)
        for number, tier in enumerate(parameters.tiers, start=1):
            yield row._replace(
                kind="graduated" if isinstance(parameters, GraduatedParameters) else "volume",
                tier=number,
                above=above,
                up_to=tier.up_to,
                unit_price=_held(item, tier.unit_price),
                flat_amount=_held(item, tier.flat_amount),
                flat_when_zero=parameters.flat_when_zero,
            )
            above = tier.up_to or above
    else:
        raise _refusal(item)


def _held(item: ReadyTerm, price: Decimal) -> Decimal:
    """The price, if the query's types hold all of it."""
    exponent = price.normalize().as_tuple().exponent
    if int(exponent) < -MOST_PLACES:
        raise _refusal(item)
    return price


def _refusal(item: ReadyTerm) -> RatingError:
    return RatingError(
        f"Term {item.term.term_id} ({item.term.rule}) is beyond what the query over many contracts computes; rate its "
        "contract by itself."
    )
