"""Exact numbers: how one enters, how two multiply, how one is written down.

Belongs here: what money and quantities share, and the one division.
Does not belong here: rounding (models.money owns the rules).

Python's default decimal context silently rounds a product to 28 digits; a DECIMAL(38, 9) counter times a price needs
more, so products are formed in a context that raises instead of losing a digit.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator

from models.errors import MoneyError

WIDE = Context(prec=120, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
_DIVISION = Context(prec=WIDE.prec, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])
MOST_DIGITS = 50
"""Before and after the decimal point of a number that enters; DECIMAL(38, 9) has 38, and more is no price either."""


def exact(value: Decimal | int | str) -> Decimal:
    """The number as written; a binary float, a truth value or a non-number is refused."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise MoneyError(f"{value!r} is a {type(value).__name__}, not an exact number; write it as text, as in '0.42'.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise MoneyError(f"{value!r} is not a number; write digits with a decimal point, as in '0.42'.") from None
    if not number.is_finite():
        raise MoneyError(f"{value!r} is not a finite number.")
    _require_size(number, most_digits=MOST_DIGITS)
    return number


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """The product with every digit kept."""
    return WIDE.multiply(left, right)


def divide(dividend: Decimal | Fraction, divisor: Decimal | int = 1) -> Decimal:
    """The quotient to 120 digits, to be rounded at once: no double rounding can reach a decimal that is billed."""
    if isinstance(dividend, Fraction):
        return _DIVISION.divide(Decimal(dividend.numerator), multiply(Decimal(dividend.denominator), Decimal(divisor)))
    return _DIVISION.divide(dividend, Decimal(divisor))


def plain_text(number: Decimal) -> str:
    """One spelling per value, without exponent or trailing zeros: the form that is hashed and stored as JSON."""
    _require_size(number, most_digits=2 * MOST_DIGITS)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _require_size(number: Decimal, *, most_digits: int) -> None:
    """Refuse 1E+999999999: twelve characters that would be written as a gigabyte of zeros."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -most_digits or number.adjusted() > most_digits:
        raise MoneyError(f"A number of the size of {number!s:.40} is no quantity and no amount; correct it.")


def _exact_or_value_error(value: object) -> Decimal:
    try:
        return exact(value)  # type: ignore[arg-type]  # exact() refuses whatever is no number
    except MoneyError as refused:
        raise ValueError(str(refused)) from None


ExactNumber = Annotated[Decimal, BeforeValidator(_exact_or_value_error)]
"""A pydantic field that takes text, integers and Decimals and refuses floats."""
