"""The parts of a metered quantity that some prices look at one by one: a transaction, an hour, a product.

Belongs here: the shape, and how it is written into an explanation and read back, so that a customer's copy can be rated
again. Does not belong here: forming parts from readings (dbt meters), or pricing them (one rule each).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from models.exact import exact, plain_text


class UsagePart(NamedTuple):
    """A part of one metric's usage, in the unit of its readings; the parts of a sum add up to the usage."""

    quantity: Decimal
    starts_at: datetime | None = None
    """UTC; where the part is an hour or another bucket of time."""
    dimensions: Mapping[str, str] = {}
    """As {"product": "A", "tool": "T7"}."""
    full_quantity: Decimal | None = None
    """Where `quantity` was weighted by time: what stood in full, which alone picks a volume tier."""


def parts_data(parts: Iterable[UsagePart]) -> list[dict[str, object]]:
    """As plain JSON values, numbers as text; what a part does not have is left out."""
    return [
        {
            "quantity": plain_text(part.quantity),
            **({"starts_at": part.starts_at.isoformat()} if part.starts_at else {}),
            **({"dimensions": dict(part.dimensions)} if part.dimensions else {}),
            **({} if part.full_quantity is None else {"full_quantity": plain_text(part.full_quantity)}),
        }
        for part in parts
    ]


def parts_of(data: Iterable[Mapping[str, Any]]) -> tuple[UsagePart, ...]:
    """What `parts_data` wrote."""
    return tuple(
        UsagePart(
            quantity=exact(part["quantity"]),
            starts_at=datetime.fromisoformat(part["starts_at"]) if "starts_at" in part else None,
            dimensions=dict(part.get("dimensions", {})),
            full_quantity=exact(part["full_quantity"]) if "full_quantity" in part else None,
        )
        for part in data
    )
