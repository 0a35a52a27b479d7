"""What the journal asks of a database connection, whichever database it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

Dialect = Literal["sqlite", "postgresql"]

Params = Sequence[Any]


class Row(Protocol):
    """One row: `row["name"]`, `row[0]`, `row.keys()`, and iteration over its values."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> Sequence[str]: ...


class Cursor(Protocol):
    """What `execute` gives back."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection in autocommit: transactions are opened and ended by BEGIN IMMEDIATE, COMMIT and ROLLBACK.

    The SQL is common to both: `?` marks, `ON CONFLICT … DO NOTHING`, `RETURNING id`; no `?` and no `%` in a literal.
    """

    @property
    def dialect(self) -> Dialect: ...
    @property
    def in_transaction(self) -> bool: ...
    @property
    def usable(self) -> bool: ...
    def execute(self, sql: str, params: Params = ..., /) -> Cursor: ...
    def close(self) -> None: ...
