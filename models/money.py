"""Money and the two rounding rules of the house.

Belongs here: amounts with their currency, `round_amount` (half-up at the currency's minor unit, once per invoice line
and once per tax category), `round_quantity` (half-up at four decimals, once per priced quantity), and `round_to` for a
clause that names its own decimals or direction. Does not belong here: prices or tax.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Literal

from models.errors import MoneyError
from models.exact import WIDE, exact, multiply

QUANTITY_PLACES = 4
"""Decimals of a priced quantity: a ten-thousandth of an hour is 0.36 s, of a cubic metre a decilitre."""

_MINOR_UNITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
        "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR "
        "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN "
        "NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
        "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
MINOR_UNITS = {code: places for places, codes in _MINOR_UNITS.items() for code in codes.split()}
"""ISO 4217: decimals of each circulating currency."""

RoundingMode = Literal["half_up", "ceiling", "floor"]
"""Half-up is the house's; a contract may name another for a quantity: up, or down, to the next step."""

_HALF_UP = Context(prec=WIDE.prec, rounding=ROUND_HALF_UP)
_ROUNDINGS = {"half_up": ROUND_HALF_UP, "ceiling": ROUND_CEILING, "floor": ROUND_FLOOR}


def minor_units(currency_code: str) -> int:
    """How many decimals the currency has."""
    try:
        return MINOR_UNITS[currency_code]
    except KeyError:
        raise MoneyError(f"{currency_code!r} is not an ISO 4217 currency code; use one such as EUR or USD.") from None


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency; it adds only to its own kind and multiplies only by exact numbers."""

    amount: Decimal
    currency_code: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise MoneyError(f"An amount is a Decimal, not {self.amount!r}; build it from text, as in Decimal('0.42').")
        if not self.amount.is_finite():
            raise MoneyError(f"{self.amount} is no amount.")
        minor_units(self.currency_code)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(WIDE.add(self.amount, other.amount), self.currency_code)

    def __sub__(self, other: Money) -> Money:
        return self + -other

    def __neg__(self) -> Money:
        return Money(WIDE.minus(self.amount), self.currency_code)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(multiply(self.amount, exact(factor)), self.currency_code)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency_code}"

    def _same_currency(self, other: Money) -> None:
        if self.currency_code != other.currency_code:
            raise MoneyError(f"{self} and {other} do not add up; convert one of them under a named rate first.")


def round_amount(money: Money) -> Money:
    """Half-up (away from zero at exactly half) at the currency's minor unit: the one rule for amounts."""
    return Money(_round_half_up(money.amount, minor_units(money.currency_code)), money.currency_code)


def round_quantity(quantity: Decimal) -> Decimal:
    """Half-up at four decimals: the one rule for a quantity that a price is applied to."""
    return _round_half_up(quantity, QUANTITY_PLACES)


def round_to(number: Decimal, *, places: int, mode: RoundingMode = "half_up") -> Decimal:
    """As a clause words it: "the rate is rounded to four decimals", "started units count in full" (ceiling, 0)."""
    return number.quantize(Decimal(1).scaleb(-places), rounding=_ROUNDINGS[mode], context=_HALF_UP)


def total(amounts: Iterable[Money], *, currency_code: str) -> Money:
    """The exact sum; nothing is rounded here because every line already was."""
    result = Money(_round_half_up(Decimal(0), minor_units(currency_code)), currency_code)
    for amount in amounts:
        result += amount
    return result


def _round_half_up(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), context=_HALF_UP)
