"""Whether an asset's month may be billed: one function, one reason of each kind.

Belongs here: what must hold before a draft is drawn, each as a kind a machine can count and a sentence a person can act
on. Does not belong here: rating, drafting, or what became of dbt's own tests (defs/billing asks Dagster for those).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.timeline import month_period
from orchestration.billing.usage import PeriodUsage

if TYPE_CHECKING:
    from models.billing.terms import Contract

WaitingKind = Literal["not_collected", "below_completeness", "not_rated"]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Why an asset's month is not drawn yet."""

    kind: WaitingKind
    sentence: str


def find_reasons_to_wait(
    measured: PeriodUsage, *, contract: Contract, physical_asset_id: str, billing_period: str
) -> tuple[Waiting, ...]:
    """What the month still waits for, most urgent first; empty if it may be billed.

    What may still come is waited for first: how much of a month is covered says nothing before it is collected.
    """
    return tuple(
        _reasons(measured, contract=contract, physical_asset_id=physical_asset_id, billing_period=billing_period)
    )


def _reasons(
    measured: PeriodUsage, *, contract: Contract, physical_asset_id: str, billing_period: str
) -> Iterator[Waiting]:
    period = month_period(billing_period, contract.time_zone)
    until = measured.collected_until.get(physical_asset_id)
    if until is None:
        yield Waiting(kind="not_collected", sentence=f"nothing has been collected of {physical_asset_id}")
        return
    if until < period.end:
        yield Waiting(
            kind="not_collected",
            sentence=f"it is collected until {until:%Y-%m-%d %H:%MZ} only, the period ends "
            f"{period.end:%Y-%m-%d %H:%MZ}",
        )
        return
    covered = measured.completeness.get((contract.contract_id, physical_asset_id))
    required = contract.required_completeness_ratio
    if covered is not None and covered < required:
        yield Waiting(
            kind="below_completeness",
            sentence=f"only {covered:.1%} of {billing_period} is covered by what was told of it and "
            f"{contract.contract_id} asks for {required:.1%}; let its edge node send what it kept, or agree on another "
            "least_completeness_ratio",
        )
