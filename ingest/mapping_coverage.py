"""How much of what a site says its mapping understands.

Belongs here: comparing metrics and state words that were seen with a mapping. Does not belong here: where they were
seen (orchestration), what a rule means (mapping).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from ingest.mapping import SiteMapping


class MetricKey(NamedTuple):
    """What a mapping is asked about."""

    edge_node_id: str
    device_id: str
    metric_name: str
    source_unit: str | None = None

    @property
    def path(self) -> str:
        """How people find the metric: edge node, device and name, as far as there are any."""
        return " ".join(part for part in self[:3] if part)


class UnmappedMetric(NamedTuple):
    """A metric whose values land without a meaning, and why, where a rule names it all the same."""

    key: MetricKey
    problem: str | None


class UnknownWord(NamedTuple):
    """A word or code of a state metric that no state map has."""

    key: MetricKey
    word: str


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What a mapping leaves open: nothing, when all three are empty."""

    unmapped: tuple[UnmappedMetric, ...]
    unknown_words: tuple[UnknownWord, ...]
    unused_rules: tuple[int, ...]
    """Numbers of rules that name nothing seen so far."""


def find_coverage(
    mapping: SiteMapping, *, metrics: Iterable[MetricKey], words: Iterable[tuple[MetricKey, str]]
) -> Coverage:
    """Ask the mapping about everything seen; `words` are values of any metrics, those of states count."""
    unmapped, used = [], set()
    for key in sorted(set(metrics), key=_order):
        meaning = mapping.resolve(**key._asdict())
        if meaning.rule_number is not None:
            used.add(meaning.rule_number)
        if meaning.metric_role == "unmapped" and not is_protocol(key.metric_name):
            unmapped.append(UnmappedMetric(key, meaning.problem))
    unknown = []
    for key, word in sorted(set(words), key=lambda each: (_order(each[0]), each[1])):
        meaning = mapping.resolve(**key._asdict())
        if meaning.metric_role == "state" and word and mapping.state_of(word, state_map=meaning.state_map) is None:
            unknown.append(UnknownWord(key, word))
    return Coverage(
        unmapped=tuple(unmapped),
        unknown_words=tuple(unknown),
        unused_rules=tuple(number for number in range(1, len(mapping.rules) + 1) if number not in used),
    )


def state_word(value: Decimal | float | str | None) -> str:
    """The word a state map is asked for: a code as people write it, `7` and not `7.000000000`."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{Decimal(str(value)).normalize():f}"


def is_protocol(metric_name: str) -> bool:
    """Whether Sparkplug itself defines the metric: it steers a session and says nothing about a plant."""
    return metric_name == "bdSeq" or metric_name.startswith(("Node Control/", "Device Control/"))


def _order(key: MetricKey) -> tuple[str, str, str, str]:
    return (key.edge_node_id, key.device_id, key.metric_name, key.source_unit or "")
