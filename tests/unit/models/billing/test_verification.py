"""An untouched invoice proves itself; every alteration is found, most from the customer's copy alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from models.billing.document_model import DocumentLine, InvoiceDocument
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.rating import Rating, rate
from models.billing.seal import canonical_json, invoice_sha256
from models.billing.terms import CoveredAsset
from models.billing.usage import UsageRecord
from models.billing.verification import verify_document, verify_invoice, verify_sequences
from models.store import sessions
from tests.builders.contracts import ASSET, a_contract, a_flat_fee, a_graduated
from tests.builders.enterprise import ASSETS, a_store
from tests.builders.readings import MARCH, a_rating, a_reading, a_segment, usage_from

NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
BOTH_ASSETS = tuple(CoveredAsset(physical_asset_id=asset, covered_from_date=date(2026, 1, 1)) for asset in ASSETS)
CONTRACT = a_contract(assets=BOTH_ASSETS)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_store(tmp_path, CONTRACT) as opened:
        yield opened


def issued(engine: Engine, rating: Rating) -> InvoiceDocument:
    with sessions(engine).begin() as session:
        outcome = draft_invoice(session, rating=rating)
        issue_invoice(session, invoice_id=outcome.invoice_id, issued_at=NOW)
        return invoice_document(session, outcome.invoice_id)


@pytest.fixture
def document(engine: Engine) -> InvoiceDocument:
    return issued(engine, a_rating(CONTRACT))


def parts_usage() -> UsageRecord:
    """One month with every kind of segment: 100 by increase, 500 by rollover, 450 by replacement, 0 held."""
    times = [MARCH.start + timedelta(days=day) for day in (0, 5, 10, 15, 20)]
    values = ("999800", "999900", "400", "450", "300")
    readings = [a_reading(value, at=at) for at, value in zip(times, values, strict=True)]
    return usage_from(
        a_segment(readings[0], readings[1], number=1),
        a_segment(readings[1], readings[2], number=2, kind="rollover", modulus="1000000"),
        a_segment(readings[2], readings[3], number=3, kind="replacement", old_final_value="450", new_start_value="50"),
        a_segment(readings[3], readings[4], number=4, kind="held"),
    )


def rating_of(usage: UsageRecord) -> Rating:
    contract = a_contract(a_flat_fee(), a_graduated(), assets=BOTH_ASSETS)
    return rate(
        contract,
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage={"good_count": usage},
        availability=None,
    )


def on_line(number: int, **changes: object) -> Callable[[InvoiceDocument], InvoiceDocument]:
    def change(document: InvoiceDocument) -> InvoiceDocument:
        lines = [replace(line, **changes) if line.line_number == number else line for line in document.lines]  # type: ignore[arg-type]
        return replace(document, lines=tuple(lines))

    return change


def with_reading(value: str) -> Callable[[InvoiceDocument], InvoiceDocument]:
    """The closing reading of the parts counter altered, on every line that shows it."""

    def change(document: InvoiceDocument) -> InvoiceDocument:
        def altered(line: DocumentLine) -> DocumentLine:
            if line.metric != "good_count":
                return line
            segment = line.segments[0]
            closing = replace(segment.closing, value=Decimal(value))
            return replace(line, segments=(replace(segment, closing=closing),))

        return replace(document, lines=tuple(altered(line) for line in document.lines))

    return change


def checks(document: InvoiceDocument) -> set[str]:
    return {finding.check for finding in verify_document(document)}


def test_an_untouched_invoice_has_no_findings(engine: Engine, document: InvoiceDocument) -> None:
    assert verify_document(document) == ()
    with sessions(engine).begin() as session:
        assert verify_invoice(session, document.invoice_id) == ()
        assert verify_sequences(session) == ()


def test_a_draft_is_verified_too_though_nothing_seals_it(engine: Engine) -> None:
    with sessions(engine).begin() as session:
        outcome = draft_invoice(session, rating=rating_of(parts_usage()))
        assert outcome.change == "created"
        assert verify_invoice(session, outcome.invoice_id) == ()


def test_every_kind_of_segment_proves_itself(engine: Engine) -> None:
    document = issued(engine, rating_of(parts_usage()))
    assert sum(segment.quantity for segment in document.lines[1].segments) == 100 + 500 + 450
    assert verify_document(document) == ()


@pytest.mark.parametrize(
    ("alter", "found"),
    [
        (on_line(2, quantity=Decimal("342.9354")), {"rating", "seal"}),
        (on_line(3, unit_price=Decimal("0.45")), {"rating", "seal"}),
        (on_line(1, line_extension_amount=Decimal(7000)), {"rating", "total", "seal"}),
        (on_line(4, description="Other parts"), {"seal"}),
        (with_reading("6100"), {"segment", "seal"}),
        (lambda document: replace(document, lines=document.lines[:-1]), {"total", "seal"}),
        (lambda document: replace(document, lines=(*document.lines, document.lines[0])), {"rating", "total", "seal"}),
        (lambda document: replace(document, payable_amount=Decimal(1)), {"total", "seal"}),
        (lambda document: replace(document, tax_rate_percent=Decimal(7)), {"total", "seal"}),
        (lambda document: replace(document, due_date=date(2026, 4, 2)), {"dates", "seal"}),
        (lambda document: replace(document, issued_on=None), {"dates", "seal"}),
        (lambda document: replace(document, buyer=replace(document.buyer, city="Bremen")), {"seal"}),
        (lambda document: replace(document, previous_sha256="f" * 64), {"seal"}),
        (on_line(1, explanation={}), {"rating", "seal"}),
        (on_line(3, segments=()), {"rating", "seal"}),
        (on_line(1, explanation={"inputs": {"term": [], "availability": 1}}), {"rating", "seal"}),
        (on_line(1, line_extension_amount=Decimal("1E+999999999")), {"number"}),
        (lambda document: replace(document, payable_amount=Decimal("1E+999999999")), {"number"}),
        (with_reading("1E+999999999"), {"number"}),
    ],
)
def test_an_alteration_is_found_from_the_copy_alone(
    document: InvoiceDocument, alter: Callable[[InvoiceDocument], InvoiceDocument], found: set[str]
) -> None:
    assert checks(alter(document)) >= found


def test_a_resealed_forgery_still_contradicts_its_readings(document: InvoiceDocument) -> None:
    forged = with_reading("6100")(document)
    forged = replace(forged, invoice_sha256=invoice_sha256(forged))
    assert checks(forged) == {"segment", "root"}


def test_a_finding_says_what_is_billed_and_what_is_proven(document: InvoiceDocument) -> None:
    finding = verify_document(on_line(3, unit_price=Decimal("0.45"))(document))[0]
    assert finding.line_number == 3
    assert finding.sentence == "billed good_parts 4000 C62 at 0.45 = 1840, proven good_parts 4000 C62 at 0.46 = 1840"


def test_segments_chain_inside_the_period_and_carry_their_proof(engine: Engine) -> None:
    document = issued(engine, rating_of(parts_usage()))
    line = document.lines[1]
    first, second, third, fourth = line.segments
    late = replace(fourth, closing=replace(fourth.closing, at=MARCH.end + timedelta(hours=1)))
    unproven = replace(second, modulus=None)
    broken = on_line(2, segments=(first, unproven, fourth, late))(document)
    sentences = [finding.sentence for finding in verify_document(broken) if finding.check == "segment"]
    assert sentences == [
        (
            "Segment 2 is a rollover without what proves it; a rollover needs its modulus, a replacement the two "
            "declared values."
        ),
        "segment 4 closes after the service period or before it opens",
        "segment 4 does not open with the reading that closed the one before",
        "segment 4 does not open with the reading that closed the one before",
    ]
    assert third.segment_kind == "replacement"


def test_the_chain_of_seals_shows_an_exchanged_invoice(engine: Engine, document: InvoiceDocument) -> None:
    second = issued(engine, a_rating(CONTRACT, asset=ASSETS[1]))
    assert second.previous_sha256 == document.invoice_sha256
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER invoice_update_refused"))
        connection.execute(
            text("UPDATE invoice SET invoice_sha256 = 'x' WHERE invoice_id = :id"), {"id": document.invoice_id}
        )
    with sessions(engine).begin() as session:
        assert [finding.check for finding in verify_invoice(session, second.invoice_id)] == ["chain"]
        assert [finding.sentence for finding in verify_sequences(session)] == [
            "invoice WELLER-2026-000002 does not continue the seal before it"
        ]


def test_a_missing_invoice_and_a_wrong_end_show_in_the_sequence(engine: Engine, document: InvoiceDocument) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER invoice_delete_refused"))
        connection.execute(text("DROP TRIGGER invoice_line_delete_refused"))
        connection.execute(text("DROP TRIGGER invoice_line_segment_delete_refused"))
        connection.execute(text("DELETE FROM invoice WHERE invoice_id = :id"), {"id": document.invoice_id})
    with sessions(engine).begin() as session:
        assert [finding.sentence for finding in verify_sequences(session)] == [
            "invoice WELLER-2026-000001 is missing",
            "weller 2026 does not end in its last invoice's seal",
        ]


def test_an_invoice_whose_number_was_never_drawn_shows(engine: Engine, document: InvoiceDocument) -> None:
    """A row slipped in beside the sequence: the chain of drawn numbers alone would not meet it."""
    with engine.begin() as connection:
        columns = [row[1] for row in connection.execute(text("PRAGMA table_info(invoice)"))]
        changed = {"invoice_id": "'forged'", "revision": "2", "invoice_number": "'WELLER-2026-000099'"}
        values = ", ".join(changed.get(name, name) for name in columns)
        names = ", ".join(columns)
        connection.execute(text(f"INSERT INTO invoice ({names}) SELECT {values} FROM invoice"))
    with sessions(engine).begin() as session:
        assert [finding.sentence for finding in verify_sequences(session)] == [
            "invoice WELLER-2026-000099 has a number that nobody drew"
        ]
    assert document.invoice_number == "WELLER-2026-000001"


def test_the_seal_ignores_how_a_number_is_spelt_and_whether_it_was_paid(document: InvoiceDocument) -> None:
    respelt = replace(document, payable_amount=document.payable_amount * Decimal("1.000"), status="paid")
    assert invoice_sha256(respelt) == document.invoice_sha256


def test_canonical_json_has_one_spelling_per_value() -> None:
    value = {"b": (Decimal("1.50"), None, True), "a": [datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1), "ß"]}
    assert canonical_json(value) == '{"a":["2026-03-01T00:00:00Z","2026-03-01","ß"],"b":["1.5",null,true]}'


def test_a_float_has_no_canonical_spelling() -> None:
    with pytest.raises(TypeError, match="float has no canonical spelling"):
        canonical_json({"amount": 1.5})
