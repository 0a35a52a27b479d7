"""The address of a store: `sqlite:///file` or `postgresql://user@host:port/database`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from connector.journal.db.connection import Dialect
from connector.journal.errors import JournalError

_SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = ("postgresql://", "postgres://")
_ALLOWED: Final = "sqlite:///path/journal.sqlite or postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """A parsed address. `path` is set for SQLite, `dsn` (a libpq address) for PostgreSQL."""

    dialect: Dialect
    path: Path | None = None
    dsn: str = ""

    @classmethod
    def parse(cls, store: str | Path, folder: Path | None = None) -> StoreUrl:
        """A Path, or a text without scheme, is a SQLite file; a relative file counts from `folder`.

        Raises JournalError naming what was found and what is allowed.
        """
        if isinstance(store, Path):
            return cls("sqlite", (folder or Path()) / store)
        if store.startswith(_SQLITE) and len(store) > len(_SQLITE):
            return cls("sqlite", (folder or Path()) / store.removeprefix(_SQLITE))
        if store.startswith(_POSTGRESQL):
            return cls("postgresql", None, store)
        if "://" in store or not store:
            raise JournalError(
                "no such kind of store", field="journal.store", found=_without_password(store), expected=_ALLOWED
            )
        return cls("sqlite", (folder or Path()) / store)

    def __str__(self) -> str:
        """For people and logs: never the password."""
        return f"{_SQLITE}{self.path}" if self.path is not None else _without_password(self.dsn)


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    if parts.password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
