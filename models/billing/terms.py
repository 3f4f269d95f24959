"""A contract as rating sees it: pure values, no database.

Belongs here: who, what, when, in which currency and zone, and the terms in order.
Does not belong here: what a rule does with a term's parameters (models.billing.rating, one file each), rows
(contract.py), files (contract_documents.py).

Dates are local to the contract's zone and half-open: `end_date` and `covered_until_date` are the first day *not*
covered. An amendment is a version of the terms with the day from which they hold; it ends the version before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from models.billing.periods import BillingPeriod, Cycle, period_containing, period_named
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
    replaces_physical_asset_id: str | None = None
    """The asset whose coverage ended the day this one's began: an asset swap."""


@dataclass(frozen=True, kw_only=True)
class TermsVersion:
    """The terms of one version, and the first local day on which they hold; None: from the contract's start."""

    contract_version: int
    effective_date: date | None
    terms: tuple[Term, ...]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Local days `[first_date, following_date)` of one asset under one version of the terms."""

    physical_asset_id: str
    first_date: date
    following_date: date
    contract_version: int
    terms: tuple[Term, ...]

    @property
    def days(self) -> int:
        """Local calendar days: the numerator of proration by day."""
        return (self.following_date - self.first_date).days


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
    billing_period: Cycle
    payment_terms_days: int
    tax_category: str
    tax_rate_percent: Decimal
    tax_exemption_reason: str | None
    assets: tuple[CoveredAsset, ...]
    terms: tuple[Term, ...]
    least_completeness_ratio: Decimal | None = None
    """The share of a billing period, 0 to 1, that must be covered before it is billed; None for the usual share."""

    effective_date: date | None = None
    """The first local day of the current terms; None where no amendment preceded them."""
    anchor_date: date | None = None
    """What anniversary periods are counted from; None for calendar periods."""
    earlier_versions: tuple[TermsVersion, ...] = ()
    """The versions that the current terms replaced from a date on, oldest first."""

    @property
    def required_completeness_ratio(self) -> Decimal:
        """The share of a billing period that must be covered: the contract's own, else the usual one."""
        own = self.least_completeness_ratio
        return LEAST_COMPLETENESS_RATIO if own is None else own

    @property
    def versions(self) -> tuple[TermsVersion, ...]:
        """Every version of the terms that ever held, oldest first."""
        current = TermsVersion(
            contract_version=self.contract_version, effective_date=self.effective_date, terms=self.terms
        )
        return (*self.earlier_versions, current)

    def period_of(self, name: str) -> BillingPeriod:
        """The contract's billing period of that name, as 2026-03, 2026-Q1 or, on an anchor, 2026-03-15.

        Raises TimelineError where the contract has no period of that name.
        """
        return period_named(name, cycle=self.billing_period, zone=self.time_zone, anchor=self.anchor_date)

    def period_on(self, day: date) -> BillingPeriod:
        """The contract's billing period which the local day belongs to."""
        return period_containing(day, cycle=self.billing_period, zone=self.time_zone, anchor=self.anchor_date)

    def with_terms_for(self, first_day: date, following_day: date) -> Contract:
        """The contract with the terms that hold on those days.

        Raises RatingError where an amendment takes effect between them: then each stretch is rated by its own terms.
        """
        if not self.earlier_versions:
            return self
        found = [version for version, _, _ in self._versions_between(first_day, following_day)]
        if len(found) > 1:
            raise RatingError(
                f"Contract {self.contract_id} is amended on {found[1].effective_date}, between {first_day} and "
                f"{following_day}; rate its stretches, each by its own terms."
            )
        if not found:
            raise RatingError(f"Contract {self.contract_id} has no terms yet on {first_day}; they begin later.")
        return replace(self, terms=found[0].terms)

    def stretches(self, physical_asset_id: str, first_day: date, following_day: date) -> tuple[Stretch, ...]:
        """What the contract covers of the asset on those days, cut where it is amended, in order of time."""
        result = []
        for asset in self.assets:
            if asset.physical_asset_id != physical_asset_id:
                continue
            since = max(self.start_date, asset.covered_from_date, first_day)
            until = min(self.end_date or date.max, asset.covered_until_date or date.max, following_day)
            result += [
                Stretch(
                    physical_asset_id=physical_asset_id,
                    first_date=starts,
                    following_date=ends,
                    contract_version=version.contract_version,
                    terms=version.terms,
                )
                for version, starts, ends in self._versions_between(since, until)
            ]
        return tuple(sorted(result, key=lambda stretch: stretch.first_date))

    def _versions_between(self, first_day: date, following_day: date) -> list[tuple[TermsVersion, date, date]]:
        versions = self.versions
        result = []
        for number, version in enumerate(versions):
            replaced = (later.effective_date or date.min for later in versions[number + 1 :])
            starts = max(first_day, version.effective_date or date.min)
            ends = min(following_day, *replaced, date.max)
            if starts < ends:
                result.append((version, starts, ends))
        return result

    def require_coverage(self, physical_asset_id: str, first_day: date, following_day: date) -> None:
        """Refuse days that the contract does not cover whole: only stretches are prorated, never in silence.

        Raises RatingError for those, and for days that are not one of the contract's billing periods.
        """
        billed = self.period_on(first_day)
        if (billed.first_date, billed.following_date) != (first_day, following_day):
            raise RatingError(
                f"Contract {self.contract_id} bills {billed.first_date} to {billed.following_date} together, not "
                f"{first_day} to {following_day}; name its period {billed.name}."
            )
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
