"""The scale-out engine: the embedded one's work, shared by several processes on one PostgreSQL store.

Wake-ups travel by procrastinate (`wakeups`), the journal decides: a delivery starts when it is a due head, whoever
was woken. Whoever holds a patient goes on with that patient's next delivery. Each process beats (`nodes`); what a dead
one held is taken over (`sweeper`), and a process that was only stopped finds its fence closed (`lease`).
"""

from __future__ import annotations

import asyncio
import random as _random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from connector.base.clock import Clock, utc_now
from connector.journal.db.failures import where
from connector.journal.db.opening import store_password
from connector.journal.engine import steps
from connector.journal.engine.backoff import Backoff
from connector.journal.engine.bell import Bell
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.destinations import BreakerState, Destinations
from connector.journal.engine.hands import Hands
from connector.journal.engine.lease import Lease
from connector.journal.engine.nodes import Heartbeat, heartbeat
from connector.journal.engine.sweeper import Seen, Sweeper
from connector.journal.engine.wakeups import FAILURES, Wakeups
from connector.journal.job import Handler
from connector.journal.model import Committed, JournalError
from connector.journal.routing import Router, route_batch
from connector.journal.store import Journal

_log = structlog.get_logger(__name__)

_SWEEPS: Final = 6
"""Looks at the other nodes in one lease."""
_BREATH: Final = 0.05
"""Seconds between two looks for due heads: what moves meanwhile is woken for at once."""
_LET_GO: Final = 0.02
"""Seconds until procrastinate has let go of the patient whose wake-up was dealt with."""


