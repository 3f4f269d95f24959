"""What the doctor finds about mappings: from the current state before the first build, and from the warehouse after it.

Belongs here: gathering what the sites were seen to say, and the sentences about it.
Does not belong here: the comparison itself (ingest.mapping_coverage), the other findings (diagnosis).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.findings import Finding
from orchestration.settings import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from ingest.mapping import SiteMapping
    from ingest.mapping_coverage import MetricKey

MOST_LISTED = 20
"""Findings of one kind and site; the rest is counted."""

_METRICS = """
select distinct site_id, edge_node_id, device_id, metric_name, source_unit from raw.metric_mapping
"""
_STATES = """
select distinct
    reading.site_id, reading.edge_node_id, reading.device_id, reading.metric_name, reading.source_unit,
    coalesce(
        reading.value_text,
        regexp_replace(
            cast(coalesce(reading.value_decimal, try_cast(reading.value_double as decimal(38, 9))) as varchar),
            '[.]?0+$',
            ''
        ),
        ''
    )
from raw.reading
semi join raw.metric_mapping
    on reading.site_id = metric_mapping.site_id
    and reading.edge_node_id = metric_mapping.edge_node_id
    and reading.device_id = metric_mapping.device_id
    and reading.metric_name = metric_mapping.metric_name
    and metric_mapping.metric_role = 'state'
limit 10000
"""
_DRIFTS = """
select site_id, edge_node_id, device_id, metric_name, drift_kind, before, after, max(event_at)
from raw.schema_drift
group by all
order by max(event_at) desc
"""


@dataclass
class SeenMetrics:
    """What one site was seen to say: its metrics, and the values that may be state words."""

    metrics: set[MetricKey] = field(default_factory=set)
    words: set[tuple[MetricKey, str]] = field(default_factory=set)


def examine_mappings(
    deployment: Deployment, *, connection: duckdb.DuckDBPyConnection | None = None
) -> Iterator[Finding]:
    """Metrics without a rule, unknown state words and rules without a metric, per site."""
    from ingest.errors import MappingError
    from ingest.mapping import EMPTY_MAPPING, load_mapping
    from ingest.mapping_coverage import find_coverage

    seen: defaultdict[str, SeenMetrics] = defaultdict(SeenMetrics)
    _add_current_state(deployment.home, seen)
    if connection is not None:
        _add_warehouse(connection, seen)
    for site in deployment.sites:
        said = seen.get(site.site_id)
        if said is None:
            continue
        try:
            mapping = load_mapping(site.mapping) if site.mapping else EMPTY_MAPPING
        except MappingError:
            continue  # the examination of the configuration says so
        coverage = find_coverage(mapping, metrics=said.metrics, words=said.words)
        subject = f"mapping of {site.site_id}"
        yield from _listed(subject, [_unmapped_sentence(*each) for each in coverage.unmapped], "metrics without a rule")
        yield from _listed(
            subject,
            [f"state word {word!r} of {key.path} is unknown; add it to states" for key, word in coverage.unknown_words],
            "unknown state words",
        )
        yield from _listed(subject, list(_unused_sentences(mapping, coverage.unused_rules)), "rules without a metric")


def examine_drifts(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Metrics whose type or unit a birth has changed, newest first."""
    import duckdb

    try:
        rows = connection.execute(_DRIFTS).fetchall()
    except duckdb.CatalogException:  # a warehouse of an earlier version; its next build adds the table
        return
    sentences = defaultdict(list)
    for site_id, edge_node_id, device_id, metric_name, kind, before, after, at in rows:
        path = " ".join(part for part in (edge_node_id, device_id, metric_name) if part)
        sentences[site_id].append(f"{path}: {kind} changed from {before} to {after} at {at:%Y-%m-%d %H:%M:%S}")
    for site_id, each in sorted(sentences.items()):
        yield from _listed(f"schema of {site_id}", each, "schema changes")


def _add_current_state(home: Path, seen: defaultdict[str, SeenMetrics]) -> None:
    from ingest.current_state import read_state
    from ingest.mapping_coverage import MetricKey, state_word

    for value in read_state(home):
        key = MetricKey(value.edge_node_id, value.device_id, value.metric_name, value.source_unit)
        seen[value.site_id].metrics.add(key)
        seen[value.site_id].words.add((key, state_word(value.value)))


def _add_warehouse(connection: duckdb.DuckDBPyConnection, seen: defaultdict[str, SeenMetrics]) -> None:
    from ingest.mapping_coverage import MetricKey

    for site_id, *parts in connection.execute(_METRICS).fetchall():
        seen[site_id].metrics.add(MetricKey(*parts))
    for site_id, *parts, word in connection.execute(_STATES).fetchall():
        seen[site_id].words.add((MetricKey(*parts), word))


def _unmapped_sentence(key: MetricKey, problem: str | None) -> str:
    if problem is None:
        return f"no rule matches {key.path}; its values land unmapped"
    return f"{key.path}: {problem}; its values land unmapped"


def _unused_sentences(mapping: SiteMapping, numbers: tuple[int, ...]) -> Iterator[str]:
    for number in numbers:
        yield f"{mapping.name_of_rule(number)} matches nothing seen so far; mend it or take it out"


def _listed(subject: str, sentences: list[str], what: str) -> Iterator[Finding]:
    for sentence in sentences[:MOST_LISTED]:
        yield Finding(subject=subject, state="note", detail=sentence)
    if len(sentences) > MOST_LISTED:
        yield Finding(subject=subject, state="note", detail=f"and {len(sentences) - MOST_LISTED:,} more {what}")
