"""The evidence file: every reading an invoice stands on."""

from __future__ import annotations

import csv
import io

from models.billing.documents.evidence import COLUMNS, evidence_csv, has_evidence, term_lines
from tests.builders.invoices import a_compressor_invoice, an_invoice_document


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_tiers_that_share_readings_are_one_group() -> None:
    groups = term_lines(an_invoice_document().lines)

    assert [group.numbers for group in groups] == [(1, 2, 3), (4,)]


def test_every_segment_is_one_row_with_both_readings() -> None:
    document = an_invoice_document()

    rows = rows_of(evidence_csv(document))

    assert [(row["line_numbers"], row["segment_kind"], row["segment_quantity"]) for row in rows] == [
        ("1 2 3", "increase", "12560"),
        ("4", "replacement", "612000"),
        ("4", "increase", "622567"),
    ]
    opening = document.lines[0].segments[0].opening
    assert {name: rows[0][f"opening_{name}"] for name in ("at", "value", "landed_file", "file_row", "file_sha256")} == {
        "at": "2026-02-28T22:59:30Z",
        "value": "184250",
        "landed_file": opening.landed_file,
        "file_row": "1204",
        "file_sha256": opening.file_sha256,
    }


def test_what_the_readings_cannot_tell_stands_beside_them() -> None:
    (replaced, _) = rows_of(evidence_csv(an_invoice_document()))[1:]
    (rolled_over,) = rows_of(evidence_csv(a_compressor_invoice()))

    assert (replaced["old_final_value"], replaced["new_start_value"]) == ("48824700", "0")
    assert rolled_over["modulus"] == "4294967.296"


def test_a_base_fee_needs_no_evidence() -> None:
    document = a_compressor_invoice()
    base_fee_only = an_invoice_document(lines=document.lines[:1])

    assert not has_evidence(base_fee_only)
    assert evidence_csv(base_fee_only).decode().splitlines() == [",".join(COLUMNS)]
