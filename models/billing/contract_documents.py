"""Contracts as people write them, one file each, and bringing the store to them.

Belongs here: the file's shape, the checks against the enterprise and between contracts, the upsert.
Does not belong here: a rule's parameters (models.billing.rating, one file each).

An agreed contract is changed by a new version: a file that differs from the store under the same `contract_version` is
refused, so that no price moves by an edit nobody meant. With an `effective_date` the new version is an amendment: it
holds from that day on, and the terms before it are kept and still price the days before it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from sqlalchemy.orm import Session

from models.billing.contract import (
    ContractAssetRow,
    ContractRow,
    ContractTermRow,
    ContractVersionRow,
    stored_contracts,
)
from models.billing.periods import Cycle
from models.billing.rating import RULES, check_terms
from models.billing.rating.quantity import convert
from models.billing.rating.reference import metered_quantities
from models.billing.terms import Contract, CoveredAsset, Term, TermsVersion
from models.errors import DocumentError, ModelsError, MoneyError
from models.exact import ExactNumber
from models.isa95.apply import ChangeCount
from models.isa95.documents import Enterprise, TimeZoneName
from models.money import minor_units
from models.yaml_files import Document, Identifier, Text, UnitCode, read_mapping, refusal

EXEMPT_CATEGORIES = ("E", "AE", "K", "G", "O")


class CoveredAssetDocument(Document):
    """An asset and the local days the contract covers it; the until date is the first day not covered.

    An asset may be named again for a later stretch. `replaces_physical_asset_id` names the asset that leaves on the day
    this one comes.
    """

    physical_asset_id: Identifier
    covered_from_date: date
    covered_until_date: date | None = None
    replaces_physical_asset_id: Identifier | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.covered_until_date is not None and self.covered_until_date <= self.covered_from_date:
            raise ValueError("covered_until_date is the first day not covered; put it after covered_from_date")
        return self


def _dates_as_text(value: Any) -> Any:
    """The value with its dates written out: parameters are stored, sealed and compared as JSON."""
    if isinstance(value, dict):
        return {name: _dates_as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


class TermDocument(Document):
    """A clause; its position is its place in the list."""

    term_id: Identifier
    rule: str
    metric: Identifier | None = None
    quantity_unit_code: UnitCode | None = None
    description: Text
    parameters: Annotated[dict[str, Any], AfterValidator(_dates_as_text)]


class TermsVersionDocument(Document):
    """Terms that an amendment replaced; the first version has no effective_date."""

    contract_version: Annotated[int, Field(ge=1)]
    effective_date: date | None = None
    terms: Annotated[tuple[TermDocument, ...], Field(min_length=1)]


class ContractDocument(Document):
    """A contract file."""

    contract_id: Identifier
    contract_version: Annotated[int, Field(ge=1)]
    name: Text
    seller_party_id: Identifier
    buyer_party_id: Identifier
    currency_code: str
    time_zone: TimeZoneName
    start_date: date
    end_date: date | None = None
    billing_period: Cycle
    anchor_date: date | None = None
    payment_terms_days: Annotated[int, Field(ge=0)]
    tax_category: Literal["S", "Z", "E", "AE", "K", "G", "O"]
    tax_rate_percent: Annotated[ExactNumber, Field(ge=0, lt=100)]
    tax_exemption_reason: Text | None = None
    least_completeness_ratio: Annotated[ExactNumber, Field(ge=0, le=1)] | None = None
    assets: Annotated[tuple[CoveredAssetDocument, ...], Field(min_length=1)]
    effective_date: date | None = None
    terms: Annotated[tuple[TermDocument, ...], Field(min_length=1)]
    earlier_versions: tuple[TermsVersionDocument, ...] = ()

    @model_validator(mode="after")
    def _dates_and_versions_follow_each_other(self) -> Self:
        if self.end_date is not None and self.end_date <= self.start_date:
            raise ValueError("end_date is the first day not covered; put it after start_date")
        if self.effective_date is not None:
            if self.contract_version == 1:
                raise ValueError("effective_date dates an amendment; version 1 holds from start_date")
            if not self.start_date < self.effective_date < (self.end_date or date.max):
                raise ValueError("effective_date lies after start_date and before end_date")
        elif self.earlier_versions:
            raise ValueError("earlier_versions need the effective_date of the version that replaced them")
        dated = [(version.contract_version, version.effective_date) for version in self.earlier_versions]
        dated.append((self.contract_version, self.effective_date))
        for (earlier, since), (later, until) in pairwise(dated):
            if earlier >= later or (since or self.start_date) >= (until or date.min):
                raise ValueError(f"version {later} follows version {earlier}; give it a higher number and a later date")
        if self.earlier_versions and dated[0][1] is not None:
            raise ValueError(f"version {dated[0][0]} is the first; leave its effective_date out")
        return self

    @model_validator(mode="after")
    def _currency_and_tax_fit(self) -> Self:
        try:
            minor_units(self.currency_code)
        except MoneyError as unknown:
            raise ValueError(str(unknown)) from None
        if (self.tax_category == "S") != (self.tax_rate_percent > 0):
            raise ValueError("tax category S has a rate above 0, every other category a rate of 0")
        if (self.tax_category in EXEMPT_CATEGORIES) != (self.tax_exemption_reason is not None):
            raise ValueError("tax_exemption_reason is given for E, AE, K, G and O, and only for them")
        return self

    def contract(self) -> Contract:
        """The same as rating takes it."""
        header = self.model_dump(exclude={"assets", "terms", "earlier_versions"})
        assets = (CoveredAsset(**asset.model_dump()) for asset in self.assets)
        return Contract(
            **header,
            assets=tuple(sorted(assets, key=lambda asset: (asset.physical_asset_id, asset.covered_from_date))),
            terms=_terms(self.terms),
            earlier_versions=tuple(
                TermsVersion(
                    contract_version=version.contract_version,
                    effective_date=version.effective_date,
                    terms=_terms(version.terms),
                )
                for version in self.earlier_versions
            ),
        )


def _terms(documents: tuple[TermDocument, ...]) -> tuple[Term, ...]:
    return tuple(Term(position=number, **term.model_dump()) for number, term in enumerate(documents, start=1))


def load_contracts(directory: Path, *, enterprise: Enterprise) -> tuple[Contract, ...]:
    """The contracts of a deployment's `contracts` directory, read and checked, by id; there may be none."""
    contracts: dict[str, Contract] = {}
    for path in sorted(directory.glob("*.yaml")):  # none at all: a plant that bills nobody
        try:
            contract = ContractDocument.model_validate(read_mapping(path)).contract()
        except ValidationError as invalid:
            raise refusal(invalid, path=path) from None
        try:
            check_contract(contract, enterprise)
        except DocumentError as problem:
            raise DocumentError(problem.problem, path=path, place=problem.place) from None
        except ModelsError as problem:
            raise DocumentError(str(problem), path=path) from None
        if contract.contract_id in contracts:
            raise DocumentError(f"contract {contract.contract_id} appears in two files; keep one.", path=path)
        contracts[contract.contract_id] = contract
    _check_no_asset_billed_twice(tuple(contracts.values()))
    return tuple(contracts[contract_id] for contract_id in sorted(contracts))


