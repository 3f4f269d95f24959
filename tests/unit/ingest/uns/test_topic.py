"""ingest.uns.topic and dialect: what a topic's levels say, by the site's own form."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingest.errors import TopicError
from ingest.site import Site
from ingest.uns.topic import TopicReader, UnsTopic
from tests.builders.sparkplug import a_json_site, a_site, a_umh_site


def a_reader(site: Site) -> TopicReader:
    return TopicReader(roots=site.listened_roots, family=site.payload_family, topics=site.topics, payloads=site.payload)


def read(topic: str, site: Site | None = None, **topics: Any) -> tuple[str | None, str, str, str]:
    found = a_reader(site or a_json_site(topics=topics)).read(topic)
    return found.event_type, found.device_id, found.metric, found.flag


MTY = "meridian/monterrey"
LEVELS = ["area", "work_center", "work_unit"]


@pytest.mark.parametrize(
    ("path", "levels", "device_id", "metric", "flag"),
    [
        ("a/b/cnc_201/husillo", [], "a/b/cnc_201", "husillo", ""),
        ("a/b/cnc_201/husillo", LEVELS, "a/b/cnc_201", "husillo", ""),
        ("a/b/cnc_201/husillo/motor/temp", [], "a/b/cnc_201/husillo/motor", "temp", ""),
        ("a/b/cnc_201/husillo/motor/temp", LEVELS, "a/b/cnc_201", "husillo/motor/temp", ""),
        ("a/b/cnc_201", LEVELS, "a/b/cnc_201", "", ""),
        ("a/energy", LEVELS, "a", "energy", "shallow_topic"),
        ("outside", LEVELS, "", "outside", "shallow_topic"),
        ("outside", [], "", "outside", "shallow_topic"),
    ],
)
def test_declared_levels_say_where_the_equipment_ends(
    path: str, levels: list[str], device_id: str, metric: str, flag: str
) -> None:
    assert read(f"{MTY}/{path}", levels=levels) == (None, device_id, metric, flag)


@pytest.mark.parametrize("path", ["_event/work_order", "a/b/_event/work_order"])
def test_an_event_topic_is_known_at_any_depth(path: str) -> None:
    assert read(f"{MTY}/{path}", levels=LEVELS) == ("work_order", "", "", "")


@pytest.mark.parametrize(
    "topic",
    ["meridian/elsewhere/x/y", MTY, f"{MTY}/", f"{MTY}//x", f"{MTY}/a/", f"{MTY}/_event", f"{MTY}/_event/a/b", ""],
)
def test_what_is_no_topic_of_the_site_is_refused(topic: str) -> None:
    with pytest.raises(TopicError):
        read(topic)


def test_a_site_may_have_roots_of_its_own_and_several() -> None:
    site = a_json_site(topics={"roots": ["acme/mx/mty", "lab"], "levels": ["unit"]})
    assert site.subscriptions == ("acme/mx/mty/#", "lab/#", f"{MTY}/_event/#")
    assert read("acme/mx/mty/cnc/temp", site)[1:3] == ("cnc", "temp")
    assert read("lab/oven/temp", site)[1:3] == ("oven", "temp")
    assert read(f"{MTY}/_event/work_order", site)[0] == "work_order"
    with pytest.raises(TopicError):
        read("acme/mx/other/cnc/temp", site)


def test_a_root_above_our_own_needs_no_subscription_for_events() -> None:
    assert a_json_site(topics={"roots": "meridian"}).subscriptions == ("meridian/#",)


def test_ignored_topics_are_known_as_such() -> None:
    reader = a_reader(a_json_site(topics={"ignore": ["*/debug/*", "heartbeat"]}))
    assert [reader.read(f"{MTY}/{path}").is_ignored for path in ("a/debug/x", "heartbeat", "a/x")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("milling/cnc_1/_pump_v1/motor/speed", ("milling/cnc_1", "_pump_v1/motor/speed", "")),
        ("milling/cnc_1/_historian", ("milling/cnc_1", "_historian", "")),
        ("_analytics/work-order/create", ("", "_analytics/work-order/create", "")),
        ("a/b/c/d/e/_raw/_x/y", ("a/b/c/d/e", "_raw/_x/y", "")),
        ("milling/cnc_1/speed", ("milling/cnc_1", "speed", "no_contract")),
    ],
)
def test_a_umh_topic_says_device_contract_and_tag(topic: str, found: tuple[str, str, str]) -> None:
    assert read(f"umh/v1/meridian/cologne/{topic}", a_umh_site()) == (None, *found)


def test_events_of_ours_travel_below_a_umh_location_and_below_our_own_root() -> None:
    site = a_umh_site()
    assert site.subscriptions == ("umh/v1/meridian/cologne/#", "meridian/cologne/_event/#")
    assert read("umh/v1/meridian/cologne/milling/_event/work_order", site)[0] == "work_order"
    assert read("meridian/cologne/_event/work_order", site)[0] == "work_order"


def test_the_first_form_whose_topic_matches_reads_the_payload() -> None:
    forms = [{"topic": "*/plc_7/*", "arrays": "indexed"}, {"topic": "a/*", "value": "v"}]
    reader = a_reader(a_json_site(payload=forms))
    found = [reader.read(f"{MTY}/{path}").form for path in ("a/plc_7/x", "a/b/x", "b/c/x")]
    assert [(form.arrays, form.value) for form in found] == [("indexed", None), ("whole", "v"), ("whole", None)]


def test_one_form_needs_no_list_and_umh_has_its_own_defaults() -> None:
    assert a_json_site(payload={"plain_text": True}).payload[0].plain_text
    form = a_reader(a_umh_site()).read("umh/v1/meridian/cologne/a/_raw/x").form
    assert (form.value, form.time.member) == ("value", ("timestamp_ms",))


def test_a_payload_without_members_on_a_topic_that_is_all_equipment_takes_its_last_level() -> None:
    topic = UnsTopic(None, "a/line/temperature", "")
    assert topic.named_by_its_last_level()[1:4] == ("a/line", "temperature", "shallow_topic")
    assert UnsTopic(None, "a", "x").named_by_its_last_level() == UnsTopic(None, "a", "x")


def test_what_topics_make_us_remember_is_bounded() -> None:
    reader = a_reader(a_json_site())
    for number in range(20_500):
        reader.read(f"{MTY}/a/{number}")
    reader.read(f"{MTY}/a/{'x' * 60_000}")
    assert len(reader._known) <= 20_000
    assert max(map(len, reader._known)) < 600


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topics": {"roots": ["a/+/b"]}}, "no root of topics"),
        ({"topics": {"roots": ["a//b"]}}, "no root of topics"),
        ({"topics": {"roots": ["$SYS"]}}, "no root of topics"),
        ({"topics": {"roots": ["a", "a/b"]}}, "lies within"),
        ({"topics": {"roots": ["a", "a"]}}, "lies within"),
        ({"topics": {"levels": ["area", "area"]}}, "two levels"),
        ({"topics": {"levels": ["Area 1"]}}, "levels"),
        ({"topics": {"depth": 3}}, "depth"),
        ({"payload": {"arrays": "sideways"}}, "arrays"),
        ({"payload": {"time": {"zone": "Mars/Olympus"}}}, "IANA"),
        ({"payload": {"time": {"unit": "h"}}}, "unit"),
    ],
)
def test_a_form_that_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        a_json_site(**changes)


def test_a_umh_site_declares_no_levels() -> None:
    with pytest.raises(ValidationError, match=r"take topics\.levels out"):
        a_umh_site(topics={"levels": LEVELS})


def test_a_site_survives_being_written_and_read_as_json() -> None:
    payload = {"arrays": {"by": "n"}, "time": {"zone": "Asia/Kolkata"}, "leave_out": "*/x"}
    site = a_json_site(topics={"roots": "a/b", "levels": LEVELS}, payload=payload)
    again = Site.model_validate_json(site.model_dump_json())
    assert again.model_dump() == site.model_dump()
    assert again.subscriptions == site.subscriptions


def test_a_sparkplug_site_has_a_form_for_its_json_too() -> None:
    site = a_site(topics={"levels": ["line", "unit"]})
    assert read("meridian/hamburg/l/u/x/y", site)[1:3] == ("l/u", "x/y")
