"""The namespace as it stands now: the newest value, quality and time of every metric, and whether it is stale.

Belongs here: keeping that table, its snapshot on disk, and asking it with MQTT-like patterns.
Does not belong here: history (landing), meaning beyond the names of the mapping.

Only live values move it: a historical one is stored and never shown as now; an older one never replaces a newer. A
value is at most as new as its receipt, or one reading from a clock that ran ahead would stand for years.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.decoder import DecodedBatch, StaleMark
from ingest.durable import make_directory, write_atomically
from ingest.errors import LandingError
from ingest.mapping import EMPTY_MAPPING, SiteMapping
from ingest.records import typed_array
from ingest.uns.values import NUMBERS

_AT = pa.timestamp("us")
_SCHEMA = pa.schema(
    [
        ("site_id", pa.string()),
        ("edge_node_id", pa.string()),
        ("device_id", pa.string()),
        ("metric_name", pa.string()),
        ("datatype", pa.string()),
        ("value_decimal", pa.decimal128(38, 9)),
        ("value_double", pa.float64()),
        ("value_text", pa.string()),
        ("quality", pa.int32()),
        ("source_unit", pa.string()),
        ("event_at", _AT),
        ("received_at", _AT),
        ("stale_since", _AT),
        ("work_unit_id", pa.string()),
        ("metric", pa.string()),
        ("unit_code", pa.string()),
        ("factor", pa.string()),
        ("unit_offset", pa.string()),
    ]
)
_FROM_READINGS = _SCHEMA.names[4:12]
_EVENT_AT, _RECEIVED_AT = _FROM_READINGS.index("event_at"), _FROM_READINGS.index("received_at")


@dataclass(frozen=True, kw_only=True)
class CurrentValue:
    """One metric now. `path` is site/[edge node/]device/metric; `canonical_value` is in `unit_code`, where mapped."""

    path: str
    site_id: str
    edge_node_id: str
    device_id: str
    metric_name: str
    value: Decimal | float | str | None
    quality: int
    source_unit: str | None
    event_at: datetime
    received_at: datetime
    is_stale: bool
    stale_since: datetime | None
    work_unit_id: str | None
    metric: str | None
    unit_code: str | None
    canonical_value: Decimal | float | str | None


class CurrentState:
    """One site's table in memory; `save` writes the snapshot that `read_state` reads."""

    def __init__(
        self, home: Path, *, site_id: str, mapping: SiteMapping = EMPTY_MAPPING, part: str | None = None
    ) -> None:
        self.path = home / "state" / (f"{site_id}.parquet" if part is None else f"{site_id}.{part}.parquet")
        self._site_id = site_id
        self._mapping = mapping
        self._values: dict[tuple[str, str, str], list[Any]] = {}
        self._stale_since: dict[tuple[str, str, str], int] = {}
        self.is_changed = False
        make_directory(self.path.parent)
        self._load()

    def apply(self, batch: DecodedBatch) -> None:
        """Take a landed batch."""
        values = self._values
        moved: dict[tuple[str, str, str], int] = {}
        for ordinal, key, value in (*_from_lists(batch), *_from_lanes(batch)):
            known = values.get(key)
            if (
                known is None
                or _instant(value) > _instant(known)
                or (_instant(value) == _instant(known) and ordinal >= moved.get(key, 0))
            ):
                values[key] = value
                moved[key] = ordinal
        for key in moved:
            self._stale_since.pop(key, None)
        for mark in sorted(batch.stale, key=lambda mark: mark.ordinal):
            self._mark_stale(mark, moved)
        self.is_changed = self.is_changed or bool(batch.stale) or bool(moved)

    def save(self) -> None:
        """Replace the snapshot; a reader sees the old or the new one."""
        columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
        for key, value in self._values.items():
            meaning = self._mapping.resolve(
                edge_node_id=key[0], device_id=key[1], metric_name=key[2], source_unit=value[5]
            )
            row = [self._site_id, *key, *value, self._stale_since.get(key)]
            row += [meaning.work_unit_id, meaning.metric, meaning.unit_code]
            row += [str(meaning.factor), str(meaning.unit_offset)]
            for name, cell in zip(_SCHEMA.names, row, strict=True):
                columns[name].append(cell)
        sink = pa.BufferOutputStream()
        arrays = [typed_array(columns[field.name], field.type) for field in _SCHEMA]
        pq.write_table(pa.table(arrays, schema=_SCHEMA), sink, compression="zstd", write_page_checksum=True)
        try:
            write_atomically(self.path, sink.getvalue())
        except OSError as error:
            raise LandingError(f"cannot write {self.path}: {error.strerror or error}", path=self.path) from error
        self.is_changed = False

    def _mark_stale(self, mark: StaleMark, moved: dict[tuple[str, str, str], int]) -> None:
        for key in self._values:
            if key[0] == mark.edge_node_id and mark.device_id in {None, key[1]} and moved.get(key, -1) < mark.ordinal:
                self._stale_since.setdefault(key, mark.since * 1000)

    def _load(self) -> None:
        if not self.path.is_file():
            return
        table = pq.read_table(self.path).cast(_whole_microseconds(_SCHEMA))
        for row in table.to_pylist():
            key = (row["edge_node_id"], row["device_id"], row["metric_name"])
            self._values[key] = [row[name] for name in _FROM_READINGS]
            if row["stale_since"] is not None:
                self._stale_since[key] = row["stale_since"]


