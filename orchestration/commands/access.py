"""`lineshaft acl`: what a broker's access list must say for these sites."""

from __future__ import annotations

from typing import Annotated

import typer


def acl(
    edge: Annotated[
        list[str] | None,
        typer.Option("--edge", help="An edge node that has not been heard yet, as SITE/EDGE_NODE_ID; repeat for more."),
    ] = None,
    site: Annotated[list[str] | None, typer.Option("--site", help="Only this site; repeat for more.")] = None,
    collector_user: Annotated[str, typer.Option(help="The user, or certificate name, of the collector.")] = "collector",
    edge_user: Annotated[
        str, typer.Option(help="The user of an edge node; {site_id} and {edge_node_id} are replaced.")
    ] = "{edge_node_id}",
) -> None:
    """Print mosquitto's acl_file for the collector, the edge nodes heard so far, and each site's JSON publishers.

    With `use_identity_as_username` the users are the common names of the clients' certificates.
    """
    from ingest.access import mosquitto_acl
    from ingest.current_state import read_state
    from orchestration.errors import DeploymentError
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    sites = tuple(deployment.site(name) for name in site) if site else deployment.sites
    edge_nodes: dict[str, set[str]] = {each.site_id: set() for each in sites}
    for value in read_state(deployment.home):
        if value.edge_node_id and value.site_id in edge_nodes and deployment.site(value.site_id).is_sparkplug:
            edge_nodes[value.site_id].add(value.edge_node_id)
    for name in edge or ():
        site_id, slash, edge_node_id = name.partition("/")
        if not slash or site_id not in edge_nodes or not deployment.site(site_id).is_sparkplug:
            known = ", ".join(each.site_id for each in sites if each.is_sparkplug)
            raise DeploymentError(f"--edge {name}: write SITE/EDGE_NODE_ID with one of the Sparkplug sites {known}.")
        edge_nodes[site_id].add(edge_node_id)
    typer.echo(
        mosquitto_acl(sites, edge_nodes=edge_nodes, collector_user=collector_user, edge_user=edge_user), nl=False
    )
