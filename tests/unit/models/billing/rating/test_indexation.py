"""Indexation: the rate follows published values by date, is rounded once, and is never guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.rating import RatedLine, check_terms, rate
from models.billing.rating.indexation import IndexationParameters, indexed_rate
from models.billing.rating.rating_pass import rated_amounts
from models.billing.rating.rules import ready
from models.billing.terms import Term
from models.errors import RatingError
from tests.builders.clauses import a_published_value, an_indexed_price
from tests.builders.contracts import ASSET, a_contract
from tests.builders.readings import MARCH, usage_of

AGREED: Any = an_indexed_price().parameters
LABOUR, _ = AGREED["components"]
VALUES = AGREED["values"]


def rated(term: Term, *, parts: str = "10") -> RatedLine:
    (line,) = rate(
        a_contract(term),
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage={"good_count": usage_of("0", parts)},
        availability=None,
    ).lines
    return line


def test_the_rate_is_rounded_once_before_any_quantity() -> None:
    line = rated(an_indexed_price(), parts="1000")
    assert line.unit_price == Decimal("103.9745")
    assert line.amount.amount == Decimal("103974.50")
    assert (
        "100 x (0.15 + 0.55 x 109.7 / 104.2 + 0.3 x 101.5 / 98) = 103.9745, rounded half-up at 4 decimals"
        in line.explanation.steps
    )
    assert "labour: 109.7 from 2026-03-01 (Destatis 62221)" in line.explanation.steps


def test_a_fixed_amount_follows_the_same_clause() -> None:
    line = rated(an_indexed_price("indexed_flat_fee", rate_decimals=2))
    assert (line.quantity, line.unit_code, line.unit_price) == (Decimal(1), "MON", Decimal("103.97"))


@pytest.mark.parametrize(("on", "labour"), [("2026-02-28", "104.2"), ("2026-03-01", "109.7"), ("2026-04-01", "120")])
def test_the_last_value_by_the_first_day_is_in_force(on: str, labour: str) -> None:
    found = indexed_rate(IndexationParameters.model_validate(AGREED), on=date.fromisoformat(on))
    assert found.values[0].value == Decimal(labour)


def test_a_price_that_goes_by_date_is_not_rated_without_one() -> None:
    with pytest.raises(RatingError, match="goes by date; rate it with its service period"):
        rated_amounts(ready(a_contract(an_indexed_price("indexed_flat_fee"))), usage={}, availability=None)


def test_an_index_without_a_value_holds_the_invoice() -> None:
    line = rated(an_indexed_price(values=[a_published_value("labour", "2026-04-01", "109.7"), VALUES[3]]))
    assert (line.unit_price, line.amount.amount) == (Decimal(0), Decimal(0))
    assert (
        line.hold_reason == "indexation: no value of the index labour is in force on 2026-03-01; add the published one"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"components": [LABOUR, LABOUR]}, "an index appears in two components"),
        ({"values": [*VALUES, VALUES[0]]}, "two values from one date"),
        ({"values": [*VALUES, a_published_value("oil", "2026-01-01", "1")]}, "oil has values and is in no component"),
        ({"values": [{**VALUES[0], "value": 104.2}]}, "is a float"),
        ({"values": [{**VALUES[0], "source": ""}]}, "at least 1 character"),
    ],
)
def test_a_clause_that_cannot_be_followed_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RatingError, match=problem):
        check_terms(a_contract(an_indexed_price(**changes)))


weights = st.decimals(min_value="0.01", max_value=1, places=2, allow_nan=False)
index_values = st.decimals(min_value=50, max_value=200, places=1, allow_nan=False)


@given(weights, weights, index_values, index_values, index_values)
def test_a_higher_index_never_makes_it_cheaper(
    fixed: Decimal, weight: Decimal, base: Decimal, one: Decimal, other: Decimal
) -> None:
    def rate_at(value: Decimal) -> Decimal:
        term = an_indexed_price(
            fixed_weight=str(fixed),
            components=[{"index": "labour", "weight": str(weight), "base_value": str(base)}],
            values=[a_published_value("labour", "2026-01-01", str(value))],
        )
        return indexed_rate(IndexationParameters.model_validate(term.parameters), on=date(2026, 3, 1)).rate

    assert rate_at(min(one, other)) <= rate_at(max(one, other))
