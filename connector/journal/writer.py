"""The one thread that writes: takes all that is queued, commits it once (group commit), wakes the callers.

Durable acknowledgements cost one fsync per batch, not per message (stack.md §3: 3.5 times the throughput).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import Future
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import structlog

from connector.base.clock import Clock
from connector.journal.db.connection import Connection
from connector.journal.db.failures import Busy, is_contention, is_database_error, is_store_failure, where
from connector.journal.inbox import Row, store
from connector.journal.model import Committed, DeadLetter, JournalError, LineWritten, Stored
from connector.journal.tx import Tx

if TYPE_CHECKING:
    from connector.journal.audit.entry import AuditEntry

_log = structlog.get_logger(__name__)

Waiter = asyncio.Future[Any] | Future[Any]
AppendAudit = Callable[[Connection, "Sequence[AuditEntry]", datetime], None]
"""Adds lines to the audit chain, inside the transaction that is about to be committed."""

_TRIES: Final = 5
_KEPT: Final = 10_000
_PAUSE: Final = 1.0
_LINGER: Final = 0.03
"""Seconds during which what nobody waits for may wait for a batch to go with: a commit less, an fsync less."""


class Item:
    """One thing to write: a message row, or a function over a Tx."""

    __slots__ = ("deferred", "error", "fn", "loop", "row", "value", "waiter")

    def __init__(
        self,
        waiter: Waiter | None,
        loop: asyncio.AbstractEventLoop | None,
        row: Row | None = None,
        fn: Callable[[Tx], Any] | None = None,
    ) -> None:
        self.waiter = waiter
        self.loop = loop
        self.row = row
        self.fn = fn
        self.value: Any = None
        self.error: BaseException | None = None
        self.deferred = False


_NUDGE: Final = Item(None, None)


class Writer:
    """Owns the writing connection. `put` may be called from any thread."""

    def __init__(
        self,
        connection: Connection,
        reopen: Callable[[], Connection],
        clock: Clock,
        dead_letter: DeadLetter,
        committed: Callable[[Committed], None],
        append_audit: AppendAudit,
    ) -> None:
        self._connection = connection
        self._reopen = reopen
        self._clock = clock
        self._dead_letter: DeadLetter = dead_letter
        self._committed = committed
        self._append_audit = append_audit
        self._deferred: list[Item] = []
        self._posted: deque[Item] = deque()
        self._kept: list[Item] = []
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._dead = False
        self._moved = False
        self._lines: list[LineWritten] = []
        self._audits: list[AuditEntry] = []
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queues `item`; its waiter is resolved after the commit."""
        self._queue.put(item)
        if self._dead:
            self._refuse_leftovers()

    def post(self, item: Item) -> None:
        """Queues what nobody waits for: written with the next batch, at the latest after `_LINGER` seconds."""
        waiting = bool(self._posted)
        self._posted.append(item)
        if not waiting:
            self.put(_NUDGE)

    def is_current_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Writes all that was queued before, then stops the thread and closes the file."""
        self._queue.put(None)
        self._thread.join()

    # -- the thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping or self._deferred:
            batch, asked = self._take()
            stopping |= asked
            if batch:
                self._write(batch)
        self._dead = True
        self._say_lost(self._kept)
        self._refuse_leftovers()
        self._connection.close()

    def _take(self) -> tuple[list[Item], bool]:
        """Waits for one item, then takes everything already queued; True when asked to stop.

        What gave way to another process comes first: it now waits for its turn.
        """
        batch, self._deferred = self._deferred, []
        try:
            item = self._queue.get_nowait() if batch else self._queue.get(timeout=_PAUSE if self._kept else None)
            if item is _NUDGE:
                item = self._queue.get(timeout=_LINGER)
            while item is not None:
                if item is not _NUDGE:
                    batch.append(item)
                item = self._queue.get_nowait()
        except Empty:
            return self._with_posted(batch), False
        return self._with_posted(batch), True

    def _with_posted(self, batch: list[Item]) -> list[Item]:
        """What nobody waits for goes first: it was asked before what its asker waits for now."""
        kept, self._kept = self._kept, []
        return kept + [self._posted.popleft() for _ in range(len(self._posted))] + batch

    def _write(self, batch: list[Item], tries: int = _TRIES) -> None:
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must hear of it and the thread live
            self._roll_back()
            if is_contention(error) and tries:
                # Undone by the server to untangle two processes: one by one, the same work goes through.
                for item in batch:
                    self._write([item], tries - 1)
                return
            if len(batch) > 1 and not is_store_failure(error):
                # One row the database cannot bind must not refuse its neighbours.
                for item in batch:
                    self._write([item])
                return
            for item in batch:
                item.value, item.error = None, _failed(error)
            self._keep([item for item in batch if item.waiter is None])
            _resolve([item for item in batch if item.waiter is not None])
            return
        self._deferred += [item for item in batch if item.deferred]
        messages = any(item.row is not None for item in batch)
        self._committed(Committed(messages, self._moved, tuple(self._lines), len(batch)))
        _resolve([item for item in batch if not item.deferred])

    def _keep(self, posted: list[Item]) -> None:
        """What nobody waits for is tried again with the next batch: a full disk must not cost a line of the trail."""
        room = _KEPT - len(self._kept)
        self._kept += posted[:room]
        self._say_lost(posted[room:])

    def _say_lost(self, posted: Sized) -> None:
        if posted:
            _log.error("posted work lost", count=len(posted))

    def _commit(self, batch: list[Item]) -> None:
        connection = self._connection
        self._moved, self._lines, self._audits = False, [], []
        connection.execute("BEGIN IMMEDIATE")
        messages = [item for item in batch if item.row is not None]
        if messages:
            answers: list[Stored] = store(connection, [item.row for item in messages if item.row is not None])
            for item, answer in zip(messages, answers, strict=True):
                item.value = answer
            if connection.dialect == "postgresql":
                connection.execute("NOTIFY connector_messages")
        works = [(item, item.fn) for item in batch if item.fn is not None]
        posted = [work for work in works if work[0].waiter is None]
        if len(posted) > 1 and connection.dialect == "sqlite" and self._call_together(posted):
            works = [work for work in works if work[0].waiter is not None]
        wait = True
        for item, fn in works:
            self._call(item, fn, wait)
            wait = False
        if self._audits:
            self._append_audit(connection, self._audits, self._clock())
        connection.execute("COMMIT")

    def _call_together(self, posted: Sequence[tuple[Item, Callable[[Tx], Any]]]) -> bool:
        """Runs several functions in one savepoint; False, and nothing done, when one of them fails."""
        tx = Tx(self._connection, self._clock(), self._dead_letter)
        try:
            with tx.savepoint("posted"):
                for item, fn in posted:
                    item.error, item.deferred = None, False
                    fn(tx)
                tx.refresh_heads()
                tx.write_rows()
        except Exception as error:
            if is_store_failure(error) or not self._connection.in_transaction:
                raise
            # Which one, and why, is said by running them one by one.
            return False
        self._take_over(tx)
        return True

    def _take_over(self, tx: Tx) -> None:
        self._moved |= tx.moved
        self._lines += tx.lines
        self._audits += tx.audits

    def _call(self, item: Item, fn: Callable[[Tx], Any], wait: bool) -> None:
        """Runs one function in its savepoint; its own failure is its caller's, a store failure is everybody's."""
        item.error, item.deferred = None, False
        tx = Tx(self._connection, self._clock(), self._dead_letter, wait=wait)
        try:
            with tx.savepoint("work"):
                item.value = fn(tx)
                tx.refresh_heads()
                tx.write_rows()
        except Busy:
            item.deferred = True
        except Exception as error:
            if is_store_failure(error) or not self._connection.in_transaction:
                raise
            item.error = error
        else:
            self._take_over(tx)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except Exception as error:
            if not is_database_error(error):
                raise
            self._replace_connection()
        else:
            if not self._connection.usable:
                self._replace_connection()

    def _replace_connection(self) -> None:
        """A connection that cannot even roll back is thrown away; without a new one the next batch tries again."""
        try:
            fresh = self._reopen()
        except JournalError as error:
            _log.error("journal cannot be reopened", cause=error.context.get("cause", ""))
            return
        self._connection.close()
        self._connection = fresh

    def _refuse_leftovers(self) -> None:
        leftovers: list[Item] = []
        try:
            while True:
                item = self._queue.get_nowait()
                if item is not None and item is not _NUDGE:
                    item.error = JournalError("the journal is closed")
                    leftovers.append(item)
        except Empty:
            _resolve(leftovers)
        self._say_lost(self._posted)
        self._posted.clear()


def _failed(error: BaseException) -> JournalError:
    # SQLite's own words name tables and causes, never values; PostgreSQL's may quote them.
    words = str(error) if isinstance(error, sqlite3.OperationalError) else type(error).__name__
    failure = JournalError(f"the journal could not write: {words}", cause=type(error).__name__)
    failure.__cause__ = error
    return failure


def _resolve(batch: list[Item]) -> None:
    """One wake-up per event loop and batch, whatever the number of callers."""
    loops: dict[asyncio.AbstractEventLoop, list[Item]] = {}
    for item in batch:
        if item.loop is None:
            _set(item)
        else:
            loops.setdefault(item.loop, []).append(item)
    for loop, items in loops.items():
        try:
            loop.call_soon_threadsafe(_set_all, items)
        except RuntimeError:
            # The loop was closed: nobody is left to tell, the rows are durable all the same.
            continue


def _set_all(items: list[Item]) -> None:
    for item in items:
        _set(item)


def _set(item: Item) -> None:
    waiter = item.waiter
    if waiter is None:
        if item.error is not None:
            _log.error("posted work failed", error=type(item.error).__name__, where=where(item.error))
        return
    if waiter.done():
        return
    if item.error is None:
        waiter.set_result(item.value)
    else:
        waiter.set_exception(item.error)
