"""A network between two processes of this machine that can be cut.

Belongs here: forwarding bytes on loopback, and cutting every connection at once. Does not belong here: when to cut.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Forwards to a port of this machine; `cut` breaks what is connected, and what was under way is lost."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def cut(self) -> int:
        """Break every connection; returns how many there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    async def _cut(self) -> int:
        count = len(self._writers) // 2
        for writer in tuple(self._writers):
            writer.transport.abort()
        return count

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the broker is away: so is whoever asks for it
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        ways = {
            asyncio.create_task(self._forward(reader, far_writer)),
            asyncio.create_task(self._forward(far_reader, writer)),
        }
        self._tasks |= ways
        await asyncio.wait(ways)
        self._tasks -= ways
        self._writers -= {writer, far_writer}

    @staticmethod
    async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._shut())
        self._loop.close()

    async def _shut(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the accepting tasks end after their ways
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*rest, return_exceptions=True)


@contextmanager
def a_cutting_proxy(target: int) -> Iterator[CuttingProxy]:
    """A proxy on a free port, in a thread of its own."""
    proxy, started = CuttingProxy(target), threading.Event()
    thread = threading.Thread(target=proxy._run, args=(started,), name=f"proxy-to-{target}")
    thread.start()
    assert started.wait(10)
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(proxy._loop.stop)
        thread.join(10)
