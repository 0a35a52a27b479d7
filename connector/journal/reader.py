"""The reading side of the journal: what is committed, seen by any thread, also beside a running daemon."""

from __future__ import annotations

import threading
from pathlib import Path
from weakref import WeakSet

from connector.journal import links
from connector.journal.db.connection import Connection, Params, Row
from connector.journal.db.failures import is_database_error
from connector.journal.db.opening import open_reader
from connector.journal.deliveries import Delivery, from_row
from connector.journal.lifecycle import LifecycleError
from connector.journal.model import JournalConfig, JournalError


class _Reader:
    """A thread's own connection: it is closed with the journal, or with its thread if that ends first."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        # psycopg warns of a connection that is merely forgotten
        self.connection.close()


class JournalReader:
    """Reads only, without starting a writer: for the command line while a daemon runs."""

    def __init__(self, config: JournalConfig) -> None:
        self.config = config
        self._local = threading.local()
        self._readers: WeakSet[_Reader] = WeakSet()
        self._closed = False

    @property
    def path(self) -> Path:
        return self.config.path

    def close(self) -> None:
        """Closes every connection. Calls made later raise JournalError."""
        self._closed = True
        for reader in list(self._readers):
            reader.connection.close()

    def query(self, sql: str, params: Params = ()) -> list[Row]:
        """Rows of a read-only query, on this thread's own connection, of what is committed.

        Raises JournalError, also for a statement that would write.
        """
        connection = self._reader()
        try:
            return connection.execute(sql, params).fetchall()
        except Exception as error:
            if not is_database_error(error):
                raise
            if connection.usable:
                raise JournalError(f"the journal could not be read: {error}", cause=type(error).__name__) from error
        # The server restarted since this thread last read: a new connection, once.
        del self._local.reader
        try:
            return self._reader().execute(sql, params).fetchall()
        except Exception as error:
            if not is_database_error(error):
                raise
            raise JournalError("the journal could not be read", cause=type(error).__name__) from error

    def delivery(self, delivery_id: int) -> Delivery:
        """The delivery as committed. Raises LifecycleError when there is none."""
        rows = self.query("SELECT * FROM delivery WHERE id = ?", (delivery_id,))
        if not rows:
            raise LifecycleError("absent", "load", delivery_id=delivery_id)
        return from_row(rows[0])

    def family(self, patient_id: int) -> list[int]:
        """The surviving patient first, then all those merged into it. Raises JournalError when unknown."""
        return links.family(self._reader(), patient_id)

    def _reader(self) -> Connection:
        if self._closed:
            raise JournalError("the journal is closed")
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = _Reader(open_reader(self.config))
            self._local.reader = reader
            self._readers.add(reader)
        return reader.connection
