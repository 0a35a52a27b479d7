"""Several journals on one PostgreSQL database: locks, heads, duplicates, lost connections."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator

import pytest

from connector.journal import heads
from connector.journal.engine.steps import Finished, finish, start
from connector.journal.job import Done, Retry
from connector.journal.model import JournalConfig, JournalError, Stored
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.support import FAST, NOW, deliver, message, patient
from tests.postgres import Postgres


@pytest.fixture
def pair(postgres_database: str) -> Iterator[tuple[Journal, Journal]]:
    """Two processes' journals; their clocks stand still, so that everything is due."""
    first, second = (Journal.open(JournalConfig(postgres_database), lambda: NOW) for _ in range(2))
    yield first, second
    first.close()
    second.close()


def _heads(journal: Journal) -> list[tuple[int, int]]:
    return [(r["patient_id"], r["delivery_id"]) for r in journal.query("SELECT * FROM head ORDER BY patient_id")]


def test_heads_stay_exact_whoever_writes(pair: tuple[Journal, Journal]) -> None:
    patients = [patient(pair[0], n) for n in range(4)]

    def work(journal: Journal, chance: random.Random) -> None:
        for _ in range(60):
            owner = chance.choice(patients)
            deliver(journal, owner)
            journal.transact(lambda tx, owner=owner: _start_head(tx, owner))  # type: ignore[misc]
            journal.transact(lambda tx, owner=owner: _finish_running(tx, owner, chance))  # type: ignore[misc]

    threads = [threading.Thread(target=work, args=(pair[n % 2], random.Random(n))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    seen = _heads(pair[0])
    pair[0].transact(lambda tx: heads.rebuild(tx.connection, "stop"))
    running = {r["patient_id"] for r in pair[0].query("SELECT DISTINCT patient_id FROM delivery WHERE run <> 0")}
    assert seen == [head for head in _heads(pair[1]) if head[0] not in running]
    assert pair[0].query("SELECT count(*) AS n FROM delivery")[0]["n"] == 360


def _start_head(tx: Tx, owner: int) -> None:
    tx.lock(owner)
    row = tx.execute("SELECT delivery_id FROM head WHERE patient_id = ?", (owner,)).fetchone()
    if row is not None:
        start(tx, tx.delivery(row["delivery_id"]))


def _finish_running(tx: Tx, owner: int, chance: random.Random) -> None:
    tx.lock(owner)
    row = tx.execute("SELECT id, run FROM delivery WHERE patient_id = ? AND run <> 0", (owner,)).fetchone()
    if row is not None:
        outcome = Done() if chance.random() < 0.7 else Retry("plus tard")
        finish(tx, Finished(row["id"], row["run"], outcome), lambda kind: FAST, 0.5)


def test_work_on_a_patient_held_elsewhere_gives_way_and_is_done_after(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    held, free = patient(first, 1), patient(first, 2)
    inside, leave = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        tx.lock(held)
        inside.set()
        leave.wait(10)

    holder = threading.Thread(target=lambda: first.transact(hold))
    holder.start()
    inside.wait(10)

    async def ask() -> None:
        # asked in one turn of the loop, so one batch of three: the first one may wait, and takes a free patient;
        # the one held elsewhere gives way to the last
        tasks = [
            asyncio.ensure_future(second.transact_async(lambda tx, owner=owner: tx.deliver("send", owner, {})))  # type: ignore[misc]
            for owner in (free, held, free)
        ]
        await asyncio.wait([tasks[0], tasks[2]], timeout=4)
        assert [task.done() for task in tasks] == [True, False, True]
        leave.set()
        await asyncio.gather(*tasks)

    asyncio.run(ask())
    holder.join()
    assert len(second.query("SELECT id FROM delivery")) == 3


def test_the_same_message_on_two_listeners_is_kept_once(pair: tuple[Journal, Journal]) -> None:
    answers: list[Stored] = []

    def send(journal: Journal, numbers: list[int]) -> None:
        answers.extend(journal.accept_sync(message(number)) for number in numbers)

    numbers = list(range(40))
    threads = [
        threading.Thread(target=send, args=(pair[0], numbers)),
        threading.Thread(target=send, args=(pair[1], numbers[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert pair[0].query("SELECT count(*) AS n FROM message")[0]["n"] == 40
    assert sum(answer.duplicate for answer in answers) == 40
    assert pair[0].query("SELECT count(*) AS n FROM duplicate")[0]["n"] == 40


def test_a_field_the_database_cannot_hold_does_not_refuse_its_message(pair: tuple[Journal, Journal]) -> None:
    stored = pair[0].accept_sync(message("x", sender="SGL\x00|CHU", raw=b"MSH|\x00bytes"))
    row = pair[1].query("SELECT sender, raw FROM message WHERE id = ?", (stored.message_id,))[0]
    assert (row["sender"], bytes(row["raw"])) == ("SGL\ufffd|CHU", b"MSH|\x00bytes")


def test_a_restarted_server_is_found_again(postgres: Postgres, postgres_database: str) -> None:
    journal = Journal.open(JournalConfig(postgres_database))
    journal.accept_sync(message(1))
    assert len(journal.query("SELECT id FROM message")) == 1
    postgres.kill()
    for number in (2, 3):
        with pytest.raises(JournalError):
            journal.accept_sync(message(number))
    with pytest.raises(JournalError):
        journal.query("SELECT id FROM message")
    posted = threading.Event()

    def write(tx: Tx) -> None:
        tx.note("gardé", "écrit plus tard")
        posted.set()

    journal.post(write)
    postgres.start()
    deadline = time.monotonic() + 20
    while True:
        try:
            journal.accept_sync(message(4))
            break
        except JournalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert [row["key"][:9] for row in journal.query("SELECT key FROM message ORDER BY id")] == [
        "control-1",
        "control-4",
    ]
    assert posted.wait(5)
    assert len(journal.query("SELECT 1 FROM timeline WHERE event = 'gardé'")) == 1
    journal.close()


def test_two_processes_may_start_on_an_empty_database_at_once(postgres_database: str) -> None:
    opened: list[Journal] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Journal.open(JournalConfig(postgres_database)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(opened) == 4
    for journal in opened:
        journal.close()
