"""The journal: messages in, transactions, read-only queries."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from connector.base.clock import Clock, utc_now
from connector.journal import inbox
from connector.journal.db.schema import migrate, open_writer
from connector.journal.model import Incoming, JournalConfig, JournalError, Stored
from connector.journal.reader import JournalReader
from connector.journal.tx import Tx
from connector.journal.writer import Item, Writer

T = TypeVar("T")
Listener = Callable[[bool, bool], None]
"""Told, on the writer thread, after a commit: were there messages, did deliveries move."""


class Journal(JournalReader):
    """The durable store of one connector, on one SQLite file. All methods may be called from any thread."""

    def __init__(self, connection: sqlite3.Connection, config: JournalConfig, clock: Clock) -> None:
        super().__init__(config)
        self._listeners: tuple[Listener, ...] = ()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Item]] = {}
        self._writer = Writer(connection, partial(open_writer, config), clock, config.dead_letter, self._tell)

    @classmethod
    def open(cls, config: JournalConfig, clock: Clock = utc_now, schemas: Sequence[str] = ()) -> Journal:
        """Opens or creates the file and brings it up to date.

        `schemas` are `CREATE TABLE IF NOT EXISTS …` scripts of other rooms. Raises JournalError.
        """
        connection = open_writer(config)
        try:
            migrate(connection, clock(), schemas)
        except sqlite3.Error as error:
            connection.close()
            raise JournalError("the journal cannot be brought up to date", cause=str(error)) from error
        except JournalError:
            connection.close()
            raise
        return cls(connection, config, clock)

    def close(self) -> None:
        """Writes what is queued, then closes every connection. Calls made later raise JournalError."""
        self._closed = True
        for loop in list(self._gathered):
            self._hand_over(loop)
        self._writer.close()
        super().close()

    # -- messages ------------------------------------------------------------------------------------------

    async def accept(self, incoming: Incoming) -> Stored:
        """Stores a message; durable when it returns. Raises JournalError, and then nothing was kept."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Stored] = loop.create_future()
        item = Item(waiter, loop, row=inbox.to_row(incoming))
        gathered = self._gathered.get(loop)
        if gathered is None:
            self._gathered[loop] = [item]
            loop.call_soon(self._hand_over, loop)
        else:
            gathered.append(item)
        return await waiter

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """What one turn of the loop accepted goes to the writer together: one wake-up, larger batches."""
        for item in self._gathered.pop(loop, []):
            self._writer.put(item)

    def accept_sync(self, incoming: Incoming) -> Stored:
        """`accept` for a thread without event loop."""
        waiter: Future[Stored] = Future()
        self._writer.put(Item(waiter, None, row=inbox.to_row(incoming)))
        return waiter.result()

    # -- transactions --------------------------------------------------------------------------------------

    def transact(self, fn: Callable[[Tx], T]) -> T:
        """Runs `fn` in a transaction on the writer thread; durable when it returns.

        When `fn` raises, it alone is undone and its exception comes out here; when the disk fails,
        JournalError. Must not be called from inside another transaction.
        """
        if self._writer.is_current_thread():
            raise JournalError("a transaction cannot open another one: use its Tx")
        waiter: Future[T] = Future()
        self._writer.put(Item(waiter, None, fn=fn))
        return waiter.result()

    async def transact_async(self, fn: Callable[[Tx], T]) -> T:
        """`transact` without blocking the event loop."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._writer.put(Item(waiter, loop, fn=fn))
        return await waiter

    # -- news ----------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` after each commit until the function given back is called. It must not raise."""
        self._listeners = (*self._listeners, listener)
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Listener) -> None:
        self._listeners = tuple(other for other in self._listeners if other != listener)

    def _tell(self, messages: bool, deliveries: bool) -> None:
        for listener in self._listeners:
            listener(messages, deliveries)
