"""A journal of the first release with work in flight, opened by this version: everything goes on where it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from connector.simulator.faults import Effect, FaultRule
from tests.e2e.first_release import write_first_release
from tests.e2e.harness import Site
from tests.e2e.messages import identity, letter
from tests.e2e.test_publication import NOT_QUALIFIED, admitted


def downgrade(site: Site, running: str) -> None:
    """The site's journal becomes one of the first release, killed while it worked on the document `running`."""
    present = site.settings.journal.path
    former = present.with_name("former.sqlite")
    write_first_release(present, former)
    with closing(sqlite3.connect(former)) as journal, journal:
        (delivery,) = journal.execute("SELECT id FROM delivery WHERE document_id = ?", (running,)).fetchone()
        attempt = journal.execute(
            "INSERT INTO attempt (delivery_id, number, started_at, outcome, reason) VALUES (?, 1, ?, '', '')",
            (delivery, "2026-11-21T20:00:00.000000+00:00"),
        )
        journal.execute(
            "UPDATE delivery SET state = 'running', run = ?, attempts = 1 WHERE id = ?", (attempt.lastrowid, delivery)
        )
    for file in present.parent.glob(f"{present.name}*"):
        file.unlink()
    former.rename(present)


@pytest.mark.parametrize("effect", ["cut-after", "cut-before"])
def test_work_in_flight_goes_on_after_the_upgrade(site: Site, effect: Effect) -> None:
    admitted(site)
    site.settled("ADT0001")
    held, waiting = letter("MDM9001", PID_32="PROV")
    site.send(held)
    assert site.wait_delivery(waiting).code == NOT_QUALIFIED
    site.simulator.faults.add(FaultRule(effect, "ITI-41"))
    site.simulator.faults.add(FaultRule("cut-before", "ITI-18", times=0))
    documents = []
    for number in range(3):
        message, document = letter(f"MDM91{number:02d}")
        assert site.send(message).code == "AA"
        documents.append(document)
    site.wait(lambda lines: any("vérification impossible" in line.text for line in lines), document_id=documents[0])
    site.stop()
    downgrade(site, documents[1])
    counts = "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM delivery), (SELECT count(*) FROM document)"
    with closing(sqlite3.connect(site.settings.journal.path)) as journal:
        before = journal.execute(counts).fetchall()
        states = dict(journal.execute("SELECT document_id, state FROM delivery WHERE kind = 'publication'"))
    assert states == dict(zip([waiting, *documents], ["held", "sending", "running", "queued"], strict=True))

    site.simulator.faults.clear()
    site.start()
    assert site.query(counts) == before
    for document in documents:
        assert site.wait_delivery(document, "done").state == "done"
    site.send(identity("ADT9002", "VALI", "20240311090000"))
    assert site.wait_delivery(waiting, "done").state == "done"
    accepted = [call.transaction for call in site.simulator.log.lines() if call.transaction == "ITI-41"]
    assert len(accepted) == (4 if effect == "cut-after" else 5)
    assert [site.accepted(document) for document in (*documents, waiting)] == [1] * 4
    kept = [entry.unique_id for entry in site.simulator.registry.documents("279035121518989")]
    assert [unique_id for unique_id in kept if unique_id in documents] == documents
