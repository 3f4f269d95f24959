"""ingest.simulator.connection: an address that is none is refused before anything is tried."""

from __future__ import annotations

import threading

import pytest

from ingest.simulator.connection import BrokerAddress, Connection
from ingest.simulator.errors import PublishError


@pytest.mark.parametrize("url", ["http://h", "mqtt://", "mqtt://h:99999", "mqtt://h:x"])
def test_an_address_that_is_none_says_what_to_write(url: str) -> None:
    with pytest.raises(PublishError, match="write mqtt://host:port"):
        Connection(address=BrokerAddress(url=url), client_id="c", wake=threading.Event())
