"""Numbers and times as text: exact for machines, grouped for readers.

Belongs here: formatting only. Does not belong here: rounding; an amount that would need it raises.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from models.billing.documents.errors import InexactAmountError
from models.exact import plain_text
from models.money import minor_units

MINUS = "\N{MINUS SIGN}"
EN_16931_PLACES = 2
# Not strftime("%B"): that follows the machine's locale, and the same document must always be the same bytes.
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def amount_text(amount: Decimal, *, currency_code: str) -> str:
    """An amount with its currency's decimals, as EN 16931 writes it (rules BR-DEC: at most two)."""
    return _with_places(amount, places=min(minor_units(currency_code), EN_16931_PLACES))


def readable_amount(amount: Decimal, *, currency_code: str) -> str:
    """An amount for a reader: thousands grouped, the currency's decimals."""
    return _grouped(_with_places(amount, places=minor_units(currency_code)))


def readable(number: Decimal) -> str:
    """A quantity for a reader: thousands grouped, no trailing zeros."""
    return _grouped(plain_text(number))


def readable_price(price: Decimal) -> str:
    """A unit price for a reader: two decimals at least, more where the price has them."""
    whole, _, decimals = plain_text(price).partition(".")
    return _grouped(f"{whole}.{decimals.ljust(2, '0')}")


def readable_date(day: date) -> str:
    """A date as a letter writes it: 31 March 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def readable_instant(at: datetime, *, time_zone: str) -> str:
    """An instant on the clocks of a zone, with their offset; a fraction of a second only where there is one."""
    local = at.astimezone(ZoneInfo(time_zone))
    clock = local.replace(tzinfo=None).isoformat(sep=" ")
    if local.microsecond:
        clock = clock.rstrip("0")
    offset = local.strftime("%z")
    return f"{clock} {offset[:3]}:{offset[3:]}"


def iso_instant(at: datetime, *, time_zone: str) -> str:
    """The same instant for machines (ISO 8601 with offset)."""
    return at.astimezone(ZoneInfo(time_zone)).isoformat()


def _with_places(amount: Decimal, *, places: int) -> str:
    written = amount.quantize(Decimal(1).scaleb(-places))
    if written != amount:
        raise InexactAmountError(amount=amount, places=places)
    return format(abs(written) if written == 0 else written, "f")


def _grouped(text: str) -> str:
    sign, digits = (MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, point, decimals = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"
