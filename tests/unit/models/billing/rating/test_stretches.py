"""rating.stretches: amendments, starts and ends inside a period; however it is cut, the parts are the whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.rating.share import PeriodShare
from models.billing.rating.stretches import MeasuredStretch, RatedStretch, rate_stretches, rating_of
from models.billing.terms import Contract, CoveredAsset, Term
from models.errors import RatingError
from models.timeline import Period, midnight
from tests.builders.contracts import ASSET, a_contract, a_flat_fee, a_graduated
from tests.builders.readings import usage_of

FIRST, FOLLOWING = date(2026, 3, 1), date(2026, 4, 1)
OTHER = "weller-mc630-1042"


def a_prorated_fee(amount: str) -> Term:
    return replace(a_flat_fee(), parameters={"amount": amount, "is_prorated": True})


def measured(first: date, following: date, quantity: int = 0, *, asset: str = ASSET) -> MeasuredStretch:
    period = Period(midnight(first, "Europe/Berlin"), midnight(following, "Europe/Berlin"))
    usage = {"good_count": usage_of("0", str(quantity), period=period, asset=asset)}
    return MeasuredStretch(first_date=first, following_date=following, usage=usage)


def rated(contract: Contract, *pieces: MeasuredStretch, asset: str = ASSET) -> tuple[RatedStretch, ...]:
    return rate_stretches(contract, physical_asset_id=asset, billing_period=contract.period_on(FIRST), measured=pieces)


def amounts(passes: tuple[RatedStretch, ...]) -> list[str]:
    return [str(line.amount.amount) for one in passes for line in one.lines]


def amended(day: date, *, before: tuple[Term, ...], after: tuple[Term, ...]) -> Contract:
    first = a_contract(*before)
    return a_contract(*after, contract_version=2, effective_date=day, earlier_versions=first.versions)


def test_an_amendment_prices_each_part_of_the_month_by_its_own_terms() -> None:
    day = date(2026, 3, 16)
    contract = amended(
        day,
        before=(a_graduated({"up_to": None, "unit_price": "0.50"}),),
        after=(a_graduated({"up_to": None, "unit_price": "0.40"}),),
    )
    passes = rated(contract, measured(FIRST, day, 1000), measured(day, FOLLOWING, 2000))
    assert amounts(passes) == ["500.00", "800.00"]
    assert [one.contract_version for one in passes] == [1, 2]
    rating = rating_of(contract, physical_asset_id=ASSET, billing_period=contract.period_on(FIRST), rated=passes)
    assert (rating.billing_period, rating.net_amount.amount) == ("2026-03", Decimal("1300.00"))


def test_a_swapped_asset_and_the_one_in_its_place_share_one_fee() -> None:
    day = date(2026, 3, 11)
    contract = a_contract(
        a_prorated_fee("1000"),
        assets=(
            CoveredAsset(physical_asset_id=ASSET, covered_from_date=date(2026, 1, 1), covered_until_date=day),
            CoveredAsset(physical_asset_id=OTHER, covered_from_date=day, replaces_physical_asset_id=ASSET),
        ),
    )
    left = amounts(rated(contract, measured(FIRST, day)))
    came = amounts(rated(contract, measured(day, FOLLOWING, asset=OTHER), asset=OTHER))
    assert (left, came) == (["322.58"], ["677.42"])  # 10 and 21 of 31 days


def test_a_quarter_is_prorated_over_its_own_days() -> None:
    contract = a_contract(a_prorated_fee("9000"), billing_period="quarter", start_date=date(2026, 2, 1))
    (one,) = rated(contract, measured(date(2026, 2, 1), FOLLOWING))
    assert (one.share, str(one.lines[0].amount)) == (PeriodShare(Decimal(59), Decimal(90)), "5900.00 EUR")


def test_a_fee_that_is_not_prorated_is_never_charged_twice() -> None:
    day = date(2026, 3, 16)
    contract = amended(day, before=(a_flat_fee("8000"),), after=(a_flat_fee("9000"),))
    with pytest.raises(RatingError, match="base_fee is due whole, but the terms change on 2026-03-16"):
        rated(contract, measured(FIRST, day), measured(day, FOLLOWING))


@pytest.mark.parametrize(
    "pieces",
    [
        (measured(FIRST, date(2026, 3, 10)),),
        (measured(FIRST, date(2026, 3, 10)), measured(date(2026, 3, 9), FOLLOWING)),
        (measured(FIRST, FOLLOWING), measured(FOLLOWING, date(2026, 4, 2))),
    ],
    ids=["a gap", "an overlap", "too much"],
)
def test_what_was_measured_is_what_is_covered(pieces: tuple[MeasuredStretch, ...]) -> None:
    with pytest.raises(RatingError, match="measured of"):
        rated(a_contract(a_graduated()), *pieces)


def test_an_asset_that_is_not_covered_is_not_billed() -> None:
    with pytest.raises(RatingError, match="does not cover"):
        rated(a_contract(a_graduated()), asset=OTHER)


cuts = st.sets(st.integers(1, 30), max_size=6)


def pieces_between(days: set[int], quantities: list[int]) -> list[MeasuredStretch]:
    bounds = [FIRST, *(FIRST + timedelta(days=day) for day in sorted(days)), FOLLOWING]
    return [measured(start, end, quantities[number]) for number, (start, end) in enumerate(pairwise(bounds))]


@given(days=cuts, quantities=st.lists(st.integers(0, 9000), min_size=7, max_size=7))
def test_however_a_month_is_cut_its_bill_is_the_same_where_no_term_changes(
    days: set[int], quantities: list[int]
) -> None:
    contract = a_contract(a_prorated_fee("777.77"), a_graduated())
    pieces = pieces_between(days, quantities)
    whole = measured(FIRST, FOLLOWING, sum(quantities[: len(pieces)]))
    assert amounts(rated(contract, *pieces)) == amounts(rated(contract, whole))


@given(days=cuts, cents=st.integers(0, 10_000_000))
def test_the_parts_of_a_fee_add_up_to_it_to_the_cent(days: set[int], cents: int) -> None:
    fee = Decimal(cents).scaleb(-2)
    pieces = pieces_between(days, [0] * 7)
    versions = [
        a_contract(replace(a_prorated_fee(str(fee)), description=f"Fee {number}")) for number in range(len(pieces))
    ]
    contract = replace(
        versions[-1],
        contract_version=len(pieces),
        effective_date=pieces[-1].first_date if len(pieces) > 1 else None,
        earlier_versions=tuple(
            replace(version.versions[0], contract_version=number, effective_date=pieces[number - 1].first_date)
            for number, version in enumerate(versions[:-1], 1)
        ),
    )
    passes = rated(contract, *pieces)
    assert len(passes) == len(pieces)
    assert sum(Decimal(amount) for amount in amounts(passes)) == fee
