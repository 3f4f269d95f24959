"""The network: a session that survives us, acknowledged by hand; and the clean one a Sparkplug host must use.

Belongs here: everything that touches aiomqtt. It is the only package of the collector that does (the simulator is a
plant and has its own client). Does not belong here: what messages mean, when they are durable.
"""

from ingest.broker.host import HostLink
from ingest.broker.link import DurableLink, Outage

__all__ = ["DurableLink", "HostLink", "Outage"]
