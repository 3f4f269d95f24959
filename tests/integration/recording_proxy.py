"""A TCP proxy between a client and its broker that writes down every MQTT packet, both ways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.integration.mqtt_packets import Packet, Stream


class Recording:
    """What passed, by connection and in order."""

    def __init__(self) -> None:
        self.port = 0
        self.connections: list[list[Packet]] = []

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def of(self, client_id: str) -> list[list[Packet]]:
        """The connections of clients whose id contains this."""
        return [
            packets
            for packets in self.connections
            if packets and packets[0].kind == "CONNECT" and client_id in packets[0].client_id
        ]


@asynccontextmanager
async def a_recording_proxy(broker_port: int) -> AsyncIterator[Recording]:
    recording = Recording()
    tasks: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets: list[Packet] = []
        recording.connections.append(packets)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", broker_port)
        client, broker = Stream(is_from_client=True), Stream(is_from_client=False)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, stream: Stream) -> None:
            with suppress(ConnectionError):
                while data := await source.read(65_536):
                    for packet in stream.feed(data, at=time.time_ns() // 1_000_000):
                        broker.protocol_level = client.protocol_level
                        packets.append(packet)
                    sink.write(data)
                    await sink.drain()
            sink.close()

        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await asyncio.gather(pump(reader, upstream_writer, client), pump(upstream_reader, writer, broker))
        except asyncio.CancelledError:
            pass  # the end of the test
        finally:
            writer.transport.abort()
            upstream_writer.transport.abort()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    recording.port = server.sockets[0].getsockname()[1]
    try:
        yield recording
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
