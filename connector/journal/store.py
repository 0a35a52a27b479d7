"""The journal: messages in, transactions, read-only queries."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from connector.base.clock import Clock, utc_now
from connector.journal import inbox, links
from connector.journal.deliveries import Delivery, load
from connector.journal.model import Incoming, JournalConfig, JournalError, Stored
from connector.journal.schema import migrate, open_reader, open_writer
from connector.journal.tx import Tx
from connector.journal.writer import Item, Writer

T = TypeVar("T")
Listener = Callable[[bool, bool], None]
"""Told, on the writer thread, after a commit: were there messages, did deliveries move."""


class _Reader:
    """A thread's own connection: it is closed with the journal, or with its thread if that ends first."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection


class Journal:
    """The durable store of one connector, on one SQLite file. All methods may be called from any thread."""

    def __init__(self, connection: sqlite3.Connection, config: JournalConfig, clock: Clock) -> None:
        self.config = config
        self._listeners: tuple[Listener, ...] = ()
        self._writer = Writer(connection, partial(open_writer, config), clock, config.dead_letter, self._tell)
        self._local = threading.local()
        self._readers: WeakSet[_Reader] = WeakSet()
        self._closed = False

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

    @property
    def path(self) -> Path:
        return self.config.path

    def close(self) -> None:
        """Writes what is queued, then closes every connection. Calls made later raise JournalError."""
        self._closed = True
        self._writer.close()
        for reader in list(self._readers):
            reader.connection.close()

    # -- messages ------------------------------------------------------------------------------------------

    async def accept(self, incoming: Incoming) -> Stored:
        """Stores a message; durable when it returns. Raises JournalError, and then nothing was kept."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Stored] = loop.create_future()
        self._writer.put(Item(waiter, loop, row=inbox.to_row(incoming)))
        return await waiter

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

    # -- reads ---------------------------------------------------------------------------------------------

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Rows of a read-only query, on this thread's own connection, of what is committed.

        Raises JournalError, also for a statement that would write.
        """
        try:
            return self._reader().execute(sql, params).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"the journal could not be read: {error}", cause=type(error).__name__) from error

    def delivery(self, delivery_id: int) -> Delivery:
        """The delivery as committed. Raises LifecycleError when there is none."""
        return load(self._reader(), delivery_id)

    def family(self, patient_id: int) -> list[int]:
        """The surviving patient first, then all those merged into it. Raises JournalError when unknown."""
        return links.family(self._reader(), patient_id)

    def _reader(self) -> sqlite3.Connection:
        if self._closed:
            raise JournalError("the journal is closed")
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = _Reader(open_reader(self.config.path, self.config.busy_timeout))
            self._local.reader = reader
            self._readers.add(reader)
        return reader.connection

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
