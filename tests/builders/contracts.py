"""Contracts for tests: a machining centre by part and hour, and the terms to make others from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from models.billing.terms import Contract, CoveredAsset, Term

ASSET = "weller-mc630-1041"


def a_flat_fee(amount: str = "8000", *, term_id: str = "base_fee", position: int = 1) -> Term:
    return Term(
        term_id=term_id, position=position, rule="flat_fee", description="Base fee", parameters={"amount": amount}
    )


def a_per_unit(
    unit_price: str = "11.80", *, metric: str = "running_time", unit: str = "HUR", position: int = 2
) -> Term:
    return Term(
        term_id="running_hours",
        position=position,
        rule="per_unit",
        description="Running hours",
        metric=metric,
        quantity_unit_code=unit,
        parameters={"unit_price": unit_price},
    )


def a_graduated(*tiers: dict[str, Any], flat_when_zero: bool = False, position: int = 3) -> Term:
    chosen = tiers or ({"up_to": "4000", "unit_price": "0.46"}, {"up_to": None, "unit_price": "0.31"})
    return Term(
        term_id="good_parts",
        position=position,
        rule="graduated",
        description="Good parts",
        metric="good_count",
        quantity_unit_code="C62",
        parameters={"tiers": list(chosen), "flat_when_zero": flat_when_zero},
    )


def an_availability_guarantee(position: int = 4, **parameters: str) -> Term:
    agreed = {"guaranteed_ratio": "0.97", "percent_per_point": "5", "cap_percent": "25", "base_term": "base_fee"}
    return Term(
        term_id="availability",
        position=position,
        rule="availability_guarantee",
        description="Availability guarantee",
        parameters={**agreed, **parameters},
    )


def a_contract(*terms: Term, **changes: Any) -> Contract:
    """Every rule once, in euro, Hamburg time, 19 % VAT, unless told otherwise."""
    contract = Contract(
        contract_id="eaas-cnc-hamburg",
        contract_version=1,
        name="Machining as a service, Hamburg",
        seller_party_id="weller",
        buyer_party_id="meridian_de",
        currency_code="EUR",
        time_zone="Europe/Berlin",
        start_date=date(2026, 1, 1),
        end_date=None,
        billing_period="month",
        payment_terms_days=30,
        tax_category="S",
        tax_rate_percent=Decimal(19),
        tax_exemption_reason=None,
        assets=(CoveredAsset(physical_asset_id=ASSET, covered_from_date=date(2026, 1, 1)),),
        terms=terms or (a_flat_fee(), a_per_unit(), a_graduated(), an_availability_guarantee()),
    )
    return replace(contract, **changes)
