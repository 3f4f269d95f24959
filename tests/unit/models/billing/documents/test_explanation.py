"""A line's explanation, read for a page."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from models.billing.documents.explanation import (
    availability_times,
    duration_text,
    priced_quantity,
    readable_description,
    readable_steps,
    steps,
)
from models.billing.rating.availability_guarantee import availability_data
from models.billing.rating.line import Explanation
from models.billing.usage import Availability
from tests.builders.invoices import a_compressor_invoice, an_invoice_document


def test_steps_become_sentences_without_the_product_the_line_itself_shows() -> None:
    credit = a_compressor_invoice().lines[2]

    assert readable_steps(credit) == [
        "Answerable time: 2,674,800 \N{MINUS SIGN} 28,800 planned \N{MINUS SIGN} 7,200 operator = 2,638,800 s.",
        "Availability: 1 \N{MINUS SIGN} 112,320 / 2,638,800 = 0.9574 (shown at 4 decimals), guaranteed 0.98.",
        "Whole points short: 2.",
        "2 point(s) \N{MULTIPLICATION SIGN} 3 %, at most 20 %, is 6 % of 1,850 EUR.",
    ]


def test_an_explanation_as_rating_writes_it_is_understood() -> None:
    measured = Availability(
        scheduled_s=Decimal(2674800),
        supplier_down_s=Decimal(112320),
        operator_down_s=Decimal(7200),
        planned_down_s=Decimal(0),
    )
    explanation = Explanation(
        inputs={"availability": availability_data(measured), "priced_quantity": "12560"},
        formula="formula",
        steps=("1234567 SEC = 342.9353 HUR", "product"),
        result="result",
    )
    line = replace(an_invoice_document().lines[0], explanation=explanation.as_data())

    assert availability_times(line) == [
        ["Scheduled", "743 h 00 min"],
        ["Planned downtime", "0 h 00 min"],
        ["Down, operator's cause", "2 h 00 min"],
        ["Down, supplier's cause", "31 h 12 min"],
    ]
    assert priced_quantity(line) == 12560
    assert readable_steps(line) == ["1,234,567 s = 342.9353 h."]


def test_a_line_without_explanation_stays_silent() -> None:
    line = replace(an_invoice_document().lines[3], explanation={})

    assert (steps(line), readable_steps(line), availability_times(line)) == ((), [], [])
    assert priced_quantity(line) == line.quantity


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Good parts, tier 2 (5000 to 12000)", "Good parts, tier 2 (5,000 to 12,000)"),
        ("Good parts of 2026", "Good parts of 2026"),
    ],
)
def test_only_a_tiers_bounds_are_grouped(description: str, expected: str) -> None:
    assert readable_description(replace(an_invoice_document().lines[0], description=description)) == expected


@pytest.mark.parametrize(("seconds", "expected"), [("0", "0 h 00 min"), ("3661.5", "1 h 01 min 1.5 s")])
def test_a_duration_shows_seconds_only_where_there_are_some(seconds: str, expected: str) -> None:
    assert duration_text(Decimal(seconds)) == expected
