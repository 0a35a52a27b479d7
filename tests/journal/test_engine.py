"""The engine: outcomes, back-off, resuming after doubt, stopping, waking."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.journal.engine.backoff import Backoff
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.opening import engine_for
from connector.journal.job import Dead, Done, Hold, Job, Outcome, Refuse, Retry, Unknown
from connector.journal.lifecycle import LifecycleError
from connector.journal.model import JournalError
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.journal.conftest import JournalFactory
from tests.journal.support import (
    FAST,
    Clock,
    Script,
    deliver,
    drained,
    events,
    eventually,
    message,
    no_router,
    patient,
    state,
    working,
)


@pytest.mark.parametrize(
    ("outcome", "final", "code"),
    [
        (Done("Déposé au DMP"), "done", ""),
        (Hold("INS non qualifiée", "ins"), "held", "ins"),
        (Refuse("typeCode inconnu", "XDSRegistryMetadataError"), "refused", "XDSRegistryMetadataError"),
        (Dead("à voir", "E9"), "dead", "E9"),
    ],
)
async def test_an_outcome_is_written_with_its_reason(journal: Journal, outcome: Outcome, final: str, code: str) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    await drained(journal, {"send": Script({delivery_id: [outcome]})})
    delivery = journal.delivery(delivery_id)
    assert (delivery.state, delivery.reason_code, delivery.run) == (final, code, 0)
    (attempt,) = journal.query("SELECT * FROM attempt")
    said = outcome.text if isinstance(outcome, Done) else outcome.reason
    assert (attempt["outcome"], attempt["reason"]) == (type(outcome).__name__.lower(), said)
    last = journal.query("SELECT text FROM timeline ORDER BY id DESC LIMIT 1")[0]["text"]
    assert said in last


async def test_a_job_knows_its_message_and_its_payload(journal: Journal) -> None:
    stored = await journal.accept(message(1))
    owner = patient(journal, 1)
    deliver(
        journal, owner, message_id=stored.message_id, payload={"titre": "Été"}, stay="S1", document_id="1.2.3"
    )  # fmt: skip
    orphan = deliver(journal, owner)
    await drained(journal, {"send": (script := Script())}, router=no_router)
    first, second = script.jobs
    assert (first.raw(), first.payload, first.attempt) == (b"MSH|message 1", {"titre": "Été"}, 1)
    assert (first.stay, first.document_id, first.patient_id, first.resumed) == ("S1", "1.2.3", owner, False)
    assert (second.delivery_id, second.message_id, second.raw()) == (orphan, None, b"")


async def test_then_runs_in_the_transaction_of_the_move(journal_factory: JournalFactory) -> None:
    journal = journal_factory()
    journal.transact(lambda tx: tx.execute("CREATE TABLE fed (document_id TEXT)"))
    owner = patient(journal, 1)
    delivery_id = deliver(journal, owner)

    def then(tx: Tx) -> None:
        tx.execute("INSERT INTO fed VALUES (?)", ("1.2.3",))
        tx.deliver("answer", owner, {})

    script = Script({delivery_id: [Done(then=then)]})
    await drained(journal, {"send": script, "answer": script})
    assert len(journal.query("SELECT * FROM fed")) == 1
    assert [job.kind for job in script.jobs] == ["send", "answer"]


async def test_a_then_that_fails_leaves_nothing_half_written(journal_factory: JournalFactory) -> None:
    journal = journal_factory()
    journal.transact(lambda tx: tx.execute("CREATE TABLE fed (document_id TEXT)"))
    owner, other = patient(journal, 1), patient(journal, 2)
    delivery_id, neighbour = deliver(journal, owner), deliver(journal, other)

    def then(tx: Tx) -> None:
        tx.execute("INSERT INTO fed VALUES ('1.2.3')")
        raise KeyError("PAT-TROIS")

    await drained(journal, {"send": Script({delivery_id: [Done(then=then)]})})
    delivery = journal.delivery(delivery_id)
    assert (delivery.state, delivery.reason_code) == ("dead", "outcome-failed")
    assert delivery.reason == "Résultat non enregistré (KeyError)"
    assert (journal.query("SELECT * FROM fed"), state(journal, neighbour)) == ([], "done")
    assert not [r for r in journal.query("SELECT text, data FROM timeline") if "PAT-TROIS" in r["text"] + r["data"]]


@pytest.mark.parametrize(("sends", "final_events"), [(False, "retry"), (True, "unknown")])
async def test_a_handler_that_raises(journal: Journal, sends: bool, final_events: str) -> None:
    delivery_id = deliver(journal, patient(journal, 1))

    def handler(job: Job) -> Outcome:
        if job.attempt > 1:
            assert job.resumed is sends
            return Done()
        if sends:
            job.sending({})
        raise ValueError("279035121518989")

    await drained(journal, {"send": handler})
    assert final_events in events(journal, delivery_id)
    lines = journal.query("SELECT text, data FROM timeline")
    assert any("Erreur interne (ValueError)" in line["text"] for line in lines)
    assert not any("279035121518989" in line["text"] + line["data"] for line in lines)


async def test_a_handler_that_exits_does_not_take_the_worker_with_it(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))

    def handler(job: Job) -> Outcome:
        if job.attempt == 1:
            raise SystemExit(1)
        return Done()

    await drained(journal, {"send": handler}, workers=1)
    assert state(journal, delivery_id) == "done"


async def test_a_handler_that_answers_nonsense_ends_on_the_worklist(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    await drained(journal, {"send": lambda job: None})  # type: ignore[dict-item, return-value]
    assert journal.delivery(delivery_id).reason_code == "outcome-failed"


async def test_a_kind_without_handler_is_held(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1), kind="mssante")
    await drained(journal, {})
    assert (state(journal, delivery_id), journal.delivery(delivery_id).reason_code) == ("held", "no-handler")


async def test_notes_of_a_job_join_the_timeline(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1), document_id="1.2.3")

    def handler(job: Job) -> Outcome:
        job.note("existence", "DMP actif", status="ACTIVE")
        return Done()

    await drained(journal, {"send": handler})
    (line,) = journal.query("SELECT * FROM timeline WHERE event = 'existence'")
    assert (line["delivery_id"], line["document_id"], line["data"]) == (delivery_id, "1.2.3", '{"status": "ACTIVE"}')


@pytest.mark.parametrize("outcome", [Retry("serveur absent", code="503"), Unknown("coupure")])
async def test_attempts_run_out(journal: Journal, outcome: Outcome) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    limit = Backoff(first=timedelta(milliseconds=1), max_attempts=3)
    await drained(journal, {"send": (script := Script({delivery_id: [outcome] * 9}))}, backoff=limit)
    delivery = journal.delivery(delivery_id)
    assert (delivery.state, len(script.seen)) == ("dead", 3)
    assert delivery.reason.startswith("Abandonné après 3 essais : ")
    assert delivery.reason_code == ("503" if isinstance(outcome, Retry) else "exhausted")
    # A doubt survives the dead letter: its replay must ask before sending.
    assert delivery.unsettled is isinstance(outcome, Unknown)


async def test_age_runs_out(journal_factory: JournalFactory) -> None:
    clock = Clock()
    journal = journal_factory(clock=clock)
    delivery_id = deliver(journal, patient(journal, 1))
    clock.push(days=4)
    engine = engine_for(
        journal, router=no_router, handlers={"send": lambda job: Retry("absent")}, config=EngineConfig(), clock=clock
    )
    await engine.start()
    await eventually(lambda: state(journal, delivery_id) == "dead")
    await engine.stop()


async def test_each_kind_may_have_its_own_backoff(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1), kind="zam")
    once = {"zam": Backoff(max_attempts=1)}
    await drained(journal, {"zam": lambda job: Retry("absent")}, backoffs=once)
    assert state(journal, delivery_id) == "dead"


def test_backoff_grows_to_its_ceiling_with_jitter_on_both_sides() -> None:
    backoff = Backoff(first=timedelta(seconds=5), factor=2, longest=timedelta(seconds=60), jitter=0.2)
    assert [backoff.delay(n, 0.5).total_seconds() for n in (1, 2, 3, 4, 5, 10_000)] == [5, 10, 20, 40, 60, 60]
    assert backoff.delay(1, 0.0).total_seconds() == pytest.approx(4.0)
    assert backoff.delay(1, 1.0).total_seconds() == pytest.approx(6.0)


async def test_the_random_draw_is_an_argument(journal_factory: JournalFactory) -> None:
    clock = Clock()
    journal = journal_factory(clock=clock)
    delivery_id = deliver(journal, patient(journal, 1))
    config = EngineConfig(backoff=Backoff(first=timedelta(seconds=100), jitter=0.5))
    engine = engine_for(
        journal,
        router=no_router,
        handlers={"send": lambda job: Retry("absent")},
        config=config,
        clock=clock,
        random=lambda: 1.0,
    )
    await engine.start()
    await eventually(lambda: state(journal, delivery_id) == "retry")
    await engine.stop()
    assert journal.delivery(delivery_id).due == clock.now + timedelta(seconds=150)


async def test_stop_waits_for_running_handlers_and_starts_nothing_new(journal: Journal) -> None:
    owner = patient(journal, 1)
    first, second = deliver(journal, owner), deliver(journal, owner)
    entered, gate = threading.Event(), threading.Event()

    def handler(job: Job) -> Outcome:
        entered.set()
        gate.wait(10)
        return Done()

    async with working(journal, {"send": handler}) as engine:
        await asyncio.to_thread(entered.wait, 10)
        stopping = asyncio.create_task(engine.stop())
        await asyncio.sleep(0.05)
        assert (stopping.done(), engine.running) == (False, 1)
        gate.set()
        await stopping
        assert (state(journal, first), state(journal, second)) == ("done", "queued")


async def test_the_engine_outlives_its_own_errors(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    failures = [RuntimeError("no randomness left")]

    def random() -> float:
        if failures:
            raise failures.pop()
        return 0.5

    config = EngineConfig(backoff=FAST, poll=0.02)
    engine = engine_for(journal, router=no_router, handlers={"send": Script()}, config=config, random=random)
    await engine.start()
    await eventually(lambda: state(journal, delivery_id) == "done")
    await engine.stop()
    assert [row["outcome"] for row in journal.query("SELECT outcome FROM attempt")] == ["done"]


@pytest.mark.sqlite_only
async def test_one_engine_per_journal(journal: Journal) -> None:
    async with working(journal, {}):
        with pytest.raises(JournalError, match="another engine"):
            async with working(journal, {}):
                pass
    async with working(journal, {}):
        pass


async def test_new_work_wakes_a_sleeping_engine(journal: Journal) -> None:
    async with working(journal, {"send": Script()}, poll=30.0):
        await asyncio.sleep(0.1)
        delivery_id = deliver(journal, patient(journal, 1))
        await eventually(lambda: state(journal, delivery_id) == "done", seconds=5)


async def test_work_of_another_process_is_found_by_polling(journal: Journal) -> None:
    owner = patient(journal, 1)
    delivery_id = deliver(journal, owner, state="held", reason="attente", reason_code="ins")
    async with working(journal, {"send": Script()}, poll=0.05):
        await asyncio.to_thread(_release_from_outside, journal.config)
        await eventually(lambda: state(journal, delivery_id) == "done")


def _release_from_outside(config: Any) -> None:
    outside = Journal.open(config)
    try:
        outside.transact(lambda tx: tx.release(1))
    finally:
        outside.close()


async def test_an_idle_engine_writes_nothing(journal: Journal) -> None:
    async with working(journal, {}, poll=0.01):
        await asyncio.sleep(0.05)
        commits: list[bool] = []
        end = journal.subscribe(lambda committed: commits.append(committed.deliveries))
        await asyncio.sleep(0.1)
        end()
    assert commits == []


@pytest.mark.sqlite_only
async def test_outcomes_wait_for_a_journal_that_cannot_write(journal: Journal, tmp_path: Path) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    entered, gate = threading.Event(), threading.Event()
    calls: list[int] = []

    def handler(job: Job) -> Outcome:
        calls.append(job.delivery_id)
        entered.set()
        gate.wait(10)
        return Done("x" * 20_000)

    async with working(journal, {"send": handler}, poll=0.05) as engine:
        await asyncio.to_thread(entered.wait, 10)
        fill(journal)
        gate.set()
        await asyncio.sleep(0.2)
        assert (state(journal, delivery_id), engine.trouble) == ("running", "dispatching: JournalError")
        journal.transact(lambda tx: tx.execute("PRAGMA max_page_count = 1000000").fetchone())
        await eventually(lambda: state(journal, delivery_id) == "done")
        await eventually(lambda: engine.trouble == "")
    assert calls == [delivery_id]


def fill(journal: Journal) -> None:
    """No page may be added to the file any more."""
    pages = journal.transact(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
    journal.transact(lambda tx: tx.execute(f"PRAGMA max_page_count = {pages}").fetchone())


async def test_two_events_of_the_same_run_are_impossible(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    refusals: list[str] = []

    def settle(tx: Tx) -> None:
        tx.settle(delivery_id, "trop tôt")

    def handler(job: Job) -> Outcome:
        job.sending({})
        attempts: list[Callable[[Tx], object]] = [settle, lambda tx: tx.requeue(delivery_id, "trop tôt")]
        for attempt in attempts:
            with pytest.raises(LifecycleError) as caught:
                journal.transact(attempt)
            refusals.append(caught.value.context["event"])
        return Done()

    await drained(journal, {"send": handler})
    assert (refusals, state(journal, delivery_id)) == (["settle", "requeue"], "done")


def test_the_reader_cannot_write(journal: Journal) -> None:
    with pytest.raises(JournalError, match=r"read-?only"):
        journal.query("DELETE FROM timeline")
