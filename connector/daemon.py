"""How the parts are started, watched, given new settings and stopped: one process, one journal."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.assembly import (
    Foundation,
    Installation,
    Work,
    check_entrance,
    check_installation,
    lay_foundation,
    open_intake,
    open_work,
)
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.errors import ConnectorError, SettingsError
from connector.base.logs import configure_logs, logger
from connector.base.memory import settle
from connector.base.notify import Notifier
from connector.flows.intake import Intake
from connector.flows.retention import keeper_of
from connector.hl7.mllp import MllpServer, PeerInfo
from connector.journal.audit.keeping import AuditService
from connector.journal.engine.lease import Lease
from connector.journal.engine.nodes import heartbeat
from connector.journal.engine.opening import WorkEngine, engine_for
from connector.service.changes import changed, needing_restart
from connector.service.letters import LetterEntries
from connector.service.pulse import PATIENCE, Pulse
from connector.service.roles import check_role
from connector.service.succession import Succession
from connector.service.web import ApiServer, address_taken
from connector.settings import Settings
from connector.trust.ntp import query as query_ntp
from connector.watch.channels import open_channels
from connector.watch.gather import Sources
from connector.watch.health import Check
from connector.watch.room import Watch


@dataclass(slots=True)
class Running:
    """What a started daemon tells whoever started it; a port is 0 where nothing listens."""

    mllp_port: int
    api_port: int
    letters_port: int = 0


class Daemon:
    """Starts in order (journal, engine, listener, API) and stops in the reverse order, losing nothing.

    role      "listener" has no engine and reads no key, "worker" has no listener, "all" has both
    manager   told of start, reload, stop, and that everything is alive, well within `watchdog` seconds (0: unwatched)
    """

    def __init__(
        self,
        settings: Settings,
        *,
        role: str = "all",
        manager: Notifier | None = None,
        watchdog: float = 0.0,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
    ) -> None:
        self._settings = settings
        self._role = check_role(role, settings)
        self._manager = manager or Notifier()
        self._patience = watchdog or PATIENCE
        self._clock = clock
        self._uuid = uuid_factory
        self._log = logger("daemon")
        self._succession: Succession | None = None
        self._engine: WorkEngine | None = None
        self._intake: Intake | None = None
        self._listener: MllpServer | None = None
        self._ntp: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._one_reload = asyncio.Lock()

    # -- life ------------------------------------------------------------------------------------------------------

    async def serve(self, stop: asyncio.Event, ready: Callable[[Running], None] = lambda _: None) -> None:
        """Runs until `stop` is set, then drains. Raises ConnectorError when it cannot start."""
        async with AsyncExitStack() as stack:
            running = await self._start(stack)
            settle()
            self._log.info(
                "started",
                role=self._role,
                mllp_port=running.mllp_port,
                api_port=running.api_port,
                structure=self._settings.keys.structure,
            )
            self._start_audit(stack)
            self._manager.ready(self._in_service())
            self._started.set()
            ready(running)
            await stop.wait()
            self._manager.stopping("Arrêt : fin du travail en cours")
            self._log.info("stopping")
        self._log.info("stopped")

    async def _start(self, stack: AsyncExitStack) -> Running:
        """Each part goes on `stack` with what stops it."""
        settings = self._settings
        self._executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="intake")
        stack.callback(self._executor.shutdown)
        if self._role == "listener":
            check_entrance(settings)
            foundation = self._lay_foundation(stack)
            await self._join(stack)
        else:
            installation = check_installation(settings, self._clock)
            foundation = self._lay_foundation(stack)
            work = self._open_work(settings, installation)
            await self._start_engine(work, stack)
        listener = await self._start_listener(stack)
        self._pulse = Pulse(foundation.journal, self._turning(), self._manager.alive, patience=self._patience)
        _in_background(self._pulse.run(), stack)
        self._watch.start()
        api = ApiServer(settings.api, self._watch, self._role)
        stack.push_async_callback(api.stop)
        await api.start()
        letters_port = await self._start_letters(stack)
        self._watch_ntp()
        stack.callback(self._forget_ntp)
        return Running(listener.port if listener else 0, api.port, letters_port)

    def _lay_foundation(self, stack: AsyncExitStack) -> Foundation:
        self._foundation = lay_foundation(self._settings, self._clock)
        stack.callback(self._foundation.journal.close)
        # from the first commit on, so that the counters of moves miss none
        watch = self._watch = self._open_watch()

        async def stop() -> None:
            await asyncio.to_thread(watch.stop)

        stack.push_async_callback(stop)
        return self._foundation

    async def _join(self, stack: AsyncExitStack) -> None:
        """A listener beats like the workers do, so that the others, and the metrics, know it is there."""
        engine = self._settings.engine
        heart = heartbeat(self._settings.journal, self._role, Lease(), lease=engine.lease, every=engine.beat)
        await asyncio.to_thread(heart.start)

        async def leave() -> None:
            await asyncio.to_thread(heart.stop)

        stack.push_async_callback(leave)

    def _open_work(self, settings: Settings, installation: Installation) -> Work:
        return open_work(
            settings,
            installation,
            self._foundation,
            clock=self._clock,
            uuid_factory=self._uuid,
            on_call=self._watch.counters.on_call,
        )

    async def _start_engine(self, work: Work, stack: AsyncExitStack) -> None:
        succession = self._succession = Succession(work)
        stack.callback(succession.close)
        engine = self._engine = engine_for(
            self._foundation.journal,
            router=succession.router,
            handlers=succession.handlers,
            config=self._settings.engine,
            clock=self._clock,
            destinations=self._foundation.destinations,
        )
        stack.push_async_callback(engine.stop)
        await engine.start()
        self._start_keeper(stack)

    def _start_audit(self, stack: AsyncExitStack) -> None:
        if self._role == "listener":
            return
        audit = AuditService(self._foundation.journal, self._settings.audit, clock=self._clock)
        audit.start()

        async def stop() -> None:
            await asyncio.to_thread(audit.stop)

        stack.push_async_callback(stop)

    def _start_keeper(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        keeper = keeper_of(
            self._foundation.journal, settings.retention, settings.consultation.output_folder, self._clock
        )
        keeper.start()

        async def stop() -> None:
            await asyncio.to_thread(keeper.stop)

        stack.push_async_callback(stop)

    async def _start_listener(self, stack: AsyncExitStack) -> MllpServer | None:
        if self._role == "worker":
            return None
        self._intake = self._open_intake(self._settings)
        config = self._settings.listener
        listener = self._listener = MllpServer(config, self._take_in, refuse_oversized=self._refuse_oversized)

        async def stop() -> None:
            await listener.stop(drain_seconds=self._settings.engine.drain_seconds)

        stack.push_async_callback(stop)
        try:
            await listener.start()
        except OSError as error:
            raise address_taken("listener", config.host, config.port, error) from error
        return listener

    async def _start_letters(self, stack: AsyncExitStack) -> int:
        """The watched folder and the endpoint of letters, where messages are taken in; gives the port."""
        if self._intake is None:
            return 0
        executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="letters")
        stack.callback(executor.shutdown)
        entries = LetterEntries(
            self._settings, self._foundation.journal, self._present_intake, clock=self._clock, executor=executor
        )
        server = entries.server()
        stack.push_async_callback(server.stop)
        await server.start()
        folder = entries.folder()
        if folder is not None:
            _in_background(folder.run(), stack)
        return server.port

    def _present_intake(self) -> Intake:
        assert self._intake is not None
        return self._intake

    def _open_intake(self, settings: Settings) -> Intake:
        return open_intake(
            settings, self._foundation, clock=self._clock, uuid_factory=self._uuid, executor=self._executor
        )

    async def _take_in(self, raw: bytes, peer: PeerInfo) -> bytes | None:
        assert self._intake is not None
        started = time.perf_counter()
        ack = await self._intake.handle(raw, f"{peer.host}:{peer.port}")
        self._watch.counters.accepted(ack, time.perf_counter() - started)
        return ack

    async def _refuse_oversized(self, head: bytes, peer: PeerInfo) -> bytes | None:
        assert self._intake is not None
        limit = self._settings.listener.max_frame
        return await self._intake.refuse_oversized(head, f"{peer.host}:{peer.port}", limit)

    # -- new settings ----------------------------------------------------------------------------------------------

    async def reload(self, read: Callable[[], Settings]) -> tuple[str, ...]:
        """Takes over what `read` gives, keys and certificates included, and gives the names that changed.

        Connections stay open, deliveries in progress finish under the former settings. Raises SettingsError, and then
        nothing changed: unreadable file, wrong key, or a setting that needs a restart (`name`).
        """
        await self._started.wait()
        async with self._one_reload:
            settings = await asyncio.to_thread(read)
            names = changed(self._settings, settings)
            fixed = needing_restart(names)
            if fixed:
                raise SettingsError(
                    "not while the connector runs", name=", ".join(fixed), found="changed", allowed="a restart"
                )
            work = await asyncio.to_thread(self._prepare, settings)
            try:
                if self._listener is not None:
                    await self._listener.renew(settings.listener)
            except BaseException:
                if work is not None:
                    work.close()
                raise
            self._take_over(settings, work)
            return names

    def _prepare(self, settings: Settings) -> Work | None:
        """All that may fail, done before anything changes."""
        open_channels(settings.alerts.smtp, settings.alerts.webhook)
        if self._role == "listener":
            check_entrance(settings)
            return None
        installation = check_installation(settings, self._clock)
        return self._open_work(settings, installation)

    def _take_over(self, settings: Settings, work: Work | None) -> None:
        former, self._settings = self._settings, settings
        self._foundation.clockwatch.limit_seconds = settings.clock.limit_seconds
        self._watch.configure(settings.alerts)
        if self._intake is not None:
            self._intake = self._open_intake(settings)
        if work is not None and self._succession is not None and self._engine is not None:
            self._succession.replace(work)
            self._engine.configure(settings.engine)
        if settings.log != former.log:
            configure_logs(settings.log.level, settings.log.format)
        if settings.clock != former.clock:
            self._watch_ntp()

    async def reload_and_tell(self, read: Callable[[], Settings]) -> None:
        """`reload` for an operator who is not here: the manager and the logs hear what became of it."""
        self._manager.reloading()
        told = ""
        try:
            names = await self.reload(read)
            self._log.info("settings reloaded", changed=", ".join(names) or "keys and files only")
        except ConnectorError as error:
            told = f" ; nouveaux réglages refusés ({error.context.get('name', type(error).__name__)})"
            self._log.error("settings refused, the former ones go on", what=error.message, **_words(error))
        except Exception as error:  # noqa: BLE001 - a reload that fails, however it does, leaves the service running
            told = f" ; nouveaux réglages refusés ({type(error).__name__})"
            self._log.error("settings refused, the former ones go on", what=type(error).__name__)
        finally:
            self._manager.ready(self._in_service() + told)

    # -- how it is -------------------------------------------------------------------------------------------------

    def _in_service(self) -> str:
        return f"En service, rôle {self._role}"

    def _turning(self) -> dict[str, Callable[[], float]]:
        engine = self._engine
        return {} if engine is None else {"engine": lambda: engine.silent_for}

    def _open_watch(self) -> Watch:
        """Alerts, metrics and health of the parts this role has, each asked when needed: reloads replace them."""
        works, store = self._role != "listener", self._settings.journal.url.path
        ready: dict[str, Check] = {}
        if self._role != "worker":
            ready["listener"] = lambda: "" if self._listener and self._listener.listening else "n'écoute pas"
        if works:
            ready["engine"] = lambda: self._engine.trouble if self._engine else "pas encore démarré"
        sources = Sources(
            breakers=(lambda: self._engine.destinations.states() if self._engine else {}) if works else None,
            engine=(lambda: self._engine.trouble if self._engine else "") if works else None,
            certificates=self._certificates,
            clockwatch=self._foundation.clockwatch if works else None,
            disk=store.parent if store is not None else None,
        )
        return Watch(
            self._foundation.journal,
            self._settings.alerts,
            sources,
            clock=self._clock,
            uuid_factory=self._uuid,
            alive={"pulse": lambda: self._pulse.complaint},
            ready=ready,
            node="" if store is not None else socket.gethostname(),
        )

    def _certificates(self) -> dict[str, datetime]:
        pairs = self._succession.work.certificates if self._succession is not None else {}
        return {name: pair.certificate.not_valid_after_utc for name, pair in pairs.items()}

    def _watch_ntp(self) -> None:
        """NTP, where a server is set; the DMP's own Date header is watched at each answer."""
        self._forget_ntp()
        if self._settings.clock.ntp_server and self._succession is not None:
            self._ntp = asyncio.create_task(self._ask_ntp())

    def _forget_ntp(self) -> None:
        if self._ntp is not None:
            self._ntp.cancel()
            self._ntp = None

    async def _ask_ntp(self) -> None:
        config = self._settings.clock
        while True:
            try:
                sample = await asyncio.to_thread(query_ntp, config.ntp_server, clock=self._clock)
                self._foundation.clockwatch.observe("NTP", sample.server_time, sample.local_time)
            except (OSError, ConnectorError) as error:
                self._log.warning("NTP server does not answer", cause=type(error).__name__)
            await asyncio.sleep(config.ntp_every_seconds)


def _in_background(work: Coroutine[Any, Any, None], stack: AsyncExitStack) -> None:
    """A task cancelled when `stack` unwinds."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


def _words(error: ConnectorError) -> dict[str, str]:
    # "name" would be redacted: in every other line it is a person's
    told = {"setting": "name", "found": "found", "allowed": "allowed"}
    return {word: str(error.context[key]) for word, key in told.items() if key in error.context}


def check_settings(settings: Settings, role: str = "all") -> None:
    """Role, files and certificates checked by name, nothing started. Raises SettingsError."""
    if check_role(role, settings) == "listener":
        check_entrance(settings)
    else:
        check_installation(settings, utc_now)


class DaemonThread:
    """A daemon in a thread of its own, for the demo and for tests. `start` returns its ports."""

    def __init__(
        self,
        settings: Settings,
        *,
        role: str = "all",
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
    ) -> None:
        self._daemon = Daemon(settings, role=role, clock=clock, uuid_factory=uuid_factory)
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

    def reload(self, settings: Settings) -> tuple[str, ...]:
        """`Daemon.reload`, from this thread."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self._daemon.reload(lambda: settings), self._loop).result()

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
