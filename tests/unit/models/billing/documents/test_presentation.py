"""What a page says of a meter between two readings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.billing.documents.presentation import page_content
from tests.builders.invoices import an_invoice_document


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("actual", "The counter was replaced: old one until"),
        ("estimated", "or the quantity between these readings is estimated by rule; quantity"),
        ("substituted", "or the quantity between these readings was decided by a person; quantity"),
    ],
)
def test_a_bridge_between_readings_is_called_what_the_lines_flag_allows(flag: str, says: str) -> None:
    issued = an_invoice_document()
    document = replace(issued, lines=tuple(replace(line, quantity_flag=flag) for line in issued.lines))
    assert says in str(page_content(document, xml=None))
