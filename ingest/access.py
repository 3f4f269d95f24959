"""Who may say and hear what at a broker: mosquitto's access list, derived from the sites.

Belongs here: the rights each client needs and no more. Does not belong here: users, passwords and certificates, which
are the broker's; connecting.

The collector may ask for a rebirth (NCMD) and say its own STATE. It has no right to DCMD at all: nothing here ever
moves a machine. Sparkplug's chapter on security is not normative; the rights are those of Cirrus Link's engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ingest.decoder import OWN_LEVEL
from ingest.errors import TopicError
from ingest.site import Site
from ingest.sparkplug.host import state_topic
from ingest.sparkplug.topic import NAMESPACE

_EDGE_TOPICS = (
    ("write", "NBIRTH", ""),
    ("write", "NDATA", ""),
    ("write", "NDEATH", ""),
    ("write", "DBIRTH", "/+"),
    ("write", "DDATA", "/+"),
    ("write", "DDEATH", "/+"),
    ("read", "NCMD", ""),
    ("read", "DCMD", "/+"),
)


def mosquitto_acl(
    sites: Sequence[Site],
    *,
    edge_nodes: Mapping[str, Iterable[str]],
    collector_user: str = "collector",
    edge_user: str = "{edge_node_id}",
) -> str:
    """The text of an `acl_file`: the collector, every edge node, and the JSON publishers of every site.

    `edge_nodes` are a site's edge node ids. In `edge_user` the words {edge_node_id} and {site_id} are replaced.

    Raises:
        TopicError: an edge node's id cannot stand in a topic, or two edge nodes would be one user.
    """
    sections = [_collector(sites, user=collector_user)]
    seen: dict[str, str] = {collector_user: "the collector"}
    for site in sites:
        for edge_node_id in sorted(set(edge_nodes.get(site.site_id, ()))):
            user = edge_user.replace("{edge_node_id}", edge_node_id).replace("{site_id}", site.site_id)
            _require_plain(edge_node_id, user)
            if user in seen:
                raise TopicError(
                    f"the user {user!r} would be {seen[user]} and {site.site_id}/{edge_node_id}: tell them apart, for "
                    "instance by --edge-user '{site_id}-{edge_node_id}'",
                    topic=edge_node_id,
                )
            seen[user] = f"{site.site_id}/{edge_node_id}"
            sections.append(_edge_node(site, edge_node_id, user=user))
        sections.append(_publishers(site))
    return "\n".join(sections)


def _collector(sites: Sequence[Site], *, user: str) -> str:
    rights: dict[str, None] = {}
    for site in sites:
        if site.is_sparkplug:
            rights[f"topic read {NAMESPACE}/{site.group_id}/#"] = None
            rights[f"topic readwrite {state_topic(site.host_id)}"] = None
            if site.ask_for_rebirth:
                rights[f"topic write {NAMESPACE}/{site.group_id}/NCMD/+"] = None
        rights.update({f"topic read {topic_filter}": None for topic_filter in _json_filters(site)})
    return _section(user, rights, comment="The collector: hears everything, asks for rebirths, moves nothing.")


def _edge_node(site: Site, edge_node_id: str, *, user: str) -> str:
    rights = [
        f"topic {access} {NAMESPACE}/{site.group_id}/{message_type}/{edge_node_id}{devices}"
        for access, message_type, devices in _EDGE_TOPICS
    ]
    rights.append(f"topic read {state_topic(site.host_id)}")
    return _section(user, rights, comment=f"Edge node {edge_node_id} of {site.site_id}.")


def _publishers(site: Site) -> str:
    rights = [f"topic deny {site.namespace}/{OWN_LEVEL}/#"]
    rights += [f"topic write {topic_filter}" for topic_filter in _json_filters(site)]
    return _section(f"plant-{site.site_id}", rights, comment=f"What publishes JSON at {site.site_id}.")


def _json_filters(site: Site) -> list[str]:
    """What the site's JSON comes by; a broker asks for the right to the topic, not to a share of it."""
    plain = (name.split("/", 2)[2] if name.startswith("$share/") else name for name in site.subscriptions)
    return [name for name in plain if not name.startswith(f"{NAMESPACE}/")]


def _section(user: str, rights: Iterable[str], *, comment: str) -> str:
    return "".join(f"{line}\n" for line in (f"# {comment}", f"user {user}", *rights))


def _require_plain(edge_node_id: str, user: str) -> None:
    """A name with a level, a wildcard or a line of its own would grant more than it names."""
    if not edge_node_id or any(each in "+#/" or not each.isprintable() for each in edge_node_id):
        raise TopicError(
            f"{edge_node_id!r} is no edge node id: + # / and control characters are not", topic=edge_node_id
        )
    if not user.strip() or user != user.strip() or not user.isprintable():
        raise TopicError(f"{user!r} is no user that an access list can name", topic=edge_node_id)
