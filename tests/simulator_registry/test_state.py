"""What the registry remembers: duplicates, replacement, all or nothing, restart (ihe-rules D-47…D-50)."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from connector.base.ns import RIM, q
from connector.rules import names as n
from connector.rules.case import is_signature
from connector.simulator.model import RegistryRefusal
from connector.simulator.registry_store import StoredEntry
from tests.simulator_registry.samples import (
    CDA,
    DOC_CID,
    DOC_UID,
    INS,
    OTHER_INS,
    SIG_CID,
    Desk,
    Sample,
    assertion,
    cda,
)

DUPLICATE = "XDSDuplicateUniqueIdInRegistry"


def entries(desk: Desk, ins: str = INS) -> list[StoredEntry]:
    return [entry for entry in desk.registry.documents(ins) if not is_signature(entry.item)]


def another() -> Sample:
    return Sample().uids("2.25.2001", "2.25.2002", "2.25.2003")


def test_server_fills_what_is_its_own(desk: Desk) -> None:
    desk.provide(Sample())
    entry = entries(desk)[0]
    assert entry.item.id.startswith("urn:uuid:")
    assert entry.item.lid == entry.item.id
    assert entry.status == n.APPROVED
    assert entry.item.version == "1"
    assert entry.item.values("repositoryUniqueId") == (n.REPOSITORY_ID,)
    assert entry.item.values("size") == (str(len(CDA)),)
    assert len(entry.hash) == 40
    assert entry.file.read_bytes() == CDA


def test_associations_point_to_the_assigned_ids(desk: Desk) -> None:
    desk.provide(Sample())
    ends = {link.source for link in desk.registry.store.associations()} | {
        link.target for link in desk.registry.store.associations()
    }
    assert len(ends) == 3
    assert all(desk.registry.store.has_object(end) for end in ends)


def test_the_same_submission_again_is_refused(desk: Desk) -> None:
    desk.provide(Sample())
    assert set(desk.told(Sample())) == {("DUP-1", DUPLICATE), ("DUP-3", DUPLICATE)}
    assert desk.world.acceptances() == {DOC_UID: 1}


def test_the_same_document_in_a_new_set_is_refused(desk: Desk) -> None:
    desk.provide(Sample())
    assert list(desk.told(Sample().uids("2.25.2001", DOC_UID, "2.25.2003"))) == [("DUP-3", DUPLICATE)]


def test_without_duplicate_check_each_acceptance_counts(desk: Desk) -> None:
    desk.repository.settings = replace(desk.repository.settings, duplicate_check=False)
    desk.provide(Sample())
    desk.provide(Sample())
    assert desk.world.acceptances() == {DOC_UID: 2}


def test_known_unique_id_with_another_content(desk: Desk) -> None:
    desk.provide(Sample())
    sample = Sample(document=CDA.replace(b"Lettre", b"Autre")).uids("2.25.2001", DOC_UID, "2.25.2003")
    assert list(desk.told(sample)) == [("DUP-2", "XDSNonIdenticalHash")]


def test_replacement_deprecates_its_target(desk: Desk) -> None:
    desk.provide(Sample())
    old = entries(desk)[0]
    desk.provide(another().replacing(old.item.id))
    assert [entry.status for entry in entries(desk)] == [n.DEPRECATED, n.APPROVED]
    assert desk.registry.store.entry(old.item.id) is not None


def test_the_new_version_names_what_it_replaces(desk: Desk) -> None:
    desk.provide(Sample())
    old = entries(desk)[0].item.id
    for said in ("2.25.9", ""):
        sample = another().replacing(old, said)
        assert list(desk.told(sample)) == [("DMP-21", "XDSRepositoryMetadataError")]
    assert [entry.status for entry in entries(desk)] == [n.APPROVED]


def test_append_does_not_deprecate(desk: Desk) -> None:
    desk.provide(Sample())
    desk.provide(another().link("as9", n.APND, "Document01", entries(desk)[0].item.id))
    assert [entry.status for entry in entries(desk)] == [n.APPROVED, n.APPROVED]


def test_replacement_of_what_is_not_approved(desk: Desk) -> None:
    desk.provide(Sample())
    old = entries(desk)[0]
    for status in (n.DEPRECATED, n.ARCHIVED, n.DELETED):
        desk.registry.store.set_status(old.item.id, status)
        sample = another().replacing(old.item.id)
        assert list(desk.told(sample)) == [("D-47d", "XDSRegistryDeprecatedDocumentError")]
    assert [entry.status for entry in entries(desk)] == [n.DELETED]


def test_replacement_of_the_unknown(desk: Desk) -> None:
    sample = Sample().link("as9", n.RPLC, "Document01", "urn:uuid:00000000-0000-4000-8000-000000000001")
    assert list(desk.told(sample)) == [("D-47b", "UnresolvedReferenceException")]


def test_replacement_of_another_patients_document(desk: Desk) -> None:
    theirs = desk.registry.seed(CDA, ins=OTHER_INS, type_code="11490-0", title="Lettre", unique_id="2.25.5")
    sample = Sample().replacing(theirs, "2.25.5")
    assert list(desk.told(sample)) == [("D-47c", "XDSPatientIdDoesNotMatch")]
    assert [entry.status for entry in entries(desk, OTHER_INS)] == [n.APPROVED]


def test_an_assigned_uuid_cannot_be_taken_again(desk: Desk) -> None:
    desk.provide(Sample())
    taken = entries(desk)[0].item.id
    sample = another()
    parts = sample.parts()
    sample.document, sample.signature = parts[DOC_CID], parts[SIG_CID]
    for element in sample.root.iter():
        for name, value in element.attrib.items():
            if value == "Document01":
                element.set(name, taken)
    assert list(desk.told(sample)) == [("D-47e", "XDSRepositoryMetadataError")]


@pytest.mark.parametrize(
    ("status", "told"), [("CLOSED", ("DMP-20", "DMPClosed")), ("ABSENT", ("D-47a", "XDSUnknownPatientId"))]
)
def test_no_open_dmp(desk: Desk, status: str, told: tuple[str, str]) -> None:
    desk.world.set_dmp(INS, status)  # type: ignore[arg-type]
    assert list(desk.told(Sample())) == [told]


def test_unknown_patient(desk: Desk) -> None:
    nobody = "180017500000076"
    sample = Sample(caller=assertion(resource_ins=nobody), document=CDA.replace(INS.encode(), nobody.encode()))
    for owner, name in (
        ("SubmissionSet01", "XDSSubmissionSet"),
        ("Document01", "XDSDocumentEntry"),
        ("Signature01", "XDSDocumentEntry"),
    ):
        sample.identifier(owner, f"{name}.patientId", f"{nobody}^^^&1.2.250.1.213.1.4.10&ISO^NH")
    assert list(desk.told(sample)) == [("D-47a", "XDSUnknownPatientId")]


def test_a_refused_submission_leaves_no_trace(desk: Desk) -> None:
    sample = Sample()
    sample.code("Signature01", "f0306f51-975f-434e-a61c-c59651d33983", "11490-0")
    with pytest.raises(RegistryRefusal):
        desk.provide(sample)
    assert desk.registry.documents(INS) == ()
    assert desk.world.acceptances() == {}
    assert list((desk.folder / "registry" / "documents").iterdir()) == []
    assert not desk.registry.store.has_set("2.25.1001")


def test_a_failing_disk_leaves_no_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connector.simulator.jsonl.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        desk.provide(Sample())
    monkeypatch.undo()
    assert desk.registry.documents(INS) == ()
    assert Desk(desk.folder).registry.documents(INS) == ()
    desk.provide(Sample())
    assert len(Desk(desk.folder).registry.documents(INS)) == 2


def test_a_restart_remembers_everything(desk: Desk) -> None:
    desk.provide(Sample())
    desk.provide(another().replacing(entries(desk)[0].item.id))
    again = Desk(desk.folder)
    assert again.registry.documents(INS) == desk.registry.documents(INS)
    assert again.registry.store.associations() == desk.registry.store.associations()
    assert [entry.file.read_bytes() for entry in entries(again)] == [CDA, cda("2.25.2002", DOC_UID)]
    assert [entry.status for entry in entries(again)] == [n.DEPRECATED, n.APPROVED]
    assert ("DUP-1", DUPLICATE) in set(again.told(Sample()))


def test_a_torn_last_line_is_dropped_and_the_next_one_is_whole(desk: Desk) -> None:
    desk.provide(Sample())
    journal = desk.folder / "registry" / "registry.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"objects": "<rim:Reg')
    again = Desk(desk.folder)
    assert len(again.registry.documents(INS)) == 2
    again.provide(another())
    assert len(Desk(desk.folder).registry.documents(INS)) == 4


def test_extra_slots_and_comments_survive_a_restart(desk: Desk) -> None:
    sample = Sample().slot("Document01", "urn:x:ward", "A & B", "C")
    desk.provide(sample)
    assert entries(Desk(desk.folder))[0].item.values("urn:x:ward") == ("A & B", "C")


def test_two_identical_submissions_at_once_give_one(desk: Desk, tmp_path: Path) -> None:
    outcomes: list[str] = []

    def send() -> None:
        try:
            desk.provide(Sample())
            outcomes.append("accepted")
        except RegistryRefusal as refusal:
            outcomes.append(refusal.errors[0].code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [DUPLICATE] * 3 + ["accepted"]
    assert len(entries(desk)) == 1


def test_seeded_document_is_like_any_other(desk: Desk) -> None:
    uuid_ = desk.registry.seed(
        b"<ClinicalDocument/>",
        ins=INS,
        type_code="11502-2",
        title="CR d'examens biologiques",
        creation_time="20260301",
        event_codes="CT^1.2.250.1.213.1.1.5.618^Scanner",
        confidentiality="N MASQUE_PS",
    )
    entry = desk.registry.store.entry(uuid_)
    assert entry is not None
    assert entry.item.codes(n.CLASS_CODE) == (("10", "1.2.250.1.213.1.1.4.1"),)
    assert [code for code, _ in entry.item.codes(n.CONFIDENTIALITY)] == ["N", "MASQUE_PS"]
    assert entry.item.first("creationTime") == "20260301"
    assert len(desk.registry.store.sets_of(INS)) == 1


def test_seeding_refuses_what_the_dmp_does_not_know(desk: Desk) -> None:
    with pytest.raises(KeyError):
        desk.registry.seed(b"x", ins="180017500000076", type_code="11502-2", title="t")
    with pytest.raises(KeyError):
        desk.registry.seed(b"x", ins=INS, type_code="nothing", title="t")
    assert desk.registry.documents(INS) == ()


def test_hard_linked_files_outlive_the_received_part(desk: Desk) -> None:
    request = Sample().request(desk.folder / "received")
    desk.repository.handle(request)
    for part in request.parts.values():
        part.path.unlink()
    assert entries(desk)[0].file.read_bytes() == CDA


def test_the_body_must_be_a_submission(desk: Desk) -> None:
    sample = Sample()
    sample.root.tag = q(RIM, "Anything")
    assert [code for _, code in desk.told(sample)] == ["XDSRepositoryMetadataError"]
