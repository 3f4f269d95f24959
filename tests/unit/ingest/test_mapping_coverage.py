"""ingest.mapping_coverage: what a mapping leaves open."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingest.mapping import SiteMapping
from ingest.mapping_coverage import Coverage, MetricKey, UnknownWord, UnmappedMetric, find_coverage, state_word

MAPPING = SiteMapping.model_validate(
    {
        "version": 1,
        "rules": [
            {"metric": "Mode", "device": "robot_*", "is": "state", "role": "state", "states": {3: "held"}},
            {"metric": "Mode", "is": "state", "role": "state"},
            {"metric": "Energy", "is": "energy", "role": "counter", "unit": "KWH"},
            {"metric": "Typo", "is": "vibration", "role": "sensor", "unit": "C16"},
        ],
        "states": {"7": "executing"},
    }
)
ROBOT, MILL = MetricKey("line", "robot_1", "Mode"), MetricKey("line", "mill_1", "Mode")
STRANGE = MetricKey("line", "mill_1", "Strange")
BAR = MetricKey("line", "mill_1", "Energy", "bar")


def test_what_no_rule_names_what_no_state_map_has_and_what_no_metric_uses_is_told() -> None:
    found = find_coverage(
        MAPPING,
        metrics=[ROBOT, MILL, STRANGE, BAR, MetricKey("line", "", "bdSeq"), MetricKey("line", "", "Node Control/X")],
        words=[(ROBOT, "3"), (ROBOT, "7"), (MILL, "7"), (MILL, "3"), (MILL, "Idle"), (MILL, ""), (STRANGE, "x")],
    )
    assert found == Coverage(
        unmapped=(UnmappedMetric(BAR, "'bar' cannot be converted to 'KWH'"), UnmappedMetric(STRANGE, None)),
        unknown_words=(UnknownWord(MILL, "3"),),
        unused_rules=(4,),
    )


@pytest.mark.parametrize(
    ("value", "word"),
    [(Decimal("7.000000000"), "7"), (Decimal(700), "700"), (7.5, "7.5"), ("RUN", "RUN"), (None, ""), (Decimal(0), "0")],
)
def test_a_code_is_the_word_people_write(value: Decimal | float | str | None, word: str) -> None:
    assert state_word(value) == word
