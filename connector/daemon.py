"""How the parts are started, watched and stopped: one process, one journal, one listener, one engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import uvicorn

from connector.api.app import Status, build_app
from connector.assembly import Parts, assemble, check_installation
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.errors import ConnectorError, SettingsError
from connector.base.logs import configure_logs, logger
from connector.base.memory import settle
from connector.hl7.mllp import MllpServer, PeerInfo
from connector.journal import Engine
from connector.settings import Settings
from connector.trust.clockwatch import ClockWatch
from connector.trust.errors import ClockError
from connector.trust.ntp import query as query_ntp


@dataclass(slots=True)
class Running:
    """What a started daemon tells whoever started it."""

    mllp_port: int
    api_port: int


class Daemon:
    """Starts in order (journal, engine, listener, API) and stops in the reverse order, losing nothing."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now, uuid_factory: UuidFactory = random_uuid) -> None:
        self._settings = settings
        self._clock = clock
        self._uuid = uuid_factory
        self._log = logger("daemon")

    async def serve(self, stop: asyncio.Event, ready: Callable[[Running], None] = lambda _: None) -> None:
        """Runs until `stop` is set, then drains. Raises ConnectorError when it cannot start."""
        settings = self._settings
        executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="intake")
        parts = assemble(settings, clock=self._clock, uuid_factory=self._uuid, executor=executor)
        engine = Engine(
            parts.journal, router=parts.router, handlers=parts.handlers, config=settings.engine, clock=self._clock
        )
        listener = MllpServer(settings.listener, self._handler(parts), refuse_oversized=self._oversized(parts))
        api = _Api(settings, lambda: self._status(parts, listener))
        try:
            await engine.start()
            await self._listen(listener)
            await api.start()
            watcher = asyncio.create_task(self._watch_clock(parts))
            settle()
            self._log.info("started", mllp_port=listener.port, api_port=api.port, structure=settings.keys.structure)
            ready(Running(listener.port, api.port))
            await stop.wait()
            self._log.info("stopping")
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
        finally:
            await api.stop()
            await listener.stop(drain_seconds=settings.engine.drain_seconds)
            await engine.stop()
            executor.shutdown()
            parts.close()
            self._log.info("stopped")

    async def _listen(self, listener: MllpServer) -> None:
        try:
            await listener.start()
        except OSError as error:
            raise _taken("listener", self._settings.listener.host, self._settings.listener.port, error) from error

    def _handler(self, parts: Parts) -> Callable[[bytes, PeerInfo], Awaitable[bytes | None]]:
        intake = parts.intake
        return lambda raw, peer: intake.handle(raw, f"{peer.host}:{peer.port}")

    def _oversized(self, parts: Parts) -> Callable[[bytes, PeerInfo], Awaitable[bytes | None]]:
        intake, limit = parts.intake, self._settings.listener.max_frame
        return lambda head, peer: intake.refuse_oversized(head, f"{peer.host}:{peer.port}", limit)

    def _status(self, parts: Parts, listener: MllpServer) -> Status:
        rows = parts.journal.query("SELECT kind, state, count(*) AS n FROM delivery GROUP BY kind, state")
        now = self._clock()
        days = {
            name: (pair.certificate.not_valid_after_utc - now).total_seconds() / 86400
            for name, pair in (("SIGN", parts.sign), ("AUTH_CLI", parts.auth))
        }
        checks = {
            "listener": listener.port > 0,
            "clock": _trusted(parts.clockwatch, now),
            "certificates": all(left > 0 for left in days.values()),
        }
        return Status(checks, {(row["kind"], row["state"]): row["n"] for row in rows}, days)

    async def _watch_clock(self, parts: Parts) -> None:
        """NTP, where a server is set; the DMP's own Date header is watched at each answer."""
        config = self._settings.clock
        if not config.ntp_server:
            return
        while True:
            try:
                sample = await asyncio.to_thread(query_ntp, config.ntp_server, clock=self._clock)
                parts.clockwatch.observe("NTP", sample.server_time, sample.local_time)
            except (OSError, ConnectorError) as error:
                self._log.warning("NTP server does not answer", cause=type(error).__name__)
            await asyncio.sleep(config.ntp_every_seconds)


def _trusted(clockwatch: ClockWatch, now: datetime) -> bool:
    try:
        clockwatch.check(now)
    except ClockError:
        return False
    return True


def _taken(section: str, host: str, port: int, error: OSError) -> SettingsError:
    found = f"{host}:{port} ({error.strerror})"
    allowed = "an address of this machine and a free port"
    return SettingsError(f"{section}: cannot listen", name=f"{section}.port", found=found, allowed=allowed)


class _Api:
    """uvicorn inside the daemon's loop; port 0 switches it off."""

    def __init__(self, settings: Settings, status: Callable[[], Status]) -> None:
        self.port = settings.api.port
        self._task: asyncio.Task[None] | None = None
        config = uvicorn.Config(
            build_app(status), host=settings.api.host, port=self.port, log_config=None, access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)

    async def start(self) -> None:
        if self.port:
            host = self._server.config.host
            try:
                # bound here: uvicorn ends the process when it cannot
                bound = socket.create_server((host, self.port))
            except OSError as error:
                raise _taken("api", host, self.port, error) from error
            self._task = asyncio.create_task(self._server._serve([bound]))
            while not self._server.started and not self._task.done():
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._task is not None:
            self._server.should_exit = True
            await self._task


def check_settings(settings: Settings) -> None:
    """Files and certificates checked by name, nothing started. Raises SettingsError."""
    check_installation(settings, utc_now)


def run_daemon(settings: Settings) -> None:
    """Foreground daemon: stops on SIGTERM or SIGINT after the work in progress."""
    configure_logs(settings.log.level, settings.log.format)
    # documents retrieved are for the hospital's own import: its group may read them, nobody else
    os.umask(0o027)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await Daemon(settings).serve(stop)

    asyncio.run(main())


class DaemonThread:
    """A daemon in a thread of its own, for the demo and for tests. `start` returns its ports."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now, uuid_factory: UuidFactory = random_uuid) -> None:
        self._daemon = Daemon(settings, clock=clock, uuid_factory=uuid_factory)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="daemon", daemon=True)

    def start(self) -> Running:
        """Raises whatever kept the daemon from starting."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        assert self._running is not None
        return self._running

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=60)

    def _run(self) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await self._daemon.serve(self._stop, self._started)

        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that called start
            self._failure = error
        finally:
            self._ready.set()

    def _started(self, running: Running) -> None:
        self._running = running
        self._ready.set()
