"""After doubt, ask before resending (design rule 7): what survives a cut, a crash, a dead letter, a replay."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from connector.base.guard import FenceLost
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.opening import engine_for
from connector.journal.engine.steps import Finished, finish, recover, start_due
from connector.journal.job import Dead, Done, Job, Outcome, Retry, Unknown
from connector.journal.store import Journal
from connector.journal.worklist import worklist
from tests.journal.support import (
    FAST,
    Script,
    deliver,
    drained,
    events,
    no_router,
    patient,
    state,
)


async def test_an_unknown_outcome_comes_back_resumed_and_stays_sending(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1), payload={"a": 1})
    seen: list[tuple[bool, str, dict[str, Any]]] = []

    def handler(job: Job) -> Outcome:
        seen.append((job.resumed, state(journal, delivery_id), job.payload))
        if not job.resumed:
            job.sending({"unique_id": "1.2.3"})
            return Unknown("délai dépassé")
        return Done("retrouvé dans le registre")

    await drained(journal, {"send": handler})
    assert seen == [
        (False, "running", {"a": 1, "unique_id": "1.2.3"}),
        (True, "sending", {"a": 1, "unique_id": "1.2.3"}),
    ]
    assert events(journal, delivery_id) == ["create", "start", "send", "unknown", "start", "succeed"]


async def test_a_certain_failure_after_sending_is_not_resumed(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    seen: list[bool] = []

    def handler(job: Job) -> Outcome:
        seen.append(job.resumed)
        job.sending({})
        return Retry("connexion refusée") if job.attempt == 1 else Done()

    await drained(journal, {"send": handler})
    assert seen == [False, False]
    assert events(journal, delivery_id)[:5] == ["create", "start", "send", "retry", "start"]


async def test_a_handler_left_behind_by_stop_can_no_longer_send(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    entered, gate, refused = threading.Event(), threading.Event(), threading.Event()

    def slow(job: Job) -> Outcome:
        entered.set()
        gate.wait(10)
        try:
            job.sending({})
        except FenceLost:
            refused.set()
            raise
        return Done()

    engine = engine_for(journal, router=no_router, handlers={"send": slow}, config=EngineConfig(backoff=FAST))
    await engine.start()
    await asyncio.to_thread(entered.wait, 10)
    await engine.stop(drain_seconds=0.05)
    await drained(journal, {"send": (script := Script())})
    gate.set()
    assert await asyncio.to_thread(refused.wait, 10)
    assert ([job.resumed for job in script.jobs], state(journal, delivery_id)) == ([False], "done")


def test_an_attempt_that_was_superseded_is_powerless(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    policy = EngineConfig().backoff_of
    (first,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    journal.transact(lambda tx: recover(tx, policy, "stop"))
    (second,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    with pytest.raises(FenceLost) as caught:
        Job(journal, first).sending({"late": True})
    assert caught.value.context["expected_run"] == first.run
    journal.transact(lambda tx: finish(tx, Finished(delivery_id, first.run, Done()), policy, 0.5))
    now = journal.delivery(delivery_id)
    assert (now.state, now.run, now.payload) == ("running", second.run, {})
    assert events(journal, delivery_id) == ["create", "start", "recover", "start"]


async def test_a_doubt_outlives_failures_that_do_not_answer_it(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    seen: list[tuple[bool, str]] = []

    def handler(job: Job) -> Outcome:
        seen.append((job.resumed, state(journal, delivery_id)))
        match job.attempt:
            case 1:
                job.sending({})
                return Unknown("coupure")
            case 2:
                return Retry("registre injoignable, question non posée")
            case 3:
                job.sending({})
                return Retry("absent du registre, puis connexion refusée")
        return Done()

    await drained(journal, {"send": handler})
    assert seen == [(False, "running"), (True, "sending"), (True, "running"), (False, "running")]


def test_a_doubt_outlives_a_crash_after_replay(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    policy = EngineConfig().backoff_of
    (started,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    Job(journal, started).sending({})
    journal.transact(lambda tx: finish(tx, Finished(delivery_id, started.run, Dead("?", "E"), True), policy, 0.5))
    journal.transact(lambda tx: tx.requeue(delivery_id, "à rejouer"))
    journal.transact(lambda tx: start_due(tx, lambda name: 1))
    journal.transact(lambda tx: recover(tx, policy, "stop"))
    (again,) = journal.transact(lambda tx: start_due(tx, lambda name: 1))
    assert (again.state, Job(journal, again).resumed) == ("running", True)


@pytest.mark.parametrize("sends", [False, True])
async def test_a_dead_letter_remembers_that_something_may_have_been_sent(journal: Journal, sends: bool) -> None:
    delivery_id = deliver(journal, patient(journal, 1))
    resumed: list[tuple[int, bool]] = []

    def handler(job: Job) -> Outcome:
        resumed.append((job.attempt, job.resumed))
        if len(resumed) > 1:
            return Done()
        if sends:
            job.sending({})
        return Dead("réponse illisible", "E")

    await drained(journal, {"send": handler})
    assert [item.unsettled for item in worklist(journal)] == [sends]
    journal.transact(lambda tx: tx.requeue(delivery_id, "à rejouer"))
    await drained(journal, {"send": handler})
    # A replay is a new series of attempts, but the doubt is older than the series.
    assert resumed == [(1, False), (1, sends)]
