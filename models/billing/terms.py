"""A contract as rating sees it: pure values, no database.

Belongs here: who, what, when, in which currency and zone, and the terms in order.
Does not belong here: what a rule does with a term's parameters (models.billing.rating, one file each), rows
(contract.py), files (contract_documents.py).

Dates are local to the contract's zone and half-open: `end_date` and `covered_until_date` are the first day *not*
covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from models.errors import RatingError

LEAST_COMPLETENESS_RATIO = Decimal("0.5")
"""What a contract that says nothing else asks for. Counters are totals, so silence costs resolution and not money: this
keeps back only what hardly anybody heard."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One clause: a rule's name and the parameters that rule reads."""

    term_id: str
    position: int
    rule: str
    description: str
    parameters: Mapping[str, object] = field(hash=False)
    metric: str | None = None
    quantity_unit_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class CoveredAsset:
    """A physical asset and the days on which the contract covers it."""

    physical_asset_id: str
    covered_from_date: date
    covered_until_date: date | None = None


@dataclass(frozen=True, kw_only=True)
class Contract:
    """An agreement between a seller and a buyer over some assets."""

    contract_id: str
    contract_version: int
    name: str
    seller_party_id: str
    buyer_party_id: str
    currency_code: str
    time_zone: str
    start_date: date
    end_date: date | None
    billing_period: str
    payment_terms_days: int
    tax_category: str
    tax_rate_percent: Decimal
    tax_exemption_reason: str | None
    assets: tuple[CoveredAsset, ...]
    terms: tuple[Term, ...]
    least_completeness_ratio: Decimal | None = None
    """The share of a billing period, 0 to 1, that must be covered before it is billed; None for the usual share."""

    @property
    def required_completeness_ratio(self) -> Decimal:
        """The share of a billing period that must be covered: the contract's own, else the usual one."""
        own = self.least_completeness_ratio
        return LEAST_COMPLETENESS_RATIO if own is None else own

    def require_coverage(self, physical_asset_id: str, first_day: date, following_day: date) -> None:
        """Refuse days on which the contract does not cover the asset: fees are for whole months, never prorated."""
        for asset in self.assets:
            starts = max(self.start_date, asset.covered_from_date)
            ends = min(self.end_date or date.max, asset.covered_until_date or date.max)
            if asset.physical_asset_id == physical_asset_id and starts <= first_day and following_day <= ends:
                return
        raise RatingError(
            f"Contract {self.contract_id} does not cover {physical_asset_id} for all of {first_day:%Y-%m}; only whole "
            "months are billed, so let coverage start and end on the first of a month."
        )

    def covers(self, physical_asset_id: str, first_day: date, following_day: date) -> bool:
        """Whether the asset can be billed for those days."""
        try:
            self.require_coverage(physical_asset_id, first_day, following_day)
        except RatingError:
            return False
        return True
