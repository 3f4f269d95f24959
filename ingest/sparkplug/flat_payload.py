"""Payloads as columns: the flat members of their metrics, by the thousand.

Belongs here: ptars (protobuf to Arrow), which members it is asked for, and what it refuses.
Does not belong here: what a member means (columnar), payloads one by one (payload).

Members that may nest (DataSet, Template, properties) stay bytes: that is half the time, and only the careful lane reads
them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Flags = npt.NDArray[np.bool_]


class Parsed(NamedTuple):
    """Payloads as columns `timestamp` and `metrics`, and the positions of those that are empty for being refused."""

    batch: pa.RecordBatch
    refused: list[int]


class FlatMetrics:
    """The metrics of a batch as they travelled, one array a member; `message` says whose each is."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        metrics = batch.column("metrics")
        offsets = metrics.offsets.to_numpy()
        self.counts = np.diff(offsets)
        self.message = np.repeat(np.arange(len(self.counts)), self.counts)
        self.index = np.arange(len(self.message)) - np.repeat(offsets[:-1] - offsets[0], self.counts)
        values = metrics.flatten()
        self._members = dict(zip((field.name for field in values.type), values.flatten(), strict=True))
        self.payload_at = batch.column("timestamp")

    def __len__(self) -> int:
        return len(self.message)

    def array(self, name: str) -> pa.Array:
        """One member as it is."""
        return self._members[name]

    def has(self, name: str) -> Flags:
        """Where a member is present."""
        member = self._members[name]
        if member.null_count == len(member):
            return np.zeros(len(member), bool)
        if member.null_count == 0:
            return np.ones(len(member), bool)
        return np.asarray(member.is_valid())

    def values(self, name: str, kind: type) -> npt.NDArray[Any]:
        """One numeric member, 0 where it is absent."""
        member = self._members[name]
        if member.null_count == len(member):
            return np.zeros(len(member), kind)
        return np.asarray(member.fill_null(0)).astype(kind, copy=False)

    def is_true(self, name: str) -> Flags:
        """Where a boolean member is present and true."""
        member = self._members[name]
        if member.null_count == len(member):
            return np.zeros(len(member), bool)
        return np.asarray(member.fill_null(False))


def prepare() -> None:
    """Import now what the first batch would import: pandas, which pyarrow asks for at its first list, and ptars.

    A second of CPU, paid before a collector says that it is ready instead of while messages wait.
    """
    pa.array([""])
    parse_payloads([b""])


def parse_payloads(payloads: list[bytes]) -> pa.RecordBatch:
    """Payloads as columns `timestamp`, `metrics` and their flat members; ValueError when one of them is none."""
    return _handler().list_to_record_batch(payloads)


def parse_readable(payloads: list[bytes]) -> Parsed:
    """All payloads at once; those ptars refuses (text that is no UTF-8, for instance) are found by halving."""
    try:
        return Parsed(parse_payloads(payloads), [])
    except ValueError:
        refused = _refused(payloads, 0)
        emptied = set(refused)
        readable = [b"" if position in emptied else payload for position, payload in enumerate(payloads)]
        return Parsed(parse_payloads(readable), refused)


def _refused(payloads: list[bytes], start: int) -> list[int]:
    try:
        parse_payloads(payloads)
    except ValueError:
        if len(payloads) == 1:
            return [start]
        middle = len(payloads) // 2
        return _refused(payloads[:middle], start) + _refused(payloads[middle:], start + middle)
    return []


@cache
def _handler() -> Any:
    """Ptars' reader of the flat members of a payload (field numbers of the Sparkplug B proto)."""
    import ptars
    from google.protobuf import descriptor_pb2, descriptor_pool

    field = descriptor_pb2.FieldDescriptorProto
    types = {"u64": field.TYPE_UINT64, "u32": field.TYPE_UINT32, "bool": field.TYPE_BOOL, "text": field.TYPE_STRING}
    types |= {"bytes": field.TYPE_BYTES, "f32": field.TYPE_FLOAT, "f64": field.TYPE_DOUBLE}
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_columns.proto", package="lineshaft", syntax="proto2")
    metric = file.message_type.add(name="Metric")
    for number, (name, kind) in enumerate(_MEMBERS, start=1):
        metric.field.add(name=name, number=number, type=types[kind], label=field.LABEL_OPTIONAL)
    payload = file.message_type.add(name="Payload")
    payload.field.add(name="timestamp", number=1, type=field.TYPE_UINT64, label=field.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics",
        number=2,
        type=field.TYPE_MESSAGE,
        type_name=".lineshaft.Metric",
        label=field.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    found = pool.FindFileByName(file.name)  # type: ignore[no-untyped-call]
    return ptars.HandlerPool([found]).get_for_message(found.message_types_by_name["Payload"])


_MEMBERS = (
    *(("name", "text"), ("alias", "u64"), ("timestamp", "u64"), ("datatype", "u32")),
    *(("is_historical", "bool"), ("is_transient", "bool"), ("is_null", "bool")),
    *(("metadata", "bytes"), ("properties", "bytes"), ("int_value", "u32"), ("long_value", "u64")),
    *(("float_value", "f32"), ("double_value", "f64"), ("boolean_value", "bool"), ("string_value", "text")),
    *(("bytes_value", "bytes"), ("dataset_value", "bytes"), ("template_value", "bytes")),
    ("extension_value", "bytes"),
)
