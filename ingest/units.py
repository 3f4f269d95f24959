"""Units of measure: UN/ECE Recommendation 20 codes, the spellings plants use for them, and exact conversion.

Belongs here: the code table and the linear conversion (`value * factor + unit_offset`) between two units, in Decimal.
Does not belong here: which metric carries which unit; that is configuration (ingest.mapping).

pint does the arithmetic and is imported at the first conversion only: a collector without conversions starts fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import cache, lru_cache
from typing import Any

PINT_NAME_BY_CODE = {
    "3B": "megajoule",
    "AMP": "ampere",
    "BAR": "bar",
    "C16": "millimeter / second",
    "C62": "dimensionless",
    "CEL": "degree_Celsius",
    "CMT": "centimeter",
    "DAY": "day",
    "DD": "degree",
    "FAH": "degree_Fahrenheit",
    "FOT": "foot",
    "FTQ": "foot ** 3",
    "GRM": "gram",
    "GV": "gigajoule",
    "H87": "dimensionless",
    "HTZ": "hertz",
    "HUR": "hour",
    "INH": "inch",
    "IU": "inch / second",
    "JOU": "joule",
    "KEL": "kelvin",
    "KGM": "kilogram",
    "KJO": "kilojoule",
    "KPA": "kilopascal",
    "KWH": "kilowatt_hour",
    "KWT": "kilowatt",
    "L2": "liter / minute",
    "LBR": "pound",
    "LTR": "liter",
    "MAW": "megawatt",
    "MBR": "millibar",
    "MIN": "minute",
    "MMT": "millimeter",
    "MPA": "megapascal",
    "MQH": "meter ** 3 / hour",
    "MQS": "meter ** 3 / second",
    "MSK": "meter / second ** 2",
    "MTQ": "meter ** 3",
    "MTR": "meter",
    "MTS": "meter / second",
    "MWH": "megawatt_hour",
    "NEW": "newton",
    "NU": "newton * meter",
    "P1": "percent",
    "PAL": "pascal",
    "PS": "pound_force_per_square_inch",
    "RPM": "1 / minute",
    "SEC": "second",
    "TNE": "metric_ton",
    "VLT": "volt",
    "2Z": "millivolt",
    "4K": "milliampere",
    "WHR": "watt_hour",
    "WTT": "watt",
    "C26": "millisecond",
}
"""The codes we convert. `RPM` is a rate per minute, not an angular velocity: 60 RPM are 1 HTZ."""

CODE_BY_SPELLING = {
    "%": "P1",
    "percent": "P1",
    "a": "AMP",
    "amp": "AMP",
    "bar": "BAR",
    "c": "CEL",
    "d": "DAY",
    "deg": "DD",
    "°": "DD",
    "°c": "CEL",
    "degc": "CEL",
    "celsius": "CEL",
    "f": "FAH",
    "°f": "FAH",
    "degf": "FAH",
    "fahrenheit": "FAH",
    "ft3": "FTQ",
    "ft³": "FTQ",
    "ft^3": "FTQ",
    "cf": "FTQ",
    "g": "GRM",
    "h": "HUR",
    "hz": "HTZ",
    "in": "INH",
    "in/s": "IU",
    "ips": "IU",
    "j": "JOU",
    "k": "KEL",
    "gj": "GV",
    "kg": "KGM",
    "kj": "KJO",
    "kpa": "KPA",
    "kw": "KWT",
    "kwh": "KWH",
    "l": "LTR",
    "litre": "LTR",
    "liter": "LTR",
    "litro": "LTR",
    "lb": "LBR",
    "m": "MTR",
    "l/min": "L2",
    "m/s": "MTS",
    "m/s2": "MSK",
    "m/s²": "MSK",
    "m3/h": "MQH",
    "m³/h": "MQH",
    "m3/s": "MQS",
    "m³/s": "MQS",
    "ma": "4K",
    "m3": "MTQ",
    "m³": "MTQ",
    "m^3": "MTQ",
    "min": "MIN",
    "mm": "MMT",
    "mm/s": "C16",
    "ms": "C26",
    "mpa": "MPA",
    "mwh": "MWH",
    "n": "NEW",
    "pa": "PAL",
    "pc": "H87",
    "pcs": "H87",
    "piece": "H87",
    "pieces": "H87",
    "pieza": "H87",
    "piezas": "H87",
    "psi": "PS",
    "rpm": "RPM",
    "s": "SEC",
    "sec": "SEC",
    "n·m": "NU",
    "nm": "NU",
    "v": "VLT",
    "w": "WTT",
    "wh": "WHR",
    "1": "C62",
}
"""What `engUnit` says on real plants, compared in lower case."""

CODE_BY_EXACT_SPELLING = {"MJ": "3B", "MW": "MAW"}
"""Spellings whose case decides between a thousand million and a thousandth: `mJ` is not among them."""

_PRECISION = Decimal("1e-18")
_EXACT = Context(prec=50)


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """canonical value = source value * factor + unit_offset; both rounded to 18 decimals."""

    factor: Decimal
    unit_offset: Decimal


IDENTITY = Conversion(factor=Decimal(1), unit_offset=Decimal(0))


class UnitError(ValueError):
    """A unit is unknown, or two units measure different things."""


def unit_code(spelling: str) -> str:
    """The Recommendation 20 code behind a code or a usual spelling of it."""
    text = spelling.strip()
    if text in PINT_NAME_BY_CODE:
        return text
    code = CODE_BY_EXACT_SPELLING.get(text) or CODE_BY_SPELLING.get(text.lower())
    if code is None:
        raise UnitError(f"unit {spelling!r} is unknown: use a UN/ECE Recommendation 20 code such as KWH, CEL or C16")
    return code


@lru_cache(maxsize=4096)
def conversion(*, source: str, target: str) -> Conversion:
    """How to turn a value in `source` into one in `target` (codes or spellings)."""
    source_code, target_code = unit_code(source), unit_code(target)
    if source_code == target_code or {source_code, target_code} == {"H87", "C62"}:
        return IDENTITY
    registry = _registry()
    try:
        with localcontext(_EXACT):
            zero, thousand = (
                Decimal(
                    registry.Quantity(Decimal(x), PINT_NAME_BY_CODE[source_code])
                    .to(PINT_NAME_BY_CODE[target_code])
                    .magnitude
                )
                for x in (0, 1000)
            )
            factor = ((thousand - zero) / 1000).quantize(_PRECISION, rounding=ROUND_HALF_EVEN)
            return Conversion(factor=factor, unit_offset=zero.quantize(_PRECISION, rounding=ROUND_HALF_EVEN))
    except Exception as error:  # pint's own errors share no base class with those it lets through
        raise UnitError(f"{source!r} cannot be converted to {target!r}") from error


@cache
def _registry() -> Any:
    import pint

    with localcontext(_EXACT):
        return pint.UnitRegistry(non_int_type=Decimal, cache_folder=None)
