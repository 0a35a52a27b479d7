"""Which tables a store has, their columns, and the order that makes two stores comparable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector.journal.db.connection import Connection
from connector.journal.errors import JournalError

_NOT_DATA: Final = ("alembic_version", "node")
"""What each store keeps for itself: its revisions, and the processes that work on it."""
_OTHERS: Final = ("sqlite_", "procrastinate_")
MOVED: Final = "moved-to"
"""Name of the row of `meta` that says a store was left, and for which."""


def refuse_moved(connection: Connection) -> None:
    """Raises JournalError on a store that was left for another one: what is written to it would be lost."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (MOVED,)).fetchone()
    if row is not None:
        raise JournalError(
            "this journal was moved to another store", field="journal.store", found="moved", expected=row[0]
        )


@dataclass(frozen=True, slots=True)
class Table:
    """`key` columns give the order; all columns where a table has no primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def select(self) -> str:
        """Every row in the order of its key; text compares by its bytes in both databases."""
        # What says that a store was moved belongs to that store alone.
        where = f" WHERE name <> '{MOVED}'" if self.name == "meta" else ""
        return f"SELECT {', '.join(self.columns)} FROM {self.name}{where} ORDER BY {', '.join(self.key)}"


def tables(connection: Connection) -> dict[str, Table]:
    """The tables that hold data, by name."""
    if connection.dialect == "sqlite":
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    else:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
            ' ORDER BY relname COLLATE "C"'
        ).fetchall()
    names = [row[0] for row in found]
    return {name: _table(connection, name) for name in names if name not in _NOT_DATA and not name.startswith(_OTHERS)}


def _table(connection: Connection, name: str) -> Table:
    columns, key = _sqlite(connection, name) if connection.dialect == "sqlite" else _postgresql(connection, name)
    return Table(name, tuple(sorted(columns)), key or tuple(sorted(columns)))


def _sqlite(connection: Connection, name: str) -> tuple[list[str], tuple[str, ...]]:
    rows = connection.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((row["pk"], row["name"]) for row in rows if row["pk"])
    return [row["name"] for row in rows], tuple(column for _, column in key)


def _postgresql(connection: Connection, name: str) -> tuple[list[str], tuple[str, ...]]:
    rows = connection.execute(
        "SELECT a.attname, array_position(i.indkey::int[], a.attnum::int) AS place FROM pg_attribute a"
        " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
        " WHERE a.attrelid = ?::regclass AND a.attnum > 0 AND NOT a.attisdropped",
        (name,),
    ).fetchall()
    key = sorted((row["place"], row["attname"]) for row in rows if row["place"] is not None)
    return [row["attname"] for row in rows], tuple(column for _, column in key)


def sequences(connection: Connection) -> dict[str, int]:
    """The last id given by each table that numbers its rows and never twice, where it gave one."""
    if connection.dialect == "sqlite":
        return {row[0]: row[1] for row in connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()}
    found = {}
    for name, table in tables(connection).items():
        sequence = _sequence(connection, table)
        if sequence:
            row = connection.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()
            if row["is_called"]:
                found[name] = int(row["last_value"])
    return found


def set_sequences(connection: Connection, last: dict[str, int]) -> None:
    """Makes the next id of each table larger than any it has, and than `last` says."""
    for name, table in tables(connection).items():
        if connection.dialect == "sqlite":
            _set_sqlite_sequence(connection, name, last.get(name, 0))
            continue
        sequence = _sequence(connection, table)
        if sequence:
            largest = connection.execute(f"SELECT coalesce(max(id), 0) FROM {name}").fetchone()[0]
            wanted = max(int(largest), last.get(name, 0))
            if wanted:
                connection.execute("SELECT setval(?::regclass, ?)", (sequence, wanted))


def _set_sqlite_sequence(connection: Connection, name: str, last: int) -> None:
    """Only tables declared AUTOINCREMENT remember; the others count from the largest id they have."""
    found = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone()
    if "AUTOINCREMENT" not in found[0]:
        return
    updated = connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, name))
    if not updated.rowcount:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))


def _sequence(connection: Connection, table: Table) -> str:
    """Name of the sequence behind the table's id, "" when it has none."""
    if "id" not in table.columns:
        return ""
    return str(connection.execute("SELECT pg_get_serial_sequence(?, 'id')", (table.name,)).fetchone()[0] or "")
