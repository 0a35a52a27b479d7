"""PostgreSQL through psycopg, behind the same few calls as SQLite.

psycopg is an optional dependency (the `postgresql` extra): this module is imported only for such a store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown

from connector.journal.db.connection import Dialect
from connector.journal.errors import JournalError

# A process stopped inside a transaction must not keep a patient locked for the others.
_SESSION: Final = (
    "-c synchronous_commit=on -c idle_in_transaction_session_timeout=5s -c lock_timeout=10s"
    " -c timezone=UTC -c client_min_messages=warning"
)
_KEEPALIVE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class PgRow(tuple[Any, ...]):
    """A tuple that also answers by column name; one subclass per set of columns."""

    __slots__ = ()
    _index: dict[str, int] = {}  # noqa: RUF012 - replaced in each subclass

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            key = self._index[key]
        return tuple.__getitem__(self, key)

    def keys(self) -> list[str]:
        return list(self._index)


@lru_cache(maxsize=512)
def _row_class(names: tuple[str, ...]) -> type[PgRow]:
    return type("PgRow", (PgRow,), {"__slots__": (), "_index": {name: n for n, name in enumerate(names)}})


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], PgRow]:
    columns = cursor.description
    return _row_class(tuple(column.name for column in columns)) if columns else PgRow


class _TextDumper(StrDumperUnknown):
    """Text without NUL, which PostgreSQL cannot hold: a hostile field must not refuse the message around it."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\x00", "\ufffd") if "\x00" in obj else obj)


@lru_cache(maxsize=2048)
def _translate(sql: str) -> str:
    return "BEGIN" if sql == "BEGIN IMMEDIATE" else sql.replace("?", "%s")


class PgConnection:
    """A psycopg connection that takes the journal's common SQL."""

    dialect: Final[Dialect] = "postgresql"

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self.raw = raw

    @property
    def in_transaction(self) -> bool:
        return self.usable and self.raw.info.transaction_status != TransactionStatus.IDLE

    @property
    def usable(self) -> bool:
        return not (self.raw.closed or self.raw.broken)

    def execute(self, sql: str, params: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        return self.raw.execute(_translate(sql), params or None)

    def close(self) -> None:
        self.raw.close()


def connect(dsn: str, password: str | None = None, *, read_only: bool = False) -> PgConnection:
    """Opens a connection in autocommit. Raises JournalError, without the password, when the server does not answer."""
    options = _SESSION + (" -c default_transaction_read_only=on" if read_only else "")
    settings: dict[str, Any] = {**_KEEPALIVE, "options": options, "application_name": "dmp-connector"}
    if password:
        settings["password"] = password
    try:
        raw = psycopg.connect(dsn, autocommit=True, row_factory=_rows, **settings)
    except psycopg.Error as error:
        raise JournalError("the database does not answer", cause=type(error).__name__) from error
    raw.adapters.register_dumper(str, _TextDumper)
    return PgConnection(raw)
