"""What a deletion does to a document of ours that has not left: closed, or let go first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connector.base.clock import utc_now
from connector.flows.predecessor import Withdrawal, withdraw_waiting
from connector.flows.routing_codes import CONSENT_UNKNOWN, PUBLICATION
from connector.journal import Journal, JournalConfig, Submission
from connector.journal.lifecycle import State
from connector.patients.schema import SCHEMA

DOCUMENT = "2.25.1"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(JournalConfig(tmp_path / "journal.db"), utc_now, [SCHEMA])
    yield journal
    journal.close()


def handed_over(journal: Journal, action: str, state: State) -> int:
    """The delivery of a document handed over for `action`."""

    def deliver(tx: Any) -> int:
        patient = tx.resolve_patient([("CHU-X", "1")])
        waits = {"state": state, "reason": "attente", "reason_code": CONSENT_UNKNOWN} if state == "held" else {}
        submission = Submission(DOCUMENT, action, "0" * 64)
        number: int = tx.deliver(PUBLICATION, patient, {}, document=submission, document_id=DOCUMENT, **waits)
        return number

    return journal.transact(deliver)


def withdraw(journal: Journal, deletion: int) -> Withdrawal:
    asked: Any = SimpleNamespace(unique_id=DOCUMENT, job=SimpleNamespace(delivery_id=deletion))
    return journal.transact(lambda tx: withdraw_waiting(tx, asked))


def test_what_waits_is_closed_and_the_next_attempt_still_knows_it(journal: Journal) -> None:
    creation, deletion = handed_over(journal, "create", "held"), handed_over(journal, "delete", "queued")
    assert withdraw(journal, deletion) == Withdrawal(withdrawn=True, comes_first=False)
    assert journal.delivery(creation).state == "done"
    assert withdraw(journal, deletion) == Withdrawal(withdrawn=True, comes_first=False)


def test_what_was_let_go_meanwhile_comes_first(journal: Journal) -> None:
    creation, deletion = handed_over(journal, "create", "held"), handed_over(journal, "delete", "queued")
    journal.transact(lambda tx: tx.release(tx.delivery(creation).patient_id))
    assert withdraw(journal, deletion) == Withdrawal(withdrawn=False, comes_first=True)
    assert journal.delivery(creation).state == "queued"


def test_a_document_we_never_had_is_not_withdrawn(journal: Journal) -> None:
    assert withdraw(journal, handed_over(journal, "delete", "queued")) == Withdrawal(False, False)
