"""How assets are cut: by site and UTC day where plants deliver, by calendar month where contracts bill.

Belongs here: partition definitions, and which partition a landed file belongs to.
Does not belong here: which partitions a run should take (build, defs/uns).

SITES is dynamic: a site added to lineshaft.yaml becomes a partition with the next build or sensor tick, no code
location has to be reloaded. Measured on Dagster 1.13.27: inside a MultiPartitionsDefinition a range of days of one site
runs as a single run. A range must never span two sites: it follows the order in which dynamic keys were added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from ingest.landing import LandedFile

FIRST_DAY = date(2025, 1, 1)
"""Days before it belong to its partition: a device with an old clock must not invent partitions back to 2000."""

JOINED_WITHIN = timedelta(days=7)
"""Days with new files that lie no further apart than this are loaded by the same run."""

SITES = dg.DynamicPartitionsDefinition(name="sites")
DAYS = dg.DailyPartitionsDefinition(
    start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=1
)  # today has data too
SITE_DAYS = dg.MultiPartitionsDefinition({"site": SITES, "day": DAYS})
BILLING_PERIODS = dg.MonthlyPartitionsDefinition(start_date=f"{FIRST_DAY:%Y-%m}", timezone="UTC", fmt="%Y-%m")


def partition_day(day: date, *, today: date | None = None) -> date:
    """The day whose partition holds files of `day`: the first takes all older ones, today all later."""
    return min(max(day, FIRST_DAY), today or datetime.now(UTC).date())


def site_day_key(*, site_id: str, day: date) -> str:
    """The key of one site and day in SITE_DAYS."""
    return str(dg.MultiPartitionKey({"site": site_id, "day": day.isoformat()}))


@dataclass(frozen=True, kw_only=True)
class LoadRange:
    """One run's worth of landed files: a site, neighbouring days, and the kinds of file among them."""

    site_id: str
    first: date
    last: date
    kinds: frozenset[str]

    @property
    def tags(self) -> dict[str, str]:
        """The run tags that make one run cover all these days."""
        return {
            "dagster/asset_partition_range_start": site_day_key(site_id=self.site_id, day=self.first),
            "dagster/asset_partition_range_end": site_day_key(site_id=self.site_id, day=self.last),
        }


def load_ranges(files: Iterable[LandedFile], *, today: date | None = None) -> tuple[LoadRange, ...]:
    """The fewest runs that load the files without touching long stretches of days that have none.

    Each partition of a run costs Dagster some 20 ms of bookkeeping. Late data is the normal case: a month of readings
    and the losses noted today must not make a run over everything between.
    """
    found: dict[str, dict[date, set[str]]] = {}
    for file in files:
        day = partition_day(file.day, today=today)
        found.setdefault(file.site_id, {}).setdefault(day, set()).add(file.kind)
    return tuple(load_range for site_id, days in sorted(found.items()) for load_range in _neighbours(site_id, days))


def _neighbours(site_id: str, days: dict[date, set[str]]) -> Iterator[LoadRange]:
    group: list[date] = []
    for day in [*sorted(days), None]:
        if group and (day is None or day - group[-1] > JOINED_WITHIN):
            kinds = frozenset(kind for one in group for kind in days[one])
            yield LoadRange(site_id=site_id, first=group[0], last=group[-1], kinds=kinds)
            group = []
        if day is not None:
            group.append(day)


def previous_billing_period(moment: datetime) -> str:
    """The last month that has ended in every zone two days into `moment`'s month."""
    return f"{moment.date().replace(day=1) - timedelta(days=1):%Y-%m}"
