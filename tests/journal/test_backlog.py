"""A hundred thousand deliveries waiting: a step costs what it starts, not what waits."""

from __future__ import annotations

import time
from functools import partial
from itertools import repeat

import pytest

from connector.journal import heads
from connector.journal.db.sqlite import SqliteConnection
from connector.journal.deliveries import Delivery
from connector.journal.engine.steps import Finished, finish, start_due, waiting
from connector.journal.job import Done
from connector.journal.model import stamp
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.test_lifecycle import NO_LIMIT

# The scale-out engine starts heads one by one: what is bounded here is a step of the embedded one.
pytestmark = pytest.mark.sqlite_only

WAITING = 100_000


def _fill(tx: Tx, patients: int) -> None:
    now = stamp(tx.now)
    connection = tx.connection
    assert isinstance(connection, SqliteConnection)
    connection.executemany("INSERT INTO patient (created_at) VALUES (?)", repeat((now,), patients))
    connection.executemany(
        "INSERT INTO delivery (kind, patient_id, lane, state, due, run, unsettled, attempts, stay, document_id,"
        " reason, reason_code, since, created_at, updated_at, payload)"
        " VALUES ('send', ?, '', 'queued', ?, 0, 0, 0, '', '', '', '', ?, ?, ?, '{}')",
        ((n % patients + 1, now, now, now, now) for n in range(WAITING)),
    )
    heads.rebuild(tx.connection, "stop")


def _finish_all(tx: Tx, started: list[Delivery]) -> None:
    for delivery in started:
        finish(tx, Finished(delivery.id, delivery.run, Done()), lambda kind: NO_LIMIT, 0.5)


@pytest.mark.parametrize("patients", [1, 1000, WAITING])
def test_a_step_is_fast_whatever_waits(journal: Journal, patients: int) -> None:
    journal.transact(partial(_fill, patients=patients))
    began = time.perf_counter()
    steps = 10
    for _ in range(steps):
        started = journal.transact(lambda tx: start_due(tx, lambda name: 8))
        assert len(started) == min(8, patients)
        journal.transact(partial(_finish_all, started=started))
    # Two commits of up to eight moves each: 50 ms is ten times what they take.
    assert (time.perf_counter() - began) / steps < 0.05


def test_what_waits_for_a_destination_without_room_is_not_looked_at(journal: Journal) -> None:
    journal.transact(partial(_fill, patients=WAITING))
    owner = journal.transact(lambda tx: tx.resolve_patient([]))
    other = journal.transact(lambda tx: tx.deliver("send", owner, {}, destination="identity"))
    rooms = {"": 0, "identity": 8}
    assert [name for name, _ in waiting(journal)] == ["", "identity"]
    assert [delivery.id for delivery in journal.transact(lambda tx: start_due(tx, rooms.__getitem__))] == [other]
    began = time.perf_counter()
    for _ in range(20):
        assert [name for name, _ in waiting(journal)] == [""]
        assert journal.transact(lambda tx: start_due(tx, rooms.__getitem__)) == []
    # A hundred thousand heads read once take longer than all twenty looks.
    assert (time.perf_counter() - began) / 20 < 0.01
