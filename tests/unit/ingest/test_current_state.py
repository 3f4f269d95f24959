"""ingest.current_state: what is true now."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ingest.current_state import CurrentState, CurrentValue, matches, read_state
from ingest.decoder import SiteDecoder
from ingest.mapping import SiteMapping
from tests.builders.sparkplug import (
    MARCH_1,
    RECEIVED_AT,
    a_device_birth,
    a_json_site,
    a_metric,
    a_node_birth,
    a_node_death,
    a_site,
    an_arrival,
    device_data,
)

BIRTH = a_device_birth(
    [a_metric("Counters/Energy", 100, alias=1, properties={"engUnit": "Wh"}), a_metric("n", 1, alias=2)]
)


class Plant:
    def __init__(self, home: Path) -> None:
        mapping = SiteMapping.model_validate(
            {"version": 1, "rules": [{"metric": "Counters/Energy", "is": "energy", "role": "counter", "unit": "KWH"}]}
        )
        self.home = home
        self.decoder = SiteDecoder(a_site(), mapping=mapping)
        self.state = CurrentState(home, site_id="hamburg", mapping=mapping)

    def says(self, *arrivals: object) -> None:
        self.state.apply(self.decoder.decode(arrivals, now=0))  # type: ignore[arg-type]

    def shows(self, pattern: str = "#") -> list[CurrentValue]:
        self.state.save()
        return read_state(self.home, pattern)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path)
    plant.says(a_node_birth(), BIRTH)
    return plant


def energy(plant: Plant) -> CurrentValue:
    (found,) = plant.shows("hamburg/+/+/Counters/Energy")
    return found


def test_the_newest_value_is_shown_with_its_meaning(plant: Plant) -> None:
    plant.says(device_data([a_metric(value=2500, alias=1, timestamp=MARCH_1 + 5)]))
    found = energy(plant)
    assert (found.path, found.value, found.work_unit_id, found.metric, found.canonical_value, found.is_stale) == (
        "hamburg/milling_line/cnc_101/Counters/Energy",
        2500,
        "cnc_101",
        "energy",
        Decimal("2.5"),
        False,
    )


def test_a_historical_or_an_older_value_never_moves_it(plant: Plant) -> None:
    plant.says(device_data([a_metric(value=1, alias=1, timestamp=MARCH_1 + 9, is_historical=True)]))
    plant.says(device_data([a_metric(value=2, alias=1, timestamp=MARCH_1 - 9)], seq=3))
    assert energy(plant).value == 100


def test_a_death_makes_it_stale_and_a_birth_fresh_again(plant: Plant) -> None:
    plant.says(a_node_death())
    assert energy(plant).is_stale
    plant.says(a_node_birth(bd_seq=1, at=MARCH_1 + 5))
    assert energy(plant).is_stale
    plant.says(a_device_birth([a_metric("Counters/Energy", 101, alias=1, timestamp=MARCH_1 + 6)], at=MARCH_1 + 6))
    assert (energy(plant).is_stale, energy(plant).value) == (False, 101)


def test_death_and_return_within_one_batch_end_fresh(plant: Plant) -> None:
    later = a_device_birth([a_metric("Counters/Energy", 102, alias=1, timestamp=MARCH_1 + 9)], at=MARCH_1 + 9)
    plant.says(a_node_death(), a_node_birth(bd_seq=1, at=MARCH_1 + 9), later)
    assert not energy(plant).is_stale
    assert plant.shows("hamburg/milling_line/cnc_101/n")[0].is_stale


def test_it_survives_a_restart(plant: Plant) -> None:
    plant.says(a_node_death())
    before = plant.shows()
    again = CurrentState(plant.home, site_id="hamburg")
    again.save()
    assert [(v.path, v.value, v.stale_since) for v in read_state(plant.home)] == [
        (v.path, v.value, v.stale_since) for v in before
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("#", "a/b/c", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/+/c", "a/b/c", True),
        ("a/+", "a/b/c", False),
        ("a/b/c", "a/b/c", True),
        ("b/#", "a/b", False),
    ],
)
def test_patterns_are_those_of_mqtt(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_a_reading_from_a_clock_that_ran_ahead_is_replaced_by_the_next(plant: Plant) -> None:
    plant.says(device_data([a_metric(value=1, alias=1, timestamp=MARCH_1 + 10**11)]))
    later = device_data([a_metric(value=2500, alias=1, timestamp=MARCH_1 + 120_000)])
    plant.says(later._replace(received_at=RECEIVED_AT + 120_000_000))
    assert energy(plant).value == Decimal(2500)


def test_the_largest_exact_number_can_be_shown(tmp_path: Path) -> None:
    state = CurrentState(tmp_path, site_id="monterrey")
    payload = '{"timestamp": 1772323200000, "big": %s}' % ("9" * 29)
    arrival = an_arrival("meridian/monterrey/a/b", payload)
    state.apply(SiteDecoder(a_json_site()).decode([arrival], now=0))
    state.save()
    assert [value.value for value in read_state(tmp_path)] == [Decimal("9" * 29)]


def test_a_number_that_only_text_holds_is_shown_as_the_number(tmp_path: Path) -> None:
    site = a_json_site()
    state = CurrentState(tmp_path, site_id=site.site_id)
    text = '{"timestamp": 1772323200, "fine": 0.12345678901, "huge": 1e9999999999999999999999, "word": "12"}'
    state.apply(SiteDecoder(site).decode([an_arrival("meridian/monterrey/a/cnc/x", text)], now=0))
    state.save()
    values = {found.metric_name: found.value for found in read_state(tmp_path)}
    assert values == {"x/fine": Decimal("0.12345678901"), "x/huge": "1e9999999999999999999999", "x/word": "12"}
