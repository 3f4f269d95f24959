"""What invoices are made of: fictional parties with well-formed numbers, readings, segments, lines."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from decimal import Decimal

from models.billing.document_model import DocumentLine, LineSegment, MeterReading, TradeParty

WELLER = TradeParty(
    party_id="weller",
    legal_name="Weller Maschinenbau GmbH",
    street="Industriestraße 14",
    city="Göppingen",
    postal_code="73037",
    country_code="DE",
    vat_identifier="DE811907980",
    email="rechnung@weller-maschinenbau.example",
    iban="DE02120300000000202051",
    bic="BYLADEM1001",
)
MERIDIAN_DE = TradeParty(
    party_id="meridian_de",
    legal_name="Meridian Components Hamburg GmbH",
    street="Am Kanal 7",
    city="Hamburg",
    postal_code="20457",
    country_code="DE",
    vat_identifier="DE129273398",
    email="invoices@meridian-components.example",
)
MERIDIAN_MX = TradeParty(
    party_id="meridian_mx",
    legal_name="Meridian Componentes de México S.A. de C.V.",
    street="Avenida Industrial 250",
    city="Apodaca, Nuevo León",
    postal_code="66600",
    country_code="MX",
    vat_identifier="MCM040512AB3",
    email="facturas@meridian-components.example",
)


def a_reading(*, at: datetime, value: str, unit_code: str, site: str = "hamburg", file_row: int = 0) -> MeterReading:
    """A reading whose file, row and hashes follow from when it was."""
    seed = f"{site} {at.isoformat()}".encode()
    file_id = hashlib.sha256(seed).hexdigest()
    landed = f"{int(at.timestamp()) * 10**9:020d}-{uuid.UUID(file_id[:32])}"
    return MeterReading(
        at=at,
        value=Decimal(value),
        unit_code=unit_code,
        message_id=hashlib.blake2b(seed, digest_size=16).hexdigest(),
        metric_index=3,
        landed_file=f"landing/readings/site={site}/day={at:%Y-%m-%d}/{landed}.parquet",
        file_row=file_row,
        file_sha256=file_id,
    )


def a_segment(
    *,
    opening: MeterReading,
    closing: MeterReading,
    quantity: str,
    number: int = 1,
    kind: str = "increase",
    modulus: str | None = None,
    old_final_value: str | None = None,
    new_start_value: str | None = None,
) -> LineSegment:
    """A stretch between two readings."""
    return LineSegment(
        segment_number=number,
        segment_kind=kind,
        opening=opening,
        closing=closing,
        quantity=Decimal(quantity),
        modulus=None if modulus is None else Decimal(modulus),
        old_final_value=None if old_final_value is None else Decimal(old_final_value),
        new_start_value=None if new_start_value is None else Decimal(new_start_value),
    )


def a_line(
    *,
    number: int,
    term_id: str,
    rule: str,
    description: str,
    quantity: str,
    unit_code: str,
    unit_price: str,
    amount: str,
    asset: tuple[str, str] = ("weller-mc630-1001", "MC630-1001"),
    metric: str | None = None,
    steps: tuple[str, ...] = (),
    inputs: dict[str, object] | None = None,
    segments: tuple[LineSegment, ...] = (),
    flag: str = "actual",
) -> DocumentLine:
    """A line; its explanation ends, as rating's does, with quantity times price."""
    product = f"{quantity} {unit_code} x {unit_price} = {amount}, rounded half-up"
    return DocumentLine(
        line_number=number,
        term_id=term_id,
        rule=rule,
        description=description,
        physical_asset_id=asset[0],
        serial_number=asset[1],
        quantity=Decimal(quantity),
        unit_code=unit_code,
        unit_price=Decimal(unit_price),
        line_extension_amount=Decimal(amount),
        metric=metric,
        quantity_flag=flag if metric else None,
        explanation={
            "inputs": inputs or {},
            "formula": "quantity x price",
            "steps": [*steps, product],
            "result": amount,
        },
        segments=segments,
    )


def a_tier_line(
    *, number: int, band: str, quantity: str, unit_price: str, amount: str, segments: tuple[LineSegment, ...]
) -> DocumentLine:
    """One tier of 12,560 good parts."""
    return a_line(
        number=number,
        term_id="per_part",
        rule="graduated",
        description=f"Good parts, tier {number} ({band})",
        metric="good_count",
        quantity=quantity,
        unit_code="H87",
        unit_price=unit_price,
        amount=amount,
        segments=segments,
        inputs={"tier": number, "priced_quantity": "12560"},
        steps=(
            "good_count: 1 segment(s) add up to 12560 H87 (actual)",
            f"tier {number} ({band}) holds {quantity} of 12560",
        ),
    )
