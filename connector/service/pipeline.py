"""The pipeline without its listener: the desk for letters, and the engine when nobody else works the journal.

For a program that hands letters over and goes: with a daemon beside it, it only hands over; without one, it runs the
daemon's own parts until the letters have ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from connector.assembly import (
    Foundation,
    check_entrance,
    check_installation,
    lay_foundation,
    open_desk,
    open_intake,
    open_work,
)
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.flows.destinations import DMP
from connector.flows.document_gate import open_gate
from connector.flows.letters import LetterDesk
from connector.journal import Journal, JournalError
from connector.journal.audit.keeping import AuditService
from connector.journal.db.alone import alone
from connector.journal.engine.opening import WorkEngine, engine_for
from connector.journal.model import stamp
from connector.kit.config import GateConfig
from connector.kit.gate import CdaGate
from connector.settings import Settings

T = TypeVar("T")

PEER: Final = "letters export"
"""How the journal names who handed the messages in."""

_WORKERS: Final = "SELECT 1 FROM node WHERE role <> 'listener' AND lease_until > ? LIMIT 1"


class Pipeline:
    """Lives in a thread of its own between `start` and `stop`.

    gate  opens the gate of documents; a caller that judged them already has its own

    `start` raises SettingsError, or JournalError when the store cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        gate: Callable[[GateConfig], CdaGate] = open_gate,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
    ) -> None:
        self._settings = settings
        self._gate = gate
        self._clock = clock
        self._uuid = uuid_factory
        self._engine: WorkEngine | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pipeline", daemon=True)
        self._stack = AsyncExitStack()
        self.desk: LetterDesk
        self.journal: Journal

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.run(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets the work in progress end, as a daemon does; the rest stays in the journal."""
        self._end()

    @property
    def works(self) -> bool:
        """True when the engine is ours."""
        return self._engine is not None

    @property
    def silent(self) -> bool:
        """True while the breaker of the DMP is not closed; the engine must be ours."""
        assert self._engine is not None
        return self._engine.destinations.state(DMP) != "closed"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` where the intake and the engine live, and waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def hand(self, message: bytes) -> bytes | None:
        """A message to the intake; its acknowledgement, durable."""
        return await self._intake.handle(message, PEER)

    # -- life ----------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings, stack = self._settings, self._stack
        check_entrance(settings)
        executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="intake")
        stack.callback(executor.shutdown)
        foundation = lay_foundation(settings, self._clock)
        self.journal = foundation.journal
        stack.callback(foundation.journal.close)
        self._intake = open_intake(settings, foundation, clock=self._clock, uuid_factory=self._uuid, executor=executor)
        self.desk = open_desk(settings, foundation.journal, self.hand, clock=self._clock, executor=executor)
        if not await asyncio.to_thread(someone_works, foundation.journal, self._clock):
            await self._start_engine(foundation)

    async def _start_engine(self, foundation: Foundation) -> None:
        settings, stack = self._settings, self._stack
        work = open_work(
            settings,
            check_installation(settings, self._clock),
            foundation,
            clock=self._clock,
            uuid_factory=self._uuid,
            gate=self._gate,
        )
        stack.callback(work.close)
        engine = engine_for(
            foundation.journal,
            router=work.router,
            handlers=work.handlers,
            config=settings.engine,
            clock=self._clock,
            destinations=foundation.destinations,
        )
        stack.push_async_callback(engine.stop)
        await engine.start()
        self._engine = engine
        audit = AuditService(foundation.journal, settings.audit, clock=self._clock)
        audit.start()

        async def stop_audit() -> None:
            await asyncio.to_thread(audit.stop)

        stack.push_async_callback(stop_audit)

    def _end(self) -> None:
        try:
            self.run(self._stack.aclose())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


def someone_works(journal: Journal, clock: Clock) -> bool:
    """Whether another process works this journal off: the lock of its file is held, or a worker's lease runs."""
    path = journal.config.url.path
    if path is None:
        return bool(journal.query(_WORKERS, (stamp(clock()),)))
    try:
        with alone(path):
            return False
    except JournalError:
        return True
