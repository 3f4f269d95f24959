"""Partial credits: net and tax are rounded, the gross is their sum."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.credit_amounts import TaxBasis, credit_unused
from models.billing.rating.share import PeriodShare
from models.money import Money


def euro(amount: str | Decimal) -> Money:
    return Money(Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("price", "part", "whole", "rate", "net", "tax", "gross"),
    [
        ("160.00", 29, 30, "25", "154.67", "38.67", "193.34"),
        ("29.99", 6, 7, "23.33", "25.71", "6.00", "31.71"),
        ("200.00", 29, 30, "25", "193.33", "48.33", "241.66"),  # the exact gross would round to 241.67
    ],
)
def test_the_gross_is_the_sum_of_the_rounded_parts(
    price: str, part: int, whole: int, rate: str, net: str, tax: str, gross: str
) -> None:
    unused = PeriodShare(Decimal(part), Decimal(whole))
    credit = credit_unused(euro(price), unused=unused, tax_rate_percent=Decimal(rate))
    assert (credit.net, credit.tax, credit.gross) == (euro(net), euro(tax), euro(gross))


@pytest.mark.parametrize(("basis", "tax"), [("rounded_net", "0.00"), ("exact_net", "0.01")])
def test_tax_is_formed_from_the_rounded_net_unless_the_contract_says_otherwise(basis: TaxBasis, tax: str) -> None:
    half = PeriodShare(Decimal(1), Decimal(3))
    credit = credit_unused(euro("0.07"), unused=half, tax_rate_percent=Decimal(24), tax_basis=basis)
    assert credit.net == euro("0.02")
    assert credit.tax == euro(tax)


@given(st.integers(0, 10**8), st.integers(0, 31), st.integers(0, 30))
def test_what_is_given_back_is_never_more_than_the_price(price: int, part: int, rate: int) -> None:
    billed = euro(Decimal(price).scaleb(-2))
    unused = PeriodShare(Decimal(part), Decimal(31))
    assert credit_unused(billed, unused=unused, tax_rate_percent=Decimal(rate)).net.amount <= billed.amount
