"""A parsed payload to named values: nested objects and arrays flattened by the rule of their topic.

Belongs here: names of members, and which member is none. Does not belong here: reading times (timing), rows (reader).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ingest.errors import PayloadError
from ingest.uns.dialect import ByMember, PayloadForm
from ingest.uns.payload import MAX_DEPTH
from ingest.uns.timing import OwnTime, own_time

MAX_MEMBERS = 10_000
MAX_NAME_LENGTH = 1_024
"""Characters: every member repeats the keys above it, and a key may be as long as the payload."""

HISTORICAL_MEMBER = "is_historical"


_Open = tuple[str, Any, int, OwnTime | None]
"""A name, what it holds, how deep, and the time of the element it stands in: still to be flattened."""


class Member(NamedTuple):
    """One value: the metric it belongs to, and the time of the array element it stood in, if that states one."""

    name: str
    value: Any
    own_time: OwnTime | None = None


class Record(NamedTuple):
    """Values that share a time: a payload has one, an array of timestamped objects as many as it has elements."""

    content: Any
    own_time: OwnTime | None


def split_records(document: Any, *, form: PayloadForm) -> list[Record]:
    """An array of objects of which one states a time is a batch of records; anything else is one record."""
    if isinstance(document, dict):
        return [Record(document, own_time(document, form=form.time))]
    if isinstance(document, list) and document and all(isinstance(each, dict) for each in document):
        if len(document) > MAX_MEMBERS:
            raise _too_many()
        records = [Record(each, own_time(each, form=form.time)) for each in document]
        if any(record.own_time for record in records):
            return records
    return [Record(document, None)]


def flatten(record: Record, *, metric: str, form: PayloadForm) -> Iterator[Member]:
    """Every member as `metric/path`, in the payload's order; a payload without members is the metric itself.

    The member that stated the time, `is_historical`, and what the form leaves out are no readings. An empty object or
    array stays whole. PayloadError `payload_too_large` beyond MAX_MEMBERS or MAX_DEPTH.
    """
    content = record.content
    top: Iterable[_Open] = ((metric, content, 0, None),)
    if isinstance(content, dict):
        top = _members_of_record(record, metric=metric, form=form)
    left_out = form.left_out
    is_whole = form.arrays == "whole"
    budget = MAX_MEMBERS
    for member in top:
        stack = [member]
        while stack:
            name, value, depth, time = stack.pop()
            _check_name(name)
            if left_out is not None and left_out.match(name):
                continue
            if isinstance(value, dict) and value:
                _check(depth)
                if len(stack) + len(value) > budget:
                    raise _too_many()
                stack.extend((f"{name}/{key}", inner, depth + 1, time) for key, inner in reversed(value.items()))
                continue
            if not is_whole and isinstance(value, list) and value:
                _check(depth)
                if len(value) > budget:
                    raise _too_many()
                elements = [
                    (called, inner, depth + 1, own) for called, inner, own in _elements(name, value, time, form)
                ]
                stack.extend(reversed(elements))
                continue
            budget -= 1
            if budget < 0:
                raise _too_many()
            yield Member(name, value, time)


def _members_of_record(record: Record, *, metric: str, form: PayloadForm) -> Iterator[_Open]:
    stated = record.own_time.member if record.own_time else ""
    outer, _, inner = stated.partition("/")
    for key, value in record.content.items():
        if key == stated or (key == HISTORICAL_MEMBER and isinstance(value, bool)):
            continue
        name = metric if key == form.value and metric else f"{metric}/{key}" if metric else key
        if inner and key == outer and stated not in record.content:
            yield name, _without(value, inner), 1, None
        else:
            yield name, value, 1, None


def _without(value: dict[str, Any], path: str) -> dict[str, Any]:
    """A copy without the member at a path: the time that was read there is no reading."""
    key, _, rest = path.partition("/")
    return {
        name: _without(inner, rest) if rest and name == key else inner
        for name, inner in value.items()
        if rest or name != key
    }


def _elements(
    name: str, values: list[Any], time: OwnTime | None, form: PayloadForm
) -> Iterator[tuple[str, Any, OwnTime | None]]:
    """The elements of an array by what one of their members says; by index where they say nothing or say it twice."""
    by = form.arrays.by if isinstance(form.arrays, ByMember) else None
    taken: set[str] = set()
    for index, value in enumerate(values):
        called, content, own = str(index), value, time
        if isinstance(value, dict):
            stated = own_time(value, form=form.time)
            if stated is not None:
                own, content = stated, _without(value, stated.member)
            says = value.get(by) if by is not None else None
            if isinstance(says, str | int) and not isinstance(says, bool) and str(says) not in taken:
                called, content = str(says), _without(content, str(by))
        taken.add(called)
        yield f"{name}/{called}", content, own


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME_LENGTH:
        raise PayloadError(f"a name is longer than {MAX_NAME_LENGTH} characters", reason="payload_too_large")


def _check(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise PayloadError(f"the payload nests deeper than {MAX_DEPTH} levels", reason="payload_too_large")


def _too_many() -> PayloadError:
    return PayloadError(f"the payload has more than {MAX_MEMBERS} members", reason="payload_too_large")
