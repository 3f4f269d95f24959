"""How one site speaks JSON: where its topics begin and its equipment ends, and how its payloads are read.

Belongs here: the typed form of `topics` and `payload` of a site in `lineshaft.yaml`, with defaults that read what most
plants say. Does not belong here: reading topics (topic), times (timing) or members (members) by them.

A site, complete::

    topics:
      roots: [acme/mx/monterrey]          # where its topics begin; default <enterprise>/<site_id>,
                                          #   for UMH umh/v1/<enterprise>/<site_id>
      levels: [area, work_center, work_unit]   # equipment levels below a root; what lies below names the metric;
                                          #   default: every level but the last; UMH topics say it themselves
      ignore: ["*/debug/*"]               # patterns over the topic below its root; counted, never landed
    payload:                              # one form, or a list of which the first with a matching `topic` is used
      - topic: "*/plc_7/*"                # pattern over the topic below its root, default *
        time: {member: meta/ts, unit: s, zone: America/Monterrey}
        value: v                          # member that takes the topic's own name; default none, for UMH `value`
        arrays: {by: name}                # whole (text, default) | indexed (a/0) | {by: member} (a/<its value>)
        leave_out: ["*/meta/*"]           # patterns over metric names that do not land
        plain_text: true                  # a payload that is no JSON is one text value; default false: quarantine
"""

from __future__ import annotations

import re
from itertools import permutations
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, field_validator

from ingest.patterns import compile_any

PayloadFamily = Literal["sparkplug_b", "uns_json", "umh"]

TIME_MEMBERS = ("timestamp", "timestamp_ms", "event_at", "time", "ts")
UMH_TIME_MEMBERS = ("timestamp_ms",)

_LEVEL = re.compile(r"[^+#\x00/]+")


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


Level = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Pattern = Annotated[str, Field(min_length=1)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_as_list)]


class Topics(BaseModel):
    """Where a site's JSON topics begin and where their equipment ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roots: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    levels: Annotated[tuple[Level, ...], Field(max_length=12)] = ()
    ignore: Patterns = ()

    @field_validator("roots")
    @classmethod
    def _are_apart(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for root in value:
            if root.startswith("$") or not all(_LEVEL.fullmatch(level) for level in root.split("/")):
                raise ValueError(f"{root!r} is no root of topics: write levels between slashes, no + or #")
        for inner, outer in permutations(value, 2):
            if is_within(inner, root=outer):
                raise ValueError(f"the root {inner!r} lies within {outer!r}: keep the outer one only")
        return value

    @field_validator("levels")
    @classmethod
    def _are_distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("two levels have the same name: give each its own")
        return value


class TimeForm(BaseModel):
    """Where a payload states its time and in what. `unit` speaks of numbers: ISO 8601 is read under any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    member: Patterns = ()
    unit: Literal["auto", "s", "ms", "us", "ns"] = "auto"
    zone: str | None = None

    _zone: ZoneInfo | None = PrivateAttr(default=None)

    @field_validator("zone")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        try:
            _ = value and ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone: write for instance Europe/Berlin") from error
        return value

    def model_post_init(self, _context: object, /) -> None:
        """Open the zone once."""
        self._zone = ZoneInfo(self.zone) if self.zone else None

    @property
    def zone_info(self) -> ZoneInfo | None:
        """The zone of times that name none."""
        return self._zone


class ByMember(BaseModel):
    """Elements of an array are named by what one of their members says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, Field(min_length=1)]


class PayloadForm(BaseModel):
    """How payloads are read on the topics that match."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Pattern = "*"
    time: TimeForm = TimeForm()
    value: str | None = None
    arrays: Literal["whole", "indexed"] | ByMember = "whole"
    leave_out: Patterns = ()
    plain_text: bool = False

    _left_out: re.Pattern[str] | None = PrivateAttr(default=None)

    def model_post_init(self, _context: object, /) -> None:
        """Compile the patterns once."""
        self._left_out = compile_any(self.leave_out)

    @property
    def left_out(self) -> re.Pattern[str] | None:
        """What matches the names of metrics that do not land; None when all do."""
        return self._left_out

    def settled(self, family: PayloadFamily) -> PayloadForm:
        """The form with what a payload family says where the site says nothing."""
        is_umh = family == "umh"
        member = self.time.member or (UMH_TIME_MEMBERS if is_umh else TIME_MEMBERS)
        value = self.value or ("value" if is_umh else None)
        time = TimeForm(member=member, unit=self.time.unit, zone=self.time.zone)
        return PayloadForm.model_validate(dict(self) | {"time": time, "value": value})


Payloads = Annotated[tuple[PayloadForm, ...], BeforeValidator(_as_list)]

DEFAULT_FORM = PayloadForm().settled("uns_json")


def is_within(topic: str, *, root: str) -> bool:
    """Whether a topic or root lies at or below a root."""
    return topic == root or topic.startswith(f"{root}/")
