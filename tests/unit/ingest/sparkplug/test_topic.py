"""ingest.sparkplug.topic: the grammar."""

from __future__ import annotations

import pytest

from ingest.errors import TopicError
from ingest.sparkplug.topic import SparkplugTopic, node_topic, parse_topic, state_topic


def test_a_topic_comes_back_as_it_was_built() -> None:
    topic = node_topic(group_id="g", message_type="DDATA", edge_node_id="e", device_id="d")
    assert parse_topic(topic) == SparkplugTopic("g", "DDATA", "e", "d")
    assert parse_topic(node_topic(group_id="g", message_type="NBIRTH", edge_node_id="e")).device_id == ""
    assert state_topic("lineshaft") == "spBv1.0/STATE/lineshaft"


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/g/NDATA",
        "spBv1.0/g/NDATA/e/d",
        "spBv1.0/g/DDATA/e",
        "spBv1.0/g/XDATA/e",
        "spAv1.0/g/NDATA/e",
        "spBv1.0//NDATA/e",
    ],
)
def test_what_is_no_edge_topic_is_refused(topic: str) -> None:
    with pytest.raises(TopicError):
        parse_topic(topic)
