"""What lands: the six kinds of rows, as growing columns and as Arrow tables.

Belongs here: column names, their types, and how plain Python lists become typed tables.
Does not belong here: files (landing), meaning (mapping), decoding (sparkplug.reader, uns.reader).

Columns, not row objects: a decoded value lives only in lists until Arrow takes them over.
Times are int microseconds since 1970 UTC while growing, `timestamp[us]` without zone once landed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

Kind = Literal["messages", "readings", "events", "losses", "drifts", "quarantine"]
KINDS: tuple[Kind, ...] = ("messages", "readings", "events", "losses", "drifts", "quarantine")

MICROSECONDS_PER_DAY = 86_400_000_000
EARLIEST_PLAUSIBLE_US = 946_684_800_000_000  # 2000-01-01: older clocks were never set
LARGEST_EXACT = Decimal(10) ** 29
"""decimal128(38, 9) holds 29 digits before the point."""

_AT = pa.timestamp("us")

SCHEMAS: dict[Kind, pa.Schema] = {
    "messages": pa.schema(
        [
            ("message_id", pa.string()),
            ("site_id", pa.string()),
            ("topic", pa.string()),
            ("message_type", pa.string()),
            ("edge_node_id", pa.string()),
            ("device_id", pa.string()),
            ("bd_seq", pa.int16()),
            ("birth_at", _AT),
            ("seq", pa.int16()),
            ("event_at", _AT),
            ("received_at", _AT),
            ("reading_count", pa.int32()),
            ("flags", pa.string()),
        ]
    ),
    "readings": pa.schema(
        [
            ("message_id", pa.string()),
            ("metric_index", pa.int32()),
            ("site_id", pa.string()),
            ("topic", pa.string()),
            ("edge_node_id", pa.string()),
            ("device_id", pa.string()),
            ("metric_name", pa.string()),
            ("datatype", pa.string()),
            ("value_decimal", pa.decimal128(38, 9)),
            ("value_double", pa.float64()),
            ("value_text", pa.string()),
            ("quality", pa.int32()),
            ("source_unit", pa.string()),
            ("properties", pa.string()),
            ("event_at", _AT),
            ("event_at_source", pa.string()),
            ("received_at", _AT),
            ("is_historical", pa.bool_()),
            ("bd_seq", pa.int16()),
            ("birth_at", _AT),
            ("seq", pa.int16()),
            ("flags", pa.string()),
        ]
    ),
    "events": pa.schema(
        [
            ("message_id", pa.string()),
            ("site_id", pa.string()),
            ("topic", pa.string()),
            ("event_type", pa.string()),
            ("event_id", pa.string()),
            ("event_at", _AT),
            ("received_at", _AT),
            ("payload", pa.string()),
            ("flags", pa.string()),
        ]
    ),
    "losses": pa.schema(
        [
            ("site_id", pa.string()),
            ("edge_node_id", pa.string()),
            ("bd_seq", pa.int16()),
            ("birth_at", _AT),
            ("loss_kind", pa.string()),
            ("first_missing_seq", pa.int16()),
            ("last_missing_seq", pa.int16()),
            ("estimated_count", pa.int64()),
            ("filled_count", pa.int64()),
            ("from_at", _AT),
            ("until_at", _AT),
            ("received_at", _AT),
            ("detail", pa.string()),
        ]
    ),
    "drifts": pa.schema(
        [
            ("message_id", pa.string()),
            ("metric_index", pa.int32()),
            ("site_id", pa.string()),
            ("edge_node_id", pa.string()),
            ("device_id", pa.string()),
            ("metric_name", pa.string()),
            ("drift_kind", pa.string()),
            ("before", pa.string()),
            ("after", pa.string()),
            ("event_at", _AT),
            ("received_at", _AT),
        ]
    ),
    "quarantine": pa.schema(
        [
            ("message_id", pa.string()),
            ("site_id", pa.string()),
            ("topic", pa.string()),
            ("received_at", _AT),
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("payload", pa.binary()),
        ]
    ),
}

SORT_KEYS: dict[Kind, tuple[str, ...]] = {
    "messages": ("received_at", "topic"),
    "readings": ("device_id", "metric_name", "event_at"),
    "events": ("event_type", "event_at"),
    "losses": ("edge_node_id", "received_at"),
    "drifts": ("edge_node_id", "device_id", "metric_name", "event_at"),
    "quarantine": ("received_at", "topic"),
}

EVENT_TIME: dict[Kind, str] = {
    "messages": "event_at",
    "readings": "event_at",
    "events": "event_at",
    "losses": "received_at",
    "drifts": "event_at",
    "quarantine": "received_at",
}
"""Which column a file's min_event_at and max_event_at speak of."""


UNHOLDABLE = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError, ValueError)
"""What Arrow and Python raise over a value that its column cannot hold."""


