"""Every accepted message meets the router once, in order; one that fails stops nobody."""

from __future__ import annotations

import asyncio

import pytest

from connector.base.finding import Finding
from connector.journal.model import JournalError, StoredMessage
from connector.journal.routing import route_batch
from connector.journal.store import Journal
from connector.journal.tx import Tx
from connector.journal.worklist import worklist
from tests.journal.support import IPP, NOW, Script, active, eventually, message, working


def _to_one_patient(tx: Tx, stored: StoredMessage) -> None:
    tx.deliver("send", tx.resolve_patient([(IPP, "000003")]), {}, message_id=stored.id)


async def test_messages_are_routed_in_order_and_delivered(journal: Journal) -> None:
    script = Script()
    async with working(journal, {"send": script}, _to_one_patient):
        await asyncio.gather(*(journal.accept(message(n)) for n in range(60)))
        await eventually(lambda: len(script.seen) == 60 and not active(journal))
    assert [job.message_id for job in script.jobs] == list(range(1, 61))


async def test_the_router_sees_the_message_as_stored(journal: Journal) -> None:
    seen: list[StoredMessage] = []
    finding = Finding("ACK-1", "warning", "PV1-2", "", "I", "classe absente")
    await journal.accept(message(1, findings=(finding,)))
    await journal.accept(message(2, verdict="refused"))
    await journal.accept(message(1))
    journal.transact(lambda tx: route_batch(tx, lambda tx, stored: seen.append(stored), 10, 1.0))
    (stored,) = seen
    assert (stored.id, stored.raw, stored.key, stored.control_id) == (
        1,
        b"MSH|message 1",
        "control-1|SGL|CHU-X|",
        "control-1",
    )
    assert (stored.route, stored.received_at, stored.findings) == ("adt-act", NOW, (finding,))


async def test_a_router_that_fails_for_one_message(journal: Journal) -> None:
    def router(tx: Tx, stored: StoredMessage) -> None:
        _to_one_patient(tx, stored)
        if stored.id == 3 and broken:
            raise LookupError("PAT-TROIS DOMINIQUE")

    broken, script = True, Script()
    async with working(journal, {"send": script}, router, poll=0.05):
        await asyncio.gather(*(journal.accept(message(n)) for n in range(1, 6)))
        await eventually(lambda: not active(journal))
        assert [job.message_id for job in script.jobs] == [1, 2, 4, 5]
        (item,) = worklist(journal)
        assert (item.state, item.message_id, item.delivery_id) == ("routing-failed", 3, None)
        assert "LookupError" in item.reason
        lines = journal.query("SELECT * FROM timeline WHERE event = 'routing-failed'")
        assert [(line["message_id"], line["delivery_id"]) for line in lines] == [(3, None)]
        assert "PAT-TROIS" not in "".join(line["text"] + line["data"] for line in lines)
        broken = False
        journal.transact(lambda tx: tx.reroute(3, "table corrigée"))
        await eventually(lambda: len(script.jobs) == 5)
    assert (script.jobs[-1].message_id, worklist(journal)) == (3, [])


def test_only_a_failed_routing_can_be_taken_again(journal: Journal) -> None:
    journal.accept_sync(message(1))
    with pytest.raises(JournalError, match="did not fail"):
        journal.transact(lambda tx: tx.reroute(1, "pour voir"))


def test_a_crash_while_routing_routes_the_whole_batch_again(journal: Journal) -> None:
    for number in range(1, 4):
        journal.accept_sync(message(number))

    def crash(tx: Tx) -> None:
        route_batch(tx, _to_one_patient, 10, 1.0)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        journal.transact(crash)
    assert journal.query("SELECT * FROM delivery") == []
    assert journal.transact(lambda tx: route_batch(tx, _to_one_patient, 10, 1.0)) is False
    assert [row["message_id"] for row in journal.query("SELECT * FROM delivery ORDER BY id")] == [1, 2, 3]


def test_batches_are_bounded_by_count_and_by_time(journal: Journal) -> None:
    for number in range(1, 6):
        journal.accept_sync(message(number))

    def routed() -> int:
        return int(journal.query("SELECT count(*) AS n FROM message WHERE routed = 1")[0]["n"])

    assert journal.transact(lambda tx: route_batch(tx, _to_one_patient, 2, 1.0)) is True
    assert routed() == 2
    assert journal.transact(lambda tx: route_batch(tx, _to_one_patient, 100, 0.0)) is True
    assert routed() == 3
    assert journal.transact(lambda tx: route_batch(tx, _to_one_patient, 2, 1.0)) is False
    assert routed() == 5


@pytest.mark.sqlite_only
async def test_a_full_disk_is_no_routing_failure(journal: Journal) -> None:
    def router(tx: Tx, stored: StoredMessage) -> None:
        tx.note("big", "x" * 100_000, message_id=stored.id)

    journal.accept_sync(message(1))
    pages = journal.transact(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
    journal.transact(lambda tx: tx.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    async with working(journal, {}, router, poll=0.05):
        await asyncio.sleep(0.15)
        assert (active(journal), worklist(journal)) == (1, [])
        journal.transact(lambda tx: tx.execute("PRAGMA max_page_count = 1000000").fetchone())
        await eventually(lambda: not active(journal))
    assert len(journal.query("SELECT 1 FROM timeline WHERE event = 'big'")) == 1
