"""Proving invoices: a customer's PDF from itself, an issued one also against the landed files its readings name.

Belongs here: fetching what models.billing.verification judges, and holding readings against landed rows.
Does not belong here: recomputing quantities or amounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.errors import NotReadyError
from orchestration.settings import Deployment, load_deployment

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ingest.provenance import LandedRows
    from models.billing.document_model import InvoiceDocument, MeterReading
    from models.billing.proof.copies import Verdict
    from models.billing.verification import Finding

READING_STEP = Decimal("1e-9")
"""The warehouse keeps readings in DECIMAL(38,9)."""


@contextmanager
def operations(deployment: Deployment | None = None) -> Iterator[Session]:
    """A reading session on the operational store."""
    from models.store import open_store, sessions

    engine = open_store((deployment or load_deployment()).database_url)
    try:
        with sessions(engine, is_read_only=True).begin() as session:
            yield session
    finally:
        engine.dispose()


def is_copy(name: str) -> bool:
    """Whether it names a file that was sent rather than an invoice in the store."""
    return name.lower().endswith((".pdf", ".xml", ".json", ".gz"))


def verify_copy(path: Path, *, public_key: str | None = None) -> Verdict:
    """What does not hold of a PDF, XML or evidence bundle that was sent; it needs nothing else.

    Raises:
        NotReadyError: there is no such file.
        NoSealedCopyError: it is a PDF or XML that carries no sealed copy.
    """
    from models.billing.proof.copies import verify_bundle, verify_pdf, verify_xml

    content = read_named_file(path)
    if content.startswith(b"%PDF") or path.suffix.lower() == ".pdf":
        return verify_pdf(content, public_key=public_key)
    if path.suffix.lower() == ".xml":
        return verify_xml(content, public_key=public_key)
    return verify_bundle(content, public_key=public_key)


def read_named_file(path: Path) -> bytes:
    """The bytes of a file that somebody named.

    Raises:
        NotReadyError: there is no such file.
    """
    if not path.is_file():
        raise NotReadyError(f"There is no file {path}; name the file that was sent, or the number of an invoice.")
    return path.read_bytes()


def read_key_file(path: Path | None) -> str | None:
    """The seller's public key from a file, if one was named."""
    from models.billing.proof.signing import read_public_key

    return None if path is None else read_public_key(read_named_file(path))


def evidence_bundle(deployment: Deployment, number: str) -> bytes:
    """The evidence bundle of an issued document.

    Raises:
        NotReadyError: nothing issued carries that number.
    """
    from models.billing.invoice_view import invoice_document
    from models.billing.invoicing import list_invoices
    from models.billing.proof.bundle import bundle_of
    from models.billing.proof.checkpoints import inclusion_of

    with operations(deployment) as session:
        found = [each for each in list_invoices(session) if number in {each.invoice_number, each.invoice_id}]
        if not found or found[0].invoice_number is None:
            raise NotReadyError(f"There is no issued invoice '{number}'; `lineshaft invoice show` lists them.")
        inclusion = inclusion_of(session, found[0].invoice_number)
        return bundle_of(invoice_document(session, found[0].invoice_id), inclusion=inclusion)


def verify_issued(deployment: Deployment, number: str) -> tuple[Finding, ...]:
    """What does not hold of an invoice in the store: itself, the chain of seals, and its readings as landed."""
    from models.billing.invoice_view import invoice_document
    from models.billing.invoicing import list_invoices
    from models.billing.verification import verify_invoice, verify_sequences

    with operations(deployment) as session:
        found = [each for each in list_invoices(session) if number in {each.invoice_number, each.invoice_id}]
        if not found:
            raise NotReadyError(f"There is no invoice '{number}'; `lineshaft invoice show` lists them.")
        findings = (*verify_invoice(session, found[0].invoice_id), *verify_sequences(session))
        document = invoice_document(session, found[0].invoice_id)
    return (*findings, *_landed_findings(deployment, document))


def _landed_findings(deployment: Deployment, document: InvoiceDocument) -> Iterator[Finding]:
    from ingest.provenance import LandedRows
    from models.billing.verification import Finding

    landed = LandedRows(deployment.home)
    for line in document.lines:
        for segment in line.segments:
            for name, reading in (("opening", segment.opening), ("closing", segment.closing)):
                problem = _problem(deployment, landed, reading)
                if problem:
                    sentence = f"the {name} reading of segment {segment.segment_number} {problem}"
                    yield Finding(check="landed", sentence=sentence, line_number=line.line_number)


def _problem(deployment: Deployment, landed: LandedRows, reading: MeterReading) -> str:
    from ingest.errors import LandingError

    try:
        file = landed.file(reading.landed_file)
    except LandingError as error:
        return f"names {error}"
    if file.sha256 != reading.file_sha256:
        return f"names {reading.landed_file}, whose content is no longer the one billed"
    row = file.rows.get(reading.file_row, {})
    if (row.get("message_id"), row.get("metric_index")) != (reading.message_id, reading.metric_index):
        return f"is not in row {reading.file_row} of {reading.landed_file}"
    if row.get("value_decimal") is None:
        return f"is in row {reading.file_row} of {reading.landed_file}, which holds no exact number"
    value = _canonical(deployment, row)
    if value != reading.value:
        return f"says {reading.value:f}, the landed row says {value:f} {reading.unit_code}"
    return ""


def _canonical(deployment: Deployment, row: dict[str, Any]) -> Decimal:
    """The landed value in the enterprise's unit, by the mapping in force."""
    from decimal import localcontext

    from ingest.mapping import EMPTY_MAPPING, load_mapping

    path = deployment.site(row["site_id"]).mapping
    resolved = (load_mapping(path) if path else EMPTY_MAPPING).resolve(
        edge_node_id=row["edge_node_id"],
        device_id=row["device_id"],
        metric_name=row["metric_name"],
        source_unit=row["source_unit"],
    )
    with localcontext(prec=60):
        exact: Decimal = row["value_decimal"] * resolved.factor + resolved.unit_offset
        return exact.quantize(READING_STEP, ROUND_HALF_UP)
