"""Per patient strictly by delivery id; patients independent; what blocks and what does not."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from datetime import timedelta

import pytest

from connector.journal.job import Dead, Done, Hold, Job, Outcome, Refuse, Retry, Unknown
from connector.journal.lifecycle import LifecycleError
from connector.journal.store import Journal
from tests.journal.conftest import JournalFactory
from tests.journal.support import IPP, Script, deliver, drained, events, eventually, patient, state, working

SOON = timedelta(milliseconds=10)


async def test_each_patient_is_served_in_order_whatever_happens(journal: Journal) -> None:
    chance = random.Random(7)
    patients = [patient(journal, n) for n in range(12)]
    expected: dict[int, list[int]] = {p: [] for p in patients}
    answers: dict[int, list[Outcome]] = {}
    for _ in range(240):
        owner = chance.choice(patients)
        delivery_id = deliver(journal, owner)
        expected[owner].append(delivery_id)
        troubles: list[Outcome] = [Retry("panne", after=SOON), Unknown("coupure"), Retry("panne")]
        answers[delivery_id] = chance.sample(troubles, chance.choice([0, 0, 0, 1, 2]))
    script = Script(answers)
    await drained(journal, {"send": script})
    for owner in patients:
        # Each delivery as often as it was tried, all its attempts before the next delivery.
        assert list(dict.fromkeys(script.order(owner))) == expected[owner]
        assert script.order(owner) == sorted(script.order(owner))
    assert journal.query("SELECT count(*) AS n FROM delivery WHERE state = 'done'")[0]["n"] == 240


async def test_one_patient_never_has_two_running(journal: Journal) -> None:
    owners = [patient(journal, n) for n in range(3)]
    for _ in range(20):
        for owner in owners:
            deliver(journal, owner)
    lock, running, most, together = threading.Lock(), dict.fromkeys(owners, 0), dict.fromkeys(owners, 0), [0]

    def handler(job: Job) -> Outcome:
        with lock:
            running[job.patient_id] += 1
            most[job.patient_id] = max(most[job.patient_id], running[job.patient_id])
            together[0] = max(together[0], sum(running.values()))
        time.sleep(0.002)
        with lock:
            running[job.patient_id] -= 1
        return Done()

    await drained(journal, {"send": handler})
    assert set(most.values()) == {1}
    assert together[0] >= 2


async def test_a_patient_in_trouble_does_not_hold_the_others(journal: Journal) -> None:
    stuck, free = patient(journal, 1), patient(journal, 2)
    first, second = deliver(journal, stuck), deliver(journal, stuck)
    others = [deliver(journal, free) for _ in range(5)]
    script = Script({first: [Retry("serveur absent", after=timedelta(hours=1))]})
    async with working(journal, {"send": script}):
        await eventually(lambda: all(state(journal, d) == "done" for d in others))
        await eventually(lambda: state(journal, first) == "retry")
    assert (script.order(stuck), state(journal, second)) == ([first], "queued")


async def test_lanes_of_one_patient_do_not_wait_for_each_other(journal: Journal) -> None:
    owner = patient(journal, 1)
    first = deliver(journal, owner)
    answer, later = deliver(journal, owner, lane="zam"), deliver(journal, owner)
    script = Script({first: [Retry("serveur absent", after=timedelta(hours=1))]})
    async with working(journal, {"send": script}):
        await eventually(lambda: state(journal, answer) == "done")
    assert state(journal, later) == "queued"


async def test_a_delivery_is_not_started_before_it_is_due(journal: Journal) -> None:
    owner = patient(journal, 1)
    due = journal.transact(lambda tx: tx.now) + timedelta(milliseconds=300)
    first, second = deliver(journal, owner, due=due), deliver(journal, owner)
    await drained(journal, {"send": (script := Script())})
    assert script.order(owner) == [first, second]
    (attempt,) = journal.query("SELECT started_at FROM attempt WHERE delivery_id = ?", (first,))
    assert attempt["started_at"] >= due.isoformat(timespec="microseconds")


async def test_dead_letter_stop_blocks_the_patient_until_replayed(journal: Journal) -> None:
    owner = patient(journal, 1)
    first, second = deliver(journal, owner), deliver(journal, owner)
    script = Script({first: [Dead("illisible", "E1")]})
    async with working(journal, {"send": script}):
        await eventually(lambda: state(journal, first) == "dead")
        await asyncio.sleep(0.05)
        assert state(journal, second) == "queued"
        journal.transact(lambda tx: tx.requeue(first, "modèle corrigé"))
        await eventually(lambda: state(journal, second) == "done")
    assert script.order(owner) == [first, first, second]
    assert "Rejoué à la demande : modèle corrigé" in [r["text"] for r in journal.query("SELECT text FROM timeline")]


async def test_dead_letter_stop_is_lifted_by_settling(journal: Journal) -> None:
    owner = patient(journal, 1)
    first, second = deliver(journal, owner), deliver(journal, owner)
    async with working(journal, {"send": Script({first: [Dead("illisible", "E1")]})}):
        await eventually(lambda: state(journal, first) == "dead")
        journal.transact(lambda tx: tx.settle(first, "envoyé à la main"))
        await eventually(lambda: state(journal, second) == "done")
    assert (state(journal, first), events(journal, first)) == ("done", ["create", "start", "die", "settle"])


async def test_dead_letter_pass_lets_the_patient_go_on(journal_factory: JournalFactory) -> None:
    journal = journal_factory(dead_letter="pass")
    owner = patient(journal, 1)
    first, second = deliver(journal, owner), deliver(journal, owner)
    await drained(journal, {"send": Script({first: [Dead("illisible", "E1")]})})
    assert (state(journal, first), state(journal, second)) == ("dead", "done")


async def test_a_changed_dead_letter_setting_takes_effect_at_start(journal_factory: JournalFactory) -> None:
    strict = journal_factory()
    owner = patient(strict, 1)
    first, second = deliver(strict, owner), deliver(strict, owner)
    async with working(strict, {"send": Script({first: [Dead("illisible", "E1")]})}):
        await eventually(lambda: state(strict, first) == "dead")
    strict.close()
    await drained(tolerant := journal_factory(dead_letter="pass"), {"send": Script()})
    assert state(tolerant, second) == "done"


@pytest.mark.parametrize("outcome", [Hold("INS non qualifiée", "ins"), Refuse("code inconnu", "E2")])
async def test_held_and_refused_never_block(journal: Journal, outcome: Outcome) -> None:
    owner = patient(journal, 1)
    first, second = deliver(journal, owner), deliver(journal, owner)
    await drained(journal, {"send": Script({first: [outcome]})})
    assert state(journal, second) == "done"


async def test_released_deliveries_keep_their_place(journal: Journal) -> None:
    owner, other = patient(journal, 1), patient(journal, 2)
    ids = [deliver(journal, owner) for _ in range(6)]
    strange = deliver(journal, owner, kind="query")
    foreign = deliver(journal, other)
    held = journal.transact(lambda tx: tx.hold(owner, ["send"], "ins", "INS non qualifiée"))
    assert (held, state(journal, strange), state(journal, foreign)) == (6, "queued", "queued")
    late = deliver(journal, owner)
    released = journal.transact(lambda tx: tx.release(owner, ["send"], ["ins"], "INS qualifiée"))
    assert (released, events(journal, ids[0])) == (6, ["create", "hold", "release"])
    script = Script()
    await drained(journal, {"send": script, "query": script})
    assert script.order(owner) == [*ids, strange, late]


def test_release_is_by_kind_and_by_reason(journal: Journal) -> None:
    owner = patient(journal, 1)

    def held(kind: str, code: str) -> int:
        return deliver(journal, owner, kind=kind, state="held", reason="attente", reason_code=code)

    ins, consent, query = held("send", "ins"), held("send", "consent"), held("query", "ins")
    assert journal.transact(lambda tx: tx.release(owner, ["send"], ["ins"])) == 1
    assert [state(journal, d) for d in (ins, consent, query)] == ["queued", "held", "held"]
    assert journal.transact(lambda tx: tx.release(owner)) == 2


def test_hold_can_be_narrowed_to_a_stay_or_a_document(journal: Journal) -> None:
    owner = patient(journal, 1)
    a = deliver(journal, owner, stay="S1", document_id="1.2.3")
    b = deliver(journal, owner, stay="S2", document_id="1.2.4")
    assert journal.transact(lambda tx: tx.hold(owner, [], "cancelled", "Séjour annulé", stay="S1")) == 1
    assert journal.transact(lambda tx: tx.hold(owner, [], "deleted", "Supprimé", document_id="1.2.9")) == 0
    assert (state(journal, a), state(journal, b)) == ("held", "queued")


async def test_a_delivery_released_while_a_later_one_runs_waits_for_it(journal: Journal) -> None:
    owner = patient(journal, 1)
    early = deliver(journal, owner, state="held", reason="attente", reason_code="ins")
    late = deliver(journal, owner)
    entered, gate = threading.Event(), threading.Event()
    order: list[int] = []

    def handler(job: Job) -> Outcome:
        order.append(job.delivery_id)
        if job.delivery_id == late:
            entered.set()
            gate.wait(10)
            order.append(-late)
        return Done()

    async with working(journal, {"send": handler}):
        await asyncio.to_thread(entered.wait, 10)
        journal.transact(lambda tx: tx.release(owner))
        await asyncio.sleep(0.05)
        gate.set()
        await eventually(lambda: state(journal, early) == "done")
    assert order == [late, -late, early]


@pytest.mark.parametrize("first_state", ["held", "refused"])
async def test_replay_starts_a_new_series_of_attempts(journal: Journal, first_state: str) -> None:
    owner = patient(journal, 1)
    delivery_id = deliver(journal, owner, state=first_state, reason="à revoir", reason_code="X")
    journal.transact(lambda tx: tx.requeue(delivery_id, "corrigé par le DIM"))
    script = Script()
    await drained(journal, {"send": script})
    assert (script.jobs[0].attempt, state(journal, delivery_id)) == (1, "done")
    with pytest.raises(LifecycleError, match="impossible in state 'done'"):
        journal.transact(lambda tx: tx.requeue(delivery_id, "encore"))


async def test_merge_while_deliveries_wait(journal: Journal) -> None:
    kept, gone = patient(journal, "000003"), patient(journal, "000004")
    ids = [deliver(journal, owner) for owner in (gone, kept, gone, kept)]
    journal.transact(lambda tx: tx.merge_patients(kept, gone))
    assert patient(journal, "000004") == kept
    ids.append(journal.transact(lambda tx: tx.deliver("send", gone, {})))
    script = Script()
    await drained(journal, {"send": script})
    assert script.order(kept) == ids


def test_after_a_merge_the_oldest_delivery_of_both_comes_first(journal: Journal) -> None:
    kept, gone = patient(journal, 1), patient(journal, 2)
    oldest = deliver(journal, gone)
    deliver(journal, kept)
    journal.transact(lambda tx: tx.merge_patients(kept, gone))
    heads = journal.query("SELECT patient_id, delivery_id FROM head")
    assert [(row["patient_id"], row["delivery_id"]) for row in heads] == [(kept, oldest)]


async def test_merge_while_both_patients_run(journal: Journal) -> None:
    kept, gone = patient(journal, 1), patient(journal, 2)
    running = [deliver(journal, kept), deliver(journal, gone)]
    waiting = [deliver(journal, gone), deliver(journal, kept)]
    barrier, gate = threading.Barrier(3), threading.Event()
    script, at_once, lock = Script(), [0], threading.Lock()

    def handler(job: Job) -> Outcome:
        if job.delivery_id in running:
            barrier.wait(10)
            gate.wait(10)
            return Done()
        with lock:
            at_once[0] += 1
            assert at_once[0] == 1
        time.sleep(0.01)
        with lock:
            at_once[0] -= 1
        return script(job)

    async with working(journal, {"send": handler}):
        await asyncio.to_thread(barrier.wait, 10)
        journal.transact(lambda tx: tx.merge_patients(kept, gone))
        await asyncio.sleep(0.05)
        assert script.seen == []
        gate.set()
        await eventually(lambda: all(state(journal, d) == "done" for d in waiting))
    assert script.order(kept) == waiting


def test_merging_is_one_step_deep_and_safe_to_repeat(journal: Journal) -> None:
    a, b, c = (patient(journal, n) for n in "abc")
    journal.transact(lambda tx: tx.merge_patients(b, c))
    journal.transact(lambda tx: tx.merge_patients(a, b))
    journal.transact(lambda tx: tx.merge_patients(a, c))
    assert journal.transact(lambda tx: [tx.canonical(p) for p in (a, b, c)]) == [a, a, a]
    assert sorted(journal.family(c)) == [a, b, c]


def test_identifiers_of_two_patients_are_noted_not_merged(journal: Journal) -> None:
    first, second = patient(journal, 1), patient(journal, 2)
    both = [(IPP, "2"), (IPP, "1"), (IPP, "3")]
    for _ in range(2):
        assert journal.transact(lambda tx: tx.resolve_patient(both)) == second
    assert journal.transact(lambda tx: [tx.find_patient([(IPP, n)]) for n in "1234"]) == [first, second, second, None]
    conflicts = journal.query("SELECT patient_id FROM timeline WHERE event = 'identity-conflict'")
    assert [row["patient_id"] for row in conflicts] == [second]


def test_no_identifier_makes_a_new_patient(journal: Journal) -> None:
    assert journal.transact(lambda tx: tx.resolve_patient([]) != tx.resolve_patient([]))


@pytest.mark.parametrize("wrong", ["running", "sending", "retry", "done", "dead"])
def test_a_delivery_begins_queued_held_or_refused(journal: Journal, wrong: str) -> None:
    owner = patient(journal, 1)
    with pytest.raises(LifecycleError, match=f"create {wrong}"):
        deliver(journal, owner, state=wrong)
    assert journal.query("SELECT count(*) AS n FROM delivery")[0]["n"] == 0
