"""Numbers and times as text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.documents.errors import InexactAmountError
from models.billing.documents.figures import (
    amount_text,
    iso_instant,
    readable,
    readable_amount,
    readable_date,
    readable_instant,
    readable_price,
)

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12)


@given(amounts)
def test_an_amount_reads_back_to_the_cent(amount: Decimal) -> None:
    assert Decimal(amount_text(amount, currency_code="EUR")) == amount
    shown = readable_amount(amount, currency_code="EUR")
    assert Decimal(shown.replace(",", "").replace("\N{MINUS SIGN}", "-")) == amount


def test_an_amount_is_never_rounded() -> None:
    with pytest.raises(InexactAmountError, match=r"Amount 1\.005 has more than 2 decimals"):
        amount_text(Decimal("1.005"), currency_code="EUR")


@pytest.mark.parametrize(
    ("amount", "currency_code", "expected"),
    [
        ("1234567.5", "EUR", "1,234,567.50"),
        ("-111", "EUR", "\N{MINUS SIGN}111.00"),
        ("-0.00", "EUR", "0.00"),
        ("1E+3", "JPY", "1,000"),
        ("1234.567", "KWD", "1,234.567"),
    ],
)
def test_an_amount_has_its_currencys_decimals(amount: str, currency_code: str, expected: str) -> None:
    assert readable_amount(Decimal(amount), currency_code=currency_code) == expected


def test_an_e_invoice_refuses_a_third_decimal_even_where_the_currency_has_one() -> None:
    with pytest.raises(InexactAmountError):
        amount_text(Decimal("1234.567"), currency_code="KWD")


@pytest.mark.parametrize(
    ("number", "expected"), [("12560.000000000", "12,560"), ("0.500", "0.5"), ("-1", "\N{MINUS SIGN}1"), ("999", "999")]
)
def test_a_quantity_loses_trailing_zeros_only(number: str, expected: str) -> None:
    assert readable(Decimal(number)) == expected


@pytest.mark.parametrize(("price", "expected"), [("14.5", "14.50"), ("0.0194", "0.0194"), ("1850", "1,850.00")])
def test_a_price_has_two_decimals_or_more(price: str, expected: str) -> None:
    assert readable_price(Decimal(price)) == expected


def test_a_date_is_written_out() -> None:
    assert readable_date(date(2026, 3, 1)) == "1 March 2026"


def test_an_instant_shows_the_zones_clock_and_offset_on_both_sides_of_a_clock_change() -> None:
    before = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    after = datetime(2026, 3, 29, 1, 0, 0, 250000, tzinfo=UTC)

    assert readable_instant(before, time_zone="Europe/Berlin") == "2026-03-29 01:59:59 +01:00"
    assert readable_instant(after, time_zone="Europe/Berlin") == "2026-03-29 03:00:00.25 +02:00"
    assert iso_instant(after, time_zone="Asia/Kolkata") == "2026-03-29T06:30:00.250000+05:30"
