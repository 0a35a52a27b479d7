"""The MLLP listener: many persistent connections, messages answered one by one in the order they came.

One consumer task per connection calls the handler; nothing is buffered beyond the limits of `MllpConfig`
(hl7v2-interface §1.1, stack.md §3 and §6). What a message means is the handler's concern.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from connector.base.errors import SettingsError
from connector.hl7.mllp_budget import ByteBudget
from connector.hl7.mllp_connection import Connection
from connector.hl7.mllp_model import Handler as Handler
from connector.hl7.mllp_model import MllpConfig as MllpConfig
from connector.hl7.mllp_model import MllpStats as MllpStats
from connector.hl7.mllp_model import PeerInfo as PeerInfo
from connector.hl7.mllp_model import Refusal as Refusal


class MllpServer:
    """`await start()`, then `port`; `await stop(drain_seconds)` answers what was received, then closes."""

    def __init__(self, config: MllpConfig, handle: Handler, *, refuse_oversized: Refusal | None = None) -> None:
        self.config = config
        self.handle = handle
        self.refuse_oversized = refuse_oversized
        self.stats = MllpStats()
        self.budget = ByteBudget(config.total_byte_budget)
        self.connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()

    @property
    def port(self) -> int:
        """Port really listened on."""
        if not self._servers:
            raise RuntimeError("the listener is not started")
        port: int = self._servers[0].sockets[0].getsockname()[1]
        return port

    @property
    def listening(self) -> bool:
        return bool(self._servers) and all(server.is_serving() for server in self._servers)

    async def start(self) -> None:
        """Listens. Raises OSError when the address is taken, SettingsError when a PEM file cannot be used."""
        config = self.config
        self._servers = [await self._serve(tls_context(config), host=config.host, port=config.port)]
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def renew(self, config: MllpConfig) -> None:
        """`config` for the connections that come from now on; those open keep what they began with.

        The listening sockets stay the same, so nobody is turned away: address and byte budget must be the same too.
        Raises SettingsError when a PEM file cannot be used, and then nothing changed.
        """
        context = tls_context(config)
        former = self._servers
        sockets = [bound.dup() for server in former for bound in server.sockets]
        self._servers = [await self._serve(context, sock=bound) for bound in sockets]
        self.config = config
        await _retire(former)

    async def _serve(self, context: ssl.SSLContext | None, **where: Any) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: Connection(self),
            **where,
            ssl=context,
            ssl_handshake_timeout=15 if context else None,
            backlog=512,
        )

    async def stop(self, drain_seconds: float = 5.0) -> None:
        """Stops listening and reading, lets received messages be answered, then cuts what remains."""
        servers, self._servers = self._servers, []
        if not servers:
            return
        await _retire(servers)
        for connection in list(self.connections):
            connection.drain()
        if not await self._gone(drain_seconds):
            for connection in list(self.connections):
                connection.cut()
            await self._gone(1.0)
        if self._sweeper is not None:
            self._sweeper.cancel()
        for server in servers:
            await server.wait_closed()

    def admit(self, connection: Connection) -> bool:
        """Registers a new connection, False when a limit is reached."""
        host = connection.peer.host
        same_peer = sum(1 for other in self.connections if other.peer.host == host)
        if len(self.connections) >= self.config.max_connections or same_peer >= self.config.max_per_peer:
            self.stats.rejected += 1
            return False
        self.connections.add(connection)
        self.stats.accepted += 1
        self.stats.connections = len(self.connections)
        self._empty.clear()
        return True

    def forget(self, connection: Connection) -> None:
        """Unregisters a connection whose socket is closed and whose consumer is over."""
        self.connections.discard(connection)
        self.stats.connections = len(self.connections)
        if not self.connections:
            self._empty.set()

    async def _gone(self, seconds: float) -> bool:
        """True when every connection ended in time."""
        try:
            async with asyncio.timeout(seconds):
                while self.connections:
                    await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def _sweep(self) -> None:
        """Closes idle and stalled connections; one timer for all keeps the hot path free of timers."""
        period = min(5.0, max(0.02, min(self.config.idle_timeout, self.config.frame_timeout) / 4))
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(period)
            for connection in list(self.connections):
                connection.check_time(loop.time())


class TlsFiles(Protocol):
    """PEM files of a server; `tls_client_ca` makes a client certificate compulsory."""

    @property
    def tls_cert(self) -> Path | None: ...
    @property
    def tls_key(self) -> Path | None: ...
    @property
    def tls_client_ca(self) -> Path | None: ...


def tls_context(config: TlsFiles) -> ssl.SSLContext | None:
    """Server context of TLS 1.2 or better, None without `tls_cert`. Raises SettingsError on unusable PEM files."""
    if config.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
        if config.tls_client_ca is not None:
            context.load_verify_locations(config.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "unusable TLS file", name="tls_cert, tls_key or tls_client_ca", found=str(error), allowed="PEM files"
        ) from error
    return context


async def _retire(servers: Iterable[asyncio.Server]) -> None:
    """Closes servers that take nobody any more; who they have just accepted is theirs still.

    A server closed between an accept and its connection's first step drops that connection without a word.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for bound in server.sockets:
            loop.remove_reader(bound.fileno())
    # one turn of the loop for the accepts in hand to begin, one for what they begin
    for _ in range(2):
        await asyncio.sleep(0)
    for server in servers:
        server.close()
