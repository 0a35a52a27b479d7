"""The daily question: did this letter reach the DMP? Asked by any key, after any merge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.base.finding import Finding
from connector.journal.job import Dead, Done, Hold, Outcome, Refuse
from connector.journal.model import JournalError
from connector.journal.store import Journal
from connector.journal.timeline import timeline
from connector.journal.worklist import worklist
from tests.journal.support import INS, IPP, NOW, Script, deliver, drained, message, patient

NIR = "279035121518989"


@pytest.fixture
async def story(journal: Journal) -> Journal:
    """One letter of PAT-TROIS, received twice and delivered; another patient beside."""
    stored = await journal.accept(message(12, type="ORU", event="R01"))
    await journal.accept(message(12, received_at=NOW + timedelta(minutes=1)))
    owner = journal.transact(lambda tx: tx.resolve_patient([(IPP, "000003"), (INS, NIR)]))
    deliver(journal, owner, message_id=stored.message_id, stay="S1@FINESS", document_id="1.2.250.1.999.7")
    deliver(journal, patient(journal, "000009"), document_id="1.2.250.1.999.8")
    await drained(journal, {"send": Script()})
    return journal


@pytest.mark.parametrize(
    "key",
    [
        {"patient_id": 1},
        {"ipp": "000003"},
        {"ipp": "000003", "domain": IPP},
        {"ins": NIR},
        {"stay": "S1@FINESS"},
        {"document_id": "1.2.250.1.999.7"},
        {"control_id": "control-12"},
        {"message_id": 1},
        {"delivery_id": 1},
    ],
)
async def test_the_story_is_found_by_every_key(story: Journal, key: dict[str, Any]) -> None:
    lines = timeline(story, **key)
    assert [line.event for line in lines] == ["received", "duplicate", "route", "create", "start", "succeed"]
    assert [line.text for line in lines[:2]] == [
        "Message ORU^R01 reçu et accepté",
        "Même message reçu de nouveau, réponse identique, rien de renvoyé",
    ]
    assert (lines[0].at, lines[0].data["control_id"]) == (NOW, "control-12")
    assert lines[2].at == lines[3].at
    assert [(line.state_from, line.state_to) for line in lines] == [
        ("", "stored"),
        ("", ""),
        ("stored", "routed"),
        ("", "queued"),
        ("queued", "running"),
        ("running", "done"),
    ]
    assert {line.document_id for line in lines[3:]} == {"1.2.250.1.999.7"}


@pytest.mark.parametrize("key", [{"ipp": "nobody"}, {"ipp": "000003", "domain": "9.9"}, {"stay": "S2"}])
async def test_an_unknown_key_has_no_story(story: Journal, key: dict[str, Any]) -> None:
    assert timeline(story, **key) == []


@pytest.mark.parametrize("keys", [{}, {"ipp": "1", "stay": "S1"}, {"ipp": "1", "ins": "2"}])
def test_exactly_one_key(journal: Journal, keys: dict[str, Any]) -> None:
    with pytest.raises(JournalError, match="exactly one key"):
        timeline(journal, **keys)


async def test_the_newest_lines_are_kept(story: Journal) -> None:
    assert [line.event for line in timeline(story, patient_id=1, limit=2)] == ["start", "succeed"]


async def test_merged_patients_are_found_from_either(story: Journal) -> None:
    story.transact(lambda tx: tx.merge_patients(2, 1))
    by_gone, by_kept = timeline(story, patient_id=1), timeline(story, patient_id=2)
    assert by_gone == by_kept == timeline(story, ipp="000003") == timeline(story, ipp="000009")
    assert {line.patient_id for line in by_gone if line.patient_id} == {1, 2}
    assert by_gone[-1].event == "merge"


def test_a_refused_message_shows_why(journal: Journal) -> None:
    finding = Finding("VOLET-3.2", "error", "PID-3", "", "un IPP", "IPP absent", code="101")
    journal.accept_sync(message(5, verdict="refused", findings=(finding,)))
    (line,) = timeline(journal, control_id="control-5")
    assert (line.event, line.text) == ("rejected", "Message ADT^A01 reçu et refusé")
    assert line.data["findings"] == [finding.as_dict()]


def test_notes_are_found_by_their_keys(journal: Journal) -> None:
    owner = patient(journal, 1)
    journal.transact(lambda tx: tx.note("consent", "Consentement reçu", patient_id=owner, stay="S1", data={"zfa": "A"}))
    (line,) = timeline(journal, stay="S1")
    assert (line.event, line.text, line.patient_id, line.data) == ("consent", "Consentement reçu", owner, {"zfa": "A"})


async def test_the_worklist_says_what_waits_for_a_person(journal: Journal) -> None:
    owners = [patient(journal, n) for n in range(4)]
    ids = [deliver(journal, owner, document_id=f"1.2.{owner}") for owner in owners]
    answers: list[Outcome] = [
        Hold("INS non qualifiée", "ins"),
        Refuse("typeCode inconnu", "E1"),
        Dead("illisible", "E2"),
        Done(),
    ]
    await drained(journal, {"send": Script({d: [a] for d, a in zip(ids, answers, strict=True)})})
    items = worklist(journal)
    assert [(i.delivery_id, i.state, i.reason_code) for i in items] == [
        (ids[0], "held", "ins"),
        (ids[1], "refused", "E1"),
        (ids[2], "dead", "E2"),
    ]
    assert [i.delivery_id for i in worklist(journal, ["dead", "held"])] == [ids[0], ids[2]]
    assert [i.delivery_id for i in worklist(journal, ["refused"], limit=1)] == [ids[1]]
    assert (items[0].patient_id, items[0].document_id, items[0].kind) == (owners[0], f"1.2.{owners[0]}", "send")
