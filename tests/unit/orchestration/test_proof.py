"""orchestration.billing.proof: a billed reading is held against the row that landed, compacted or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.compaction import Limits, compact
from ingest.inventory import read_inventory
from ingest.landing import Manifest
from models.billing.document_model import InvoiceDocument, MeterReading
from orchestration.billing.proof import _landed_findings
from orchestration.settings import TEMPLATE, Deployment, load_deployment
from tests.builders.invoice_parts import a_segment
from tests.builders.invoices import an_invoice_document
from tests.builders.landed import NOON, land_messages, message_id


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return load_deployment(TEMPLATE, home=tmp_path)


def reading_of(manifest: Manifest, number: int) -> MeterReading:
    """The first reading of a batch of one message, as metering hands it to an invoice."""
    (file,) = [file for file in manifest.files if file.kind == "readings"]
    return MeterReading(
        at=NOON + timedelta(minutes=number),
        value=Decimal(number),
        unit_code="C62",
        message_id=message_id(number),
        metric_index=0,
        landed_file=file.path,
        file_row=0,
        file_sha256=file.sha256,
    )


def an_invoice_on(opening: MeterReading, closing: MeterReading) -> InvoiceDocument:
    document = an_invoice_document()
    segment = a_segment(opening=opening, closing=closing, quantity=str(closing.value - opening.value))
    return replace(document, lines=(replace(document.lines[0], segments=(segment,)),))


def sentences(deployment: Deployment, document: InvoiceDocument) -> list[str]:
    return [finding.sentence for finding in _landed_findings(deployment, document)]


def merge(home: Path) -> None:
    compact(home, older_than=timedelta(0), limits=Limits(recent_manifests=0, fewest_bound=1))


def test_an_invoice_is_proven_before_and_after_its_files_were_compacted(deployment: Deployment) -> None:
    opening, closing = (reading_of(land_messages(deployment.home, number), number) for number in (3, 8))
    document = an_invoice_on(opening, closing)
    assert sentences(deployment, document) == []
    merge(deployment.home)
    assert not (deployment.home / opening.landed_file).exists()
    assert sentences(deployment, document) == []
    land_messages(deployment.home, 9)
    merge(deployment.home)
    assert sentences(deployment, document) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"value": Decimal(7)}, "says 7, the landed row says 3"),
        ({"file_row": 1}, "is not in row 1 of landing/readings"),
        ({"message_id": "0" * 32}, "is not in row 0 of landing/readings"),
        ({"file_sha256": "0" * 64}, "whose content is no longer the one billed"),
        ({"landed_file": "landing/readings/site=hamburg/day=2026-03-01/0.parquet"}, "is not in the landing zone"),
    ],
)
@pytest.mark.parametrize("is_compacted", [False, True])
def test_a_reading_that_the_landed_row_does_not_bear_out_is_found(
    deployment: Deployment, is_compacted: bool, changes: dict[str, object], problem: str
) -> None:
    opening, closing = (reading_of(land_messages(deployment.home, number), number) for number in (3, 8))
    if is_compacted:
        merge(deployment.home)
    (sentence,) = sentences(deployment, an_invoice_on(replace(opening, **changes), closing))  # type: ignore[arg-type]
    assert sentence.startswith("the opening reading of segment 1 ")
    assert problem in sentence


def test_a_compacted_file_that_has_changed_proves_nothing(deployment: Deployment) -> None:
    opening, closing = (reading_of(land_messages(deployment.home, number), number) for number in (3, 8))
    merge(deployment.home)
    (holder,) = [file for file in read_inventory(deployment.home).files() if file.kind == "readings"]
    data = bytearray((deployment.home / holder.path).read_bytes())
    data[100] ^= 1
    (deployment.home / holder.path).write_bytes(bytes(data))
    found = sentences(deployment, an_invoice_on(opening, closing))
    assert len(found) == 2
    assert all("which was compacted into" in sentence and "SHA-256" in sentence for sentence in found)
