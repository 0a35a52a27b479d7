"""The move itself: one transaction on each side, so that it happened entirely or not at all.

    source: engines kept out, writers kept out        target: empty, all rows copied, ids set, compared, committed
    source: marked as moved, committed

A crash before the first commit leaves the source as it was; between the two, the same command finds both equal and
only marks the source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from connector.journal.db.alone import alone
from connector.journal.db.connection import Connection
from connector.journal.db.failures import is_database_error
from connector.journal.db.migrate import Room, migrate
from connector.journal.db.opening import open_reader, open_writer
from connector.journal.engine.backoff import Backoff
from connector.journal.engine.steps import recover
from connector.journal.model import JournalConfig, JournalError
from connector.journal.move.layout import MOVED, Table, refuse_moved, sequences, set_sequences, tables
from connector.journal.move.rows import Digest, Digester, Values, read
from connector.journal.store import Journal

Progress = Callable[[str, int], None]
"""Told now and then: name of the table, rows of it so far."""

_SEEDED: Final = ("routing", "meta")
"""Tables that hold rows in a store nobody used yet."""
_EVERY: Final = 1000
_LEAVING: Final = 2.0
"""Seconds PostgreSQL may take to end the connections of a process that is gone."""
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'dmp-connector' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One table on both sides."""

    table: str
    source: Digest
    target: Digest

    @property
    def equal(self) -> bool:
        return self.source == self.target


@dataclass(frozen=True, slots=True)
class Move:
    """What is moved where. `rooms` are the tables of other rooms, `policy` the back-off of a kind of delivery."""

    source: JournalConfig
    target: JournalConfig
    rooms: Sequence[Room] = ()
    policy: Callable[[str], Backoff] = field(default=lambda kind: Backoff())
    progress: Progress = field(default=lambda table, rows: None)


def move(task: Move) -> list[Compared]:
    """Carries everything over and compares it, then marks the source. Raises JournalError, and then nothing moved."""
    _different(task)
    with _no_engine(task.source), _words():
        _settle_interrupted(task)
        with _opened(task.source) as source, _opened(task.target) as target:
            for side in (source, target):
                migrate(side, task.rooms)
            refuse_moved(source)
            _same_tables(source, target)
            with _transaction(source), _transaction(target):
                _keep_writers_out(source)
                if _is_empty(target):
                    compared = _carry(task, source, target)
                else:
                    # Nothing but the mark was missing, or this is another store.
                    compared = _compare(task, source, target)
                    _refuse_different(compared, "the target store is not empty")
                target.execute("COMMIT")
                source.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (MOVED, str(task.target.url)))
                source.execute("COMMIT")
    return compared


def verify(task: Move) -> list[Compared]:
    """Compares both stores, writes nothing. They stay equal until an engine works on one. Raises JournalError."""
    _different(task)
    with _words(), _opened(task.source, reading=True) as source, _opened(task.target, reading=True) as target:
        _same_tables(source, target)
        with _transaction(source, reading=True), _transaction(target, reading=True):
            return _compare(task, source, target)


# -- who may work meanwhile --------------------------------------------------------------------------------------


@contextmanager
def _no_engine(config: JournalConfig) -> Iterator[None]:
    path = config.url.path
    if path is not None:
        if not path.exists():
            raise JournalError("no journal there", path=str(path))
        with alone(path):
            yield
        return
    if others := _others(config):
        raise JournalError("processes still work on this journal", field="connections", found=others, expected=0)
    yield


def _others(config: JournalConfig) -> int:
    """Connections of other processes, once those of a process that has just ended had time to go."""
    limit = time.monotonic() + _LEAVING
    while True:
        # a connection each time: within one transaction the view of activity does not change
        reader = open_reader(config)
        try:
            others = int(reader.execute(_OTHERS).fetchone()[0])
        finally:
            reader.close()
        if not others or time.monotonic() >= limit:
            return others
        time.sleep(0.05)


def _settle_interrupted(task: Move) -> None:
    """What a crash left running is put where the next engine finds it, as that engine's own start would."""
    if task.source.url.dialect != "sqlite":
        return
    journal = Journal.open(task.source, schemas=task.rooms)
    try:
        if journal.query("SELECT 1 FROM delivery WHERE run <> 0 LIMIT 1"):
            journal.transact(partial(recover, policy=task.policy, dead_letter=task.source.dead_letter))
    finally:
        journal.close()


def _keep_writers_out(source: Connection) -> None:
    # SQLite: BEGIN IMMEDIATE already did.
    if source.dialect == "postgresql":
        source.execute(f"LOCK TABLE {', '.join(tables(source))} IN SHARE ROW EXCLUSIVE MODE")


