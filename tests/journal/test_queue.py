"""Reading the queue: every question is answered from an index, and counts are those of the rows, whoever works on."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from benchmarks.search import fill
from connector.journal.operator import Act, act
from connector.journal.queue import OPEN, Wanted, count, counts, find, pages
from connector.journal.store import Journal
from connector.journal.timeline import patients_of, timeline
from connector.journal.tx import Tx
from connector.journal.worklist import worklist
from tests.journal.support import deliver, patient

Asked = tuple[str, Sequence[Any]]


def asked(journal: Journal, monkeypatch: pytest.MonkeyPatch, question: Callable[[Journal], object]) -> list[Asked]:
    """The statements a question runs."""
    seen: list[Asked] = []
    query = journal.query

    def listen(sql: str, params: Sequence[Any] = ()) -> Any:
        seen.append((sql, params))
        return query(sql, params)

    with monkeypatch.context() as patch:
        patch.setattr(journal, "query", listen)
        assert question(journal)
    return seen


def scans(journal: Journal, statement: Asked) -> list[str]:
    """Steps of its plan that read a whole table (that of the failed messages is all to be read, and short).

    PostgreSQL is told to avoid them, so that few rows are no excuse.
    """
    sql, params = statement
    if journal.config.url.dialect == "sqlite":
        steps = [row["detail"] for row in journal.query(f"EXPLAIN QUERY PLAN {sql}", params)]
        return [step for step in steps if re.match(r"SCAN (?!routing_failure)(?!.*USING (COVERING )?INDEX)", step)]

    def explain(tx: Tx) -> list[str]:
        tx.execute("SET LOCAL enable_seqscan = off")
        return [row[0] for row in tx.execute(f"EXPLAIN {sql}", params).fetchall()]

    return [step for step in journal.transact(explain) if "Seq Scan" in step]


QUESTIONS: dict[str, Callable[[Journal], object]] = {
    "timeline by IPP": lambda journal: timeline(journal, ipp="IPP7"),
    "timeline by INS": lambda journal: timeline(journal, ins="INS7"),
    "timeline by uniqueId": lambda journal: timeline(journal, document_id="2.25.6"),
    "timeline by stay": lambda journal: timeline(journal, stay="S6"),
    "timeline by message": lambda journal: timeline(journal, control_id="M6"),
    "timeline by delivery": lambda journal: timeline(journal, delivery_id=6),
    "queue by IPP": lambda journal: find(journal, Wanted(patients=patients_of(journal, "IPP7")), 50),
    "queue by uniqueId": lambda journal: find(journal, Wanted(document_id="2.25.501"), 50),
    "queue by number": lambda journal: find(journal, Wanted(ids=(501,)), 50),
    "queue, first page": lambda journal: find(journal, Wanted(), 50),
    "queue, of a destination": lambda journal: find(journal, Wanted(destination="dmp"), 50),
    "how many": lambda journal: count(journal, Wanted()),
    "counts": counts,
    "worklist": worklist,
}


@pytest.fixture
def long_history(journal: Journal) -> Journal:
    """400 deliveries done, then 200 queued, one held."""
    fill(journal, queued=200, done=400, patients=30)
    journal.transact(lambda tx: tx.deliver("publication", 1, {}, state="held"))
    return journal


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_reads_a_whole_table(long_history: Journal, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    statements = asked(long_history, monkeypatch, QUESTIONS[name])
    assert {sql: scans(long_history, (sql, params)) for sql, params in statements} == {sql: [] for sql, _ in statements}


def test_the_detector_sees_a_scan(long_history: Journal) -> None:
    assert scans(long_history, ("SELECT id FROM delivery WHERE reason = ?", ("x",)))


def test_the_queue_never_walks_the_history(long_history: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a narrower key every statement on deliveries goes through the index of unfinished work."""
    for question in ("queue, first page", "queue, of a destination", "how many", "counts", "worklist"):
        for sql, params in asked(long_history, monkeypatch, QUESTIONS[question]):
            if "FROM delivery" in sql and long_history.config.url.dialect == "sqlite":
                plan = [row["detail"] for row in long_history.query(f"EXPLAIN QUERY PLAN {sql}", params)]
                assert any("delivery_open" in step for step in plan), (question, plan)


# -- what is found -------------------------------------------------------------------------------------------------


def _all(journal: Journal) -> Counter[tuple[str, str]]:
    rows = journal.query("SELECT destination, state FROM delivery")
    return Counter((row["destination"], row["state"]) for row in rows if row["state"] != "done")


def test_counts_are_those_of_the_rows(long_history: Journal) -> None:
    assert {(one.destination, one.state): one.count for one in counts(long_history)} == _all(long_history)
    assert sum(_all(long_history).values()) == count(long_history, Wanted()) == 201


def test_since_when_the_oldest_is_there(journal: Journal) -> None:
    owner = patient(journal, 1)
    first, second = deliver(journal, owner), deliver(journal, owner)
    (waiting,) = counts(journal)
    assert (waiting.count, waiting.oldest) == (2, journal.delivery(first).since)
    journal.transact(lambda tx: act(tx, "hold", first, "à voir", "testeur"))
    held, queued = counts(journal)
    assert (held.state, held.oldest) == ("held", journal.delivery(first).since)
    assert (queued.state, queued.oldest) == ("queued", journal.delivery(second).since)


def test_pages_give_everything_once_in_order(long_history: Journal) -> None:
    found = [entry.id for page in pages(long_history, Wanted(), 7) for entry in page]
    rows = long_history.query("SELECT id, state FROM delivery WHERE state <> 'done' ORDER BY id")
    assert found == [row["id"] for row in sorted(rows, key=lambda row: (OPEN.index(row["state"]), row["id"]))]
    assert found[:50] == [entry.id for entry in find(long_history, Wanted(), 50)]


def test_what_moves_while_it_is_read_is_not_seen_twice(long_history: Journal) -> None:
    seen: list[int] = []
    for page in pages(long_history, Wanted(states=("held", "queued")), 10):
        for entry in page:
            if entry.state == "queued":
                long_history.transact(lambda tx, number=entry.id: act(tx, "hold", number, "x", "testeur"))  # type: ignore[misc]
        seen += [entry.id for entry in page]
    assert len(seen) == len(set(seen)) == 201
    assert count(long_history, Wanted(states=("queued",))) == 0


def test_counts_are_true_at_every_instant_under_concurrent_work(journal: Journal) -> None:
    """Nothing ends here, so that whatever moves, the sum of the counts is always the number of deliveries."""
    owners = [patient(journal, n) for n in range(4)]
    total = 40
    ids = [deliver(journal, owners[n % 4], destination=f"d{n % 3}") for n in range(total)]
    stop = threading.Event()
    failed: list[BaseException] = []

    def work(mine: Sequence[int]) -> None:
        try:
            moves: tuple[Act, ...] = ("hold", "release")
            while not stop.is_set():
                for what in moves:
                    for number in mine:
                        journal.transact(lambda tx, w=what, n=number: act(tx, w, n, "va-et-vient", "testeur"))  # type: ignore[misc]
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    workers = [threading.Thread(target=work, args=(ids[start::2],)) for start in range(2)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(60):
            seen = counts(journal)
            assert sum(one.count for one in seen) == total
            assert {one.state for one in seen} <= {"queued", "held"}
            by_destination = Counter[str]()
            for one in seen:
                by_destination[one.destination] += one.count
            assert by_destination == {"d0": 14, "d1": 13, "d2": 13}
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert failed == []
    assert {(one.destination, one.state): one.count for one in counts(journal)} == _all(journal)
