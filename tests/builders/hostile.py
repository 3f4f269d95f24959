"""Hostile input: topics and payloads that nobody should send, and bombs that are small until they are read.

Belongs here: making it, from a seed or from hypothesis. Does not belong here: what must hold all the same (accounting).
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.payload import COMPRESSED
from tests.builders.sparkplug import MARCH_1

wire: Any = sparkplug_b_pb2

SPARKPLUG_TOPIC = "spBv1.0/hamburg/NDATA/stranger"
JSON_TOPIC = "meridian/hamburg/mecanizado/cnc_201/husillo"
ROOM = 16 * 1024 * 1024 - 256
"""Just below what a compressed body may unfold to."""

NASTY_LEVELS = (
    "..", ".", "", "~", "%2e%2e%2f", "..\\..", "C:", "\0", "\n", "NUL", "site=x", "day=2026-01-01", "*", "+", "#",
    "$SYS", "'; drop table raw.reading; --", '"', "`", "${HOME}", "{0}", "%s", "-rf", "\ud800", "\u202e",
    "ä" * 40, "😀", "a" * 255,
    "x" * 60_000, "_lineshaft", "_event",
    "STATE", "NBIRTH", "DDATA", "stranger",
)  # fmt: skip
NASTY_TOPICS = (
    "", "/", "//", "spBv1.0", "spBv1.0/", "spBv1.0/hamburg", "spBv1.0/hamburg/", "spBv1.0/hamburg/NDATA",
    "spBv1.0/hamburg/NDATA/", "spBv1.0/hamburg/NDATA//", "spBv1.0/hamburg/DDATA/stranger",
    "spBv1.0/hamburg/ndata/stranger",
    "spBv1.0/hamburg/NDATA/a/b/c", "spBv1.0/hamburg/DDATA/../../../../etc/passwd",
    "spBv1.0/hamburg/NDATA/" + "/" * 9_000,
    "spBv1.0/hamburg/NBIRTH/" + "x" * 60_000, "meridian/hamburg", "meridian/hamburg/", "meridian/hamburg/../../x",
    "meridian/hamburg/a/../../../../../../tmp/x", "meridian/hamburg/" + "a/" * 30_000 + "x", "../../../../etc/passwd",
    "/etc/passwd", "meridian/hamburg/_event/", "meridian/hamburg/_event/../work_order", "meridian/hamburg/a/\0",
    "meridian/hamburg/\ud800/x",
)  # fmt: skip

_LARGE = (0, 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1, 253_402_300_799_000, 253_402_300_799_001, MARCH_1)


def envelope(inner: bytes, *, pack: Callable[[bytes], bytes] = zlib.compress) -> bytes:
    """A compressed payload as the Tahu clients make it."""
    data: bytes = wire.Payload(uuid=COMPRESSED, body=pack(inner)).SerializeToString()
    return data


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _payload(*metrics: dict[str, Any]) -> bytes:
    data: bytes = wire.Payload(timestamp=MARCH_1, seq=1, metrics=list(metrics)).SerializeToString()
    return data


def _raw_metric(rest: bytes) -> bytes:
    """A payload of one named metric whose other fields are given as bytes."""
    return wire.Payload(timestamp=MARCH_1, seq=1).SerializeToString() + field(2, field(1, b"m") + rest)


def _zeros_in_gzip(*, mebibytes: int) -> bytes:
    engine = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    return b"".join([*(engine.compress(bytes(1 << 20)) for _ in range(mebibytes)), engine.flush()])


def _nested_template(depth: int) -> bytes:
    inner = field(1, b"m") + b"\x20\x03\x50\x01"
    for _ in range(depth):
        inner = field(1, b"t") + b"\x20\x13" + field(18, field(2, inner))
    return wire.Payload(timestamp=MARCH_1, seq=1).SerializeToString() + field(2, inner)


def _deep(opening: str, closing: str, levels: int) -> str:
    return opening * levels + closing * levels


SPARKPLUG_BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros in gzip": lambda: envelope(b"", pack=lambda _: _zeros_in_gzip(mebibytes=64)),
    "a body within a body": lambda: envelope(envelope(envelope(_payload({"name": "m", "int_value": 1})))),
    "a bomb within a bomb": lambda: envelope(envelope(b"\0" * (1 << 24))),
    "a second body behind the first": lambda: envelope(b"", pack=lambda _: gzip.compress(b"") + gzip.compress(b"x")),
    "eight million empty metrics": lambda: envelope(b"\x12\0" * (ROOM // 2)),
    "eight million rows": lambda: envelope(_raw_metric(b"\x20\x10" + field(17, b"\x22\0" * (ROOM // 2)))),
    "a million rows, less a few": lambda: envelope(_raw_metric(b"\x20\x10" + field(17, b"\x22\0" * 999_900))),
    "eight million cells": lambda: envelope(_raw_metric(b"\x20\x10" + field(17, field(4, b"\x0a\0" * (ROOM // 2))))),
    "a million cells, less a few": lambda: envelope(
        _raw_metric(b"\x20\x10" + field(17, field(4, b"\x0a\0" * 999_900)))
    ),
    "eight million columns": lambda: envelope(_raw_metric(b"\x20\x10" + field(17, b"\x12\0" * (ROOM // 2)))),
    "sixteen million column types": lambda: envelope(_raw_metric(b"\x20\x10" + field(17, field(3, b"\x01" * ROOM)))),
    "eight million property keys": lambda: envelope(
        _raw_metric(b"\x20\x03\x50\x01" + field(9, b"\x0a\0" * (ROOM // 2)))
    ),
    "eight million property values": lambda: envelope(
        _raw_metric(b"\x20\x03\x50\x01" + field(9, b"\x12\0" * (ROOM // 2)))
    ),
    "a hundred million booleans": lambda: envelope(
        _raw_metric(b"\x20\x20" + field(16, (8 * ROOM - 256).to_bytes(4, "little") + b"\xff" * (ROOM - 32)))
    ),
    "booleans in many arrays": lambda: envelope(
        _payload(
            *(
                {"name": f"m{i}", "datatype": 32, "bytes_value": (10**6).to_bytes(4, "little") + b"\0" * 125_000}
                for i in range(120)
            )
        )
    ),
    "sixteen million bytes in an array": lambda: envelope(_raw_metric(b"\x20\x16" + field(16, b"\x80" * ROOM))),
    "sixteen million empty strings": lambda: envelope(_raw_metric(b"\x20\x21" + field(16, b"\0" * ROOM))),
    "sixteen megabytes of quotes": lambda: envelope(_raw_metric(b"\x20\x0c" + field(15, b'"' * ROOM))),
    "sixteen megabytes for a name": lambda: envelope(
        wire.Payload(timestamp=MARCH_1, seq=1).SerializeToString()
        + field(2, field(1, b"n" * ROOM) + b"\x20\x03\x50\x01")
    ),
    "a hundred thousand metrics": lambda: _payload(*({"alias": i, "int_value": i} for i in range(100_000))),
    "fifty thousand metrics": lambda: _payload(
        *({"name": f"m{i}", "datatype": 3, "int_value": i} for i in range(50_000))
    ),
    "templates 15 deep": lambda: _nested_template(15),
    "templates 40 deep": lambda: _nested_template(40),
    "templates 10,000 deep": lambda: _nested_template(10_000),
}
"""Sparkplug payloads; each is small, and unfolds or multiplies."""

JSON_BOMBS: dict[str, Callable[[], bytes]] = {
    "arrays 100,000 deep": lambda: _deep("[", "]", 100_000).encode(),
    "objects 100,000 deep": ('{"a":' * 100_000 + "1" + "}" * 100_000).encode,
    "an array 900 deep in a member": ('{"a":' + _deep("[", "]", 900) + "}").encode,
    "objects 15 deep": ('{"a":' * 15 + "1" + "}" * 15).encode,
    "a hundred thousand members": lambda: json.dumps({f"k{i}": i for i in range(100_000)}).encode(),
    "members under a long key": lambda: json.dumps({"k" * 2_000_000: {f"k{i}": 1 for i in range(9_000)}}).encode(),
    "keys a level below a long one": lambda: json.dumps({"k" * 1_000: {f"k{i}": 1 for i in range(300_000)}}).encode(),
    "a million empty arrays": lambda: b'{"a":[' + b"[]," * 1_000_000 + b"[]]}",
    "a million empty objects": lambda: b'{"a":[' + b"{}," * 1_000_000 + b"{}]}",
    "a million decimals": lambda: b'{"a":[' + b"0.1," * 1_000_000 + b"0]}",
    "a number of four million digits": lambda: b'{"a":' + b"9" * 4_000_000 + b"}",
    "a fraction of four million digits": lambda: b'{"a":0.' + b"9" * 4_000_000 + b"}",
    "an exponent beyond belief": lambda: b'{"a":1e999999999999999999, "b":-1e-99999, "c":1E+99999}',
    "more than the limit": lambda: b'{"a":"' + b"x" * (5 << 20) + b'"}',
    "a text of quotes": lambda: json.dumps({"a": '"' * 1_900_000}).encode(),
    "the same member twice": lambda: b'{"a":1,"a":{"b":2},"timestamp":5,"timestamp":"x"}',
    "lone surrogates": lambda: b'{"\\ud800":"\\udfff","a":["\\ud800"],"timestamp":1772323200000}',
    "numbers that are none": lambda: b'{"a":NaN,"b":Infinity,"c":-Infinity}',
    "bytes that are no text": lambda: b'{"a":"\xff\xfe"}',
    "nothing": lambda: b"",
    "NUL": lambda: b"\0" * 100,
}
"""JSON payloads of the same kinds."""


def mutate(data: bytes, source: random.Random, others: list[bytes]) -> bytes:
    """Bits flipped, bytes cut, doubled or taken from another payload."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 8)):
        if not changed:
            break
        at = source.randrange(len(changed))
        match source.randrange(6):
            case 0:
                changed[at] ^= 1 << source.randrange(8)
            case 1:
                changed[at] = source.randrange(256)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + source.randint(1, 9)]
            case 4:
                changed[at:at] = changed[at : at + source.randint(1, 30)]
            case _:
                other = source.choice(others)
                start = source.randrange(len(other) or 1)
                changed[at:at] = other[start : start + source.randint(1, 40)]
    return bytes(changed)


