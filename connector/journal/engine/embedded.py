"""The embedded work engine: an asyncio scheduler over the journal, handlers in threads.

Two loops: one routes stored messages, one records outcomes and starts due heads in the same transaction.
The journal is the truth: a lost or doubled wake-up is harmless. Each destination has its own room and its own
threads: one that is slow, dead or limited takes nothing from another, and what waits for it waits on disk.
"""

from __future__ import annotations

import asyncio
import math
import os
import random as _random
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import structlog

from connector.base.clock import Clock, utc_now
from connector.journal.db.alone import lock
from connector.journal.db.failures import where
from connector.journal.deliveries import Delivery
from connector.journal.engine import steps
from connector.journal.engine.attempt import attempt
from connector.journal.engine.bell import Bell
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.destinations import BreakerState, Destinations, family
from connector.journal.engine.lease import Fence, Lease
from connector.journal.engine.steps import Finished
from connector.journal.job import Handler
from connector.journal.model import Committed
from connector.journal.routing import Router, has_unrouted, route_batch
from connector.journal.store import Journal
from connector.journal.tx import Tx

_log = structlog.get_logger(__name__)


_BREATH: Final = 0.004


class Engine:
    """Works off one journal. Only one engine may run on a journal at a time."""

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
    ) -> None:
        self._journal = journal
        self._router = router
        self._handlers = dict(handlers)
        self._config = config or EngineConfig()
        self._clock = clock
        self._random = random
        self.destinations = destinations or Destinations(self._config.destinations, self._config.workers)
        self._running: dict[int, Delivery] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._finished: deque[Finished] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._lease = Lease()
        self._troubles: dict[str, str] = {}
        self._turned: dict[str, float] = {}

    # -- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recovers what the last process left, then works until `stop`, in the running event loop.

        Raises JournalError when another engine already works on this journal.
        """
        self._lock = lock(self._journal.path)
        try:
            policy, dead_letter = self._config.backoff_of, self._journal.config.dead_letter
            recovered = await self._journal.transact_async(
                partial(steps.recover, policy=policy, dead_letter=dead_letter)
            )
        except BaseException:
            os.close(self._lock)
            raise
        if recovered:
            _log.info("deliveries recovered", count=recovered)
        # Nobody takes over what the holder of the file's lock does, however long it was stopped.
        self._lease.renewed(self._lease.now(), math.inf)
        loop = asyncio.get_running_loop()
        self._messages, self._work = Bell(loop), Bell(loop)
        self._stopping = False
        self._unsubscribe = (self._journal.subscribe(self._on_commit), self.destinations.subscribe(_say))
        self._turned = dict.fromkeys(("routing", "dispatching"), time.monotonic())
        self._tasks = [
            asyncio.create_task(self._route_forever(), name="journal-route"),
            asyncio.create_task(self._dispatch_forever(), name="journal-dispatch"),
        ]
        self.wake()

    async def stop(self, drain_seconds: float | None = None) -> None:
        """Starts nothing new, waits for running handlers, then leaves the rest to the next start. Safe to repeat."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        self._stopping = True
        self.wake()
        seconds = self._config.drain_seconds if drain_seconds is None else drain_seconds
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._lease.lose()
        if self._running:
            _log.warning("engine stopped before its handlers", running=len(self._running))
        self._running.clear()
        self._finished.clear()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._pools.clear()
        os.close(self._lock)

    def wake(self) -> None:
        """Look for work now. May be called from any thread, as often as one likes."""
        self._messages.ring()
        self._work.ring()

    @property
    def trouble(self) -> str:
        """What stops the engine just now ("routing: JournalError"), "" when all is well."""
        return ", ".join(f"{what}: {error}" for what, error in self._troubles.items())

    @property
    def running(self) -> int:
        """Deliveries in the hands of a worker."""
        return len(self._running)

    @property
    def silent_for(self) -> float:
        """Seconds since the slower of the two loops should have turned, 0 while both do."""
        slowest = min(self._turned.values(), default=time.monotonic())
        return max(0.0, time.monotonic() - slowest - self._config.poll)

    def configure(self, config: EngineConfig) -> None:
        """Counts for all that starts from now on; handlers in progress keep their threads. In the event loop."""
        rooms = (self._config.workers, self._config.destinations)
        self._config = config
        if rooms != (config.workers, config.destinations):
            self.destinations.configure(config.destinations, config.workers)
            former, self._pools = self._pools, {}
            for pool in former.values():
                pool.shutdown(wait=False)
        self.wake()

    def _on_commit(self, committed: Committed) -> None:
        if committed.messages:
            self._messages.ring()
        if committed.deliveries:
            self._work.ring()

    # -- routing -------------------------------------------------------------------------------------------

    async def _route_forever(self) -> None:
        more = False
        while not self._stopping:
            await self._breathe("routing")
            config = self._config
            batch = partial(route_batch, router=self._router, limit=config.route_batch, seconds=config.route_seconds)
            if not more:
                await self._messages.wait(config.poll)
            try:
                more = self._unrouted() and await self._journal.transact_async(batch)
                self._troubles.pop("routing", None)
            except Exception as error:  # noqa: BLE001 - the loop outlives every failure, and says so
                more = False
                await self._pause("routing", error)

    async def _breathe(self, what: str) -> None:
        """Under load a loop turns every few milliseconds, with more in hand each time: larger, fewer commits."""
        early = self._turned[what] + _BREATH - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        self._turned[what] = time.monotonic()

    def _unrouted(self) -> bool:
        return has_unrouted(self._journal)

    # -- dispatching ---------------------------------------------------------------------------------------

    async def _dispatch_forever(self) -> None:
        while not (self._stopping and not self._running):
            await self._breathe("dispatching")
            finished = self._take_finished()
            try:
                seconds = 0.0 if finished else self._seconds_to_due()
                if seconds > 0 or not await self._step(finished):
                    await self._work.wait(min(self._config.poll, max(seconds, 0.001)))
            except Exception as error:  # noqa: BLE001 - the loop outlives every failure, and says so
                # Outcomes are kept in hand until the journal takes them.
                self._finished.extendleft(reversed(finished))
                await self._pause("dispatching", error)

    def _take_finished(self) -> list[Finished]:
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def _room(self, destination: str) -> int:
        return 0 if self._stopping else self.destinations.room(destination)

    def _seconds_to_due(self) -> float:
        """Seconds until a head may start, 0 or less for now; the poll period when only an outcome can change that."""
        if self._stopping:
            return self._config.poll
        now, seconds = self._clock(), self._config.poll
        for destination, due in steps.waiting(self._journal):
            ready = max((due - now).total_seconds(), self.destinations.seconds(destination))
            seconds = min(seconds, ready)
        return seconds

    async def _step(self, finished: list[Finished]) -> bool:
        """Records what came back and starts what may start; True when there was any of it."""
        started = await self._journal.transact_async(partial(self._record_and_start, finished=finished))
        self._troubles.pop("dispatching", None)
        for done in finished:
            del self._running[done.run]
        for delivery in started:
            self._running[delivery.run] = delivery
            probe = self.destinations.started(delivery.destination)
            self._pool(delivery.destination).submit(self._work_on, delivery, probe, self._lease.fence())
        return bool(finished or started)

    def _record_and_start(self, tx: Tx, *, finished: list[Finished]) -> list[Delivery]:
        steps.finish_all(tx, finished, self._config.backoff_of, self._random)
        tx.refresh_heads()
        return steps.start_due(tx, self._room)

    def _pool(self, destination: str) -> ThreadPoolExecutor:
        """Threads of a destination, or of its family: as many as it may ever occupy, made when needed."""
        name = family(destination)
        pool = self._pools.get(name)
        if pool is None:
            prefix = f"delivery-{name}" if name else "delivery"
            pool = self._pools[name] = ThreadPoolExecutor(self.destinations.threads(destination), prefix)
        return pool

    async def _pause(self, what: str, error: Exception) -> None:
        self._troubles[what] = type(error).__name__
        _log.error("engine paused", during=what, error=type(error).__name__, where=where(error))
        await asyncio.sleep(self._config.poll)

    # -- in a worker thread --------------------------------------------------------------------------------

    def _work_on(self, delivery: Delivery, probe: bool, fence: Fence) -> None:
        finished = attempt(self._journal, delivery, self._handlers, fence)
        self.destinations.finished(delivery.destination, getattr(finished.outcome, "unreachable", None), probe)
        self._finished.append(finished)
        self._work.ring()


def _say(breaker: BreakerState) -> None:
    log = _log.warning if breaker.state == "open" else _log.info
    log("destination", destination=breaker.name, breaker=breaker.state, failures=breaker.failures)
