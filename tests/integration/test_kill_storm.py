"""The kill storm at small size; `benchmarks/kill_storm.py` is the same code at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.storm.storm import Weather, rage


@pytest.mark.timeout(300)
def test_a_storm_loses_nothing_acknowledged_doubles_no_row_and_lists_every_other_loss(tmp_path: Path) -> None:
    weather = Weather(messages=6_000, kills=8, seed=7, broker_restarts=1, cuts=3, per_second=600)
    outcome = rage(tmp_path, weather)
    verdict = outcome.verdict
    assert sum(outcome.kills.values()) == weather.kills
    assert verdict.acknowledged_count == weather.messages // 2
    assert verdict.account.sent_count >= weather.messages // 2
    assert verdict.is_pass, verdict
    assert verdict.lost_by_broker == 0


@pytest.mark.timeout(300)
def test_what_a_killed_broker_loses_of_sparkplug_is_in_the_ledger(tmp_path: Path) -> None:
    weather = Weather(messages=2_000, kills=0, seed=3, broker_restarts=0, cuts=0, broker_kills=2, per_second=500)
    outcome = rage(tmp_path, weather)
    assert outcome.broker_kills == weather.broker_kills
    assert outcome.verdict.is_pass, outcome.verdict