def random_metric(source: random.Random, depth: int = 0) -> dict[str, Any]:
    """A metric of any datatype in any field, with times and aliases of any size."""
    found: dict[str, Any] = {}
    if source.random() < 0.6:
        found["name"] = source.choice(["m", "temp", "DATA/temp", "bdSeq", "a/b/c", "\0", "n" * 300, "ü"])
    if source.random() < 0.5:
        found["alias"] = source.choice([0, 1, 2, 7, 2**64 - 1])
    if source.random() < 0.6:
        found["timestamp"] = source.choice(_LARGE) if source.random() < 0.7 else source.getrandbits(64)
    if source.random() < 0.8:
        found["datatype"] = source.choice([*range(36), 99, 2**32 - 1])
    for flag in ("is_historical", "is_transient", "is_null"):
        if source.random() < 0.1:
            found[flag] = True
    if source.random() < 0.2:
        found["properties"] = {
            "keys": source.choices(["Quality", "engUnit", "", "x" * 50], k=source.randrange(4)),
            "values": [
                source.choice(
                    [{"type": 3, "int_value": 500}, {"type": 12, "string_value": "\0"}, {"is_null": True}, {}]
                )
                for _ in range(source.randrange(4))
            ],
        }
    return found | random_value(source, depth)


def random_value(source: random.Random, depth: int) -> dict[str, Any]:
    kind = source.randrange(11)
    if kind == 7 and depth < 4:
        members = [random_metric(source, depth + 1) for _ in range(source.randrange(3))]
        return {"template_value": {"metrics": members, "template_ref": "t", "is_definition": source.random() < 0.5}}
    cells = [{}, {"int_value": 2**32 - 1}, {"double_value": float("inf")}, {"string_value": "\ufffd"}]
    rows = [
        {"elements": [source.choice(cells) for _ in range(source.randrange(4))]} for _ in range(source.randrange(4))
    ]
    types = [source.randrange(40) for _ in range(source.randrange(4))]
    return (
        {},
        {"int_value": source.getrandbits(32)},
        {"long_value": source.choice(_LARGE)},
        {"float_value": source.choice([float("nan"), float("inf"), 3.4e38, 1e-45, -0.0, 1.5])},
        {"double_value": source.choice([float("nan"), float("-inf"), 1.7e308, 5e-324, 2.0**64, -(2.0**63), 0.1])},
        {"boolean_value": source.random() < 0.5},
        {"string_value": source.choice(["", "\0", "😀" * 20, "17", "NaN", "x" * 2_000, "\u2028"])},
        {},
        {"bytes_value": source.randbytes(source.choice([0, 1, 3, 4, 8, 9, 64]))},
        {"dataset_value": {"num_of_columns": source.choice(_LARGE), "columns": ["a"] * source.randrange(4)}
         | {"types": types, "rows": rows}},
        {"extension_value": {}},
    )[kind]  # fmt: skip


