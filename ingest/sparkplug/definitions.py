"""What births declare: the metrics behind names and aliases, and how one birth differs from the one before.

Belongs here: the maps of a birth, whether they are unambiguous, drift between births, names that differ by case only.
Does not belong here: how long a birth is in force (edge_node, session), rows (schema_drift).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ingest.schema_drift import NO_METRIC, Drift
from ingest.sparkplug.datatypes import datatype_name

MAX_REMEMBERED = 50_000
"""Metrics remembered per device beyond those of its last birth: a client that invents names must not fill memory."""


class MetricDefinition(NamedTuple):
    """What a birth says about one metric."""

    device_id: str
    name: str
    datatype: int
    source_unit: str | None


class BirthMetric(NamedTuple):
    """One metric as a birth message carries it."""

    name: str
    alias: int | None
    datatype: int
    source_unit: str | None


class Definitions(NamedTuple):
    """The maps one birth declares."""

    by_name: dict[str, MetricDefinition]
    by_alias: dict[tuple[str, int], MetricDefinition]


def definitions_of(device_id: str, metrics: Iterable[BirthMetric]) -> Definitions | None:
    """The maps a birth declares; None when it is ambiguous: a metric without a name, an alias given twice."""
    by_name: dict[str, MetricDefinition] = {}
    by_alias: dict[tuple[str, int], MetricDefinition] = {}
    for metric in metrics:
        definition = MetricDefinition(device_id, metric.name, metric.datatype, metric.source_unit)
        if not metric.name or (metric.alias is not None and (device_id, metric.alias) in by_alias):
            return None
        by_name[metric.name] = definition
        if metric.alias is not None:
            by_alias[device_id, metric.alias] = definition
    return Definitions(by_name, by_alias)


def remember(
    known: Mapping[str, MetricDefinition], declared: dict[str, MetricDefinition]
) -> dict[str, MetricDefinition]:
    """The last definition of every metric a device ever declared; `declared` itself when it says it all."""
    if all(name in declared for name in known):
        return declared
    merged = {**known, **declared}
    return merged if len(merged) <= MAX_REMEMBERED else declared


def drifts_between(
    edge_node_id: str, known: Mapping[str, MetricDefinition], metrics: Iterable[BirthMetric], *, device_id: str
) -> list[Drift]:
    """Metrics whose datatype or unit differs from their previous birth.

    A datatype that is not given (0) is compared with nothing; a unit that appears or goes is a change.
    """
    drifts: list[Drift] = []
    if not known:
        return drifts
    for index, metric in enumerate(metrics):
        before = known.get(metric.name)
        if before is None:
            continue
        if before.datatype and metric.datatype and before.datatype != metric.datatype:
            names = datatype_name(before.datatype), datatype_name(metric.datatype)
            drifts.append(Drift(edge_node_id, device_id, metric.name, index, "datatype", *names))
        if before.source_unit != metric.source_unit:
            units = before.source_unit, metric.source_unit
            drifts.append(Drift(edge_node_id, device_id, metric.name, index, "unit", *units))
    return drifts


def case_conflicts(edge_node_id: str, metrics: Iterable[BirthMetric], *, device_id: str) -> list[Drift]:
    """Names of one birth that are one when lowered.

    tck-id-case-sensitivity-metric-names: an edge node SHOULD NOT publish them; both are kept apart here all the same.
    """
    first: dict[str, str] = {}
    drifts = []
    for index, metric in enumerate(metrics):
        other = first.setdefault(metric.name.lower(), metric.name)
        if other != metric.name:
            drifts.append(Drift(edge_node_id, device_id, metric.name, index, "case_conflict", other, metric.name))
    return drifts


def id_conflict(edge_node_id: str, device_id: str, *, given: str, others: Iterable[str]) -> list[Drift]:
    """An id that another one equals when both are lowered (tck-id-case-sensitivity-sparkplug-ids)."""
    lowered = given.lower()
    return [
        Drift(edge_node_id, device_id, "", NO_METRIC, "case_conflict", other, given)
        for other in others
        if other != given and other.lower() == lowered
    ][:1]
