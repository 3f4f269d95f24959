"""How many fields a payload holds, counted on the wire before anything is built of it.

Belongs here: the count. Does not belong here: what the fields mean (payload, metrics).

Two bytes make a field, and a field may become an object of a hundred and fifty: 16 kB of deflate unfold to 16 MiB that
took 1.4 GB as rows of a data set. Which fields nest is read from the protobuf descriptors, so that none is forgotten.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor

from ingest.sparkplug import sparkplug_b_pb2

_wire: Any = sparkplug_b_pb2  # generated: its classes exist at run time only
_PACKED = {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}


class _Fields(NamedTuple):
    """What the length-delimited fields of one message type are, by number."""

    messages: dict[int, str]
    packed: frozenset[int]


def _describe(descriptor: Any, known: dict[str, _Fields]) -> dict[str, _Fields]:
    if descriptor.full_name not in known:
        inner = {field.number: field.message_type for field in descriptor.fields if field.message_type is not None}
        known[descriptor.full_name] = _Fields(
            {number: message.full_name for number, message in inner.items()},
            frozenset(field.number for field in descriptor.fields if field.cpp_type in _PACKED),
        )
        for message in inner.values():
            _describe(message, known)
    return known


_ROOT = _wire.Payload.DESCRIPTOR
_TYPES = _describe(_ROOT, {})


def has_more_fields(data: bytes, *, than: int) -> bool:
    """Whether the payload in `data` holds more than `than` fields, nested ones and packed elements included.

    A field takes two bytes at least, so only what is longer than twice the limit is looked through (1 s a million
    fields). What is malformed is left to the parser to refuse.
    """
    if len(data) <= 2 * than:
        return False
    try:
        return _count(data, than) > than
    except IndexError:  # cut off within a field, or a number without end
        return False


def _count(data: bytes, limit: int) -> int:
    count = 0
    spans = [(0, len(data), _TYPES[_ROOT.full_name])]
    while spans:
        position, end, fields = spans.pop()
        while position < end:
            tag, position = _varint(data, position)
            count += 1
            match tag & 7:
                case 0:
                    _, position = _varint(data, position)
                case 1:
                    position += 8
                case 2:
                    length, position = _varint(data, position)
                    message = fields.messages.get(tag >> 3)
                    if message is not None and length:
                        spans.append((position, min(position + length, end), _TYPES[message]))
                    elif tag >> 3 in fields.packed:  # an element a byte at least
                        count += length
                    position += length
                case 5:
                    position += 4
                case _:
                    pass  # the marks of a group, or nothing a parser accepts
            if count > limit:
                return count
    return count


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise IndexError("no number takes more than ten bytes")