def random_payload(source: random.Random) -> bytes:
    """A well-formed Sparkplug payload that means nothing."""
    payload = wire.Payload()
    if source.random() < 0.9:
        payload.timestamp = source.choice(_LARGE) if source.random() < 0.5 else MARCH_1 + source.randrange(10**6)
    if source.random() < 0.9:
        payload.seq = source.choice(_LARGE) if source.random() < 0.2 else source.randrange(256)
    if source.random() < 0.05:
        payload.body = b"unread"
    for _ in range(source.choice([0, 1, 2, 5, 20])):
        payload.metrics.add(**random_metric(source))
    data: bytes = payload.SerializeToString()
    return data if source.random() < 0.9 else envelope(data)


def random_topic(source: random.Random) -> str:
    """Mostly one that reaches a reader; else one that should not reach anything."""
    dice = source.random()
    if dice < 0.5:
        kind = source.choice(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "DCMD"])
        device = f"/{source.choice(['press', 'cnc', '..'])}" if kind.startswith("D") else ""
        return f"spBv1.0/hamburg/{kind}/{source.choice(['stranger', 'guest', '..'])}{device}"
    if dice < 0.7:
        return "meridian/hamburg/" + "/".join(source.choices(NASTY_LEVELS, k=source.randint(1, 5)))
    if dice < 0.85:
        return "spBv1.0/hamburg/" + "/".join(source.choices(NASTY_LEVELS, k=source.randint(1, 4)))
    return source.choice(NASTY_TOPICS)


