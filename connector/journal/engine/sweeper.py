"""What keeps several processes in step: every due head has a wake-up, and what a dead process held is taken over.

Each process runs one, on a connection of its own; they take turns under an advisory lock that ends with its
transaction (and the transaction, by the server, when its process is stopped in the middle).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
import structlog

from connector.base.clock import Clock
from connector.journal.engine import steps
from connector.journal.engine.lease import Lease
from connector.journal.engine.nodes import Roll, orphans
from connector.journal.engine.steps import NAMES, Policy
from connector.journal.engine.wakeups import Live, Wakeup, Wakeups, lock_of, queue_of
from connector.journal.model import stamp, unstamp
from connector.journal.store import Journal
from connector.journal.tx import Tx

_log = structlog.get_logger(__name__)

WINDOW: Final = 64
"""Wake-ups that stand at once for one destination: a backlog waits in the journal, where it costs nothing."""

_TURN: Final = "SELECT pg_advisory_xact_lock(1685, 2)"
_HEADS: Final = (
    "SELECT patient_id, lane, delivery_id FROM head WHERE destination = %s AND due <= %s"
    " ORDER BY due, delivery_id LIMIT %s"
)
_UNROUTED: Final = "SELECT 1 FROM message WHERE routed = 0 LIMIT 1"
_STILL: Final = "SELECT delivery_id FROM head WHERE delivery_id = ANY(%s)"
_LANES: Final = "SELECT patient_id, lane FROM head WHERE patient_id = ANY(%s)"
_OWNERS: Final = "SELECT DISTINCT node FROM attempt WHERE ended_at IS NULL"
_BEATS: Final = "SELECT name, beat_at FROM node"
_HELD: Final = (
    "SELECT delivery.id, delivery.run FROM attempt JOIN delivery ON delivery.run = attempt.id"
    " WHERE attempt.ended_at IS NULL AND attempt.node = ANY(%s) ORDER BY delivery.id"
)
# Only those seen dead: a date that jumps must not strike a living node off the roll.
_PURGE: Final = "DELETE FROM node WHERE name = ANY(%s) AND beat_at < %s"
_REMEMBERED: Final = timedelta(days=1)
_DEAF: Final = 15.0
"""Seconds after which a wake-up that was heard has come to nothing; a worker waits for room for a third of it."""
_UNKNOWN: Final = 3.0
"""Seconds after which an attempt in our name that never came back from its commit never will."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found.

    destinations  those with a head
    next_due      the instant (aware, UTC) the next of the others becomes due
    unrouted      whether messages wait for the router
    """

    destinations: tuple[str, ...]
    next_due: datetime | None
    unrouted: bool


class Sweeper:
    """The sweeps of one process. Methods raise psycopg and procrastinate errors while the database is away."""

    def __init__(
        self, journal: Journal, wakeups: Wakeups, held: Lease, *, node: str, lease: float, policy: Policy, clock: Clock
    ) -> None:
        self._journal = journal
        self._wakeups = wakeups
        self._held = held
        self._policy = policy
        self._clock = clock
        self._node = node
        self._roll = Roll(lease)
        self._unknown: dict[int, float] = {}
        self._idle: dict[int | None, float] = {}
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    # -- every due head has a wake-up ----------------------------------------------------------------------

    async def match(self) -> Seen:
        """Wakes a worker for each due head that nobody was woken for, as far as the window goes."""
        connection = await self._connected()
        now = self._clock()
        unrouted = bool(await self._all(_UNROUTED))
        async with connection.transaction():
            await connection.execute(_TURN)
            heads = [(name, unstamp(due)) for name, due in await self._all(NAMES)]
            names = [name for name, due in heads if due <= now]
            if names:
                await self._wake(names, stamp(now))
        later = [due for _, due in heads if due > now]
        return Seen(tuple(name for name, _ in heads), min(later, default=None), unrouted)

    async def _wake(self, names: Sequence[str], now: str) -> None:
        live = await self._wakeups.live()
        # A patient somebody was woken for gets no second wake-up: procrastinate would not let it pass.
        locks = {one.lock for one in live}
        unheard = Counter(one.queue for one in live if not one.heard)
        wakeups: list[Wakeup] = []
        for name in names:
            room = WINDOW - unheard[queue_of(name)]
            rows = await self._all(_HEADS, (name, now, WINDOW + len(live))) if room > 0 else []
            found = [Wakeup(delivery_id, (patient_id, lane), name) for patient_id, lane, delivery_id in rows]
            wakeups += [one for one in found if lock_of(one.lane) not in locks][:room]
        if wakeups:
            await self._wakeups.wake(wakeups)

    # -- what went wrong elsewhere -------------------------------------------------------------------------

    async def sweep(self, running: Collection[int]) -> int:
        """Takes over what nobody works on any more and clears the wake-ups nobody will hear.

        `running` are the attempts this process works on. Gives how many deliveries were taken over.
        """
        await self._connected()
        taken = await self._take_over() + await self._find_again(running)
        await self._wakeups.clear_stalled()
        live = await self._wakeups.live()
        await self._wakeups.forget([*await self._overtaken(live), *self._deaf(live, await self._lanes(live))])
        return taken

    async def _overtaken(self, live: Sequence[Live]) -> list[Live]:
        """Not heard yet, for what is no head any more."""
        waiting = [one for one in live if not one.heard]
        still = {row[0] for row in await self._all(_STILL, ([one.delivery_id for one in waiting],))}
        return [one for one in waiting if one.delivery_id not in still]

    async def _lanes(self, live: Sequence[Live]) -> set[str]:
        """Locks of the lanes in which nothing runs and something could."""
        patients = sorted({int(one.lock.partition(":")[0]) for one in live if one.heard})
        return {lock_of((patient_id, lane)) for patient_id, lane in await self._all(_LANES, (patients,))}

    def _deaf(self, live: Sequence[Live], lanes: Collection[str]) -> list[Live]:
        """Heard long ago, yet nothing was started: the end of the job was lost with a connection."""
        now = self._held.now()
        idle = [one for one in live if one.heard and one.lock in lanes]
        self._idle = {one.job.id: self._idle.get(one.job.id, now) for one in idle}
        return [one for one in idle if now - self._idle[one.job.id] >= _DEAF]

    async def _take_over(self) -> int:
        # Owners first: a node is on the roll before it starts anything.
        owners = [row[0] for row in await self._all(_OWNERS)]
        beats: dict[str, str] = dict(await self._all(_BEATS))
        dead = self._roll.look(beats, self._held.now())
        if dead:
            await self._all(f"{_PURGE} RETURNING name", (sorted(dead), stamp(self._clock() - _REMEMBERED)))
        gone = orphans(owners, beats, dead)
        if not gone:
            return 0
        held = await self._all(_HELD, (sorted(gone),))
        for delivery_id, run in held:
            await self._recover(delivery_id, run)
        if held:
            _log.warning("deliveries taken over", count=len(held), nodes=sorted(gone))
        return len(held)

    async def _find_again(self, running: Collection[int]) -> int:
        """Attempts in our name that we know nothing of: the answer to a commit was lost with the connection."""
        now = self._held.now()
        unknown = {
            run: delivery_id for delivery_id, run in await self._all(_HELD, ([self._node],)) if run not in running
        }
        self._unknown = {run: self._unknown.get(run, now) for run in unknown}
        lost = [run for run, since in self._unknown.items() if now - since >= _UNKNOWN]
        for run in lost:
            await self._recover(unknown[run], run)
        return len(lost)

    async def _recover(self, delivery_id: int, run: int) -> None:
        recover = partial(_recover, delivery_id=delivery_id, run=run, policy=self._policy)
        await self._journal.transact_async(recover)

    # -- the connection ------------------------------------------------------------------------------------

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.broken or self._connection.closed:
            await self.close()
            self._connection = await self._wakeups.connect("idle_in_transaction_session_timeout=5s")
        return self._connection

    async def _all(self, query: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        cursor = await self._connection.execute(query, params or None)
        return await cursor.fetchall()


def _recover(tx: Tx, *, delivery_id: int, run: int, policy: Policy) -> None:
    delivery = tx.delivery(delivery_id)
    if delivery.run == run:
        steps.recover_one(tx, delivery, policy)