def check_contract(contract: Contract, enterprise: Enterprise) -> None:
    """Refuse unknown parties and assets, terms that cannot be rated, and metrics that an asset does not meter."""
    parties = {row.party_id for row in enterprise.party}
    for column in ("seller_party_id", "buyer_party_id"):
        if getattr(contract, column) not in parties:
            raise DocumentError(
                f"{getattr(contract, column)!r} is no party; add it to the enterprise's parties.", place=column
            )
    _check_stretches(contract)
    for version in contract.versions:
        term_ids = [term.term_id for term in version.terms]
        for name in term_ids:
            if term_ids.count(name) > 1:
                raise DocumentError(f"{name} appears twice; keep one.", place="terms")
        in_force = replace(contract, terms=version.terms)
        check_terms(in_force)
        _check_meters(in_force, enterprise)


def _check_stretches(contract: Contract) -> None:
    """An asset's stretches follow each other; what replaces an asset comes on the day that one leaves."""
    ordered = sorted(contract.assets, key=lambda asset: (asset.physical_asset_id, asset.covered_from_date))
    for earlier, later in pairwise(ordered):
        if earlier.physical_asset_id != later.physical_asset_id:
            continue
        if later.covered_from_date < (earlier.covered_until_date or date.max):
            raise DocumentError(
                f"{later.physical_asset_id} appears twice on {later.covered_from_date}; keep one, or end the first "
                "stretch before the second starts.",
                place="assets",
            )
    ends = {(asset.physical_asset_id, asset.covered_until_date) for asset in contract.assets}
    for asset in contract.assets:
        replaced = asset.replaces_physical_asset_id
        if replaced and (replaced, asset.covered_from_date) not in ends:
            raise DocumentError(
                f"{asset.physical_asset_id} replaces {replaced} on {asset.covered_from_date}, but {replaced} is not "
                f"covered until that day; give it covered_until_date {asset.covered_from_date}.",
                place="assets",
            )


