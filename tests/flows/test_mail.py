"""The mail we do not send: counted on the timeline, on the worklist, and told to each sender that asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from connector.flows.config import ZamConfig, ZamDestination
from connector.flows.mail import LANE, UNSENT, kind_of, mail_recipients, unsent
from connector.flows.notices import MAIL_NOT_SERVED, NOTICE, NoticeFlow
from connector.flows.routing_codes import ZAM
from connector.flows.zam import ZamFlow
from connector.hl7.ack import AckError, build_ack
from connector.hl7.er7 import Message, parse, parse_header
from connector.hl7.volet import read_document
from connector.journal import Journal, JournalConfig, StoredMessage
from connector.journal.timeline import timeline
from connector.journal.worklist import worklist
from tests.hl7_readers.messages import ORU, edit, insert, switch
from tests.journal.support import FAST, NOW, Script, deliver, drained, message, patient, state

PS = switch(ORU, "DESTMSSANTEPS", "Y")
BOTH = switch(PS, "DESTMSSANTEPAT", "Y")
DOCTOR, MAILBOX = "adam.hoda@test-ci-sis.mssante.fr", "279035121518989@patient.mssante.fr"
UNIT = "PRT||UC||RCT^^participation||||Urologie^^^^^^UF^^^6268|||||||^^X.400^urologie@hopital.mssante.fr"
SOFTWARE = "PRT||UC||RCT^^participation|||||BAL-1|||||^^X.400^bal@hopital.mssante.fr"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"))
    yield journal
    journal.close()


class Hospital:
    """The sender's listener: what it received, and the code it answers with."""

    def __init__(self, code: str = "AA", error: str = "") -> None:
        self.received: list[Message] = []
        self._code, self._error = code, error

    def exchange(self, _destination: ZamDestination, raw: bytes) -> bytes:
        self.received.append(parse(raw))
        errors = [AckError("", self._error)] if self._error else []
        return build_ack(parse_header(raw), self._code, errors, now=NOW, control_id="1")  # type: ignore[arg-type]

    def handlers(self) -> dict[str, object]:
        config = ZamConfig((ZamDestination("*", "127.0.0.1", 1),))
        return {ZAM: ZamFlow(config, self.exchange, clock=lambda: NOW), NOTICE: NoticeFlow()}

    def told(self) -> list[tuple[str, ...]]:
        """(event, request, Y or N, recipient's id, address, ERR-5.1, ERR-5.3) of each ZAM."""
        return sorted(_told(zam) for zam in self.received)


def _told(zam: Message) -> tuple[str, ...]:
    status, actor = zam.all("OBX")
    err = zam.first("ERR")
    assert err is not None
    assert (actor.get(2), actor.get(3), actor.get(5, 1, 3)) == ("XTN", "DESTINATAIRE_MSS", "X.400")
    who = (actor.get(4), actor.get(5, 1, 4))
    return (zam.header.event, status.get(4), status.get(5), *who, err.get(5), err.get(5, 1, 3))


async def route(journal: Journal, text: str, **options: bool) -> int:
    """The message stored and its mail told, as the router does it; the number of recipients."""
    raw = text.encode()
    incoming = message(1, raw=raw, type="ORU", event="R01", control_id="015", sender="SIL-Y|labo")
    number = (await journal.accept(incoming)).message_id
    request = read_document(parse(raw), environment="test", today=date(2026, 11, 2))
    kept = StoredMessage(number, raw, "", incoming.key, "ORU", "R01", "015", "SIL-Y|labo", NOW, "document")
    owner = patient(journal, 1)
    return journal.transact(lambda tx: unsent(tx, kept, request, owner, "24000008", document_id="1.2.3", **options))


async def test_no_mail_asked_for_nothing_said(journal: Journal) -> None:
    assert await route(journal, ORU) == 0
    assert worklist(journal) == []
    assert not any(line.event == UNSENT for line in timeline(journal, document_id="1.2.3"))


