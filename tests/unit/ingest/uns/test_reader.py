"""ingest.uns.reader through the decoder: whatever a plant says in JSON has one end, and every row can be held."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.decoder import SiteDecoder
from ingest.mapping import SiteMapping
from ingest.site import Site
from ingest.uns.payload import Numeral, exact_json
from tests.builders.sparkplug import a_json_site, a_umh_site, an_arrival

COUNTER = {"metric": "*good", "is": "good_count", "role": "counter", "unit": "H87", "work_unit": "u_{1}"}
MAPPING = SiteMapping.model_validate({"version": 1, "rules": [COUNTER]})
FORM = {
    "time": {"member": ["timestamp", "meta/at"], "zone": "Europe/Berlin"},
    "value": "value",
    "arrays": {"by": "name"},
    "leave_out": ["*/secret"],
    "plain_text": True,
}
SITES = (
    a_json_site(),
    a_json_site(topics={"levels": ["area", "unit"], "ignore": ["*/debug/*"]}, payload=FORM),
    a_umh_site(),
    a_umh_site(payload={"arrays": "indexed", "time": {"unit": "ns"}}),
)

LEVELS = st.sampled_from(
    [
        "a",
        "cnc_1",
        "..",
        "_event",
        "work_order",
        "_raw",
        "_pump_v1",
        "",
        "good",
        "debug",
        "\x00",
        "+",
        "#",
        "ñ",
        "\ud800",
        "x" * 400,
    ]
)
NAMES = st.sampled_from(
    ["a", "name", "value", "timestamp", "meta", "at", "good", "secret", "is_historical", "", "a/b", "\ud800"]
)
NUMBERS = st.sampled_from(
    [
        "0",
        "-0",
        "1",
        "0e400",
        "1e400",
        "-1e-400",
        "1E99999999999999999999",
        "9" * 40,
        "9" * 5000,
        "0.1234567891",
        "1772323200",
    ]
).map(Numeral)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.sampled_from(["", "RUN", "2026-10-25T02:30:00", "0001-01-01T00:00:00", "\ud800"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)
TEXTS = VALUES.map(exact_json).map(lambda text: text.encode("utf-8", "surrogatepass"))
PAYLOADS = st.one_of(
    TEXTS,
    st.tuples(TEXTS, st.integers(0, 40)).map(lambda cut: cut[0][: cut[1]]),
    st.binary(max_size=12),
    st.sampled_from(
        [b"NaN", b'{"a":1,"a":2}', b"[" * 5000, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 900 + b"]" * 900]
    ),
)


@st.composite
def publications(draw: st.DrawFn) -> tuple[Site, list[tuple[str, bytes]]]:
    site = draw(st.sampled_from(SITES))
    topics = st.lists(LEVELS, min_size=1, max_size=6).map(lambda levels: f"{site.roots[0]}/{'/'.join(levels)}")
    return site, draw(st.lists(st.tuples(topics, PAYLOADS), min_size=1, max_size=5))


@given(publications())
def test_every_message_has_one_end_and_every_row_can_be_held(said: tuple[Site, list[tuple[str, bytes]]]) -> None:
    site, messages = said
    decoder = SiteDecoder(site, mapping=MAPPING)
    batch = decoder.decode([an_arrival(topic, payload) for topic, payload in messages], now=0)
    rows = batch.rows
    ends = len(rows.messages) + len(rows.quarantine) + batch.redelivered_count + batch.ignored_count
    assert ends == len(messages)
    assert "decoder_error" not in rows.quarantine.lists["reason"]
    assert all(columns.table().num_rows == len(columns) for columns in rows.columns())
    assert not any(columns.unholdable_messages() for columns in (rows.messages, rows.readings, rows.events))
    keys = list(zip(rows.readings.lists["message_id"], rows.readings.lists["metric_index"], strict=True))
    assert len(set(keys)) == len(keys)
    counted: dict[str, Any] = dict.fromkeys(rows.messages.lists["message_id"], 0)
    for identifier, _ in keys:
        counted[identifier] += 1
    assert list(counted.values()) == rows.messages.lists["reading_count"]
