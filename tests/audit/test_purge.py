"""Lines past their time: a beginning of the chain goes, and the rest still proves itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.journal.audit import AtnaConfig, AuditConfig, Verdict, head_of, purge, verify
from connector.journal.audit.keeping import AuditService
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.audit.trail import NOW, call, until

OLD = NOW - timedelta(days=4000)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(JournalConfig(tmp_path / "journal.db"), lambda: NOW)
    yield opened
    opened.close()


def write(journal: Journal, *dates: datetime) -> None:
    for at in dates:
        journal.transact(lambda tx, at=at: tx.audit(call(1, at=at)))  # type: ignore[misc]


def let_go(journal: Journal, upto: int | None = None, step: int = 1000) -> int:
    return journal.transact(partial(purge, before=NOW - timedelta(days=3653), upto=upto, step=step))


def numbers(journal: Journal) -> list[int]:
    return [row["id"] for row in journal.query("SELECT id FROM audit ORDER BY id")]


def checked(journal: Journal, noted: str = "") -> Verdict:
    return verify(journal, journal.audit_key, noted=noted)


def test_the_beginning_goes_and_a_line_says_so(journal: Journal) -> None:
    write(journal, OLD, OLD, OLD, NOW)
    assert let_go(journal) == 3
    assert numbers(journal) == [4, 5]
    verdict = checked(journal)
    assert verdict.good
    assert (verdict.lines, verdict.head.number) == (2, 5)
    assert let_go(journal) == 0


def test_only_a_beginning_goes(journal: Journal) -> None:
    write(journal, OLD, NOW, OLD, NOW)
    assert let_go(journal) == 1
    assert numbers(journal) == [2, 3, 4, 5]


def test_all_may_go_and_the_chain_goes_on(journal: Journal) -> None:
    write(journal, OLD, OLD)
    assert let_go(journal) == 2
    write(journal, NOW)
    assert numbers(journal) == [3, 4]
    assert checked(journal).good


def test_small_steps_and_several_purges(journal: Journal) -> None:
    write(journal, *[OLD] * 7, NOW)
    assert [let_go(journal, step=3) for _ in range(4)] == [3, 3, 1, 0]
    assert checked(journal).good
    assert journal.query("SELECT id FROM audit_anchor")[0]["id"] == 7


def test_what_the_repository_has_yet_to_receive_stays(journal: Journal) -> None:
    write(journal, OLD, OLD, OLD, NOW)
    assert let_go(journal, upto=1) == 1
    assert numbers(journal)[0] == 2


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        # a beginning removed by hand, with the anchor a purge would have left
        (
            (
                "INSERT INTO audit_anchor SELECT id, mac, at FROM audit WHERE id = 4",
                "DELETE FROM audit WHERE id <= 4",
            ),
            5,
        ),
        # the former anchor put back
        (("UPDATE audit_anchor SET id = 1",), 2),
        (("DELETE FROM audit_anchor",), 1),
        (("UPDATE audit_anchor SET mac = replace(mac, 'a', 'b')",), 4),
        # the line that vouches for the anchor cut off with the tail
        (("DELETE FROM audit WHERE id > 5",), 4),
    ],
)
def test_a_false_beginning_is_found(journal: Journal, tamper: tuple[str, ...], line: int) -> None:
    write(journal, OLD, OLD, OLD, NOW, NOW)
    let_go(journal)
    write(journal, NOW)
    assert checked(journal).good
    for sql in tamper:
        journal.transact(lambda tx, sql=sql: tx.execute(sql).rowcount)  # type: ignore[misc]
    fault = checked(journal).fault
    assert fault is not None
    assert fault.line == line


def test_a_noted_head_removed_since_is_said_to_be_out_of_reach(journal: Journal) -> None:
    write(journal, OLD, OLD)
    noted = str(head_of(journal))
    write(journal, OLD, NOW)
    assert checked(journal, noted).good
    let_go(journal)
    fault = checked(journal, noted).fault
    assert fault is not None
    assert "durée de conservation" in fault.text
    # the very line the chain now begins after still compares
    anchor = journal.query("SELECT id, mac FROM audit_anchor")[0]
    assert checked(journal, f"{anchor['id']}:{anchor['mac']}").good


# -- all day long ----------------------------------------------------------------------------------------------------


def test_the_head_is_told_once_a_day(journal: Journal) -> None:
    today = [NOW]
    service = AuditService(journal, AuditConfig(), clock=lambda: today[0])
    write(journal, NOW)
    with capture_logs() as logs:
        service.tell_head()
        service.tell_head()
        today[0] += timedelta(days=1)
        service.tell_head()
    assert [log["head"] for log in logs] == [str(head_of(journal))] * 2


def test_the_service_removes_what_is_past_its_time(journal: Journal) -> None:
    write(journal, *[OLD] * 5, NOW)
    service = AuditService(journal, AuditConfig(), clock=lambda: NOW)
    service.start()
    until(lambda: numbers(journal)[0] == 6)
    service.stop()
    assert AuditService(journal, AuditConfig(), clock=lambda: NOW).let_go() == 0
    assert checked(journal).good


def test_the_service_keeps_what_it_has_not_sent(journal: Journal, tmp_path: Path) -> None:
    write(journal, *[OLD] * 5, NOW)
    atna = AtnaConfig(host="127.0.0.1", port=1)
    service = AuditService(journal, AuditConfig(atna=atna), clock=lambda: NOW)
    assert service.let_go() == 0
    journal.transact(lambda tx: tx.execute("INSERT INTO follower VALUES ('atna', 2)").rowcount)
    assert service.let_go() == 2


def test_a_follower_switched_off_is_not_late_and_goes_on_where_it_was(journal: Journal) -> None:
    write(journal, *[NOW] * 5)
    on = AuditConfig(atna=AtnaConfig(host="127.0.0.1", port=1))
    AuditService(journal, on).declare()
    assert [tuple(row) for row in journal.query("SELECT * FROM follower")] == [("atna", 0)]
    journal.transact(lambda tx: tx.execute("UPDATE follower SET position = 4").rowcount)
    AuditService(journal, AuditConfig()).declare()
    assert journal.query("SELECT * FROM follower") == []
    journal.transact(lambda tx: tx.execute("DELETE FROM audit WHERE id > 3").rowcount)
    fault = checked(journal).fault
    assert fault is not None
    assert fault.line == 4
    AuditService(journal, on).declare()
    assert [tuple(row) for row in journal.query("SELECT * FROM follower")] == [("atna", 4)]
