"""From one store to another: everything, once, proved row by row; work in flight goes on where it was."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from connector.journal.audit.key import default_key_file
from connector.journal.db.alone import alone
from connector.journal.db.opening import open_writer
from connector.journal.engine.opening import engine_for
from connector.journal.engine.steps import start_due
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import JournalConfig, JournalError, stamp
from connector.journal.move.carry import Move, move, verify
from connector.journal.move.layout import tables
from connector.journal.move.rows import read
from connector.journal.reader import JournalReader
from connector.journal.store import Journal
from connector.journal.timeline import timeline
from connector.journal.tx import Tx
from connector.patients.schema import SCHEMA
from tests.journal.history import UNFINISHED, start
from tests.journal.support import IPP, Clock, active, deliver, eventually, message, no_router, patient

ROOMS = (SCHEMA,)


@pytest.fixture
def source(tmp_path: Path) -> JournalConfig:
    """A SQLite journal with a bit of everything, closed."""
    config = JournalConfig(tmp_path / "journal.db")
    journal, clock = Journal.open(config, clock := Clock(), ROOMS), clock
    history = start(journal, clock, seed=5)
    for state in UNFINISHED:
        history.one(states=("done", state))
    for _ in range(30):
        history.one()
    journal.accept_sync(message("again", received_at=clock(), raw=bytes(range(256)), peer="nul\x00inside"))
    journal.accept_sync(message("again", received_at=clock()))
    journal.transact(_extras)
    journal.close()
    return config


def _extras(tx: Tx) -> None:
    survivor, gone = tx.resolve_patient([(IPP, "é€😀")]), tx.resolve_patient([(IPP, "two")])
    tx.merge_patients(survivor, gone)
    tx.execute("INSERT INTO patient_state (patient_id, ins) VALUES (?, ?)", (survivor, "279035121518989"))
    tx.execute("INSERT INTO stay (stay, patient_id) VALUES ('S1@X', ?)", (survivor,))
    tx.execute("INSERT INTO purged (message_id, at) VALUES (1, ?)", (stamp(tx.now),))
    # The last deliveries are gone: their ids must not come back on the other side either.
    last = tx.execute("SELECT max(id) FROM delivery").fetchone()[0]
    for table in ("attempt", "timeline", "document"):
        tx.execute(f"DELETE FROM {table} WHERE delivery_id = ?", (last,))
    tx.execute("DELETE FROM head WHERE delivery_id = ?", (last,))
    tx.execute("DELETE FROM delivery WHERE id = ?", (last,))


@pytest.fixture
def target(postgres_database: str) -> JournalConfig:
    return JournalConfig(postgres_database)


def everything(config: JournalConfig) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, read without the code under test."""
    connection = open_writer(config)
    try:
        found = {}
        for name, table in tables(connection).items():
            rows = connection.execute(f"SELECT {', '.join(table.columns)} FROM {name}").fetchall()
            found[name] = sorted((tuple(row) for row in rows), key=repr)
        return found
    finally:
        connection.close()


