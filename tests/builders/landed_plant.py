"""A few simulated days as the collector would have landed them, without a broker between."""

from __future__ import annotations

import time

from ingest.arrival import Arrival
from ingest.decoder import SiteDecoder
from ingest.landing import Landing
from ingest.mapping import load_mapping
from ingest.simulator.actions import Connect, Publish, PublishSparkplug
from ingest.simulator.plan import plan
from ingest.simulator.scenario import load_plants
from orchestration.settings import Deployment

BATCH = 2_000


def land_plant(deployment: Deployment, *, days: int, batches: slice = slice(None)) -> int:
    """Land what the deployment's plants say in their first days; returns the number of messages landed.

    `batches` picks some of the batches, so that a test can let the rest arrive later.
    """
    plants = load_plants(deployment.directory).lasting(days)
    site_of = {group_id: site_id for site_id, group_id in plants.group_ids.items()}
    seqs: dict[str, int] = {}
    arrivals: list[tuple[str, Arrival]] = []
    for action in plan(plants):
        if isinstance(action, Connect):
            seqs[action.client_id] = 0
        elif isinstance(action, Publish | PublishSparkplug):
            payload = action.payload if isinstance(action, Publish) else action.encode(seq=seqs[action.client_id])
            if isinstance(action, PublishSparkplug):
                seqs[action.client_id] = (seqs[action.client_id] + 1) % 256
            root, group = action.topic.split("/")[:2]
            site_id = site_of[group] if root == "spBv1.0" else group
            received_at = action.at_ms * 1000 + 50_000
            arrivals.append((site_id, Arrival(topic=action.topic, payload=payload, received_at=received_at)))
    return _land(deployment, arrivals, batches=batches)


def _land(deployment: Deployment, arrivals: list[tuple[str, Arrival]], *, batches: slice) -> int:
    landing = Landing(deployment.home, collector_id="test")
    decoders = {
        site.site_id: SiteDecoder(site, mapping=load_mapping(site.mapping)) for site in deployment.sites if site.mapping
    }
    chunks = [arrivals[start : start + BATCH] for start in range(0, len(arrivals), BATCH)]
    landed = 0
    for number, chunk in enumerate(chunks):
        rows = []
        for site_id, decoder in decoders.items():
            mine = [arrival for site, arrival in chunk if site == site_id]
            rows.append(decoder.decode(mine, now=int(time.time() * 1000)).rows)
        if number in range(*batches.indices(len(chunks))):
            files = landing.commit(rows).files
            landed += sum(file.row_count for file in files if file.kind in {"messages", "quarantine"})
    return landed
