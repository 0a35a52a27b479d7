"""transact: alone when it fails, together when the disk fails; and the disk that fills and empties."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connector.base.clock import utc_now
from connector.journal.db.migrate import migrate
from connector.journal.db.sqlite import SqliteConnection, open_writer
from connector.journal.model import JournalConfig, JournalError
from connector.journal.store import Journal
from connector.journal.tx import Tx
from connector.journal.writer import Item, Writer
from tests.journal.support import deliver, message, patient, state


def _add(tx: Tx, number: int) -> int:
    tx.execute("CREATE TABLE IF NOT EXISTS counted (n INTEGER)")
    tx.execute("INSERT INTO counted VALUES (?)", (number,))
    if number % 3 == 0:
        raise ValueError(number)
    return number


async def test_a_failing_transaction_is_undone_alone(journal: Journal) -> None:
    results = await asyncio.gather(
        *(journal.transact_async(partial(_add, number=n)) for n in range(9)), return_exceptions=True
    )
    assert [r if isinstance(r, int) else type(r) for r in results] == [
        n if n % 3 else ValueError for n in range(9)
    ]  # fmt: skip
    assert [row["n"] for row in journal.query("SELECT n FROM counted")] == [1, 2, 4, 5, 7, 8]


def test_a_wrong_statement_is_its_callers_problem(journal: Journal) -> None:
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable), match="nowhere"):
        journal.transact(lambda tx: tx.execute("SELECT * FROM nowhere"))
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.ForeignKeyViolation), match=r"(?i)foreign key"):
        journal.transact(lambda tx: tx.execute("INSERT INTO identifier VALUES ('d', 'v', 999)"))


def test_a_transaction_inside_a_transaction_is_refused(journal: Journal) -> None:
    with pytest.raises(JournalError, match="use its Tx"):
        journal.transact(lambda tx: journal.transact(lambda inner: None))


def _note_and_fail(tx: Tx) -> None:
    with tx.savepoint("part"):
        tx.note("lost", "perdu")
        raise ValueError("part")


def test_a_savepoint_undoes_its_part_only(journal: Journal) -> None:
    def work(tx: Tx) -> None:
        tx.note("kept", "gardé")
        with pytest.raises(ValueError, match="part"):
            _note_and_fail(tx)

    journal.transact(work)
    assert [row["event"] for row in journal.query("SELECT event FROM timeline")] == ["kept"]


def test_heads_follow_a_transaction_that_is_undone(journal: Journal) -> None:
    owner = patient(journal, 1)

    def work(tx: Tx) -> None:
        tx.deliver("send", owner, {})
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        journal.transact(work)
    assert journal.query("SELECT * FROM head") == []
    delivery_id = deliver(journal, owner)
    assert [row["delivery_id"] for row in journal.query("SELECT * FROM head")] == [delivery_id]


def _limit(journal: Journal, pages: int) -> None:
    journal.transact(lambda tx: tx.execute(f"PRAGMA max_page_count = {pages}").fetchone())


@pytest.mark.sqlite_only
async def test_a_full_disk_refuses_and_recovers_by_itself(journal: Journal) -> None:
    await journal.accept(message(0))
    pages = journal.transact(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
    _limit(journal, pages + 4)
    answers = await asyncio.gather(
        *(journal.accept(message(n, raw=b"x" * 3000)) for n in range(1, 40)), return_exceptions=True
    )
    assert any(isinstance(answer, JournalError) and "full" in str(answer) for answer in answers)
    assert all(isinstance(answer, JournalError) for answer in answers[10:])
    with pytest.raises(JournalError, match="full"):
        await journal.accept(message("big", raw=b"x" * 100_000))
    _limit(journal, 1_000_000)
    assert (await journal.accept(message(1))).duplicate is not isinstance(answers[0], JournalError)
    stored = await journal.accept(message(99))
    kept = {row["control_id"] for row in journal.query("SELECT control_id FROM message")}
    acknowledged = {f"control-{n}" for n, a in enumerate(answers, start=1) if not isinstance(a, JournalError)}
    assert kept == acknowledged | {"control-0", "control-1", "control-99"}
    assert stored.duplicate is False


@pytest.mark.sqlite_only
async def test_a_full_disk_fails_transactions_without_trace(journal: Journal) -> None:
    owner = patient(journal, 1)
    delivery_id = deliver(journal, owner, state="held", reason="attente", reason_code="x")
    pages = journal.transact(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
    _limit(journal, pages)

    def work(tx: Tx) -> None:
        tx.release(owner)
        tx.note("big", "x" * 100_000)

    with pytest.raises(JournalError, match="full"):
        await journal.transact_async(work)
    assert state(journal, delivery_id) == "held"
    _limit(journal, 1_000_000)
    await journal.transact_async(work)
    assert state(journal, delivery_id) == "queued"


def test_another_process_holding_the_lock_is_waited_for_then_reported(tmp_path: Path) -> None:
    journal = Journal.open(JournalConfig(tmp_path / "journal.db", busy_timeout=0.05))
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        journal.accept_sync(message(1))
    other.execute("ROLLBACK")
    assert journal.accept_sync(message(1)).duplicate is False
    other.close()
    journal.close()


class _Broken(SqliteConnection):
    """A connection whose file went away: nothing commits, nothing rolls back."""

    broken = False

    def execute(self, sql: str, *params: Any) -> sqlite3.Cursor:
        if self.broken and sql in ("COMMIT", "ROLLBACK"):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
            raise error
        return super().execute(sql, *params)


def test_a_connection_that_cannot_roll_back_is_replaced(tmp_path: Path) -> None:
    config = JournalConfig(tmp_path / "journal.db")
    migrate(first := open_writer(config.path, 1.0))
    first.close()
    connection = sqlite3.connect(config.path, isolation_level=None, check_same_thread=False, factory=_Broken)
    opened: list[bool] = []

    def reopen() -> SqliteConnection:
        opened.append(True)
        if len(opened) == 1:
            raise JournalError("not yet", cause="OSError")
        return open_writer(config.path, 1.0)

    writer = Writer(connection, reopen, utc_now, "stop", lambda committed: None, lambda *audit: None)
    connection.broken = True
    for _ in range(2):
        with pytest.raises(JournalError, match="could not write"):
            _do(writer, lambda tx: tx.note("lost", "perdu"))
    _do(writer, lambda tx: tx.note("kept", "gardé"))
    writer.close()
    check = sqlite3.connect(config.path)
    assert check.execute("SELECT event FROM timeline").fetchall() == [("kept",)]
    check.close()


def _do(writer: Writer, fn: Any) -> Any:
    waiter: Future[Any] = Future()
    writer.put(Item(waiter, None, fn=fn))
    return waiter.result(10)


def test_each_thread_reads_by_its_own_connection(journal: Journal) -> None:
    patient(journal, 1)
    seen: list[int] = []

    def read() -> None:
        seen.append(journal.query("SELECT count(*) AS n FROM patient")[0]["n"])

    threads = [threading.Thread(target=read) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 5
