"""Rows as bytes that do not depend on the database, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from connector.journal.db.connection import Connection
from connector.journal.move.layout import Table

_AT_ONCE: Final = 200
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows, and the SHA-256 (hex) of all of them in the order of their key."""

    count: int
    sha256: str


class Digester:
    """Takes rows one by one."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._count = 0

    def add(self, values: Values) -> None:
        for value in values:
            self._hash.update(_canonical(value))
        self._hash.update(b"\n")
        self._count += 1

    @property
    def digest(self) -> Digest:
        return Digest(self._count, self._hash.hexdigest())


def _canonical(value: Any) -> bytes:
    """Kind, length and bytes: no two values, and no two rows, read the same."""
    match value:
        case None:
            return b"-;"
        case int():
            return b"i%d;" % value
        case str():
            text = value.encode()
            return b"t%d:%b;" % (len(text), text)
        case bytes():
            return b"b%d:%b;" % (len(value), value)
        case _:
            raise TypeError(f"no form for a {type(value).__name__}")


def read(connection: Connection, table: Table) -> Iterator[Values]:
    """Every row in order, a few at a time in memory. Inside the caller's transaction."""
    with closing(_cursor(connection, table)) as rows:
        for row in rows:
            yield tuple(_plain(value) for value in row)


def _cursor(connection: Connection, table: Table) -> Any:
    if connection.dialect == "sqlite":
        return connection.execute(table.select)
    # Named: the server keeps the rows, and sends some of them.
    cursor = connection.raw.cursor(name=f"move_{table.name}")  # type: ignore[attr-defined]
    cursor.itersize = _AT_ONCE
    return cursor.execute(table.select)


def _plain(value: Any) -> Any:
    match value:
        case str():
            # PostgreSQL cannot hold NUL in a text: the journal writes this in its place there.
            return value.replace("\x00", "\ufffd")
        case memoryview() | bytearray():
            return bytes(value)
        case _:
            return value
