"""ingest.uns.members: payloads to named values by the rule of their topic."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PayloadError
from ingest.uns.dialect import PayloadForm
from ingest.uns.members import Record, flatten, split_records
from ingest.uns.timing import OwnTime

AT = 1_772_323_200_000_000


def a_form(**changes: Any) -> PayloadForm:
    return PayloadForm.model_validate(changes).settled("uns_json")


def members(document: Any, *, metric: str = "x", **changes: Any) -> list[tuple[str, Any]]:
    form = a_form(**changes)
    return [
        (member.name, member.value)
        for record in split_records(document, form=form)
        for member in flatten(record, metric=metric, form=form)
    ]


def test_members_are_flattened_in_their_order_and_arrays_stay_whole() -> None:
    document = {"timestamp": 1, "a": {"b": 1, "c": {}}, "d": [1, 2], "is_historical": True}
    assert members(document) == [("x/a/b", 1), ("x/a/c", {}), ("x/d", [1, 2])]


def test_only_the_member_that_stated_the_time_is_no_reading() -> None:
    assert members({"timestamp": "soon", "ts": AT, "time": 3}) == [("x/timestamp", "soon"), ("x/ts", AT)]
    assert members({"meta": {"at": 7, "by": "plc"}, "v": 1}, time={"member": "meta/at"}) == [
        ("x/meta/by", "plc"),
        ("x/v", 1),
    ]


def test_a_payload_without_members_is_the_metric_itself() -> None:
    assert members(21) == [("x", 21)]
    assert members([1, 2]) == [("x", [1, 2])]


def test_without_a_metric_of_the_topic_members_bear_their_own_names() -> None:
    assert members({"a": {"b": 1}, "v": 2}, metric="") == [("a/b", 1), ("v", 2)]


def test_the_value_member_takes_the_name_of_the_topic() -> None:
    assert members({"v": 1, "unit": "bar"}, value="v") == [("x", 1), ("x/unit", "bar")]
    assert members({"v": {"a": 1}}, value="v") == [("x/a", 1)]
    assert members({"v": 1}, metric="", value="v") == [("v", 1)]


def test_arrays_are_named_by_index_where_the_site_says_so() -> None:
    document = {"a": [1, {"b": 2}, [3, 4]], "c": []}
    assert members(document, arrays="indexed") == [
        ("x/a/0", 1),
        ("x/a/1/b", 2),
        ("x/a/2/0", 3),
        ("x/a/2/1", 4),
        ("x/c", []),
    ]


def test_arrays_are_named_by_what_their_elements_call_themselves() -> None:
    document = {"axes": [{"name": "X", "pos": 1}, {"name": "Y", "pos": 2}, {"name": "X", "pos": 3}, {"pos": 4}, 5]}
    assert members(document, arrays={"by": "name"}) == [
        ("x/axes/X/pos", 1),
        ("x/axes/Y/pos", 2),
        ("x/axes/2/name", "X"),
        ("x/axes/2/pos", 3),
        ("x/axes/3/pos", 4),
        ("x/axes/4", 5),
    ]


def test_elements_with_a_time_of_their_own_keep_it() -> None:
    form = a_form(arrays={"by": "id"}, time={"member": ["t", "timestamp"]})
    document = {"timestamp": AT, "values": [{"id": "T1", "v": 1, "t": AT + 5}, {"id": "T2", "v": 2}]}
    (record,) = split_records(document, form=form)
    found = [(member.name, member.own_time) for member in flatten(record, metric="x", form=form)]
    assert found == [("x/values/T1/v", OwnTime(AT + 5, "", "t")), ("x/values/T2/v", None)]


def test_an_array_of_timed_objects_is_a_batch_of_records() -> None:
    form = a_form()
    batch = [{"ts": AT, "v": 1}, {"ts": AT + 1, "v": 2}, {"v": 3}]
    assert split_records(batch, form=form) == [
        Record(batch[0], OwnTime(AT, "", "ts")),
        Record(batch[1], OwnTime(AT + 1, "", "ts")),
        Record(batch[2], None),
    ]
    assert members(batch) == [("x/v", 1), ("x/v", 2), ("x/v", 3)]


@pytest.mark.parametrize("document", [[], [{"v": 1}], [{"ts": AT}, 1], [{}]])
def test_any_other_array_is_one_value(document: list[Any]) -> None:
    assert split_records(document, form=a_form()) == [Record(document, None)]


def test_what_a_site_leaves_out_does_not_land() -> None:
    document = {"meta": {"fw": "1.2"}, "v": 1, "raw": {"x": 1}}
    assert members(document, leave_out=["*/meta/*", "x/raw"]) == [("x/v", 1)]


def test_a_payload_that_nests_without_end_or_swells_is_refused() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = {"a": deep, "b": 1}
    with pytest.raises(PayloadError, match="deeper"):
        members(deep)
    listed: Any = 1
    for _ in range(40):
        listed = [listed]
    with pytest.raises(PayloadError, match="deeper"):
        members(listed, arrays="indexed")
    with pytest.raises(PayloadError, match="members"):
        members({str(i): i for i in range(20_000)})
    with pytest.raises(PayloadError, match="members"):
        members({"a": list(range(20_000))}, arrays="indexed")
    with pytest.raises(PayloadError, match="members"):
        members([{"ts": AT}] * 20_000)


SCALARS = st.none() | st.booleans() | st.integers() | st.text("ab0", max_size=3)
NAMES = st.text("abc/", min_size=1, max_size=3)
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)),
    max_size=4,
)


@given(DOCUMENTS)
def test_flattening_keeps_every_scalar(document: dict[str, Any]) -> None:
    """No value is lost or invented, whatever the shape; what stays is scalars and empty structures."""
    found = members({"top": document}, arrays="indexed")
    assert sorted(map(repr, _leaves(document))) == sorted(repr(value) for _, value in found)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict) and value:
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list) and value:
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]
