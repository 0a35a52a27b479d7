"""A journal of the first release, which kept no state of a document: each one gets the state its delivery tells."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from connector.journal import Journal, JournalConfig, Submission
from connector.journal.documents import DocumentState
from connector.journal.engine.steps import recover
from connector.journal.lifecycle import Event
from connector.journal.messages import state_of
from connector.patients.schema import SCHEMA
from tests.e2e.first_release import write_first_release
from tests.journal.support import message, patient
from tests.journal.test_lifecycle import NO_LIMIT

LIVES: list[tuple[tuple[Event, ...], DocumentState]] = [
    ((), "received"),
    (("start",), "received"),
    (("start", "send"), "in-doubt"),
    (("start", "send", "unknown"), "in-doubt"),
    (("start", "retry"), "waiting"),
    (("start", "retry", "hold"), "waiting"),
    (("start", "refuse"), "refused"),
    (("start", "die"), "given-up"),
    (("start", "die", "settle"), "settled"),
    (("start", "send", "succeed"), "published"),
]


def test_documents_and_messages_of_the_first_release_get_their_state(tmp_path: Path) -> None:
    present, former = tmp_path / "present.sqlite", tmp_path / "former.sqlite"
    journal = Journal.open(JournalConfig(present), schemas=(SCHEMA,))
    for number, (life, _) in enumerate(LIVES):
        owner = patient(journal, number)
        document = Submission(f"1.2.{number}", "create", "0" * 64)
        delivery = journal.transact(lambda tx, o=owner, d=document: tx.deliver("publication", o, {}, document=d))  # type: ignore[misc]
        for event in life:
            doubt = event in ("send", "unknown")
            reason = "settled" if event == "settle" else ""
            journal.transact(
                lambda tx, n=delivery, e=event, u=doubt, r=reason: tx.move(  # type: ignore[misc]
                    tx.delivery(n), e, unsettled=u, reason_code=r, run=7 if e in ("start", "send") else 0
                )
            )
    failed = journal.accept_sync(message(1)).message_id
    journal.close()
    write_first_release(present, former)
    with closing(sqlite3.connect(former)) as file, file:
        file.execute("INSERT INTO routing_failure VALUES (?, '2026-11-02T08:30:00.000000+00:00', 'x')", (failed,))
        file.execute("UPDATE message SET routed = 1")
    journal = Journal.open(JournalConfig(former), schemas=(SCHEMA,))
    try:
        rows = journal.query("SELECT unique_id, state FROM document ORDER BY id")
        assert [row["state"] for row in rows] == [state for _, state in LIVES]
        assert [state_of(row) for row in journal.query("SELECT verdict, routed FROM message")] == ["failed"]
        journal.transact(lambda tx: tx.reroute(failed, "repris"))
        # What was in flight goes on from there.
        journal.transact(lambda tx: recover(tx, lambda kind: NO_LIMIT, "stop"))
        assert journal.query("SELECT state FROM document WHERE unique_id = '1.2.2'")[0]["state"] == "in-doubt"
    finally:
        journal.close()
