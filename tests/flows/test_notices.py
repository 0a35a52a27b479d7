"""A notice is on the worklist, holds nobody up, and ends when a person says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.flows.notices import MAIL_NOT_SERVED, NOTICE, NoticeFlow, raise_notice
from connector.journal import Journal, JournalConfig
from connector.journal.model import Incoming
from connector.journal.operator import act
from connector.journal.worklist import worklist
from tests.journal.support import Script, deliver, drained, events, message, patient, state

TEXT = "Courriel non envoyé : 1 professionnel"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"), schemas=())
    yield journal
    journal.close()


def notice(journal: Journal, patient_id: int, message_id: int | None = None) -> int:
    return journal.transact(
        lambda tx: raise_notice(
            tx,
            message_id=message_id,
            patient_id=patient_id,
            stay="24000008",
            document_id="1.2.3",
            code=MAIL_NOT_SERVED,
            text=TEXT,
        )
    )


async def stored(journal: Journal, incoming: Incoming) -> int:
    return (await journal.accept(incoming)).message_id


async def test_a_notice_is_a_worklist_item_of_its_message(journal: Journal) -> None:
    number = notice(journal, patient(journal, 1), await stored(journal, message(1)))
    (item,) = worklist(journal)
    assert (item.delivery_id, item.kind, item.state) == (number, NOTICE, "held")
    assert (item.reason, item.reason_code, item.document_id) == (TEXT, MAIL_NOT_SERVED, "1.2.3")


async def test_it_stands_before_nothing(journal: Journal) -> None:
    owner = patient(journal, 1)
    held = notice(journal, owner)
    later = deliver(journal, owner)
    await drained(journal, {"send": Script(), NOTICE: NoticeFlow()})
    assert (state(journal, later), state(journal, held)) == ("done", "held")


@pytest.mark.parametrize("what", ["settle", "release", "retry"])
async def test_a_person_ends_it(journal: Journal, what: str) -> None:
    number = notice(journal, patient(journal, 1))
    journal.transact(lambda tx: act(tx, what, number, "vu", "operateur"))  # type: ignore[arg-type]
    await drained(journal, {NOTICE: NoticeFlow()})
    assert state(journal, number) == "done"
    assert worklist(journal) == []
    assert events(journal, number)[-1] == ("settle" if what == "settle" else "succeed")
