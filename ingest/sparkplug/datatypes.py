"""Sparkplug datatypes: numbers, widths, and the byte forms of values.

Belongs here: two's complement, arrays in bytes, and the names of the 35 datatypes.
Does not belong here: messages (payload), the meaning of a metric (session).

Array bytes are little-endian; the printed examples of the specification's Int8, Float, Double and DateTime arrays are
wrong (its issues 435 and 523); tests/golden/sparkplug_array_vectors.json holds the corrected ones.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from enum import IntEnum

from ingest.errors import PayloadError


class DataType(IntEnum):
    """Datatype numbers as they travel."""

    Unknown = 0
    Int8 = 1
    Int16 = 2
    Int32 = 3
    Int64 = 4
    UInt8 = 5
    UInt16 = 6
    UInt32 = 7
    UInt64 = 8
    Float = 9
    Double = 10
    Boolean = 11
    String = 12
    DateTime = 13
    Text = 14
    UUID = 15
    DataSet = 16
    Bytes = 17
    File = 18
    Template = 19
    PropertySet = 20
    PropertySetList = 21
    Int8Array = 22
    Int16Array = 23
    Int32Array = 24
    Int64Array = 25
    UInt8Array = 26
    UInt16Array = 27
    UInt32Array = 28
    UInt64Array = 29
    FloatArray = 30
    DoubleArray = 31
    BooleanArray = 32
    StringArray = 33
    DateTimeArray = 34


SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
UNSIGNED_BITS = {5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
INTEGER_BITS = SIGNED_BITS | UNSIGNED_BITS
FLOATING = frozenset({9, 10})
TEXTUAL = frozenset({12, 14, 15})
BINARY = frozenset({17, 18})
ARRAYS = frozenset(range(22, 35))
LONG_FIELD = frozenset({4, 8, 13})
"""Datatypes whose numbers travel in `long_value`; shorter integers travel in `int_value`."""

MAX_ELEMENTS = 1_000_000
"""Of one array: its bytes are few (eight booleans in one), its elements are objects while they are read."""

_NAMES = {int(member): member.name for member in DataType}
_STRUCT_CODES = {22: "b", 23: "h", 24: "i", 25: "q", 26: "B", 27: "H", 28: "I", 29: "Q", 30: "f", 31: "d", 34: "Q"}


def datatype_name(datatype: int) -> str:
    """The specification's name of a datatype number, `Unknown` for one it does not define."""
    return _NAMES.get(datatype, "Unknown")


def to_signed(raw: int, bits: int) -> int:
    """Mask to the datatype's width, then read as two's complement."""
    raw &= (1 << bits) - 1
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def to_wire(value: int, bits: int) -> int:
    """The unsigned number that carries `value`; refuses what the width cannot hold."""
    lowest, highest = -(1 << (bits - 1)), (1 << bits) - 1
    if not lowest <= value <= highest:
        raise ValueError(f"{value} does not fit into {bits} bits")
    return value & highest


def shortest_single(raw: float) -> float:
    """The shortest decimal that is the same 32-bit number: 1.23, not 1.2300000190734863."""
    if not math.isfinite(raw):
        return raw
    short = float(f"{raw:.7g}")
    try:
        return short if struct.unpack("<f", struct.pack("<f", short))[0] == raw else raw
    except OverflowError:  # rounding up left the range of 32 bits
        return raw


def decode_array(data: bytes, datatype: int) -> list[int | float | bool | str]:
    """The elements of an array metric; PayloadError where the bytes are no such array or it has too many."""
    if _count_elements(data, datatype) > MAX_ELEMENTS:
        raise PayloadError(f"an array has more than {MAX_ELEMENTS} elements", reason="payload_too_large")
    if datatype == DataType.BooleanArray:
        return _decode_booleans(data)
    if datatype == DataType.StringArray:
        if data and not data.endswith(b"\0"):
            raise PayloadError("a string array does not end with NUL", reason="malformed_payload")
        try:
            return [part.decode("utf-8") for part in data.split(b"\0")[:-1]]
        except UnicodeDecodeError as error:
            raise PayloadError("a string array is not UTF-8", reason="malformed_payload") from error
    code = _STRUCT_CODES[datatype]
    count, rest = divmod(len(data), struct.calcsize(code))
    if rest:
        raise PayloadError(f"{len(data)} bytes are no whole {datatype_name(datatype)}", reason="malformed_payload")
    return list(struct.unpack(f"<{count}{code}", data))


def _count_elements(data: bytes, datatype: int) -> int:
    if datatype == DataType.BooleanArray:
        return min(int.from_bytes(data[:4], "little"), 8 * len(data))
    if datatype == DataType.StringArray:
        return data.count(b"\0")
    return len(data) // struct.calcsize(_STRUCT_CODES[datatype])


def encode_array(values: Sequence[int | float | bool | str], datatype: int) -> bytes:
    """The bytes of an array metric."""
    if datatype == DataType.BooleanArray:
        bits = bytearray((len(values) + 7) // 8)
        for position, value in enumerate(values):
            if value:
                bits[position // 8] |= 0x80 >> position % 8
        return struct.pack("<I", len(values)) + bytes(bits)
    if datatype == DataType.StringArray:
        return b"".join(str(value).encode("utf-8") + b"\0" for value in values)
    return struct.pack(f"<{len(values)}{_STRUCT_CODES[datatype]}", *values)


def _decode_booleans(data: bytes) -> list[int | float | bool | str]:
    if len(data) < 4:
        raise PayloadError("a boolean array lacks its count", reason="malformed_payload")
    (count,) = struct.unpack_from("<I", data)
    if len(data) - 4 < (count + 7) // 8:
        raise PayloadError("a boolean array is shorter than its count", reason="malformed_payload")
    return [bool(data[4 + i // 8] & 0x80 >> i % 8) for i in range(count)]
