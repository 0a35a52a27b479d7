"""What one worker process does with a wake-up: the delivery, then the same patient's next ones.

The start of a delivery and the outcome of the one before it are one transaction. An outcome stays in hand until the
journal takes it, whatever happens to the database meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from connector.base.guard import FenceLost
from connector.journal import heads
from connector.journal.db.failures import where
from connector.journal.deliveries import Delivery
from connector.journal.engine import steps
from connector.journal.engine.attempt import attempt
from connector.journal.engine.destinations import Destinations, family
from connector.journal.engine.lease import Fence, Lease
from connector.journal.engine.steps import Finished, Policy
from connector.journal.job import Handler
from connector.journal.model import stamp
from connector.journal.store import Journal
from connector.journal.tx import Tx

_log = structlog.get_logger(__name__)

IN_A_ROW: Final = 50
"""Deliveries of one patient worked on before the others of the destination have their turn."""

_PATIENCE: Final = 5.0
"""Seconds a wake-up waits for room before it is given back."""
_PAUSE: Final = 0.5
_HEAD: Final = "SELECT 1 FROM head WHERE delivery_id = ? AND due <= ?"


@dataclass(frozen=True, slots=True)
class _Held:
    """A delivery in our hands, its fence drawn before it was started: a lapse in between closes it."""

    delivery: Delivery
    probe: bool
    fence: Fence


class Hands:
    """The deliveries in the hands of this process, `node` by name on the roll.

    `let_go` is called (in the event loop) each time a wake-up has been dealt with.
    """

    def __init__(
        self,
        journal: Journal,
        handlers: Mapping[str, Handler],
        destinations: Destinations,
        lease: Lease,
        *,
        node: str,
        policy: Policy,
        random: Callable[[], float],
        let_go: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._handlers = handlers
        self._destinations = destinations
        self._lease = lease
        self._node = node
        self._policy = policy
        self._random = random
        self._let_go = let_go
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._hearing: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.running: dict[int, Delivery] = {}
        self.trouble = ""

    # -- life ----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Nothing is started any more; what runs goes on."""
        self._stopping = True

    def drop(self) -> list[Finished]:
        """Gives up what still runs, to be recorded by `give_back` once the lease is lost."""
        for task in list(self._hearing):
            task.cancel()
        left, self.running = self.running, {}
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        if left:
            _log.warning("engine stopped before its handlers", running=len(left))
        return [Finished(one.id, run, FenceLost("the engine stopped")) for run, one in left.items()]

    async def give_back(self, left: list[Finished]) -> None:
        """Raises JournalError: then the others see that this process has left the roll."""
        for lost in left:
            await self._journal.transact_async(partial(self._finish, finished=lost))

    def widen(self) -> None:
        """New threads from now on, as many as the destinations now want; the former end with their work."""
        former, self._pools = self._pools, {}
        for pool in former.values():
            pool.shutdown(wait=False)

    # -- one wake-up ---------------------------------------------------------------------------------------

    async def hear(self, delivery_id: int, destination: str) -> None:
        """Works on the delivery if it still is a due head, then on the patient's next ones of this destination."""
        task = asyncio.current_task()
        assert task is not None
        self._hearing.add(task)
        task.add_done_callback(_heard)
        try:
            held = await self._first(delivery_id, destination)
            turns = IN_A_ROW
            while held is not None:
                turns -= 1
                held = await self._carry(held, last=turns <= 0)
        except Exception as error:  # noqa: BLE001 - said here: procrastinate's own log is silenced
            _log.error("wake-up failed", delivery_id=delivery_id, error=type(error).__name__, where=where(error))
        finally:
            self._hearing.discard(task)
            self._let_go()

    async def _first(self, delivery_id: int, destination: str) -> _Held | None:
        if not await self._room(destination):
            return None
        return await self._start(destination, partial(_start_head, delivery_id=delivery_id, node=self._node))

    async def _start(self, destination: str, begin: Callable[[Tx], Delivery | None]) -> _Held | None:
        fence, probe = self._lease.fence(), self._destinations.started(destination)
        delivery = None
        try:
            delivery = await self._journal.transact_async(begin)
        finally:
            if delivery is None:
                self._destinations.finished(destination, None, probe)
        if delivery is None:
            return None
        self.running[delivery.run] = delivery
        return _Held(delivery, probe, fence)

    async def _carry(self, held: _Held, *, last: bool) -> _Held | None:
        """The attempt, its outcome, and the start of the patient's next delivery."""
        done = held.delivery
        loop, pool = asyncio.get_running_loop(), self._pool(done.destination)
        finished = await loop.run_in_executor(pool, attempt, self._journal, done, self._handlers, held.fence)
        self._destinations.finished(done.destination, getattr(finished.outcome, "unreachable", None), held.probe)
        go_on = not last and self._may_start(done.destination)
        started = await self._record(finished, done if go_on else None)
        self.running.pop(done.run, None)
        return started

    async def _record(self, finished: Finished, done: Delivery | None) -> _Held | None:
        """The outcome, as often as it takes; the delivery that follows `done` starts with it."""
        while True:
            try:
                if done is not None:
                    finish = partial(self._finish_and_start, finished=finished, done=done)
                    return await self._start(done.destination, finish)
                await self._journal.transact_async(partial(self._finish, finished=finished))
            except Exception as error:  # noqa: BLE001 - the outcome is kept in hand until the journal takes it
                self.trouble = type(error).__name__
                _log.error("outcome waits", delivery_id=finished.delivery_id, error=self.trouble, where=where(error))
                await asyncio.sleep(_PAUSE)
            else:
                return None
            finally:
                self.trouble = ""

    def _finish(self, tx: Tx, *, finished: Finished) -> None:
        steps.finish(tx, finished, self._policy, self._random())

    def _finish_and_start(self, tx: Tx, *, finished: Finished, done: Delivery) -> Delivery | None:
        self._finish(tx, finished=finished)
        head = heads.first(tx.connection, (done.patient_id, done.lane), self._journal.config.dead_letter)
        if head is None or head["destination"] != done.destination or head["due"] > stamp(tx.now):
            return None
        following = tx.delivery(head["id"])
        # Merged meanwhile: another wake-up decides.
        return steps.start(tx, following, self._node) if following.patient_id == done.patient_id else None

    # -- room ----------------------------------------------------------------------------------------------

    def _may_start(self, destination: str) -> bool:
        return not self._stopping and self._lease.held and self._destinations.room(destination) > 0

    async def _room(self, destination: str) -> bool:
        """Waits a little for room; False gives the wake-up back, to be heard again or by another process."""
        end = time.monotonic() + _PATIENCE
        while not self._may_start(destination):
            if self._stopping or time.monotonic() > end:
                return False
            await asyncio.sleep(min(max(self._destinations.seconds(destination), 0.01), 0.2))
        return True

    def _pool(self, destination: str) -> ThreadPoolExecutor:
        """Threads of a destination, or of its family: as many as it may ever occupy, made when needed."""
        name = family(destination)
        pool = self._pools.get(name)
        if pool is None:
            prefix = f"delivery-{name}" if name else "delivery"
            pool = self._pools[name] = ThreadPoolExecutor(self._destinations.threads(destination), prefix)
        return pool


def _start_head(tx: Tx, *, delivery_id: int, node: str) -> Delivery | None:
    """Starts the delivery if it still is a due head: a wake-up may be doubled, or late."""
    if tx.execute(_HEAD, (delivery_id, stamp(tx.now))).fetchone() is None:
        return None
    delivery = tx.delivery(delivery_id)
    # Asked again: the patient is locked only now.
    if tx.execute(_HEAD, (delivery_id, stamp(tx.now))).fetchone() is None:
        return None
    return steps.start(tx, delivery, node)


def _heard(task: asyncio.Task[None]) -> None:
    """A job whose end the database did not take is swept: nobody else asks what became of its task."""
    if not task.cancelled():
        task.exception()
