"""The one thread that writes: takes all that is queued, commits it once (group commit), wakes the callers.

Durable acknowledgements cost one fsync per batch, not per message (stack.md §3: 3.5 times the throughput).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

import structlog

from connector.base.clock import Clock
from connector.journal.db.failures import is_store_failure
from connector.journal.inbox import Row, store
from connector.journal.model import DeadLetter, JournalError, Stored
from connector.journal.tx import Tx

_log = structlog.get_logger(__name__)

Waiter = asyncio.Future[Any] | Future[Any]


class Item:
    """One thing to write: a message row, or a function over a Tx."""

    __slots__ = ("error", "fn", "loop", "row", "value", "waiter")

    def __init__(
        self,
        waiter: Waiter,
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


class Writer:
    """Owns the writing connection. `put` may be called from any thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        reopen: Callable[[], sqlite3.Connection],
        clock: Clock,
        dead_letter: DeadLetter,
        committed: Callable[[bool, bool], None],
    ) -> None:
        self._connection = connection
        self._reopen = reopen
        self._clock = clock
        self._dead_letter: DeadLetter = dead_letter
        self._committed = committed
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._dead = False
        self._moved = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Queues `item`; its waiter is resolved after the commit."""
        self._queue.put(item)
        if self._dead:
            self._refuse_leftovers()

    def is_current_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Writes all that was queued before, then stops the thread and closes the file."""
        self._queue.put(None)
        self._thread.join()

    # -- the thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._take()
            if batch:
                self._write(batch)
        self._dead = True
        self._refuse_leftovers()
        self._connection.close()

    def _take(self) -> tuple[list[Item], bool]:
        """Waits for one item, then takes everything already queued; True when asked to stop."""
        batch: list[Item] = []
        item = self._queue.get()
        try:
            while item is not None:
                batch.append(item)
                item = self._queue.get_nowait()
        except Empty:
            return batch, False
        return batch, True

    def _write(self, batch: list[Item]) -> None:
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must hear of it and the thread live
            self._roll_back()
            if len(batch) > 1 and not is_store_failure(error):
                # One row SQLite cannot bind must not refuse its neighbours.
                for item in batch:
                    self._write([item])
                return
            for item in batch:
                item.value, item.error = None, _failed(error)
        else:
            self._committed(any(item.row is not None for item in batch), self._moved)
        _resolve(batch)

    def _commit(self, batch: list[Item]) -> None:
        connection = self._connection
        self._moved = False
        connection.execute("BEGIN IMMEDIATE")
        messages = [item for item in batch if item.row is not None]
        if messages:
            answers: list[Stored] = store(connection, [item.row for item in messages if item.row is not None])
            for item, answer in zip(messages, answers, strict=True):
                item.value = answer
        for item in batch:
            if item.fn is not None:
                self._call(item, item.fn)
        connection.execute("COMMIT")

    def _call(self, item: Item, fn: Callable[[Tx], Any]) -> None:
        """Runs one function in its savepoint; its own failure is its caller's, a store failure is everybody's."""
        item.error = None
        tx = Tx(self._connection, self._clock(), self._dead_letter)
        try:
            with tx.savepoint("work"):
                item.value = fn(tx)
                tx.refresh_heads()
            self._moved |= tx.moved
        except Exception as error:
            if is_store_failure(error) or not self._connection.in_transaction:
                raise
            item.error = error

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
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
                if item is not None:
                    item.error = JournalError("the journal is closed")
                    leftovers.append(item)
        except Empty:
            _resolve(leftovers)


def _failed(error: BaseException) -> JournalError:
    # SQLite's own words name tables and causes, never values.
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
    if waiter.done():
        return
    if item.error is None:
        waiter.set_result(item.value)
    else:
        waiter.set_exception(item.error)
