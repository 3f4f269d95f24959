"""A rated line's own explanation, read for a page: its steps as sentences, its measured times as durations.

Belongs here: reading `DocumentLine.explanation` (`inputs`, `formula`, `steps`, `result`, as rating wrote it).
Does not belong here: rating anything again; a missing part is left out, never made up.
"""

from __future__ import annotations

import re
from decimal import Decimal

from models.billing.document_model import DocumentLine
from models.billing.documents.figures import readable
from models.billing.documents.wording import UNITS

_LONG_NUMBER = re.compile(r"(?<![\w.-])\d{4,}(?:\.\d+)?(?![\w-])")
_UNIT_AFTER_NUMBER = re.compile(r"(?<=\d )(?:" + "|".join(UNITS) + r")\b")
_AVAILABILITY_TIMES = {
    "scheduled_s": "Scheduled",
    "planned_down_s": "Planned downtime",
    "operator_down_s": "Down, operator's cause",
    "supplier_down_s": "Down, supplier's cause",
}


def steps(line: DocumentLine) -> tuple[str, ...]:
    """The steps as rating wrote them."""
    written = line.explanation.get("steps")
    return tuple(str(step) for step in written) if isinstance(written, list | tuple) else ()


def readable_steps(line: DocumentLine) -> list[str]:
    """The steps for a reader; the last one, quantity times price, is the printed line itself."""
    return [_sentence(step) for step in steps(line)[:-1]]


def readable_description(line: DocumentLine) -> str:
    """The description, with the bounds of a price tier grouped: tier 2 (5,000 to 12,000)."""
    name, tier, band = line.description.rpartition(", tier ")
    return f"{name}{tier}{_grouped_numbers(band)}" if tier else line.description


def priced_quantity(line: DocumentLine) -> Decimal:
    """The whole quantity the term's prices were applied to, of which a tier's line holds a part."""
    written = _inputs(line).get("priced_quantity")
    return Decimal(written) if isinstance(written, str) else line.quantity


def availability_times(line: DocumentLine) -> list[list[str]]:
    """The measured times behind an availability credit, as label and duration; empty for other lines."""
    measured = _inputs(line).get("availability")
    if not isinstance(measured, dict):
        return []
    return [
        [label, duration_text(Decimal(str(measured[name])))]
        for name, label in _AVAILABILITY_TIMES.items()
        if name in measured
    ]


def duration_text(seconds: Decimal) -> str:
    """Seconds as hours and minutes, with the seconds only where there are some: 743 h 00 min."""
    whole_minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(whole_minutes), 60)
    text = f"{hours:,} h {minutes:02d} min"
    return f"{text} {readable(rest)} s" if rest else text


def _inputs(line: DocumentLine) -> dict[str, object]:
    inputs = line.explanation.get("inputs")
    return dict(inputs) if isinstance(inputs, dict) else {}


def _sentence(step: str) -> str:
    text = _UNIT_AFTER_NUMBER.sub(lambda code: UNITS[code[0]], _grouped_numbers(step))
    text = text.replace(" x ", " \N{MULTIPLICATION SIGN} ").replace(" - ", " \N{MINUS SIGN} ")
    return f"{text[:1].upper()}{text[1:]}."


def _grouped_numbers(text: str) -> str:
    return _LONG_NUMBER.sub(lambda number: readable(Decimal(number[0])), text)
