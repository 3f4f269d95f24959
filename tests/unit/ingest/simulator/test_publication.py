from __future__ import annotations

import json

from ingest.simulator.publication import Tally


def test_a_message_published_twice_counts_twice_and_is_one() -> None:
    tally = Tally(site_by_group={"plant_7": "hamburg"})
    tally.count(topic="spBv1.0/plant_7/DDATA/line/cnc", payload=b"a")
    tally.count(topic="meridian/monterrey/x/telemetria", payload=b"a")
    tally.count(topic="meridian/monterrey/x/telemetria", payload=b"a")
    tally.count(topic="meridian/hamburg/_event/work_order", payload=b"a")
    account = tally.publication(expected_quarantine={"malformed_json": 2}, elapsed_s=1.23456)
    assert (account.published, account.distinct, account.redelivered) == (4, 3, 1)
    assert account.by_site == {"hamburg": 2, "monterrey": 2}
    assert account.by_type == {"DDATA": 1, "event": 1, "json": 2}
    assert account.expected_quarantine_count == 2
    assert json.loads(account.to_json())["published"] == 4
