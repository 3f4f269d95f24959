"""A billing period of which a contract covers a part, or which an amendment cuts: each version by its own usage.

The stretches of one asset under the same terms are rated together: their usage is added up before tiers, minimums and
maximums apply, so that it does not matter how a period was cut where no term changed. An amendment starts a pass of its
own, over the usage since it took effect: its tiers count from zero.

Fees are prorated by local day over the days of the real period. The part of each pass is round(all days so far) less
round(the days before): the parts of a fee that did not change add up to it, to the cent. A fee without `is_prorated`
is due whole and once, so a period with two versions of it is refused rather than charged twice.

Belongs here: from stretches and what was measured in them to a `Rating`. Does not belong here: which stretches there
are (models.billing.terms), a rule's arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise

from models.billing.periods import BillingPeriod
from models.billing.rating.flat_fee import FlatFeeParameters
from models.billing.rating.line import RatedLine, Rating, read_parameters
from models.billing.rating.rating_pass import rated_lines
from models.billing.rating.rules import ready
from models.billing.rating.share import PeriodShare
from models.billing.terms import Contract, Stretch, Term
from models.billing.usage import Availability, UsageRecord, sum_of
from models.errors import RatingError
from models.timeline import Period, midnight


@dataclass(frozen=True, kw_only=True)
class MeasuredStretch:
    """What was measured of one asset on local days `[first_date, following_date)`; usage by metric."""

    first_date: date
    following_date: date
    usage: Mapping[str, UsageRecord]
    availability: Availability | None = None


@dataclass(frozen=True, kw_only=True)
class RatedStretch:
    """The lines of one pass: the terms of one version, and the days they were applied to."""

    contract_version: int
    first_date: date
    following_date: date
    share: PeriodShare
    lines: tuple[RatedLine, ...]


def rate_stretches(
    contract: Contract,
    *,
    physical_asset_id: str,
    billing_period: BillingPeriod,
    measured: Iterable[MeasuredStretch],
) -> tuple[RatedStretch, ...]:
    """The passes of one asset and billing period, in order of time; what is measured may be cut finer than the terms.

    Raises RatingError where the contract does not cover the asset in the period, where what was measured is not exactly
    what it covers, and where a fee would be charged twice.
    """
    covered = contract.stretches(physical_asset_id, billing_period.first_date, billing_period.following_date)
    if not covered:
        raise RatingError(
            f"Contract {contract.contract_id} does not cover {physical_asset_id} in {billing_period.name}; name "
            "another period or asset."
        )
    pieces = sorted(measured, key=lambda piece: piece.first_date)
    passes = [list(group) for _, group in groupby(covered, key=lambda stretch: stretch.terms)]
    _require_fees_once(passes)
    before = 0
    result = []
    for stretches in passes:
        own = [piece for stretch in stretches for piece in _pieces_of(stretch, pieces)]
        days = sum(stretch.days for stretch in stretches)
        share = PeriodShare(Decimal(days), Decimal(billing_period.days), Decimal(before))
        before += days
        lines = rated_lines(
            ready(replace(contract, terms=stretches[0].terms)),
            usage=_usage_of(contract, own),
            availability=_availability_of(own),
            share=share,
            service_period=_period(contract, stretches[0].first_date, stretches[-1].following_date),
        )
        result.append(
            RatedStretch(
                contract_version=stretches[-1].contract_version,
                first_date=stretches[0].first_date,
                following_date=stretches[-1].following_date,
                share=share,
                lines=lines,
            )
        )
    _require_nothing_left(contract, physical_asset_id, covered, pieces)
    return tuple(result)


def rating_of(
    contract: Contract, *, physical_asset_id: str, billing_period: BillingPeriod, rated: tuple[RatedStretch, ...]
) -> Rating:
    """All passes as the rating of one asset and billing period."""
    return Rating(
        contract=contract,
        physical_asset_id=physical_asset_id,
        billing_period=billing_period.name,
        service_period=billing_period.period,
        lines=tuple(line for one in rated for line in one.lines),
    )


def _pieces_of(stretch: Stretch, pieces: list[MeasuredStretch]) -> list[MeasuredStretch]:
    """The measured pieces that make up the stretch, without gap or overlap."""
    own = [
        piece
        for piece in pieces
        if stretch.first_date <= piece.first_date and piece.following_date <= stretch.following_date
    ]
    ends = [stretch.first_date, *(piece.following_date for piece in own)]
    starts = [*(piece.first_date for piece in own), stretch.following_date]
    if ends != starts:
        raise RatingError(
            f"What was measured of {stretch.physical_asset_id} is not exactly {stretch.first_date} to "
            f"{stretch.following_date}; read the usage of each stretch."
        )
    return own


def _require_nothing_left(
    contract: Contract, physical_asset_id: str, covered: tuple[Stretch, ...], pieces: list[MeasuredStretch]
) -> None:
    used = sum(stretch.days for stretch in covered)
    given = sum((piece.following_date - piece.first_date).days for piece in pieces)
    if used != given:
        raise RatingError(
            f"{given} days were measured of {physical_asset_id}, but contract {contract.contract_id} covers {used}; "
            "leave out what it does not cover."
        )


def _require_fees_once(passes: list[list[Stretch]]) -> None:
    for earlier, later in pairwise(passes):
        for term in (*earlier[0].terms, *later[0].terms):
            if _is_whole_fee(term):
                raise RatingError(
                    f"Term {term.term_id} is due whole, but the terms change on {later[0].first_date}; set its "
                    "is_prorated to true, or let the amendment take effect where a billing period begins."
                )


def _is_whole_fee(term: Term) -> bool:
    return term.rule == "flat_fee" and not read_parameters(term, FlatFeeParameters).is_prorated


def _usage_of(contract: Contract, pieces: list[MeasuredStretch]) -> dict[str, UsageRecord]:
    """By metric, the sum of all pieces; held if any of them is, estimated if any is."""
    result = {}
    for metric in dict.fromkeys(metric for piece in pieces for metric in piece.usage):
        if not all(metric in piece.usage for piece in pieces):
            continue  # one piece is missing: the rule finds no usage and holds its line
        records = [piece.usage[metric] for piece in pieces]
        flags = {record.quantity_flag for record in records}
        segments = [segment for record in records for segment in record.segments]
        result[metric] = replace(
            records[0],
            service_period=_period(contract, pieces[0].first_date, pieces[-1].following_date),
            quantity=sum_of(record.quantity for record in records),
            quantity_flag="held" if "held" in flags else "estimated" if "estimated" in flags else "actual",
            segments=tuple(replace(segment, segment_number=number) for number, segment in enumerate(segments, 1)),
        )
    return result


def _availability_of(pieces: list[MeasuredStretch]) -> Availability | None:
    known = [piece.availability for piece in pieces if piece.availability is not None]
    if len(known) < len(pieces):
        return None
    return Availability(
        scheduled_s=sum_of(each.scheduled_s for each in known),
        supplier_down_s=sum_of(each.supplier_down_s for each in known),
        operator_down_s=sum_of(each.operator_down_s for each in known),
        planned_down_s=sum_of(each.planned_down_s for each in known),
    )


def _period(contract: Contract, first_date: date, following_date: date) -> Period:
    return Period(midnight(first_date, contract.time_zone), midnight(following_date, contract.time_zone))
