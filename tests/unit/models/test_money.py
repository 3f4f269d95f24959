"""Money is exact, keeps its currency, and is rounded by one rule."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import MoneyError
from models.exact import WIDE, divide, exact, multiply, plain_text
from models.money import MINOR_UNITS, Money, RoundingMode, minor_units, round_amount, round_quantity, round_to, total

decimals = st.decimals(min_value=-(10**20), max_value=10**20, allow_nan=False, allow_infinity=False, places=9)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.005", "EUR", "1.01"),
        ("-1.005", "EUR", "-1.01"),
        ("1.00499999999999999999999999999", "EUR", "1.00"),
        ("2.5", "JPY", "3"),
        ("1.0005", "KWD", "1.001"),
        ("0.00005", "CLF", "0.0001"),
    ],
)
def test_an_amount_is_rounded_half_up_at_its_currencys_minor_unit(amount: str, currency: str, rounded: str) -> None:
    assert str(round_amount(Money(Decimal(amount), currency)).amount) == rounded


def test_a_quantity_is_rounded_half_up_at_four_decimals() -> None:
    assert round_quantity(Decimal("342.93525")) == Decimal("342.9353")


@pytest.mark.parametrize(
    ("number", "places", "mode", "rounded"),
    [
        ("123.456", 0, "ceiling", "124"),
        ("123.456", 2, "floor", "123.45"),
        ("123.456", 2, "half_up", "123.46"),
        ("-1.5", 0, "ceiling", "-1"),
        ("-1.5", 0, "half_up", "-2"),
        ("103.97445", 4, "half_up", "103.9745"),
    ],
)
def test_a_clause_may_name_its_own_decimals_and_direction(
    number: str, places: int, mode: RoundingMode, rounded: str
) -> None:
    assert str(round_to(Decimal(number), places=places, mode=mode)) == rounded


@pytest.mark.parametrize("amount", [1.5, 2, "3", True, None])
def test_money_is_built_from_a_decimal_and_nothing_else(amount: object) -> None:
    with pytest.raises(MoneyError, match="An amount is a Decimal"):
        Money(amount, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [1.5, True, None, "1,5", "", "NaN", Decimal("Infinity"), "1E+99", "1E-99"])
def test_an_exact_number_is_never_a_float_a_truth_value_or_not_a_number(number: object) -> None:
    with pytest.raises(MoneyError):
        exact(number)  # type: ignore[arg-type]


def test_an_infinite_amount_is_no_money() -> None:
    with pytest.raises(MoneyError, match="is no amount"):
        Money(Decimal("Infinity"), "EUR")


def test_a_number_too_large_to_write_down_is_refused() -> None:
    with pytest.raises(MoneyError, match="no quantity and no amount"):
        plain_text(Decimal("1E+999999999"))


def test_money_multiplies_by_exact_numbers_only() -> None:
    assert Money(Decimal("0.10"), "EUR") * 3 == Money(Decimal("0.30"), "EUR")
    with pytest.raises(MoneyError, match="is a float"):
        Money(Decimal("0.10"), "EUR") * 3.0  # type: ignore[operator]


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(MoneyError, match="do not add up"):
        Money(Decimal(1), "EUR") - Money(Decimal(1), "USD")


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        Money(Decimal(1), "EURO")


def test_the_currency_table_knows_the_odd_ones() -> None:
    assert (minor_units("EUR"), minor_units("JPY"), minor_units("BHD"), minor_units("UYW")) == (2, 0, 3, 4)
    assert all(len(code) == 3 and code.isupper() for code in MINOR_UNITS)


def test_money_reads_as_amount_and_currency() -> None:
    assert str(Money(Decimal("12.50"), "EUR")) == "12.50 EUR"


def test_the_sum_of_nothing_is_zero_with_the_currencys_decimals() -> None:
    assert str(total([], currency_code="EUR")) == "0.00 EUR"


@given(decimals, decimals)
def test_adding_and_taking_away_again_changes_nothing(left: Decimal, right: Decimal) -> None:
    money = Money(left, "EUR")
    assert money + Money(right, "EUR") - Money(right, "EUR") == money


@given(decimals, decimals)
def test_a_product_keeps_every_digit(left: Decimal, right: Decimal) -> None:
    assert Fraction(multiply(left, right)) == Fraction(left) * Fraction(right)


@given(decimals, st.integers(1, 10**6))
def test_a_quotient_is_so_near_that_rounding_it_is_the_only_rounding(number: Decimal, divisor: int) -> None:
    whole = Fraction(number) / divisor
    for quotient in (divide(number, divisor), divide(whole)):
        assert abs(Fraction(quotient) - whole) < Fraction(1, 10**80)
    assert divide(whole, 2) == divide(whole / 2)


@given(decimals)
def test_rounding_moves_an_amount_by_at_most_half_a_cent_and_only_once(amount: Decimal) -> None:
    rounded = round_amount(Money(amount, "EUR"))
    assert abs(rounded.amount - amount) <= Decimal("0.005")
    assert round_amount(rounded) == rounded


@given(decimals)
def test_one_value_has_one_spelling(number: Decimal) -> None:
    assert plain_text(number) == plain_text(WIDE.normalize(number))
    assert Decimal(plain_text(number)) == number
    assert "E" not in plain_text(number)


def test_negative_zero_is_zero() -> None:
    assert plain_text(Decimal("-0.00")) == "0"