def _check_meters(contract: Contract, enterprise: Enterprise) -> None:
    assets = {row.physical_asset_id for row in enterprise.physical_asset}
    meters = {(row.physical_asset_id, row.metric): row for row in enterprise.meter}
    for asset_id in (asset.physical_asset_id for asset in contract.assets):
        if asset_id not in assets:
            raise DocumentError(f"{asset_id!r} is no physical_asset; add it to the enterprise.", place="assets")
        for term in contract.terms:
            if not RULES[term.rule].is_metered:
                continue
            for metric, unit_code in metered_quantities(term):
                meter = meters.get((asset_id, metric))
                if meter is None:
                    raise DocumentError(f"{asset_id} has no meter of {metric}; declare one.", place=term.term_id)
                convert(Decimal(1), from_unit=meter.unit_code, to_unit=unit_code)


def apply_contracts(session: Session, contracts: tuple[Contract, ...]) -> ChangeCount:
    """Add new contracts and new versions, inside the caller's transaction.

    A contract without a file is kept and billed on, so none of the others may cover its assets on the same days: a
    contract whose id was changed would otherwise be billed under both.
    """
    stored = {contract.contract_id: contract for contract in stored_contracts(session)}
    added: list[str] = []
    changed: list[str] = []
    unchanged_count = 0
    for contract in contracts:
        present = stored.pop(contract.contract_id, None)
        contract = _with_history(contract, present)  # noqa: PLW2901 (the file says it, the store remembers the rest)
        if present == contract:
            unchanged_count += 1
            continue
        if present is not None and present.contract_version >= contract.contract_version:
            raise DocumentError(
                f"differs from stored version {present.contract_version}; give the change a higher contract_version.",
                place=f"contract {contract.contract_id}",
            )
        (added if present is None else changed).append(f"contract {contract.contract_id}")
        _write(session, contract)
    _check_no_asset_billed_twice((*contracts, *stored.values()))
    return ChangeCount(
        added=tuple(added),
        changed=tuple(changed),
        kept=tuple(f"contract {contract_id}" for contract_id in sorted(stored)),
        unchanged_count=unchanged_count,
    )


def _with_history(contract: Contract, present: Contract | None) -> Contract:
    """The contract with the versions that the store keeps; terms once agreed are neither changed nor lost."""
    versions = {version.contract_version: version for version in contract.earlier_versions}
    for version in present.versions if present else ():
        if version.contract_version >= contract.contract_version:
            continue
        written = versions.setdefault(version.contract_version, version)
        if written != version:
            raise DocumentError(
                f"tells version {version.contract_version} otherwise than the store; keep what was agreed.",
                place=f"contract {contract.contract_id}",
            )
    if present and present.contract_version == contract.contract_version:
        versions |= {version.contract_version: version for version in present.earlier_versions}
    if contract.effective_date is not None and not versions:
        raise DocumentError(
            f"is amended from {contract.effective_date} on, but the terms before are unknown; add earlier_versions.",
            place=f"contract {contract.contract_id}",
        )
    return replace(contract, earlier_versions=tuple(versions[number] for number in sorted(versions)))


def _write(session: Session, contract: Contract) -> None:
    row = session.get(ContractRow, contract.contract_id)
    if row is None:
        row = ContractRow(contract_id=contract.contract_id)
        session.add(row)
    for column in ContractRow.__table__.columns:
        setattr(row, column.name, getattr(contract, column.name))
    row.assets = []
    row.terms = []
    row.earlier_versions = []
    session.flush()
    row.earlier_versions = [
        ContractVersionRow(
            contract_version=version.contract_version,
            effective_date=version.effective_date,
            terms=json.dumps([asdict(term) for term in version.terms], sort_keys=True, ensure_ascii=False),
        )
        for version in contract.earlier_versions
    ]
    row.assets = [
        ContractAssetRow(
            physical_asset_id=asset.physical_asset_id,
            covered_from_date=asset.covered_from_date,
            covered_until_date=asset.covered_until_date,
            replaces_physical_asset_id=asset.replaces_physical_asset_id,
        )
        for asset in contract.assets
    ]
    row.terms = [
        ContractTermRow(
            term_id=term.term_id,
            position=term.position,
            rule=term.rule,
            metric=term.metric,
            quantity_unit_code=term.quantity_unit_code,
            description=term.description,
            parameters=json.dumps(term.parameters, sort_keys=True, ensure_ascii=False),
        )
        for term in contract.terms
    ]
    session.flush()


def _check_no_asset_billed_twice(contracts: tuple[Contract, ...]) -> None:
    covered = sorted(
        (
            asset.physical_asset_id,
            max(asset.covered_from_date, contract.start_date),
            min(asset.covered_until_date or date.max, contract.end_date or date.max),
            contract.contract_id,
        )
        for contract in contracts
        for asset in contract.assets
    )
    for (asset_id, _, until, earlier_id), (next_id, since, _, later_id) in pairwise(covered):
        if asset_id == next_id and since < until:
            raise DocumentError(
                f"{earlier_id} and {later_id} both cover {asset_id} on {since}; let one end before the other starts.",
                place="contracts",
            )
