"""ingest.access: the access list grants what each client needs and nothing else."""

from __future__ import annotations

import pytest

from ingest.access import mosquitto_acl
from ingest.errors import TopicError
from tests.builders.sparkplug import a_json_site, a_site


def test_a_plant_with_one_edge_node_and_a_json_site() -> None:
    assert mosquitto_acl([a_site(), a_json_site()], edge_nodes={"hamburg": ["edge-a"]}) == (
        "# The collector: hears everything, asks for rebirths, moves nothing.\n"
        "user collector\n"
        "topic read spBv1.0/hamburg/#\n"
        "topic readwrite spBv1.0/STATE/lineshaft\n"
        "topic write spBv1.0/hamburg/NCMD/+\n"
        "topic read meridian/hamburg/#\n"
        "topic read meridian/monterrey/#\n"
        "\n"
        "# Edge node edge-a of hamburg.\n"
        "user edge-a\n"
        "topic write spBv1.0/hamburg/NBIRTH/edge-a\n"
        "topic write spBv1.0/hamburg/NDATA/edge-a\n"
        "topic write spBv1.0/hamburg/NDEATH/edge-a\n"
        "topic write spBv1.0/hamburg/DBIRTH/edge-a/+\n"
        "topic write spBv1.0/hamburg/DDATA/edge-a/+\n"
        "topic write spBv1.0/hamburg/DDEATH/edge-a/+\n"
        "topic read spBv1.0/hamburg/NCMD/edge-a\n"
        "topic read spBv1.0/hamburg/DCMD/edge-a/+\n"
        "topic read spBv1.0/STATE/lineshaft\n"
        "\n"
        "# What publishes JSON at hamburg.\n"
        "user plant-hamburg\n"
        "topic deny meridian/hamburg/_lineshaft/#\n"
        "topic write meridian/hamburg/#\n"
        "\n"
        "# What publishes JSON at monterrey.\n"
        "user plant-monterrey\n"
        "topic deny meridian/monterrey/_lineshaft/#\n"
        "topic write meridian/monterrey/#\n"
    )


def test_a_shared_site_needs_the_right_to_its_topics_not_to_the_share() -> None:
    assert "topic read meridian/monterrey/#\n" in mosquitto_acl([a_json_site(share="line")], edge_nodes={})


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a\ntopic write #", "a\r"])
def test_a_name_that_would_grant_more_than_it_names_is_refused(name: str) -> None:
    with pytest.raises(TopicError, match="no edge node id"):
        mosquitto_acl([a_site()], edge_nodes={"hamburg": [name]})


def test_two_edge_nodes_of_one_name_are_no_single_user() -> None:
    sites = [a_site(), a_site(site_id="pune", group_id="pune")]
    edge_nodes = {"hamburg": ["line"], "pune": ["line"]}
    with pytest.raises(TopicError, match="--edge-user"):
        mosquitto_acl(sites, edge_nodes=edge_nodes)
    text = mosquitto_acl(sites, edge_nodes=edge_nodes, edge_user="{site_id}-{edge_node_id}")
    assert [line for line in text.splitlines() if line.startswith("user ")] == [
        "user collector",
        "user hamburg-line",
        "user plant-hamburg",
        "user pune-line",
        "user plant-pune",
    ]


def test_an_edge_node_never_becomes_the_collector() -> None:
    with pytest.raises(TopicError, match="the collector"):
        mosquitto_acl([a_site()], edge_nodes={"hamburg": ["collector"]})
