"""One MLLP connection: frames queue up, a consumer answers them in order, reading stops when too much waits."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, cast

import structlog

from connector.hl7.framing import Framer, Oversized, frame
from connector.hl7.mllp_budget import ByteBudget
from connector.hl7.mllp_model import Handler, MllpConfig, MllpStats, PeerInfo, Refusal

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """What a connection needs of the server that accepted it."""

    config: MllpConfig
    stats: MllpStats
    budget: ByteBudget
    handle: Handler
    refuse_oversized: Refusal | None

    def admit(self, connection: Connection) -> bool:
        """Registers a new connection, False when a limit is reached."""

    def forget(self, connection: Connection) -> None:
        """Unregisters an ended connection."""


class Connection(asyncio.Protocol):
    """Reads frames, hands them one by one to the handler, writes replies in order."""

    def __init__(self, server: Listener) -> None:
        self._server = server
        self._config = server.config
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(server.config.max_frame, server.stats.framing)
        self._queue: deque[bytes | Oversized] = deque()
        self._queued_bytes = 0  # waiting or in the handler's hands
        self._held = 0
        self._paused = False
        self._busy = False
        self._ending = False  # no more reading: end of stream, or the server stops
        self._lost = False
        self._wake: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._active_at = self._frame_since = self._unread_since = self._loop.time()
        self.peer = PeerInfo("", 0)

    @property
    def mid_message(self) -> bool:
        """True while a message is being received and none waits: reading on is the only way forward."""
        return not self._queue and self._framer.partial and not self._lost

    # -- asyncio.Protocol ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.peer = _peer(self._transport)
        self._registered = self._server.admit(self)
        if not self._registered:
            log.warning("mllp.connection_refused", peer=self.peer.host, reason="too many connections")
            self._transport.abort()
            return
        self._task = self._loop.create_task(self._consume())
        self._task.add_done_callback(self._consumed)

    def data_received(self, data: bytes) -> None:
        if not self._framer.partial:
            self._frame_since = self._loop.time()
        self._framer.feed(data)
        self._take_frames()
        self.regulate()
        if self._queue or self._framer.partial:
            # Garbage alone does not keep a connection alive.
            self._active_at = self._loop.time()

    def eof_received(self) -> bool:
        # A sender may close its side and still wait for our replies; TLS has no half-closed state.
        self._end()
        return not self._transport.get_extra_info("sslcontext")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._registered:
            return
        self._lost = True
        # Never acknowledged: the sender will send them again.
        self._queue.clear()
        self._server.budget.leave(self, self._held)
        self._held = 0
        self.resume_writing()
        self._end()
        if self._task is None or self._task.done():
            self._server.forget(self)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()
        self._unread_since = self._loop.time()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # -- what the server asks --------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Reads no more, answers what was received, then closes."""
        if not self._lost:
            self._transport.pause_reading()
            self._paused = True
        self._end()

    def cut(self) -> None:
        """Ends now, whatever was going on."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()

    def check_time(self, now: float) -> None:
        """Closes the connection when it idles, stalls in a message, or does not read its replies."""
        config, stats = self._config, self._server.stats
        if self._writable is not None:
            if now - self._unread_since > config.idle_timeout:
                stats.idle_closed += 1
                self._transport.abort()
        elif self._busy or self._queue or self._paused:
            self._active_at = self._frame_since = now
        elif self._framer.partial and now - self._frame_since > config.frame_timeout:
            stats.frame_timeouts += 1
            log.warning("mllp.frame_timeout", peer=self.peer.host, held=self._framer.buffered)
            self._transport.abort()
        elif now - self._active_at > config.idle_timeout:
            stats.idle_closed += 1
            self._transport.close()

    def regulate(self) -> None:
        """Counts the bytes held and stops or resumes reading."""
        if self._lost:
            return
        held = self._framer.buffered + self._queued_bytes
        budget = self._server.budget
        delta = held - self._held
        if delta:
            self._held = held
            budget.change(self, delta)
            if delta < 0:
                budget.relieve()
        if self._ending:
            return
        pause = len(self._queue) >= self._config.pipelining or not budget.grants(self)
        if pause != self._paused:
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._frame_since = self._active_at = self._loop.time()
                self._transport.resume_reading()

    # -- the consumer ----------------------------------------------------------------------------------------------

    async def _consume(self) -> None:
        server, transport = self._server, self._transport
        stats = server.stats
        while not self._lost:
            if not self._queue:
                self._busy = False
                if self._ending:
                    break
                self._wake = self._loop.create_future()
                await self._wake
                self._wake = None
                continue
            self._busy = True
            message = self._queue.popleft()
            if isinstance(message, bytes):
                stats.received += 1
                size = len(message)
                reply = await server.handle(message, self.peer)
            else:
                size = len(message.head)
                reply = await server.refuse_oversized(message.head, self.peer) if server.refuse_oversized else None
            if reply is not None and not transport.is_closing():
                transport.write(frame(reply))
                stats.replied += 1
                if self._writable is not None:
                    await self._writable
            self._active_at = self._loop.time()
            self._queued_bytes -= size
            self._take_frames()
            self.regulate()
        transport.close()

    def _consumed(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._server.stats.handler_failures += 1
            # Its text could quote the message: the type is enough to find it.
            log.error("mllp.handler_failed", peer=self.peer.host, error=type(error).__name__)
            self._transport.abort()
        if self._lost:
            self._server.forget(self)

    def _take_frames(self) -> None:
        """Moves whole frames to the queue, as many as may wait, and wakes the consumer."""
        queue, framer, depth = self._queue, self._framer, self._config.pipelining
        while len(queue) < depth and (found := framer.next()) is not None:
            queue.append(found)
            self._queued_bytes += len(found) if isinstance(found, bytes) else len(found.head)
            self._frame_since = self._loop.time()
        if queue:
            self._notify()

    def _end(self) -> None:
        self._ending = True
        self._notify()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def _peer(transport: asyncio.Transport) -> PeerInfo:
    host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
    certificate = transport.get_extra_info("peercert") or {}
    names = [f"{key}={value}" for part in certificate.get("subject", ()) for key, value in part]
    return PeerInfo(str(host), int(port), ",".join(names))
