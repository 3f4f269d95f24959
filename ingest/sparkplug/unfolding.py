"""How much a payload would unfold to, told from its bytes before anything is built of them.

Belongs here: counting the messages nested in a payload. Does not belong here: reading them (payload, metrics).

Two bytes make an empty metric, and parsing makes an object of a hundred bytes of it: measured, 4 MB of them took
203 MB. So a large payload is walked first, without building anything, and refused when it holds too many parts. Small
ones are not worth the walk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.errors import PayloadError

MAX_PARTS = 500_000
WALKED_FROM_BYTES = 2 * MAX_PARTS  # what is smaller cannot hold more parts

_PROPERTY_VALUE: dict[int, Any] = {}
_PROPERTY_SET: dict[int, Any] = {2: _PROPERTY_VALUE}
_PROPERTY_VALUE.update({9: _PROPERTY_SET, 10: {1: _PROPERTY_SET}})
_METRIC: dict[int, Any] = {}
_METRIC.update({9: _PROPERTY_SET, 18: {4: {1: {}}}, 19: {2: _METRIC, 3: {}}})
_PAYLOAD: dict[int, Any] = {2: _METRIC}
"""Field numbers that hold messages, and what those hold in turn."""


def refuse_if_boundless(data: bytes) -> None:
    """Raise PayloadError (`payload_too_large`) when `data` holds more than `MAX_PARTS` nested messages.

    Bytes that are no protobuf are left to the parser, which says so better.
    """
    if len(data) < WALKED_FROM_BYTES:
        return
    parts = 0
    waiting: list[tuple[int, int, Mapping[int, Any]]] = [(0, len(data), _PAYLOAD)]
    while waiting:
        position, end, fields = waiting.pop()
        while position < end:
            key, position = _varint(data, position)
            wire_type = key & 7
            if wire_type == 0:
                _, position = _varint(data, position)
            elif wire_type == 2:
                length, position = _varint(data, position)
                inner = fields.get(key >> 3)
                if inner is not None:
                    parts += 1
                    if parts > MAX_PARTS:
                        raise PayloadError(f"more than {MAX_PARTS} parts in one payload", reason="payload_too_large")
                    if inner:
                        waiting.append((position, min(position + length, end), inner))
                position += length
            elif wire_type in {1, 5}:
                position += 8 if wire_type == 1 else 4
            else:
                break


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return value, position
