"""ingest.contracts.checker: our quicker rules decide as the library's do, and say it in plain words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from ingest.contracts import Catalogue, violations_in
from ingest.contracts.checker import MOST_SOUGHT, compiled
from ingest.contracts.definitions import DEFINITIONS, definitions
from ingest.contracts.violation import MOST_KEPT, detail_of
from tests.builders.event_contracts import an_event

CATALOGUE = Catalogue.load()
REGISTRY: Registry[Any] = Registry().with_resource(DEFINITIONS, Resource.from_contents(definitions()))
MEMBERS = {each.event_type: sorted(each.rules["properties"]) for each in CATALOGUE.contracts}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("aH8Z- ", max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["quantity", "material_id"]), st.integers(-1, 1))),
    st.sampled_from(["completed", "released", "shipped", "verified", "H87", "2026-03-01", "2026-03-01T00:00:00Z"]),
)


@given(st.sampled_from(CATALOGUE.event_types), st.data())
def test_every_event_is_judged_as_the_library_judges_it_by_the_files_alone(
    event_type: str, data: st.DataObject
) -> None:
    """Definitions put in place, validators kept, paths told: none of it may change what is accepted."""
    contract = CATALOGUE.contract(event_type)
    event = an_event(event_type)
    changes = data.draw(st.dictionaries(st.sampled_from(MEMBERS[event_type]), VALUES, max_size=3))
    event |= changes
    for member in data.draw(st.lists(st.sampled_from(sorted(event)), max_size=2, unique=True)):
        del event[member]
    formats = [each for each in contract.violations(event) if each.rule != "format"]
    library = Draft202012Validator(contract.schema, registry=REGISTRY)
    assert library.is_valid(event) == (not formats)


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "number"}, "viele", 'must be number, not "viele"'),
        ({"type": ["string", "null"]}, Decimal("1.50"), "must be string or null, not 1.50"),
        ({"enum": ["a", "b"]}, "c", 'is "c"; use one of "a", "b"'),
        ({"const": 1}, 2, "must be 1, not 2"),
        ({"format": "date"}, "soon", 'must be a day as YYYY-MM-DD, not "soon"'),
        ({"format": "date-time"}, "2026-03-01", "must be a date and time with its zone in ISO 8601"),
        ({"pattern": "Z$"}, "2026", 'must end in Z, because times are UTC, not "2026"'),
        ({"minimum": 0}, Decimal("-0.1"), "must be at least 0, not -0.1"),
        ({"exclusiveMaximum": 5}, 5, "must be less than 5, not 5"),
        ({"maxLength": 2}, "abc", "must have at most 2 characters, not 3"),
        ({"minItems": 1}, [], "must have at least 1 items, not 0"),
        ({"required": ["a"]}, {}, "is missing"),
        ({"uniqueItems": True}, [1, 1], "has non-unique elements"),
        ({"type": "string"}, {"x": "y" * 500}, "must be string, not an object"),
        ({"type": "string"}, [[1] * 9] * 3, "must be string, not an array of 3"),
        ({"type": "number"}, "x" * 4_000_000, f'must be number, not "{"x" * 80}…"'),
    ],
)
def test_a_broken_rule_reads_as_a_sentence(schema: dict[str, Any], value: object, message: str) -> None:
    (violation,) = compiled(schema)(value)
    assert message in violation.message
    assert len(violation.message) <= 300
    assert "\n" not in violation.message


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text("a\n\ud800%"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/: ", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(CATALOGUE.event_types), st.data())
def test_no_json_value_makes_the_check_fail(event_type: str, data: st.DataObject) -> None:
    """Whatever stands where, the event is accepted or refused with a line for each broken rule."""
    event = an_event(event_type)
    event |= data.draw(st.dictionaries(st.sampled_from(MEMBERS[event_type]), ANYTHING, max_size=4))
    violations = CATALOGUE.validate(event, event_type=event_type)
    assert violations_in(detail_of(violations)) == violations[:MOST_KEPT]


@pytest.mark.parametrize(
    ("value", "is_whole"),
    [
        (1, True),
        (Decimal("3.0"), True),
        (Decimal("3.5"), False),
        (2.0, True),
        (2.5, False),
        (True, False),
        ("1", False),
    ],
)
def test_a_whole_number_is_an_integer_however_it_is_written(value: object, is_whole: bool) -> None:
    assert (compiled({"type": "integer"})(value) == []) is is_whole


def test_a_number_with_a_vast_exponent_costs_nothing() -> None:
    assert compiled({"type": "integer", "minimum": 0})(Decimal("1e999999")) == []


def test_an_event_wrong_in_ten_thousand_places_is_not_read_to_its_end() -> None:
    found = compiled({"items": {"type": "number"}})(["x"] * 10_000)
    assert len(found) == MOST_SOUGHT