class Columns:
    """The growing rows of one kind: lists for what is read a message at a time, tables for what is read in columns.

    `day` (days since 1970) says which file a row of the lists goes to; a table brings its own `day`.
    """

    __slots__ = ("day", "kind", "lists", "tables")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.day: list[int] = []
        self.lists: dict[str, list[Any]] = {name: [] for name in SCHEMAS[kind].names}
        self.tables: list[pa.Table] = []
        """Each in the order of the files (day, then SORT_KEYS)."""

    def __len__(self) -> int:
        return len(self.day) + sum(int(table.num_rows) for table in self.tables)

    def append(self, day: int, /, **values: Any) -> None:
        """Add one row; every column must be named."""
        self.day.append(day)
        for name, column in self.lists.items():
            column.append(values[name])

    def extend(self, days: list[int], /, **values: list[Any]) -> None:
        """Add rows a column at a time; every column must be named."""
        self.day += days
        for name, column in self.lists.items():
            column.extend(values[name])

    def truncate(self, length: int) -> None:
        """Forget the list rows a message began before it turned out unreadable."""
        del self.day[length:]
        for column in self.lists.values():
            del column[length:]

    def unholdable_messages(self) -> set[str]:
        """Ids of messages with a value that its column cannot hold; looked for row by row only when there is one."""
        try:
            self._list_table().to_pydict()
        except UNHOLDABLE:
            return {self.lists["message_id"][row] for row in range(len(self.day)) if not self._is_holdable(row)}
        return set()

    def _is_holdable(self, row: int) -> bool:
        try:
            for field in SCHEMAS[self.kind]:
                typed_array([self.lists[field.name][row]], field.type).to_pylist()
        except UNHOLDABLE:
            return False
        return True

    def without(self, message_ids: Collection[str]) -> list[int]:
        """Take these messages' rows out; returns the positions they had."""
        out = [row for row, identifier in enumerate(self.lists["message_id"]) if identifier in message_ids]
        for column in (self.day, *self.lists.values()):
            for row in reversed(out):
                del column[row]
        return out

    def rename_messages(self, names: Mapping[str, str]) -> None:
        """Give messages other ids."""
        ids = self.lists["message_id"]
        if not names.keys().isdisjoint(ids):
            self.lists["message_id"] = [names.get(each, each) for each in ids]
        for place, table in enumerate(self.tables):
            ids = table["message_id"].to_pylist()
            if not names.keys().isdisjoint(ids):
                column = table.schema.get_field_index("message_id")
                renamed = pa.array([names.get(each, each) for each in ids], pa.string())
                self.tables[place] = table.set_column(column, "message_id", renamed)

    def table(self) -> pa.Table:
        """All rows with their `day`, typed."""
        return pa.concat_tables([self._list_table(), *self.tables])

    def sorted_table(self) -> pa.Table:
        """The same in the order of the files."""
        if len(self.tables) == 1 and not self.day:
            return self.tables[0]
        return self.table().sort_by([(key, "ascending") for key in ("day", *SORT_KEYS[self.kind])])

    def _list_table(self) -> pa.Table:
        schema = SCHEMAS[self.kind]
        arrays = [typed_array(self.lists[field.name], field.type) for field in schema]
        return pa.table([*arrays, pa.array(self.day, pa.int32())], schema=schema.append(pa.field("day", pa.int32())))


class SiteRows:
    """Everything one site contributes to a batch."""

    __slots__ = ("drifts", "events", "losses", "messages", "quarantine", "readings", "site_id")

    def __init__(self, site_id: str) -> None:
        self.site_id = site_id
        self.messages = Columns("messages")
        self.readings = Columns("readings")
        self.events = Columns("events")
        self.losses = Columns("losses")
        self.drifts = Columns("drifts")
        self.quarantine = Columns("quarantine")

    def columns(self) -> tuple[Columns, ...]:
        """The six kinds, in the order they are written."""
        return (self.messages, self.readings, self.events, self.losses, self.drifts, self.quarantine)


def day_of(event_at_us: int, received_at_us: int) -> tuple[int, bool]:
    """The UTC day a row belongs to, and whether its own time is plausible enough to decide that."""
    if EARLIEST_PLAUSIBLE_US <= event_at_us <= received_at_us + MICROSECONDS_PER_DAY:
        return event_at_us // MICROSECONDS_PER_DAY, True
    return received_at_us // MICROSECONDS_PER_DAY, False


def typed_array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """A column of one type; text that no file format can hold is made holdable."""
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # a lone surrogate in JSON is no text any file format can hold
        return pa.array([_encodable(value) for value in values], kind)


def _encodable(value: str | None) -> str | None:
    return None if value is None else value.encode("utf-8", "replace").decode("utf-8")
