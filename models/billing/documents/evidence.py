"""The evidence of an invoice: every reading it stands on, one row per segment, with the landed file and row of each.

Belongs here: the CSV a customer checks an invoice with (it travels inside the XML as BG-24, and inside the PDF), and
which lines share their readings. Does not belong here: judging the evidence.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from itertools import groupby

from models.billing.document_model import DocumentLine, InvoiceDocument, LineSegment, MeterReading
from models.billing.documents.sealed_copy import EVIDENCE_FILE_NAME, SEALED_COLUMN, sealed_copy
from models.exact import plain_text

__all__ = ["EVIDENCE_FILE_NAME", "TermLines", "evidence_csv", "has_evidence", "term_lines"]
READING_COLUMNS = (
    "at", "value", "unit_code", "landed_file", "file_row", "file_sha256", "message_id", "metric_index",
)  # fmt: skip
COLUMNS = (
    "line_numbers", "term_id", "physical_asset_id", "metric", "quantity_flag", "segment_number", "segment_kind",
    "segment_quantity", "modulus", "old_final_value", "new_start_value",
    *(f"opening_{column}" for column in READING_COLUMNS),
    *(f"closing_{column}" for column in READING_COLUMNS),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TermLines:
    """The lines of one term; a graduated term has one per tier, all standing on the same readings."""

    lines: tuple[DocumentLine, ...]

    @property
    def first(self) -> DocumentLine:
        """The line that speaks for all in what they share: metric, flag, segments."""
        return self.lines[0]

    @property
    def segments(self) -> tuple[LineSegment, ...]:
        """The readings the lines share."""
        return self.first.segments

    @property
    def numbers(self) -> tuple[int, ...]:
        """The lines' numbers, which follow each other."""
        return tuple(line.line_number for line in self.lines)


def term_lines(lines: Iterable[DocumentLine]) -> tuple[TermLines, ...]:
    """The lines grouped by term and readings, in their order."""
    grouped = groupby(lines, key=lambda line: (line.term_id, line.segments))
    return tuple(TermLines(lines=tuple(group)) for _, group in grouped)


def has_evidence(document: InvoiceDocument) -> bool:
    """Whether any line stands on readings, or the sealed content travels in it."""
    return document.readings_root is not None or any(line.segments for line in document.lines)


def evidence_csv(document: InvoiceDocument) -> bytes:
    """UTF-8, comma, one header row, LF: the same bytes for the same document.

    One more column holds, in the first row, the sealed content: CII takes a single attachment (CII-SR-476) and no JSON.
    Documents issued before they sealed roots keep the file they had.
    """
    rows: list[tuple[str | int, ...]] = [
        (*_line_cells(group), *_segment_cells(segment))
        for group in term_lines(document.lines)
        for segment in group.segments
    ]
    columns = COLUMNS
    if document.readings_root is not None:
        columns = (*COLUMNS, SEALED_COLUMN)
        first, *others = rows or [("",) * len(COLUMNS)]
        rows = [(*first, sealed_copy(document).decode()), *((*row, "") for row in others)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue().encode()


def _line_cells(group: TermLines) -> tuple[str, ...]:
    line = group.first
    numbers = " ".join(str(number) for number in group.numbers)
    return (numbers, line.term_id, line.physical_asset_id, line.metric or "", line.quantity_flag or "")


def _segment_cells(segment: LineSegment) -> tuple[str | int, ...]:
    declared = (segment.modulus, segment.old_final_value, segment.new_start_value)
    return (
        segment.segment_number,
        segment.segment_kind,
        plain_text(segment.quantity),
        *("" if value is None else plain_text(value) for value in declared),
        *_reading_cells(segment.opening),
        *_reading_cells(segment.closing),
    )


def _reading_cells(reading: MeterReading) -> tuple[str | int, ...]:
    return (
        reading.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        plain_text(reading.value),
        reading.unit_code,
        reading.landed_file,
        reading.file_row,
        reading.file_sha256,
        reading.message_id,
        reading.metric_index,
    )