class ScaleOutEngine:
    """One worker process among several. Same use as `Engine`.

    `lease` is for tests: the boot clock this process believes.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        router: Router,
        handlers: Mapping[str, Handler],
        config: EngineConfig | None = None,
        clock: Clock = utc_now,
        random: Callable[[], float] = _random.random,
        destinations: Destinations | None = None,
        role: str = "worker",
        lease: Lease | None = None,
    ) -> None:
        self._journal = journal
        self._router = router
        self._handlers = dict(handlers)
        self._config = config = config or EngineConfig()
        self._clock = clock
        self._random = random
        self._role = role
        self._lease = lease or Lease()
        self._sweep = config.lease / _SWEEPS
        self.destinations = destinations or Destinations(config.destinations, config.workers)
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._retired: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._troubles: dict[str, str] = {}
        self._turned: dict[str, float] = {}
        self._heart: Heartbeat | None = None
        self._hands: Hands | None = None

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Joins the other processes and works until `stop`, in the running event loop.

        Raises JournalError when the database does not answer.
        """
        config, journal = self._config, self._journal
        self._heart = heartbeat(journal.config, self._role, self._lease, lease=config.lease, every=config.beat)
        await asyncio.to_thread(self._heart.start)
        name, password = self._heart.node.name, store_password(journal.config)
        self._hands = hands = Hands(
            journal,
            self._handlers,
            self.destinations,
            self._lease,
            node=name,
            policy=self._backoff_of,
            random=self._random,
            let_go=self._look_again,
        )
        self._wakeups = Wakeups(
            journal.config.url.dsn, password, hands.hear, name=name, lease=config.lease, beat=config.beat
        )
        self._sweeper = Sweeper(
            journal,
            self._wakeups,
            self._lease,
            node=name,
            lease=config.lease,
            policy=self._backoff_of,
            clock=self._clock,
        )
        try:
            await self._wakeups.open()
            await journal.transact_async(partial(steps.obey_dead_letter, dead_letter=journal.config.dead_letter))
        except (JournalError, *FAILURES) as error:
            await asyncio.to_thread(self._heart.stop)
            raise JournalError("the database does not answer", cause=type(error).__name__) from error
        loop = asyncio.get_running_loop()
        self._messages, self._work = Bell(loop), Bell(loop)
        self._stopping = False
        self._unsubscribe = (journal.subscribe(self._on_commit), self.destinations.subscribe(_say))
        self._turned = dict.fromkeys(("routing", "matching"), time.monotonic())
        self._tasks = [
            asyncio.create_task(self._listen_forever(), name="journal-listen"),
            asyncio.create_task(self._route_forever(), name="journal-route"),
            asyncio.create_task(self._match_forever(hands), name="journal-match"),
        ]
        self.wake()

    async def stop(self, drain_seconds: float | None = None) -> None:
        """Starts nothing new, waits for running handlers, gives the rest back to the others. Safe to repeat."""
        tasks, self._tasks = self._tasks, []
        heart, hands = self._heart, self._hands
        if not tasks or heart is None or hands is None:
            return
        self._stopping = True
        hands.stop()
        self.wake()
        await _cancel(tasks)
        workers = [*self._workers.values(), *self._retired]
        for worker in workers:
            worker.cancel()
        seconds = self._config.drain_seconds if drain_seconds is None else drain_seconds
        if workers:
            await asyncio.wait(workers, timeout=seconds)
        # The fence closes before the deliveries are given back: a late handler sends nothing more.
        await asyncio.to_thread(heart.stop)
        left = hands.drop()
        await asyncio.gather(*workers, return_exceptions=True)
        self._workers.clear()
        try:
            # What handlers left undone, and the wake-ups nobody here will hear: another process takes them now.
            await hands.give_back(left)
            await self._sweeper.match()
        except (JournalError, *FAILURES) as error:
            _log.error("nothing given back", cause=type(error).__name__)
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._sweeper.close()
        with suppress(*FAILURES):
            await self._wakeups.close()

    def wake(self) -> None:
        """Look for work now. May be called from any thread, as often as one likes."""
        self._messages.ring()
        self._work.ring()

    @property
    def trouble(self) -> str:
        """What stops the engine just now ("routing: JournalError"), "" when all is well."""
        troubles = dict(self._troubles)
        if self._heart is not None and self._heart.trouble:
            troubles["heartbeat"] = self._heart.trouble
        if self._hands is not None and self._hands.trouble:
            troubles["recording"] = self._hands.trouble
        return ", ".join(f"{what}: {error}" for what, error in troubles.items())

    @property
    def running(self) -> int:
        """Deliveries in the hands of a worker of this process."""
        return len(self._hands.running) if self._hands is not None else 0

    @property
    def node(self) -> str:
        """Name of this process on the roll, "" before the start."""
        return self._heart.node.name if self._heart is not None else ""

    @property
    def silent_for(self) -> float:
        """Seconds since the slower of the two loops should have turned, 0 while both do."""
        slowest = min(self._turned.values(), default=time.monotonic())
        return max(0.0, time.monotonic() - slowest - max(self._config.poll, self._sweep))

    def configure(self, config: EngineConfig) -> None:
        """Counts for all that starts from now on, but for `lease` and `beat`. In the event loop."""
        rooms = (self._config.workers, self._config.destinations)
        self._config = config
        if rooms != (config.workers, config.destinations):
            self.destinations.configure(config.destinations, config.workers)
            if self._hands is not None:
                self._hands.widen()
            self._renew_workers()
        self.wake()

    def _backoff_of(self, kind: str) -> Backoff:
        return self._config.backoff_of(kind)

    def _on_commit(self, committed: Committed) -> None:
        if committed.messages:
            self._messages.ring()
        if committed.deliveries:
            self._work.ring()

    # -- routing -------------------------------------------------------------------------------------------

    async def _listen_forever(self) -> None:
        """Messages stored by other processes."""
        while not self._stopping:
            try:
                async with await self._wakeups.connect() as connection:
                    await connection.execute("LISTEN connector_messages")
                    self._troubles.pop("listening", None)
                    self._messages.ring()
                    async for _ in connection.notifies():
                        self._messages.ring()
            except Exception as error:  # noqa: BLE001 - the loop outlives every failure, and says so
                await self._pause("listening", error)

    async def _route_forever(self) -> None:
        """One process at a time routes: whoever has the lock; the others find it taken and wait."""
        more = False
        while not self._stopping:
            self._turned["routing"] = time.monotonic()
            config = self._config
            batch = partial(route_batch, router=self._router, limit=config.route_batch, seconds=config.route_seconds)
            if not more and not await self._messages.wait(config.poll):
                continue
            try:
                more = await self._journal.transact_async(batch)
                self._troubles.pop("routing", None)
            except Exception as error:  # noqa: BLE001 - the loop outlives every failure, and says so
                more = True
                await self._pause("routing", error)

    # -- waking --------------------------------------------------------------------------------------------

    async def _match_forever(self, hands: Hands) -> None:
        swept = float("-inf")
        while not self._stopping:
            self._turned["matching"] = time.monotonic()
            try:
                seen = await self._sweeper.match()
                self._man(seen)
                if seen.unrouted:
                    self._messages.ring()
                if time.monotonic() - swept >= self._sweep:
                    if await self._sweeper.sweep(hands.running):
                        self._work.ring()
                    swept = time.monotonic()
                if self._troubles.pop("sweeping", None):
                    self._renew_workers()
            except Exception as error:  # noqa: BLE001 - the loop outlives every failure, and says so
                await self._sweeper.close()
                await self._pause("sweeping", error)
                continue
            await asyncio.sleep(_BREATH)
            await self._work.wait(self._seconds_to_look(seen))

    def _seconds_to_look(self, seen: Seen) -> float:
        seconds = min(self._config.poll, self._sweep)
        if seen.next_due is None:
            return seconds
        return max(0.001, min(seconds, (seen.next_due - self._clock()).total_seconds()))

    def _look_again(self) -> None:
        asyncio.get_running_loop().call_later(_LET_GO, self._work.ring)

    def _man(self, seen: Seen) -> None:
        """A worker for each destination ever seen."""
        for destination in seen.destinations:
            if destination not in self._workers:
                self._workers[destination] = asyncio.create_task(self._work_forever(destination))

    def _renew_workers(self) -> None:
        """The database was away: procrastinate's workers may have lost their ears or their heart unnoticed."""
        for destination, worker in self._workers.items():
            worker.cancel()
            self._retired.add(worker)
            worker.add_done_callback(self._retired.discard)
            self._workers[destination] = asyncio.create_task(self._work_forever(destination))

    async def _work_forever(self, destination: str) -> None:
        what = f"worker {destination}".strip()
        while not self._stopping:
            self._troubles.pop(what, None)
            try:
                await self._wakeups.work(destination, self.destinations.workers(destination), self._config.poll)
            except Exception as error:  # noqa: BLE001 - the loop outlives every failure, and says so
                await self._pause(what, error)

    async def _pause(self, what: str, error: Exception) -> None:
        self._troubles[what] = type(error).__name__
        _log.error("engine paused", during=what, error=type(error).__name__, where=where(error))
        await asyncio.sleep(self._config.poll)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _say(breaker: BreakerState) -> None:
    log = _log.warning if breaker.state == "open" else _log.info
    log("destination", destination=breaker.name, breaker=breaker.state, failures=breaker.failures)
