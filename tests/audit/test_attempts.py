"""Lines of an attempt: in order, of their delivery, durable no later than the outcome; a death leaves its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connector.base.calls import CallRecord
from connector.journal.audit import AuditEntry, Recorder, key_of_journal, operator_act, verify
from connector.journal.audit.reading import read_lines
from connector.journal.deliveries import Delivery
from connector.journal.engine import steps
from connector.journal.engine.backoff import Backoff
from connector.journal.job import Done, Job, Outcome
from connector.journal.model import JournalConfig, JournalError
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.audit.trail import INS, NOW
from tests.journal.support import deliver, drained, patient, state


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(JournalConfig(tmp_path / "journal.db"))
    yield opened
    opened.close()


def entries(journal: Journal) -> list[AuditEntry]:
    journal.transact(lambda tx: None)
    return [line.entry for line in read_lines(journal)]


def recorder(journal: Journal) -> Recorder:
    return Recorder(journal, journal.audit_key, structure="1120456789")


def test_a_call_becomes_a_line_that_names_no_patient(journal: Journal) -> None:
    tell = recorder(journal)
    tell(CallRecord(NOW, "TD2.1", "https://dmp.example", "urn:uuid:1", ins=INS, unique_ids=("1.2",), set_id="2.25.1"))
    (entry,) = entries(journal)
    assert entry.ins_hash == journal.audit_key.hash_ins(INS)
    assert (entry.structure, entry.delivery_id, entry.unique_ids) == ("1120456789", None, ("1.2",))
    raw = sqlite3.connect(journal.path)
    assert INS not in str(raw.execute("SELECT line FROM audit").fetchall())
    raw.close()


async def test_lines_are_of_their_delivery_in_order_and_there_when_it_ends(journal: Journal) -> None:
    tell = recorder(journal)
    ids = [deliver(journal, patient(journal, number)) for number in range(6)]

    def handler(job: Job) -> Outcome:
        for step in range(5):
            tell(CallRecord(NOW, f"step-{step}"))
        return Done("fait")

    await drained(journal, {"send": handler})
    assert {state(journal, delivery) for delivery in ids} == {"done"}
    # what is committed now, nothing waited for: the outcomes are, so the lines are
    lines = [line.entry for line in read_lines(journal)]
    for delivery in ids:
        assert [e.transaction for e in lines if e.delivery_id == delivery] == [f"step-{n}" for n in range(5)]
    assert len(lines) == 30


def test_a_death_between_the_sending_and_its_outcome_leaves_a_line(journal: Journal) -> None:
    ids = [deliver(journal, patient(journal, n), document_id=f"1.2.{n}", destination="dmp") for n in range(2)]
    started = journal.transact(lambda tx: steps.start_due(tx, lambda destination: 8))
    assert [delivery.id for delivery in started] == ids
    Job(journal, started[0]).sending({"set_id": "2.25.1"})
    policy = lambda kind: Backoff()  # noqa: E731
    for _ in range(2):
        journal.transact(partial(steps.recover, policy=policy, dead_letter="stop"))
    # the one that had only begun asked nothing of anybody, and recovering twice tells nothing twice
    (entry,) = entries(journal)
    assert (entry.kind, entry.transaction, entry.destination) == ("interrupted", "send", "dmp")
    assert (entry.outcome, entry.code, entry.delivery_id) == ("unknown", "interrupted", ids[0])
    assert entry.unique_ids == ("1.2.0",)


def test_a_full_disk_costs_no_line_and_no_order(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    tell, full, real = recorder(journal), [True], journal._chain.append

    def append(*arguments: Any) -> None:
        if full[0]:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        real(*arguments)

    monkeypatch.setattr(journal._writer, "_append_audit", append)
    for step in range(3):
        tell(CallRecord(NOW, f"step-{step}"))
    with pytest.raises(JournalError):
        journal.transact(lambda tx: tx.audit(AuditEntry(NOW, "operator", "settle")))
    full[0] = False
    tell(CallRecord(NOW, "step-3"))
    assert [entry.transaction for entry in entries(journal)] == ["step-0", "step-1", "step-2", "step-3"]
    assert verify(journal, key_of_journal(journal, journal.config)).good


def test_an_act_and_its_line_are_one(journal: Journal) -> None:
    delivery_id = deliver(journal, patient(journal, 1))

    def act(tx: Tx) -> Delivery:
        operator_act(tx, "settle", delivery_id=delivery_id, reason="déjà au dossier", operator="ide")
        return tx.delivery(delivery_id)

    journal.transact(act)
    (entry,) = entries(journal)
    assert (entry.kind, entry.transaction, entry.delivery_id) == ("operator", "settle", delivery_id)
    assert (entry.operator, entry.reason, entry.outcome) == ("ide", "déjà au dossier", "success")
