"""Contracts as rows: header, covered assets, terms, and the terms of the versions before them.

Belongs here: the tables, and reading them back as the pure `models.billing.terms.Contract` that rating takes.
Does not belong here: checking a contract file (contract_documents.py), pricing (rating).
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.billing.periods import Cycle
from models.billing.terms import Contract, CoveredAsset, Term, TermsVersion
from models.errors import BillingError
from models.orm import Row


class ContractAssetRow(Row):
    """One row per contract, asset and stretch it covers; half-open local dates."""

    __tablename__ = "contract_asset"

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.contract_id"), primary_key=True)
    physical_asset_id: Mapped[str] = mapped_column(ForeignKey("physical_asset.physical_asset_id"), primary_key=True)
    covered_from_date: Mapped[date] = mapped_column(primary_key=True)
    covered_until_date: Mapped[date | None]
    replaces_physical_asset_id: Mapped[str | None]


class ContractTermRow(Row):
    """One row per clause; `parameters` is JSON text whose numbers are strings."""

    __tablename__ = "contract_term"

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.contract_id"), primary_key=True)
    term_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    rule: Mapped[str]
    metric: Mapped[str | None]
    quantity_unit_code: Mapped[str | None]
    description: Mapped[str]
    parameters: Mapped[str]


class ContractVersionRow(Row):
    """One row per contract and version that an amendment replaced; `terms` is JSON text whose numbers are strings."""

    __tablename__ = "contract_version"

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.contract_id"), primary_key=True)
    contract_version: Mapped[int] = mapped_column(primary_key=True)
    effective_date: Mapped[date | None]
    terms: Mapped[str]


class ContractRow(Row):
    """One row per agreement, in its current version; an invoice keeps the terms it was rated under."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("billing_period IN ('month', 'quarter', 'half_year', 'year')", name="billing_period"),
    )

    contract_id: Mapped[str] = mapped_column(primary_key=True)
    contract_version: Mapped[int]
    name: Mapped[str]
    seller_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"))
    buyer_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"))
    currency_code: Mapped[str]
    time_zone: Mapped[str]
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    billing_period: Mapped[Cycle] = mapped_column(Text)
    payment_terms_days: Mapped[int]
    tax_category: Mapped[str]
    tax_rate_percent: Mapped[Decimal]
    tax_exemption_reason: Mapped[str | None]
    least_completeness_ratio: Mapped[Decimal | None]
    effective_date: Mapped[date | None]
    anchor_date: Mapped[date | None]

    assets: Mapped[list[ContractAssetRow]] = relationship(
        lazy="selectin",
        cascade="all, delete-orphan",
        order_by=(ContractAssetRow.physical_asset_id, ContractAssetRow.covered_from_date),
    )
    terms: Mapped[list[ContractTermRow]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=ContractTermRow.position
    )
    earlier_versions: Mapped[list[ContractVersionRow]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=ContractVersionRow.contract_version
    )


def stored_contracts(session: Session) -> tuple[Contract, ...]:
    """Every contract, by id."""
    rows = session.scalars(select(ContractRow).order_by(ContractRow.contract_id))
    return tuple(_contract_of(row) for row in rows)


def stored_contract(session: Session, contract_id: str) -> Contract:
    """The contract of that id."""
    row = session.get(ContractRow, contract_id)
    if row is None:
        raise BillingError(f"There is no contract {contract_id!r} in the store; apply the contract files first.")
    return _contract_of(row)


def _contract_of(row: ContractRow) -> Contract:
    return Contract(
        contract_id=row.contract_id,
        contract_version=row.contract_version,
        name=row.name,
        seller_party_id=row.seller_party_id,
        buyer_party_id=row.buyer_party_id,
        currency_code=row.currency_code,
        time_zone=row.time_zone,
        start_date=row.start_date,
        end_date=row.end_date,
        billing_period=row.billing_period,
        payment_terms_days=row.payment_terms_days,
        tax_category=row.tax_category,
        tax_rate_percent=row.tax_rate_percent,
        tax_exemption_reason=row.tax_exemption_reason,
        least_completeness_ratio=row.least_completeness_ratio,
        effective_date=row.effective_date,
        anchor_date=row.anchor_date,
        earlier_versions=tuple(
            TermsVersion(
                contract_version=version.contract_version,
                effective_date=version.effective_date,
                terms=tuple(Term(**term) for term in json.loads(version.terms)),
            )
            for version in row.earlier_versions
        ),
        assets=tuple(
            CoveredAsset(
                physical_asset_id=asset.physical_asset_id,
                covered_from_date=asset.covered_from_date,
                covered_until_date=asset.covered_until_date,
                replaces_physical_asset_id=asset.replaces_physical_asset_id,
            )
            for asset in row.assets
        ),
        terms=tuple(
            Term(
                term_id=term.term_id,
                position=term.position,
                rule=term.rule,
                metric=term.metric,
                quantity_unit_code=term.quantity_unit_code,
                description=term.description,
                parameters=json.loads(term.parameters),
            )
            for term in row.terms
        ),
    )