def _from_lists(batch: DecodedBatch) -> Iterator[tuple[int, tuple[str, str, str], list[Any]]]:
    """Live values of what was read one by one, in the order of their arrival."""
    lists = batch.rows.readings.lists
    names = ("edge_node_id", "device_id", "metric_name", "is_historical", *_FROM_READINGS)
    for ordinal, row in zip(batch.ordinals, zip(*(lists[name] for name in names), strict=True), strict=True):
        edge_node_id, device_id, metric_name, is_historical, *value = row
        if not is_historical:
            yield ordinal, (edge_node_id, device_id, metric_name), value


def _from_lanes(batch: DecodedBatch) -> Iterator[tuple[int, tuple[str, str, str], list[Any]]]:
    """The newest live value of each metric that was read in columns."""
    for lane in batch.lanes:
        newest = lane.table.take(pa.array(lane.newest))
        keys = zip(*(newest[name].to_pylist() for name in ("edge_node_id", "device_id", "metric_name")), strict=True)
        columns = [
            newest[name].cast(pa.int64()) if pa.types.is_timestamp(newest[name].type) else newest[name]
            for name in _FROM_READINGS
        ]
        values = zip(*(column.to_pylist() for column in columns), strict=True)
        for ordinal, key, value in zip(lane.ordinals.tolist(), keys, values, strict=True):
            yield ordinal, key, list(value)


def read_state(home: Path, pattern: str = "#") -> list[CurrentValue]:
    """The metrics whose path matches an MQTT-like pattern (`+` one level, `#` the rest), sorted by path.

    The first level is the site: `hamburg/#`, `+/milling_line/+/Status/State`.
    """
    files = sorted((home / "state").glob("*.parquet"))
    return newest_of(read_snapshot(path, pattern) for path in files)


def read_snapshot(path: Path, pattern: str = "#") -> list[CurrentValue]:
    """What one snapshot says of the metrics that match."""
    values = (_current(row) for row in pq.ParquetFile(path).read().to_pylist())
    return [value for value in values if matches(pattern, value.path)]


def newest_of(snapshots: Iterable[list[CurrentValue]]) -> list[CurrentValue]:
    """One value a metric, sorted by path: where collectors share a site, each knows only what it heard."""
    found: dict[str, CurrentValue] = {}
    for snapshot in snapshots:
        for value in snapshot:
            known = found.get(value.path)
            if known is None or _moment(value) >= _moment(known):
                found[value.path] = value
    return [found[path] for path in sorted(found)]


def matches(pattern: str, path: str) -> bool:
    """Whether an MQTT-like pattern covers a path."""
    wanted, levels = pattern.split("/"), path.split("/")
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(levels) or level not in {"+", levels[position]}:
            return False
    return len(wanted) == len(levels)


def _current(row: dict[str, Any]) -> CurrentValue:
    value = _plain(row["value_decimal"], row["value_double"], row["value_text"])
    if row["datatype"] in NUMBERS and isinstance(value, str):
        value = _number(value)
    canonical = value
    if row["metric"] is not None and not isinstance(value, str) and value is not None:
        canonical = Decimal(str(value)) * Decimal(row["factor"]) + Decimal(row["unit_offset"])
        canonical = canonical.normalize() if canonical else Decimal(0)
    return CurrentValue(
        path="/".join(_present(row["site_id"], row["edge_node_id"], row["device_id"], row["metric_name"])),
        site_id=row["site_id"],
        edge_node_id=row["edge_node_id"],
        device_id=row["device_id"],
        metric_name=row["metric_name"],
        value=value,
        quality=row["quality"],
        source_unit=row["source_unit"],
        event_at=row["event_at"].replace(tzinfo=UTC),
        received_at=row["received_at"].replace(tzinfo=UTC),
        is_stale=row["stale_since"] is not None,
        stale_since=None if row["stale_since"] is None else row["stale_since"].replace(tzinfo=UTC),
        work_unit_id=row["work_unit_id"],
        metric=row["metric"],
        unit_code=row["unit_code"],
        canonical_value=canonical if row["metric"] is not None else None,
    )


def _moment(value: CurrentValue) -> datetime:
    return min(value.event_at, value.received_at)


def _instant(value: list[Any]) -> int:
    return min(int(value[_EVENT_AT]), int(value[_RECEIVED_AT]))


def _plain(exact: Decimal | None, double: float | None, text: str | None) -> Decimal | float | str | None:
    if text is not None:
        return text
    if exact is None:
        return double
    whole = exact.to_integral_value()
    return whole if exact == whole else exact.normalize()


def _number(text: str) -> Decimal | str:
    """A JSON number that its text alone holds exactly; one beyond Decimal stays text."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _present(*parts: str) -> Iterable[str]:
    return (part for part in parts if part)


def _whole_microseconds(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(f.name, pa.int64() if pa.types.is_timestamp(f.type) else f.type) for f in schema])
