"""Bringing a store to the newest tables: alembic, one line of revisions per room.

A store that is up to date is known by one query: alembic is not even imported then.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from connector.journal.db.connection import Connection
from connector.journal.errors import JournalError


@dataclass(frozen=True, slots=True)
class Room:
    """The tables of one room: where its revisions are, and the newest of them."""

    name: str
    folder: Path
    head: str


JOURNAL: Final = Room("journal", Path(__file__).parent / "migrations" / "versions", "journal_0002")
_SCRIPTS: Final = Path(__file__).parent / "migrations"

_MIGRATION_LOCK: Final = -4


def revisions(connection: Connection) -> set[str]:
    """The newest revision of each room in this store, none when it is empty."""
    if not _has_table(connection, "alembic_version"):
        return set()
    return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version").fetchall()}


def migrate(connection: Connection, rooms: Sequence[Room] = ()) -> None:
    """Brings the store to the newest revision of the journal and of `rooms`, all or nothing.

    Raises JournalError when the store was written by a newer version, or cannot be brought up to date.
    """
    wanted = (JOURNAL, *rooms)
    if {room.head for room in wanted} <= revisions(connection):
        return
    try:
        with _Alone(connection):
            _upgrade(connection, wanted)
    except JournalError:
        raise
    except Exception as error:
        # SQLAlchemy wraps the driver's error; what it says names tables, never values.
        raise JournalError("the journal cannot be brought up to date", cause=str(error).splitlines()[0]) from error


class _Alone:
    """One process migrates at a time; the others then find nothing left to do."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._lock("pg_advisory_lock")

    def __exit__(self, *_: object) -> None:
        if self._connection.usable:
            self._lock("pg_advisory_unlock")

    def _lock(self, function: str) -> None:
        if self._connection.dialect == "postgresql":
            self._connection.execute("SET lock_timeout = 0")
            self._connection.execute(f"SELECT {function}({_MIGRATION_LOCK})")
            self._connection.execute("SET lock_timeout TO DEFAULT")


def _upgrade(connection: Connection, rooms: Sequence[Room]) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", _escaped(_SCRIPTS))
    config.set_main_option("version_locations", os.pathsep.join(_escaped(room.folder) for room in rooms))
    config.set_main_option("path_separator", "os")
    _refuse_newer(connection, ScriptDirectory.from_config(config))
    with _sqlalchemy(connection) as borrowed:
        config.attributes["connection"] = borrowed
        if _has_table(connection, "schema_version"):
            # A file of the first release: it has the first tables, numbered its own way.
            command.stamp(config, "journal_0001")
            borrowed.exec_driver_sql("DROP TABLE schema_version")
        command.upgrade(config, "heads")


def _refuse_newer(connection: Connection, scripts: Any) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = sorted(revisions(connection) - known)
    if unknown:
        raise JournalError(
            "the journal was written by a newer version", field="alembic_version", found=unknown[0], expected=max(known)
        )


def _sqlalchemy(connection: Connection) -> Any:
    """A context whose SQLAlchemy connection runs everything in one transaction of the connection we have."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    if connection.dialect == "sqlite":
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        # Python's sqlite3 opens no transaction before DDL: opened here, a failed migration leaves nothing.
        event.listen(engine, "begin", lambda borrowed: borrowed.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine.begin()
    raw = connection.raw  # type: ignore[attr-defined]
    engine = create_engine("postgresql+psycopg://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", lambda borrowed: borrowed.exec_driver_sql("BEGIN"))
    return engine.begin()


def _has_table(connection: Connection, name: str) -> bool:
    if connection.dialect == "sqlite":
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    else:
        found = connection.execute("SELECT 1 WHERE to_regclass(?) IS NOT NULL", (name,))
    return found.fetchone() is not None


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
