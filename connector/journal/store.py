"""The journal: messages in, transactions, read-only queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from connector.base.clock import Clock, utc_now
from connector.journal import inbox
from connector.journal.audit.chain import Chain
from connector.journal.audit.key import AuditKey
from connector.journal.db.connection import Connection
from connector.journal.db.migrate import Room, migrate
from connector.journal.db.opening import open_writer
from connector.journal.model import Committed, Incoming, JournalConfig, JournalError, Stored
from connector.journal.move.layout import refuse_moved
from connector.journal.reader import JournalReader
from connector.journal.tx import Tx
from connector.journal.writer import Item, Writer

T = TypeVar("T")
Listener = Callable[[Committed], None]
"""Told, on the writer thread, after each commit of this process."""


class Journal(JournalReader):
    """The durable store of one connector, in one database. All methods may be called from any thread."""

    def __init__(self, connection: Connection, config: JournalConfig, clock: Clock, chain: Chain) -> None:
        super().__init__(config)
        self._chain = chain
        self._listeners: tuple[Listener, ...] = ()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Item]] = {}
        self._writer = Writer(
            connection, partial(open_writer, config), clock, config.dead_letter, self._tell, chain.append
        )

    @classmethod
    def open(cls, config: JournalConfig, clock: Clock = utc_now, schemas: Sequence[Room] = ()) -> Journal:
        """Opens or creates the store and brings it up to date.

        `schemas` are the tables of other rooms. Raises JournalError, and SettingsError when the key of the audit trail
        cannot be used.
        """
        connection = open_writer(config)
        chain = Chain(config)
        try:
            migrate(connection, schemas)
            refuse_moved(connection)
            if chain.has_file:
                chain.open(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection, config, clock, chain)

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

    def post(self, fn: Callable[[Tx], object]) -> None:
        """`transact` without waiting: done in the order asked, no later than what is asked afterwards.

        Tried again while the disk is full; another failure is logged, nobody hears of it.
        """
        self._writer.post(Item(None, None, fn=fn))

    @property
    def audit_key(self) -> AuditKey:
        """The key of the audit trail. Raises SettingsError when the settings name none (PostgreSQL)."""
        return self._chain.key

    # -- news ----------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` after each commit until the function given back is called. It must not raise."""
        self._listeners = (*self._listeners, listener)
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Listener) -> None:
        self._listeners = tuple(other for other in self._listeners if other != listener)

    def _tell(self, committed: Committed) -> None:
        for listener in self._listeners:
            listener(committed)
