"""ingest.units: codes, spellings and exact conversion."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingest.units import CODE_BY_SPELLING, PINT_NAME_BY_CODE, UnitError, conversion, unit_code


@pytest.mark.parametrize(
    ("source", "target", "factor", "unit_offset"),
    [
        ("Wh", "KWH", "0.001", "0"),
        ("l", "MTQ", "0.001", "0"),
        ("ft3", "MTQ", "0.028316846592", "0"),
        ("degF", "CEL", "0.555555555555555556", "-17.777777777777777778"),
        ("in/s", "C16", "25.4", "0"),
        ("min", "SEC", "60", "0"),
        ("%", "P1", "1", "0"),
        ("rpm", "HTZ", "0.016666666666666667", "0"),
        ("pcs", "H87", "1", "0"),
        ("kPa", "BAR", "0.01", "0"),
        ("MJ", "KWH", "0.277777777777777778", "0"),
        ("l/min", "MQH", "0.06", "0"),
        ("mA", "AMP", "0.001", "0"),
    ],
)
def test_a_conversion_is_exact_to_eighteen_decimals(source: str, target: str, factor: str, unit_offset: str) -> None:
    found = conversion(source=source, target=target)
    assert (found.factor, found.unit_offset) == (Decimal(factor), Decimal(unit_offset))


def test_boiling_water_is_a_hundred_degrees() -> None:
    scale = conversion(source="FAH", target="CEL")
    assert round(Decimal(212) * scale.factor + scale.unit_offset, 9) == 100


def test_every_code_converts_to_itself_and_every_spelling_has_a_code() -> None:
    assert all(conversion(source=code, target=code).factor == 1 for code in PINT_NAME_BY_CODE)
    assert {unit_code(spelling) for spelling in CODE_BY_SPELLING} <= set(PINT_NAME_BY_CODE)


def test_units_of_different_kinds_do_not_convert() -> None:
    with pytest.raises(UnitError):
        conversion(source="bar", target="CEL")


def test_an_unknown_unit_says_what_to_write() -> None:
    with pytest.raises(UnitError, match="Recommendation 20"):
        unit_code("furlong")


@pytest.mark.parametrize("spelling", ["mJ", "mW"])
def test_a_prefix_whose_case_decides_is_not_guessed(spelling: str) -> None:
    assert unit_code(spelling.upper()) in {"3B", "MAW"}
    with pytest.raises(UnitError):
        unit_code(spelling)