def without_mark(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    return rows | {"meta": [row for row in rows["meta"] if "moved-to" not in row]}


def clean(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """As PostgreSQL keeps it: no NUL in text."""
    return {
        name: sorted(
            (tuple(v.replace("\x00", "\ufffd") if isinstance(v, str) else v for v in row) for row in found), key=repr
        )
        for name, found in rows.items()
    }


def test_everything_is_carried_over_and_the_source_closed(source: JournalConfig, target: JournalConfig) -> None:
    before = everything(source)
    told: list[tuple[str, int]] = []
    compared = move(Move(source, target, ROOMS, progress=lambda table, rows: told.append((table, rows))))
    after = everything(target)
    assert {one.table for one in compared} == set(before)
    assert all(one.equal for one in compared)
    assert ("message", len(before["message"])) in told
    changed = {name for name in before if clean(before)[name] != after[name]}
    # What was in the middle is put where an engine's start puts it, on both sides alike.
    assert changed <= {"head", "delivery", "timeline", "attempt", "meta"}
    assert clean(without_mark(everything(source))) == after
    assert len(after["delivery"]) == len(before["delivery"])
    with pytest.raises(JournalError, match="moved to another store"):
        Journal.open(source, schemas=ROOMS)
    with pytest.raises(JournalError, match="moved to another store"):
        move(Move(source, target, ROOMS))


def test_the_old_store_can_still_be_read(source: JournalConfig, target: JournalConfig) -> None:
    move(Move(source, target, ROOMS))
    for config in (source, target):
        reader = JournalReader(config)
        assert timeline(reader, control_id="control-1")
        reader.close()


def test_new_ids_come_after_all_the_old_ones(source: JournalConfig, target: JournalConfig) -> None:
    connection = sqlite3.connect(source.path)
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'delivery'").fetchone()[0]
    assert last > connection.execute("SELECT max(id) FROM delivery").fetchone()[0]
    connection.close()
    move(Move(source, target, ROOMS))
    journal = Journal.open(target, schemas=ROOMS)
    newest = journal.query("SELECT max(id) FROM message")[0][0]
    assert journal.accept_sync(message("new")).message_id == newest + 1
    assert journal.accept_sync(message("again")).duplicate
    assert journal.transact(lambda tx: tx.deliver("send", tx.resolve_patient([(IPP, "new")]), {})) == last + 1
    journal.close()


def test_and_back_to_sqlite(source: JournalConfig, target: JournalConfig, tmp_path: Path) -> None:
    move(Move(source, target, ROOMS))
    there = everything(target)
    back = JournalConfig(tmp_path / "back.db")
    compared = move(Move(target, back, ROOMS))
    assert all(one.equal for one in compared)
    assert everything(back) == there
    with pytest.raises(JournalError, match="moved to another store"):
        Journal.open(target, schemas=ROOMS)
    connection = sqlite3.connect(back.path)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    # The audit trail goes on with the key it was begun with.
    journal = Journal.open(replace(back, audit_key=default_key_file(source.path)), schemas=ROOMS)
    assert journal.accept_sync(message("new")).duplicate is False
    journal.close()


# -- when it must not be ---------------------------------------------------------------------------------------------


def test_an_engine_at_work_keeps_its_store(source: JournalConfig, target: JournalConfig) -> None:
    with alone(source.path), pytest.raises(JournalError, match="another engine already works"):
        move(Move(source, target, ROOMS))


def test_processes_at_work_keep_their_database(source: JournalConfig, target: JournalConfig, tmp_path: Path) -> None:
    move(Move(source, target, ROOMS))
    journal = Journal.open(target, schemas=ROOMS)
    with pytest.raises(JournalError, match="processes still work"):
        move(Move(target, JournalConfig(tmp_path / "back.db"), ROOMS))
    journal.close()


def test_a_target_in_use_is_refused_untouched(source: JournalConfig, target: JournalConfig) -> None:
    other = Journal.open(target, schemas=ROOMS)
    other.accept_sync(message("somebody else's"))
    other.close()
    before = everything(target)
    with pytest.raises(JournalError, match="not empty"):
        move(Move(source, target, ROOMS))
    assert everything(target) == before
    Journal.open(source, schemas=ROOMS).close()


def test_a_target_opened_but_never_used_is_empty(source: JournalConfig, target: JournalConfig) -> None:
    Journal.open(target, schemas=ROOMS).close()
    assert all(one.equal for one in move(Move(source, target, ROOMS)))


def test_to_itself(source: JournalConfig) -> None:
    with pytest.raises(JournalError, match="the target is the source"):
        move(Move(source, source, ROOMS))


def test_from_nowhere(tmp_path: Path, target: JournalConfig) -> None:
    with pytest.raises(JournalError, match="no journal there"):
        move(Move(JournalConfig(tmp_path / "nowhere.db"), target, ROOMS))


def test_a_row_that_cannot_be_written_moves_nothing(source: JournalConfig, target: JournalConfig) -> None:
    connection = sqlite3.connect(source.path)
    connection.execute("UPDATE delivery SET attempts = 'many' WHERE id = 1")
    connection.commit()
    connection.close()
    with pytest.raises(JournalError, match="nothing was moved") as refused:
        move(Move(source, target, ROOMS))
    assert "many" not in str(refused.value)
    assert not any(rows for name, rows in everything(target).items() if name != "routing")
    Journal.open(source, schemas=ROOMS).close()


# -- the proof -------------------------------------------------------------------------------------------------------

MUTATIONS: dict[str, LiteralString] = {
    "one byte of a message": "UPDATE message SET raw = set_byte(raw, 3, get_byte(raw, 3) # 1) WHERE id = 2",
    "one letter of a reason": "UPDATE delivery SET reason = reason || ' ' WHERE id = 2",
    "a row more": "INSERT INTO identifier (domain, value, patient_id) VALUES ('x', 'y', 1)",
    "a row less": "DELETE FROM timeline WHERE id = 3",
    "null for a text": "UPDATE attempt SET ended_at = 'x' WHERE id = 2",
    "two cells exchanged": "UPDATE message SET sender = peer, peer = sender WHERE id = 2",
}
TABLES = dict(zip(MUTATIONS, ("message", "delivery", "identifier", "timeline", "attempt", "message"), strict=True))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_change_on_the_other_side_is_found(source: JournalConfig, target: JournalConfig, name: str) -> None:
    task = Move(source, target, ROOMS)
    move(task)
    assert all(one.equal for one in verify(task))
    with psycopg.connect(target.url.dsn, autocommit=True) as connection:
        assert connection.execute(MUTATIONS[name]).rowcount == 1
    assert [one.table for one in verify(task) if not one.equal] == [TABLES[name]]


def test_a_copy_that_differs_is_not_kept(
    source: JournalConfig, target: JournalConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is made before the commit: a fault of the copy leaves an empty target."""

    def damaged(connection: Any, table: Any) -> Any:
        for row in read(connection, table):
            changed = connection.dialect == "postgresql" and table.name == "timeline"
            yield (*row[:-1], "x") if changed else row

    monkeypatch.setattr("connector.journal.move.carry.read", damaged)
    with pytest.raises(JournalError, match="differs") as refused:
        move(Move(source, target, ROOMS))
    assert refused.value.context["field"] == "timeline"
    assert not any(rows for name, rows in everything(target).items() if name != "routing")


def test_a_crash_between_the_two_commits_is_finished_by_the_same_command(
    source: JournalConfig, target: JournalConfig
) -> None:
    move(Move(source, target, ROOMS))
    connection = sqlite3.connect(source.path)
    connection.execute("DELETE FROM meta WHERE name = 'moved-to'")
    connection.commit()
    connection.close()
    before = everything(target)
    assert all(one.equal for one in move(Move(source, target, ROOMS)))
    assert everything(target) == before
    with pytest.raises(JournalError, match="moved to another store"):
        Journal.open(source, schemas=ROOMS)


def test_kill_9_during_the_move(source: JournalConfig, target: JournalConfig) -> None:
    """Whenever it dies, doing it again ends with everything on the other side, once."""
    context = multiprocessing.get_context("fork")
    for pause in (0.05, 0.15, 0.3):
        child = context.Process(target=partial(_move_slowly, source, target))
        child.start()
        time.sleep(pause)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    time.sleep(0.3)
    rows = everything(source)
    assert all(one.equal for one in move(Move(source, target, ROOMS)))
    assert len(everything(target)["message"]) == len(rows["message"])


def _move_slowly(source: JournalConfig, target: JournalConfig) -> None:
    move(Move(source, target, ROOMS, progress=lambda table, rows: time.sleep(0.02)))


# -- work goes on ----------------------------------------------------------------------------------------------------


async def test_work_in_flight_goes_on_on_the_other_side(tmp_path: Path, target: JournalConfig) -> None:
    """Queued, sending and in doubt, held: begun by an engine on one side, ended by one on the other, in order."""
    config = JournalConfig(tmp_path / "journal.db")
    journal = Journal.open(config, schemas=ROOMS)
    owners = [patient(journal, number) for number in range(4)]
    made = {owner: [deliver(journal, owner, payload={"secret": "é"}) for _ in range(3)] for owner in owners}
    held = deliver(journal, owners[0], state="held", reason="attente", reason_code="wait")
    # One died in the middle of sending: running on paper, unsettled.
    (in_doubt, *_) = journal.transact(lambda tx: start_due(tx, lambda destination: 1))
    job = Job(journal, in_doubt)
    job.sending({"unique_id": "2.25.1"})
    journal.close()
    await asyncio.to_thread(move, Move(config, target, ROOMS))

    other = Journal.open(target, schemas=ROOMS)
    seen: list[tuple[int, int, bool]] = []

    def handle(job: Job) -> Outcome:
        seen.append((job.patient_id, job.delivery_id, job.resumed))
        return Done("fait")

    engine = engine_for(other, router=no_router, handlers={"send": handle})
    await engine.start()
    try:
        await eventually(lambda: not active(other), 20)
        other.transact(lambda tx: tx.release(owners[0]))
        engine.wake()
        await eventually(lambda: other.delivery(held).state == "done", 20)
    finally:
        await engine.stop()
        other.close()
    assert [delivery for _, delivery, resumed in seen if resumed] == [in_doubt.id]
    for owner in owners:
        order = [delivery for patient, delivery, _ in seen if patient == owner]
        assert order == made[owner] + ([held] if owner == owners[0] else [])
