"""Messages in: durable, answered once, duplicates told apart (hl7v2-interface §2.6)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from connector.base.finding import Finding
from connector.journal.db.migrate import JOURNAL, Room
from connector.journal.model import JournalConfig, JournalError
from connector.journal.store import Journal
from connector.journal.tx import Tx
from connector.patients.schema import SCHEMA as STAYS
from tests.conftest import ROOT
from tests.journal.conftest import JournalFactory
from tests.journal.support import NOW, message


async def test_an_accepted_message_is_read_back_as_it_came(journal: Journal) -> None:
    raw = b"MSH|^~\\&|\r\x00\xff" + bytes(range(256))
    stored = await journal.accept(message(1, raw=raw))
    (row,) = journal.query("SELECT * FROM message")
    assert (stored.message_id, stored.duplicate, stored.ack) == (1, False, b"MSA|AA|1")
    assert (row["raw"], row["key"], row["control_id"], row["routed"]) == (raw, "control-1|SGL|CHU-X|", "control-1", 0)
    assert row["received_at"] == "2026-11-02T08:30:00.000000+00:00"


def test_accept_without_event_loop(journal: Journal) -> None:
    assert journal.accept_sync(message(1)).message_id == 1
    assert journal.accept_sync(message(2)).message_id == 2


async def test_a_duplicate_gets_the_first_answer_and_is_counted(journal: Journal) -> None:
    first = await journal.accept(message(1))
    again = await journal.accept(message(1, ack=b"another answer", peer="192.0.2.9:1"))
    assert (again.message_id, again.duplicate, again.ack) == (first.message_id, True, first.ack)
    assert journal.query("SELECT count(*) AS n FROM message")[0]["n"] == 1
    (repeated,) = journal.query("SELECT * FROM duplicate")
    assert (repeated["message_id"], repeated["peer"]) == (first.message_id, "192.0.2.9:1")


async def test_duplicates_arriving_together_have_one_winner(journal: Journal) -> None:
    answers = await asyncio.gather(
        *(journal.accept(message(n % 7, ack=str(n).encode())) for n in range(210)),
    )
    assert sum(not answer.duplicate for answer in answers) == 7
    for n, answer in enumerate(answers):
        first = next(a for a in answers[n % 7 :: 7] if not a.duplicate)
        assert (answer.message_id, answer.ack) == (first.message_id, first.ack)
    assert journal.query("SELECT count(*) AS n FROM duplicate")[0]["n"] == 203


def test_duplicates_from_many_threads_have_one_winner(journal: Journal) -> None:
    winners: list[bool] = []

    def send() -> None:
        winners.extend(not journal.accept_sync(message(n)).duplicate for n in range(20))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(winners), sum(winners)) == (160, 20)


async def test_a_refused_message_is_kept_and_may_come_again(journal: Journal) -> None:
    finding = Finding("VOLET-3.2", "error", "PID-3", "", "un IPP", "IPP absent", code="101")
    for expected in (1, 2):
        refused = await journal.accept(message(1, verdict="refused", ack=b"MSA|AE", findings=(finding,)))
        assert (refused.message_id, refused.duplicate) == (expected, False)
    accepted = await journal.accept(message(1))
    assert (accepted.message_id, accepted.duplicate) == (3, False)
    rows = journal.query("SELECT verdict, routed, findings FROM message ORDER BY id")
    assert [(r["verdict"], r["routed"]) for r in rows] == [("refused", 1), ("refused", 1), ("accepted", 0)]
    assert json.loads(rows[0]["findings"]) == [finding.as_dict()]


async def test_one_row_that_cannot_be_bound_does_not_refuse_its_neighbours(journal: Journal) -> None:
    answers = await asyncio.gather(
        *(journal.accept(message(n, control_id="\ud800" if n == 3 else f"c{n}")) for n in range(6)),
        return_exceptions=True,
    )
    assert [isinstance(answer, JournalError) for answer in answers] == [n == 3 for n in range(6)]
    assert journal.query("SELECT count(*) AS n FROM message")[0]["n"] == 5


async def test_a_naive_time_is_refused(journal: Journal) -> None:
    with pytest.raises(JournalError, match="naive"):
        await journal.accept(message(1, received_at=NOW.replace(tzinfo=None)))


async def test_a_caller_that_gave_up_disturbs_nobody(journal: Journal) -> None:
    task = asyncio.create_task(journal.accept(message(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await journal.accept(message(2))).duplicate is False


def test_a_closed_event_loop_does_not_stop_the_writer(journal: Journal) -> None:
    gate, blocked = _block_writer(journal)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_begin(journal))
    loop.close()
    gate.set()
    blocked.join()
    assert journal.accept_sync(message("abandoned")).duplicate is True


def _block_writer(journal: Journal) -> tuple[threading.Event, threading.Thread]:
    """The writer stays inside a transaction until the event is set; the thread ends after it."""
    entered, gate = threading.Event(), threading.Event()

    def work(tx: Tx) -> None:
        entered.set()
        gate.wait(10)

    blocked = threading.Thread(target=journal.transact, args=(work,))
    blocked.start()
    assert entered.wait(10)
    return gate, blocked


async def _begin(journal: Journal) -> None:
    task = asyncio.create_task(journal.accept(message("abandoned")))
    await asyncio.sleep(0)
    task.cancel()


async def test_a_closed_journal_says_so(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.accept(message(1))
    with pytest.raises(JournalError, match="closed"):
        journal.query("SELECT 1")


def test_what_was_queued_before_closing_is_written(journal_factory: JournalFactory) -> None:
    journal = journal_factory()

    async def send_and_close() -> None:
        tasks = [asyncio.create_task(journal.accept(message(n))) for n in range(30)]
        await asyncio.sleep(0)
        await asyncio.to_thread(journal.close)
        await asyncio.gather(*tasks)

    asyncio.run(send_and_close())
    assert journal_factory().query("SELECT count(*) AS n FROM message")[0]["n"] == 30


@pytest.mark.sqlite_only
def test_the_file_is_for_its_owner_only(journal: Journal) -> None:
    journal.accept_sync(message(1))
    for suffix in ("", "-wal", "-shm"):
        assert os.stat(f"{journal.path}{suffix}").st_mode & 0o777 == 0o600


@pytest.mark.sqlite_only
def test_every_commit_is_synced(journal: Journal) -> None:
    pragmas = journal.transact(
        lambda tx: [
            tx.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    assert pragmas == ["wal", 2, 1]


def test_every_commit_is_synced_on_the_server(postgres_database: str) -> None:
    journal = Journal.open(JournalConfig(postgres_database))
    setting = journal.transact(lambda tx: tx.execute("SHOW synchronous_commit").fetchone()[0])
    assert setting == "on"
    journal.close()


def test_many_waiting_callers_share_one_commit(journal: Journal) -> None:
    commits: list[tuple[bool, bool]] = []
    journal.subscribe(lambda committed: commits.append((committed.messages, committed.deliveries)))
    gate, blocked = _block_writer(journal)

    async def send() -> None:
        tasks = [asyncio.create_task(journal.accept(message(n))) for n in range(100)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)

    asyncio.run(send())
    blocked.join()
    assert commits == [(False, False), (True, False)]


def test_all_that_was_acknowledged_survives_kill_9(journal_factory: JournalFactory, store: str) -> None:
    program = [sys.executable, "-m", "tests.journal.endless_sender", store]
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=ROOT) as sender:
        assert sender.stdout is not None
        acknowledged = [sender.stdout.readline().decode().split() for _ in range(400)]
        sender.kill()
        # What it managed to say before dying counts as acknowledged too; the last line may be cut.
        acknowledged += [line.decode().split() for line in sender.stdout.readlines() if line.endswith(b"\n")]
    kept = {str(row["id"]): row["key"] for row in journal_factory().query("SELECT id, key FROM message")}
    assert len(acknowledged) >= 400
    assert all(kept.get(message_id) == key for message_id, key in acknowledged)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.open(JournalConfig(path))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.open(JournalConfig(tmp_path / "absent" / "journal.db"))


def test_a_journal_of_a_newer_version_is_refused(journal_factory: JournalFactory) -> None:
    journal = journal_factory()
    journal.transact(lambda tx: tx.execute("UPDATE alembic_version SET version_num = 'journal_9999'"))
    journal.close()
    with pytest.raises(JournalError, match="newer") as caught:
        journal_factory()
    assert caught.value.context["found"] == "journal_9999"


def test_rooms_add_their_tables_and_reopening_changes_nothing(journal_factory: JournalFactory) -> None:
    for _ in range(2):
        journal = journal_factory(schemas=[STAYS])
        journal.transact(
            lambda tx: tx.execute("INSERT INTO stay (stay, patient_id) VALUES (?, 0) ON CONFLICT DO NOTHING", ("S1",))
        )
        journal.close()
    journal = journal_factory(schemas=[STAYS])
    assert [row["stay"] for row in journal.query("SELECT stay FROM stay")] == ["S1"]
    known = {row["version_num"] for row in journal.query("SELECT version_num FROM alembic_version")}
    assert known == {JOURNAL.head, STAYS.head}


def test_a_broken_table_of_a_room_is_refused_and_leaves_nothing(
    journal_factory: JournalFactory, tmp_path: Path
) -> None:
    (tmp_path / "oops_0001.py").write_text(
        "from connector.journal.db import ddl\n"
        "revision, down_revision, branch_labels = 'oops_0001', None, ('oops',)\n"
        "def upgrade():\n"
        "    ddl.run('CREATE TABLE good (id {id}); CREATE TABLE oops (')\n"
    )
    with pytest.raises(JournalError, match="up to date"):
        journal_factory(schemas=[Room("oops", tmp_path, "oops_0001")])
    journal = journal_factory()
    with pytest.raises(JournalError, match="read"):
        journal.query("SELECT * FROM good")
