"""A scripted MLLP sender on a real socket, and a listener for the time of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from connector.hl7.framing import Framer, FramingStats
from connector.hl7.mllp import Handler, MllpConfig, MllpServer, PeerInfo, Refusal


class Sender:
    """Writes exact bytes, reads replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._framer = Framer(1 << 26, FramingStats())

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> bytes:
        """The next reply; EOFError when the server closed."""
        while True:
            found = self._framer.next()
            if found is not None:
                assert isinstance(found, bytes)
                return found
            data = await asyncio.wait_for(self.reader.read(65536), 5)
            if not data:
                raise EOFError
            self._framer.feed(data)

    async def closed(self) -> bool:
        """True when the server closes within a second, nothing more being sent."""
        try:
            return await asyncio.wait_for(self.reader.read(1), 1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.writer.close()


async def echo(message: bytes, peer: PeerInfo) -> bytes | None:
    return b"reply to " + message[:20]


@asynccontextmanager
async def listening(
    handle: Handler = echo, *, refuse_oversized: Refusal | None = None, **settings: Any
) -> AsyncIterator[MllpServer]:
    server = MllpServer(MllpConfig(port=0, **settings), handle, refuse_oversized=refuse_oversized)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(1.0)
    assert server.budget.held == 0
    assert not server.connections


async def connect(server: MllpServer, **options: Any) -> Sender:
    return Sender(*await asyncio.open_connection("127.0.0.1", server.port, **options))


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits for something another task does."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


Gate = Callable[[bytes, PeerInfo], Awaitable[bytes | None]]


def gated(gate: asyncio.Event) -> Gate:
    """A handler that waits for `gate` before it answers."""

    async def handle(message: bytes, peer: PeerInfo) -> bytes | None:
        await gate.wait()
        return message[:20]

    return handle
