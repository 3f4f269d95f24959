"""ingest.monitoring: a collector's numbers, and whether it does its work."""

from __future__ import annotations

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ingest.decoder import SiteDecoder
from ingest.monitoring import Monitor, SiteBatch, SiteStatus, measure
from tests.builders.sparkplug import a_device_birth, a_metric, a_node_birth, a_site, an_arrival, device_data

NOW = 1_790_000_000.0


def a_status(**changes: object) -> SiteStatus:
    quiet = {
        "is_subscribed": True,
        "is_host_online": True,
        "waiting_count": 0,
        "unacknowledged_count": 0,
        "oldest_received_at": None,
    }
    return SiteStatus(**{**quiet, **changes})  # type: ignore[arg-type]


def a_monitor(**status: object) -> Monitor:
    monitor = Monitor(clock=lambda: NOW)
    monitor.watch(lambda: {"hamburg": a_status(**status)})
    return monitor


def values(monitor: Monitor) -> dict[str, float]:
    """Every sample as a scraper reads it: name{label=value,...} to value."""
    text = generate_latest(monitor).decode()
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_batches_add_up_by_site_and_refusals_by_reason() -> None:
    monitor = a_monitor()
    batch = SiteBatch(message_count=3, reading_count=30, quarantined={"malformed_json": 1})
    monitor.note_batch({"hamburg": batch}, seconds=0.2)
    monitor.note_batch({"hamburg": batch, "pune": SiteBatch(redelivered_count=2)}, seconds=4)
    found = values(monitor)
    assert found["lineshaft_messages_landed_total hamburg"] == 6
    assert found["lineshaft_readings_landed_total hamburg"] == 60
    assert found["lineshaft_messages_quarantined_total malformed_json hamburg"] == 2
    assert found["lineshaft_messages_redelivered_total pune"] == 2
    assert found["lineshaft_batch_duration_seconds_bucket 0.25"] == 1
    assert found["lineshaft_batch_duration_seconds_bucket +Inf"] == found["lineshaft_batch_duration_seconds_count"] == 2
    assert found["lineshaft_batch_duration_seconds_sum"] == 4.2


def test_the_lag_is_that_of_the_newest_event_whatever_lands_after_it() -> None:
    monitor = a_monitor()
    for seconds_ago in (2, 3_600):
        newest = int((NOW - seconds_ago) * 1e6)
        monitor.note_batch({"hamburg": SiteBatch(newest_event_at=newest)}, seconds=0.1)
    assert values(monitor)["lineshaft_event_lag_seconds hamburg"] == 2


def test_a_collector_that_hears_and_lands_is_healthy_however_quiet_its_plant_is() -> None:
    health = a_monitor().health()
    assert (health.is_healthy, health.reasons, health.batch_age_s) == (True, (), 0)


def test_each_thing_that_keeps_it_from_its_work_is_a_reason() -> None:
    unsubscribed = a_monitor(is_subscribed=False).health()
    assert (unsubscribed.is_healthy, unsubscribed.reasons) == (False, ("hamburg is not subscribed",))

    stuck = a_monitor(unacknowledged_count=7, oldest_received_at=int((NOW - 61) * 1e6)).health()
    assert stuck.reasons == ("the oldest message has been waiting for 61 s to be landed",)
    assert a_monitor(unacknowledged_count=7, oldest_received_at=int((NOW - 5) * 1e6)).health().is_healthy


def test_a_refusing_disk_is_unhealthy_until_it_takes_a_batch() -> None:
    monitor = a_monitor()
    monitor.note_refusal()
    assert monitor.health().reasons == ("the disk refuses batches",)
    assert values(monitor)["lineshaft_disk_refusing"] == 1
    monitor.note_batch({"hamburg": SiteBatch(message_count=1)}, seconds=0.1)
    assert monitor.health().is_healthy
    assert values(monitor)["lineshaft_landing_refused_total"] == 1


def test_a_site_without_a_sparkplug_host_has_no_host_to_be_offline() -> None:
    assert "lineshaft_host_online hamburg" not in values(a_monitor(is_host_online=None))
    assert values(a_monitor(is_host_online=False))["lineshaft_host_online hamburg"] == 0


def test_a_decoded_batch_is_measured_as_what_it_holds() -> None:
    decoder = SiteDecoder(a_site())
    batch = decoder.decode(
        [
            a_node_birth(),
            a_device_birth([a_metric("Counters/Good", 1, alias=1)]),
            device_data([a_metric(value=5, alias=1)]),
            an_arrival("meridian/hamburg/x/y", "{"),
        ],
        now=0,
    )
    measured = measure(batch)
    assert (measured.message_count, measured.quarantined) == (3, {"malformed_json": 1})
    assert measured.reading_count == len(batch.rows.readings)
    assert measured.newest_event_at == max(batch.rows.messages.lists["event_at"])
    assert measure(SiteDecoder(a_site()).decode([], now=0)) == SiteBatch()