# -- copying -----------------------------------------------------------------------------------------------------


def _carry(task: Move, source: Connection, target: Connection) -> list[Compared]:
    last = sequences(source)
    with _without_references(target):
        written = {name: _copy(task, source, target, table) for name, table in tables(source).items()}
    set_sequences(target, last)
    compared = [Compared(name, digest, _digest(task, target, tables(target)[name])) for name, digest in written.items()]
    _refuse_different(compared, "the copy differs from the source")
    return compared


def _copy(task: Move, source: Connection, target: Connection, table: Table) -> Digest:
    digester = Digester()
    target.execute(f"DELETE FROM {table.name}")

    def rows() -> Iterator[Values]:
        for count, row in enumerate(read(source, table), start=1):
            digester.add(row)
            if count % _EVERY == 0:
                task.progress(table.name, count)
            yield row

    if target.dialect == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"
        for row in rows():
            target.execute(sql, row)
    else:
        raw = target.raw  # type: ignore[attr-defined]
        with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN") as copy:
            for row in rows():
                copy.write_row(row)
    task.progress(table.name, digester.digest.count)
    return digester.digest


@contextmanager
def _without_references(target: Connection) -> Iterator[None]:
    """Foreign keys are checked once, when all the rows are there: a patient may point to a later one."""
    if target.dialect == "sqlite":
        yield
        broken = target.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise JournalError("rows point to rows that are missing", field=str(broken[0][0]), found=len(broken))
        return
    rows = target.execute(
        "SELECT conrelid::regclass::text AS owner, conname, pg_get_constraintdef(oid) AS rule FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    ).fetchall()
    for row in rows:
        target.execute(f"ALTER TABLE {row['owner']} DROP CONSTRAINT {row['conname']}")
    yield
    for row in rows:
        target.execute(f"ALTER TABLE {row['owner']} ADD CONSTRAINT {row['conname']} {row['rule']}")


# -- comparing ---------------------------------------------------------------------------------------------------


def _compare(task: Move, source: Connection, target: Connection) -> list[Compared]:
    there = tables(target)
    return [
        Compared(name, _digest(task, source, table), _digest(task, target, there[name]))
        for name, table in tables(source).items()
    ]


def _digest(task: Move, connection: Connection, table: Table) -> Digest:
    digester = Digester()
    for count, row in enumerate(read(connection, table), start=1):
        digester.add(row)
        if count % _EVERY == 0:
            task.progress(table.name, count)
    return digester.digest


def _refuse_different(compared: Sequence[Compared], what: str) -> None:
    different = [one for one in compared if not one.equal]
    if different:
        first = different[0]
        raise JournalError(
            what,
            field=first.table,
            found=f"{first.target.count} rows, sha256 {first.target.sha256[:16]}…",
            expected=f"{first.source.count} rows, sha256 {first.source.sha256[:16]}…",
        )


def _same_tables(source: Connection, target: Connection) -> None:
    ours, theirs = _columns(tables(source)), _columns(tables(target))
    if ours != theirs:
        different = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        raise JournalError("the two stores have different tables", field=different[0], found=", ".join(different))


def _columns(found: Mapping[str, Table]) -> dict[str, tuple[str, ...]]:
    return {name: table.columns for name, table in found.items()}


def _is_empty(target: Connection) -> bool:
    names = [name for name in tables(target) if name not in _SEEDED]
    return not any(target.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in names)


def _different(task: Move) -> None:
    if str(task.source.url) == str(task.target.url):
        raise JournalError("the target is the source", field="to", found=str(task.target.url), expected="another store")


# -- connections -------------------------------------------------------------------------------------------------


@contextmanager
def _opened(config: JournalConfig, *, reading: bool = False) -> Iterator[Connection]:
    connection = open_reader(config) if reading else open_writer(config)
    try:
        if connection.dialect == "postgresql":
            # One side waits in its transaction while the other one works.
            connection.execute("SET idle_in_transaction_session_timeout = 0")
        else:
            connection.execute("PRAGMA foreign_keys=OFF")
        yield connection
    finally:
        connection.close()


@contextmanager
def _transaction(connection: Connection, *, reading: bool = False) -> Iterator[None]:
    """Whatever is not committed inside is undone."""
    if reading:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if connection.dialect == "postgresql" else "BEGIN")
    else:
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def _words() -> Iterator[None]:
    """A failing database in plain words; a driver's own text may quote a row."""
    try:
        yield
    except Exception as error:
        if not is_database_error(error):
            raise
        raise JournalError("the move failed, nothing was moved", cause=type(error).__name__) from error