def random_json(source: random.Random, depth: int = 0) -> str:
    """JSON text, some of it none."""
    if depth < 4 and source.random() < 0.4:
        names = ["a", "timestamp", "is_historical", "b/c", "", "\\ud800", "value", "event_at", "event_type"]
        members = (f'"{source.choice(names)}":{random_json(source, depth + 1)}' for _ in range(source.randrange(4)))
        return "{" + ",".join(members) + "}"
    if depth < 4 and source.random() < 0.2:
        return "[" + ",".join(random_json(source, depth + 1) for _ in range(source.randrange(4))) + "]"
    return source.choice(
        ["1", "-0", "0.1", "1e400", "1e-400", "9" * 40, "9" * 5_000, "true", "null", '"x"', '"\\u0000"', '"\\ud800"',
         "NaN", "Infinity", '"2026-03-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', "1772323200000",
         "-5", "1e25", "tru", '"']
    )  # fmt: skip


def random_arrival(source: random.Random, recorded: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A topic and a payload: a mutated recording, a meaningless payload, nasty JSON, or noise; on any topic."""
    dice = source.random()
    topic, data = source.choice(recorded)
    if dice < 0.4:
        return topic, mutate(data, source, [each for _, each in recorded])
    if dice < 0.7:
        return random_topic(source), random_payload(source)
    if dice < 0.9:
        return random_topic(source), random_json(source).encode("utf-8", "replace")
    return random_topic(source), source.randbytes(source.randrange(60))


def hostile_arrivals(recorded: list[tuple[str, bytes]]) -> st.SearchStrategy[list[tuple[str, bytes]]]:
    """Lists of them, for hypothesis: shrunk by dropping messages, repeated from the seed of each."""
    seeds = st.integers(0, 2**32 - 1).map(lambda seed: random_arrival(random.Random(seed), recorded))
    topics = st.one_of(
        st.sampled_from(NASTY_TOPICS),
        st.lists(st.one_of(st.sampled_from(NASTY_LEVELS), st.text(max_size=20)), max_size=6).map(
            lambda levels: "spBv1.0/hamburg/" + "/".join(levels)
        ),
        st.text(max_size=40).map(lambda text: f"meridian/hamburg/{text}"),
    )
    anything = st.tuples(topics, st.binary(max_size=200))
    return st.lists(st.one_of(seeds, seeds, anything), min_size=1, max_size=12)