async def test_mail_is_counted_by_kind_and_waits_for_a_person(journal: Journal) -> None:
    assert await route(journal, insert(insert(BOTH, "PRT||UC||RCT", UNIT), "PRT||UC||RCT", SOFTWARE)) == 4
    (line,) = [line for line in timeline(journal, document_id="1.2.3") if line.event == UNSENT]
    assert "1 professionnel, 1 organisation, 1 boîte aux lettres, 1 patient" in line.text
    assert line.data == {"recipients": {"professional": 1, "organisation": 1, "application": 1, "patient": 1}}
    (item,) = worklist(journal)
    assert (item.kind, item.state, item.reason_code) == (NOTICE, "held", MAIL_NOT_SERVED)
    assert "1 professionnel" in item.reason


async def test_each_recipient_has_a_negative_z02(journal: Journal) -> None:
    await route(journal, BOTH)
    hospital = Hospital()
    await drained(journal, hospital.handlers())  # type: ignore[arg-type]
    ours = ("906", "applicationErrorCondition")
    assert hospital.told() == [
        ("Z02", "015", "N", "279035121518989", MAILBOX, *ours),
        ("Z02", "015", "N", "801234567897", DOCTOR, *ours),
    ]
    assert len({zam.header.control_id for zam in hospital.received}) == 2
    assert [item.kind for item in worklist(journal)] == [NOTICE]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (PS, [DOCTOR]),
        (switch(ORU, "DESTMSSANTEPAT", "Y"), [MAILBOX]),
        (insert(PS, "PRT||UC||RCT", f"PRT||UC||RCT|||||||||||^^X.400^{DOCTOR.upper()}"), [DOCTOR]),
        (switch(BOTH, "ACK_RECEPTION", "N"), []),
        (switch(BOTH, "ACK_RECEPTION", ""), []),
    ],
    ids=["professionals", "patient", "named-twice", "none-wanted", "not-said"],
)
async def test_only_those_asked_for_are_told_and_only_when_wanted(
    journal: Journal, text: str, addresses: list[str]
) -> None:
    await route(journal, text)
    hospital = Hospital()
    await drained(journal, hospital.handlers())  # type: ignore[arg-type]
    assert [told[4].lower() for told in hospital.told()] == addresses


async def test_a_connector_that_must_stay_unheard_sends_no_z02(journal: Journal) -> None:
    assert await route(journal, BOTH, acknowledge=False) == 2
    hospital = Hospital()
    await drained(journal, hospital.handlers())  # type: ignore[arg-type]
    assert hospital.received == []
    assert len(worklist(journal)) == 1


@pytest.mark.parametrize(
    ("code", "error", "ends", "why"),
    [
        ("AA", "", "done", ""),
        ("AE", "207", "refused", "zam.AE"),
        ("AR", "201", "refused", "zam.not-read"),
        ("AR", "206", "dead", "zam.AR"),
    ],
)
async def test_the_senders_answer_settles_it_and_disturbs_nothing_else(
    journal: Journal, code: str, error: str, ends: str, why: str
) -> None:
    await route(journal, PS)
    later = deliver(journal, patient(journal, 1), kind="letter", lane=ZAM)
    hospital = Hospital(code, error)
    await drained(
        journal,
        {**hospital.handlers(), "letter": Script()},  # type: ignore[dict-item]
        backoffs={ZAM: replace(FAST, max_attempts=2)},
    )
    (row,) = journal.query("SELECT state, reason_code FROM delivery WHERE lane = ?", (f"{LANE}:SIL-Y|labo",))
    assert (row["state"], row["reason_code"]) == (ends, why)
    assert state(journal, later) == "done"


async def test_no_address_and_no_matricule_is_told_outside_the_z02_itself(journal: Journal) -> None:
    await route(journal, BOTH)
    told = [line.text + str(line.data) for line in timeline(journal, document_id="1.2.3")]
    told += [item.reason for item in worklist(journal)]
    for secret in (DOCTOR, MAILBOX, "279035121518989", "PAT-TROIS"):
        assert not any(secret in text for text in told)


def test_a_recipient_without_address_still_counts() -> None:
    text = edit(PS, "PRT[2]-15", "")
    request = read_document(parse(text.encode()), environment="test", today=date(2026, 11, 2))
    (recipient,) = mail_recipients(request)
    assert (kind_of(recipient), recipient.address) == ("professional", "")
