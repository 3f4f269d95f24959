"""The time a payload states: found, read in its unit and zone, in microseconds UTC.

Belongs here: members to instants, and what makes one doubtful. Does not belong here: what a row without a time does
(reader).

Nanoseconds and longer fractions are cut, not rounded: no event moves into the next microsecond.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, NamedTuple

from ingest.uns.dialect import TimeForm

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMERAL = re.compile(r"[0-9]{9,20}(?:\.[0-9]{1,12})?")
_LATEST_NUMBER = Decimal("2.6e20")  # nanoseconds of the year 10209; also keeps 1e999999 from becoming an int
_CUT = Context(prec=60, rounding=ROUND_DOWN)
_PER_UNIT = {"s": Decimal(10**6), "ms": Decimal(10**3), "us": Decimal(1), "ns": Decimal("0.001")}
_LIMITS = ((10**11, "s"), (10**14, "ms"), (10**17, "us"))
"""A unit is recognised by magnitude: 10^11 seconds are the year 5138, 10^11 milliseconds are 1973."""


class OwnTime(NamedTuple):
    """The time a payload states: microseconds UTC, a flag when it is doubtful, and the member that stated it.

    `naive_timestamp`: no zone, read as UTC. `ambiguous_timestamp`: the hour occurs twice, read as the first.
    `nonexistent_timestamp`: the hour was skipped. `timestamp_unit_assumed`: the number is not in the unit that the
    member's name says.
    """

    at: int
    flag: str = ""
    member: str = ""


def own_time(document: Mapping[str, Any], *, form: TimeForm) -> OwnTime | None:
    """The time of a payload by the first member that states a readable one; None without one."""
    for member in form.member:
        value = document.get(member)
        if value is None and "/" in member:
            value = _nested(document, member)
        if value is None:
            continue
        found = _instant(value, form)
        if found is not None:
            flag = found.flag or _contradiction(value, member=member, form=form)
            return OwnTime(found.at, flag, member)
    return None


def _nested(document: Mapping[str, Any], member: str) -> Any:
    value: Any = document
    for part in member.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _instant(value: object, form: TimeForm) -> OwnTime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return _from_number(value, form)
    if isinstance(value, str) and len(value) <= 40:
        if _NUMERAL.fullmatch(value):
            return _from_number(Decimal(value), form)
        try:
            return _from_moment(datetime.fromisoformat(value), form)
        except (ValueError, OverflowError):  # the second: a zone's rules end before the calendar does
            return None
    return None


def _from_number(value: int | Decimal, form: TimeForm) -> OwnTime | None:
    if not 0 < value < _LATEST_NUMBER:
        return None
    unit = form.unit if form.unit != "auto" else _recognised(value)
    return OwnTime(int(_CUT.multiply(value, _PER_UNIT[unit])))


def _recognised(value: int | Decimal) -> str:
    for limit, unit in _LIMITS:
        if value < limit:
            return unit
    return "ns"


def _contradiction(value: object, *, member: str, form: TimeForm) -> str:
    """A member called `…_ms` whose number only makes sense as something else: UMH's own examples do that."""
    if form.unit != "auto" or not member.endswith("_ms") or not isinstance(value, int | Decimal):
        return ""
    return "" if _recognised(value) == "ms" else "timestamp_unit_assumed"


def _from_moment(moment: datetime, form: TimeForm) -> OwnTime:
    if moment.tzinfo is not None:
        return OwnTime(_microseconds(moment))
    zone = form.zone_info
    if zone is None:
        return OwnTime(_microseconds(moment.replace(tzinfo=UTC)), "naive_timestamp")
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return OwnTime(_microseconds(first))
    is_real = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == moment
    return OwnTime(_microseconds(first), "ambiguous_timestamp" if is_real else "nonexistent_timestamp")


def _microseconds(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
