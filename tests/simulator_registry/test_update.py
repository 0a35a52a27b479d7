"""ITI-57: status, versions, states, document rights (dmp-interface a.10, d.2; ihe-rules D-37, D-64 to D-71)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.base.ns import RIM, q
from connector.rules import names as n
from connector.rules.query_shapes import D
from connector.simulator.config import SimConfig
from connector.simulator.model import Coded, RegistryRefusal, SimFault
from connector.simulator.registry_store import StoredEntry
from tests.simulator_registry.samples import (
    CDA,
    DOC_UID,
    INS,
    OTHER_INS,
    STRUCTURE,
    Desk,
    Sample,
    assertion,
    cda,
    reader,
)
from tests.simulator_registry.test_query import APPROVED, FIND, GET, ask, find, titles
from tests.simulator_registry.updates import MASKED, Version, association, author, deletion, send, status_change, told

UPDATE_ERROR, VERSION_ERROR = "XDSMetadataUpdateError", "XDSMetadataVersionError"
DENIED = "DMPAccessDeniedByRightsService"


@pytest.fixture
def fed(desk: Desk) -> Desk:
    desk.provide(Sample())
    return desk


def entry(desk: Desk, unique_id: str = DOC_UID) -> StoredEntry:
    """The version in force."""
    return desk.registry.store.by_unique_id(unique_id)[-1]


def seeded(desk: Desk, ins: str = INS, confidentiality: str = "N", **facts: str) -> StoredEntry:
    """A document of the laboratory, not of the caller."""
    uuid = desk.registry.seed(
        b"<x/>", ins=ins, type_code="11502-2", title="bio", confidentiality=confidentiality, **facts
    )
    found = desk.registry.store.entry(uuid)
    assert found is not None
    return found


# -- deletion and archives --------------------------------------------------------------------------------------------


def test_deletion_is_logical(fed: Desk) -> None:
    before = entry(fed)
    send(fed, deletion(before.item.id))
    after = entry(fed)
    assert (after.item.id, after.item.lid, after.item.version) == (before.item.id, before.item.lid, "1")
    assert after.status == n.DELETED
    assert after.file.read_bytes() == CDA
    assert find(fed, author()) == []
    body = ask(fed, FIND, {D + "Status": f"('{n.DELETED}')"}, who=author())
    assert [titles(item) for item in body.iter(q(RIM, "ExtrinsicObject"))] == ["Lettre de liaison à la sortie"]


def test_a_deletion_counts_once(fed: Desk) -> None:
    entry_uuid = entry(fed).item.id
    send(fed, deletion(entry_uuid))
    assert told(fed, deletion(entry_uuid, "2.25.5002")) == [("D-37", UPDATE_ERROR)]
    fate = fed.registry.fate(DOC_UID)
    assert (fate.accepted, fate.operations, fate.status) == (1, {"TD3.3c": 1}, n.DELETED)


def test_the_same_request_again_is_a_duplicate_set(fed: Desk) -> None:
    entry_uuid = entry(fed).item.id
    send(fed, status_change(entry_uuid, n.APPROVED, n.ARCHIVED), author())
    again = status_change(entry_uuid, n.ARCHIVED, n.APPROVED)
    assert told(fed, again, author()) == [("DUP-1", "XDSDuplicateUniqueIdInRegistry")]


def test_archived_and_back(fed: Desk) -> None:
    entry_uuid = entry(fed).item.id
    send(fed, status_change(entry_uuid, n.APPROVED, n.ARCHIVED), author())
    assert entry(fed).status == n.ARCHIVED
    assert find(fed, author()) == []
    send(fed, status_change(entry_uuid, n.ARCHIVED, n.APPROVED, "2.25.5002"), author())
    assert entry(fed).status == n.APPROVED
    assert fed.registry.fate(DOC_UID).operations == {"TD3.3d": 2}


def test_survives_a_restart(fed: Desk) -> None:
    send(fed, Version(entry(fed)).confidentiality(MASKED).body(), author())
    send(fed, deletion(entry(fed).item.id, "2.25.5002"))
    again = Desk(fed.folder)
    assert again.registry.fate(DOC_UID) == fed.registry.fate(DOC_UID)
    assert [found.status for found in again.registry.store.by_unique_id(DOC_UID)] == [n.DEPRECATED, n.DELETED]
    assert again.registry.store.associations() == fed.registry.store.associations()


@pytest.mark.parametrize(
    ("original", "new", "expected"),
    [
        (n.ARCHIVED, n.DELETED, ("D-37", UPDATE_ERROR)),
        (n.APPROVED, n.APPROVED, ("D-37", UPDATE_ERROR)),
        (n.APPROVED, "urn:oasis:names:tc:ebxml-regrep:StatusType:Submitted", ("D-37", UPDATE_ERROR)),
        (n.APPROVED, n.DEPRECATED, ("DMP-30", UPDATE_ERROR)),
    ],
)
def test_status_rules(fed: Desk, original: str, new: str, expected: tuple[str, str]) -> None:
    body = status_change(entry(fed).item.id, original, new)
    assert expected in told(fed, body, author())
    assert entry(fed).status == n.APPROVED


def test_a_deleted_document_does_not_come_back(fed: Desk) -> None:
    entry_uuid = entry(fed).item.id
    send(fed, deletion(entry_uuid))
    assert ("DMP-30", UPDATE_ERROR) in told(fed, status_change(entry_uuid, n.DELETED, n.APPROVED, "2.25.2"), author())


def test_an_unknown_document(fed: Desk) -> None:
    body = deletion("urn:uuid:00000000-0000-4000-8000-000000000001")
    assert told(fed, body) == [("D-37", "UnresolvedReferenceException")]


def test_another_patients_document(fed: Desk) -> None:
    theirs = seeded(fed, OTHER_INS)
    assert told(fed, deletion(theirs.item.id)) == [("UPD-1", "XDSPatientIdDoesNotMatch")]
    assert entry(fed, theirs.unique_id).status == n.APPROVED


def test_a_document_masked_to_the_caller_is_unknown(fed: Desk) -> None:
    masked = seeded(fed, confidentiality="N MASQUE_PS")
    assert told(fed, deletion(masked.item.id)) == [("D-37", "UnresolvedReferenceException")]


@pytest.mark.parametrize(("status", "code"), [("CLOSED", "DMPClosed"), ("ABSENT", "XDSUnknownPatientId")])
def test_no_open_dmp(fed: Desk, status: str, code: str) -> None:
    fed.world.set_dmp(INS, status)  # type: ignore[arg-type]
    assert [found for _, found in told(fed, deletion(entry(fed).item.id))] == [code]


# -- who may ----------------------------------------------------------------------------------------------------------

STAFF = reader(
    name_id="1120456789/jdoe",
    roles=(Coded("99", "1.2.250.1.213.1.6.1.140"), Coded("GENR01", "1.2.250.1.213.1.6.1.19")),
)


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (assertion(), True),
        (assertion(name_id="1120456789/automate"), True),
        (assertion(purpose="centre_15"), True),
        (assertion(structure="1120459876"), False),
        (STAFF, True),
        (author(), True),
        (reader(name_id="801234567897"), False),
    ],
    ids=["structure", "automaton", "centre 15", "other structure", "staff", "author", "other doctor of the structure"],
)
def test_deletion_is_for_the_structure_or_the_author(fed: Desk, who: object, allowed: bool) -> None:
    body = deletion(entry(fed).item.id)
    if allowed:
        send(fed, body, who)  # type: ignore[arg-type]
    else:
        with pytest.raises(SimFault) as refused:
            send(fed, body, who)  # type: ignore[arg-type]
        assert refused.value.subcode == DENIED
    assert entry(fed).status == (n.DELETED if allowed else n.APPROVED)


def test_archives_of_another_are_for_the_treating_doctor(fed: Desk) -> None:
    theirs = seeded(fed)
    body = status_change(theirs.item.id, n.APPROVED, n.ARCHIVED)
    with pytest.raises(SimFault):
        send(fed, body, author())
    fed.world.change_patient(INS, doctors=("801234564895",))
    send(fed, body, author())
    assert entry(fed, theirs.unique_id).status == n.ARCHIVED


def test_archives_of_another_in_emergency_as_printed(fed: Desk) -> None:
    theirs = seeded(fed)
    send(fed, status_change(theirs.item.id, n.APPROVED, n.ARCHIVED), author(purpose="bris_de_glace"))
    assert entry(fed, theirs.unique_id).status == n.ARCHIVED


def test_documents_of_the_patient_are_for_the_treating_doctor(fed: Desk) -> None:
    uuid = fed.registry.seed(
        b"<x/>",
        ins=INS,
        type_code="DOCPAT01",
        title="mien",
        author_person=f"801234564895^THOMAS^Eric^^^^^^&{n.PS_OID}&ISO^D^^^IDNPS",
        author_institution=f"X^^^^^&{n.STRUCTURE_OID}&ISO^IDNST^^^{STRUCTURE}",
    )
    for who in (assertion(), author()):
        with pytest.raises(SimFault):
            send(fed, deletion(uuid), who)
    fed.world.change_patient(INS, doctors=("801234564895",))
    send(fed, deletion(uuid), author())


# -- new versions -----------------------------------------------------------------------------------------------------


def test_masking_makes_a_new_version(fed: Desk) -> None:
    before = entry(fed)
    send(fed, Version(before).confidentiality(MASKED).body(), author())
    old, new = fed.registry.store.by_unique_id(DOC_UID)
    assert (old.item.id, old.status, old.item.version) == (before.item.id, n.DEPRECATED, "1")
    assert (new.item.lid, new.status, new.item.version) == (before.item.lid, n.APPROVED, "2")
    assert new.item.id not in (old.item.id, "Document01")
    assert [code for code, _ in new.item.codes(n.CONFIDENTIALITY)] == ["N", MASKED]
    assert (new.hash, new.item.first("size")) == (before.hash, before.item.first("size"))
    assert new.item.values("repositoryUniqueId") == (n.REPOSITORY_ID,)
    assert new.file.read_bytes() == CDA
    fate = fed.registry.fate(DOC_UID)
    assert (fate.accepted, fate.operations, fate.version, fate.entry_uuid) == (1, {"TD3.3a": 1}, 2, new.item.id)


def test_queries_show_the_version_in_force(fed: Desk) -> None:
    send(fed, Version(entry(fed)).confidentiality(MASKED).body(), author())
    latest = entry(fed).item
    assert find(fed, reader(name_id="801234567897")) == []
    assert find(fed, author()) == ["Lettre de liaison à la sortie"]
    for slots, ids in (
        ({D + "UniqueId": f"('{DOC_UID}')"}, [latest.id]),
        ({D + "LogicalID": f"('{latest.lid}')"}, [latest.lid, latest.id]),
        ({D + "UniqueId": f"('{DOC_UID}')", "$MetadataLevel": "2"}, [latest.lid, latest.id]),
        ({D + "EntryUUID": f"('{latest.lid}')"}, [latest.lid]),
    ):
        body = ask(fed, GET, slots, who=author())
        assert [item.get("id") for item in body.iter(q(RIM, "ExtrinsicObject"))] == ids


def test_an_archived_document_stays_archived_when_masked(fed: Desk) -> None:
    send(fed, status_change(entry(fed).item.id, n.APPROVED, n.ARCHIVED), author())
    send(fed, Version(entry(fed), "2.25.5002").confidentiality(MASKED).body(), author())
    assert [found.status for found in fed.registry.store.by_unique_id(DOC_UID)] == [n.DEPRECATED, n.ARCHIVED]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0", ("D-65", VERSION_ERROR)),
        ("2", ("D-65", VERSION_ERROR)),
        ("1.1", ("D-65", VERSION_ERROR)),
    ],
)
def test_previous_version(fed: Desk, version: str, expected: tuple[str, str]) -> None:
    body = Version(entry(fed), previous=version).confidentiality(MASKED).body()
    assert told(fed, body, author()) == [expected]


def test_an_older_version_is_not_changed_again(fed: Desk) -> None:
    first = entry(fed)
    send(fed, Version(first).confidentiality(MASKED).body(), author())
    assert told(fed, Version(first, "2.25.5002").confidentiality("INVISIBLE_PATIENT").body(), author()) == [
        ("D-65", VERSION_ERROR)
    ]
    # 15802b: nor is its status.
    body = status_change(first.item.id, n.APPROVED, n.DELETED, "2.25.5003")
    assert told(fed, body, author()) == [("D-37", UPDATE_ERROR)]


def test_a_deleted_document_has_no_new_version(fed: Desk) -> None:
    send(fed, deletion(entry(fed).item.id))
    body = Version(entry(fed), "2.25.5002").confidentiality(MASKED).body()
    assert told(fed, body, author()) == [("UPD-3", UPDATE_ERROR)]


def test_the_content_is_not_changed_by_metadata(fed: Desk) -> None:
    hashed = Version(entry(fed)).confidentiality(MASKED).slot("hash", "0" * 40).body()
    assert told(fed, hashed, author()) == [("D-70", UPDATE_ERROR)]
    named = Version(entry(fed)).confidentiality(MASKED).identifier(n.DOC_UNIQUE_ID, "2.25.77").body()
    assert told(fed, named, author()) == [("D-70", UPDATE_ERROR)]


def test_a_version_of_nothing(fed: Desk) -> None:
    version = Version(entry(fed)).confidentiality(MASKED)
    version.entry.set("lid", "urn:uuid:00000000-0000-4000-8000-000000000001")
    assert [rule for rule, _ in told(fed, version.body(), author())] == ["D-65"]


def test_unmasking_is_for_the_author(fed: Desk) -> None:
    send(fed, Version(entry(fed)).confidentiality(MASKED).body(), author())
    body = Version(entry(fed), "2.25.5002").confidentiality().body()
    # Masked to the others: for them the document is not there.
    assert [rule for rule, _ in told(fed, body, reader(name_id="801234567897"))] == ["D-65"]
    send(fed, body, author())
    assert [code for code, _ in entry(fed).item.codes(n.CONFIDENTIALITY)] == ["N"]


def test_masking_is_for_any_professional(fed: Desk) -> None:
    send(fed, Version(entry(fed)).confidentiality(MASKED).body(), reader(name_id="801234567897"))
    assert fed.registry.fate(DOC_UID).version == 2


def test_made_visible_and_never_hidden_again(desk: Desk) -> None:
    hidden = "INVISIBLE_REPRESENTANTS_LEGAUX"
    desk.provide(Sample().add_code("Document01", n.CONFIDENTIALITY[9:], hidden, "1.2.250.1.213.1.1.4.13"))
    send(desk, Version(entry(desk)).confidentiality().body(), author())
    assert desk.registry.fate(DOC_UID).operations == {"TD3.3b": 1}
    back = Version(entry(desk), "2.25.5002").confidentiality(hidden).body()
    assert told(desk, back, author()) == [("UPD-5", "LocalPolicyRestrictionError")]


def test_a_version_that_changes_nothing(fed: Desk) -> None:
    assert told(fed, Version(entry(fed)).body(), author()) == [("UPD-4", UPDATE_ERROR)]


def test_relations_follow_the_new_version(fed: Desk) -> None:
    first = entry(fed)
    fed.provide(Sample().uids("2.25.2001", "2.25.2002", "2.25.2003").replacing(first.item.id))
    replacing = entry(fed, "2.25.2002")
    send(fed, Version(replacing).confidentiality(MASKED).body(), author())
    latest = entry(fed, "2.25.2002")
    links = [link for link in fed.registry.store.links_of([latest.item.id]) if link.association_type == n.RPLC]
    assert [(link.source, link.target) for link in links] == [(latest.item.id, first.item.id)]
    fate = fed.registry.fate(DOC_UID)
    assert (fate.replaced_by, fate.status) == ("2.25.2002", n.DEPRECATED)
    assert fed.registry.fate("2.25.2002").replaces == DOC_UID


def test_relations_may_stay(fed: Desk) -> None:
    first = entry(fed)
    fed.provide(Sample().uids("2.25.2001", "2.25.2002", "2.25.2003").replacing(first.item.id))
    version = Version(entry(fed, "2.25.2002")).confidentiality(MASKED)
    version.slots["AssociationPropagation"] = "no"
    send(fed, version.body(), author())
    links = fed.registry.store.links_of([entry(fed, "2.25.2002").item.id])
    assert [link.association_type for link in links] == [n.HAS_MEMBER]


def test_all_or_nothing(fed: Desk) -> None:
    body = deletion(entry(fed).item.id)
    slots = {"OriginalStatus": n.APPROVED, "NewStatus": n.DELETED}
    unknown = "urn:uuid:00000000-0000-4000-8000-000000000001"
    body[0].append(association("as2", n.UPDATE_STATUS, "SubmissionSet01", unknown, slots))
    assert told(fed, body) == [("D-37", "UnresolvedReferenceException")]
    assert entry(fed).status == n.APPROVED
    assert fed.registry.fate(DOC_UID).operations == {}


def test_an_assigned_uuid_cannot_be_taken_again(fed: Desk) -> None:
    version = Version(entry(fed)).confidentiality(MASKED)
    body = version.body()
    for element in body.iter():
        for name, value in element.attrib.items():
            if value == "Document01":
                element.set(name, fed.registry.store.by_unique_id("2.25.1003")[0].item.id)
    assert told(fed, body, author()) == [("D-47e", UPDATE_ERROR)]


def test_a_submission_set_has_no_status_to_change(fed: Desk) -> None:
    (a_set,) = fed.registry.store.sets_of(INS)
    assert told(fed, deletion(a_set.id)) == [("UPD-6", "XDSObjectTypeError")]


def outcome(desk: Desk, body: etree._Element) -> str:
    try:
        told(desk, body, author())
    except SimFault as refused:
        return refused.subcode
    return "judged"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_update_is_refused_or_accepted_never_a_crash(fed: Desk, data: st.DataObject) -> None:
    known = entry(fed)
    body = data.draw(st.sampled_from([Version(known).confidentiality(MASKED).body(), deletion(known.item.id)]))
    places = [(element, name) for element in body.iter() for name in element.attrib]
    text = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12)
    for element, name in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        element.set(name, data.draw(text | st.sampled_from([known.item.id, "Document01", "SubmissionSet01", "as1"])))
    assert outcome(fed, body) in ("judged", DENIED)


def test_not_an_update(fed: Desk) -> None:
    with pytest.raises(RegistryRefusal):
        send(fed, etree.fromstring("<x/>"))


# -- replacement, after and before ------------------------------------------------------------------------------------


def test_only_an_author_replaces(fed: Desk) -> None:
    theirs = seeded(fed, unique_id="2.25.900")
    sample = Sample(document=cda("2.25.2002", "2.25.900")).uids("2.25.2001", "2.25.2002", "2.25.2003")
    sample.replacing(theirs.item.id, "2.25.900")
    assert list(fed.told(sample)) == [("RPLC-1", "XDSRepositoryMetadataError")]


@pytest.mark.parametrize("status", [n.DELETED, n.ARCHIVED])
def test_a_document_that_went_is_not_replaced(fed: Desk, status: str) -> None:
    known = entry(fed).item.id
    send(fed, status_change(known, n.APPROVED, status), author())
    sample = Sample().uids("2.25.2001", "2.25.2002", "2.25.2003").replacing(known)
    assert list(fed.told(sample)) == [("D-47d", "XDSRegistryDeprecatedDocumentError")]


# -- the `ihe` profile, nobody known ----------------------------------------------------------------------------------


def test_ihe_statuses_only(desk: Desk) -> None:
    config = SimConfig(folder=desk.folder / "pure", ihe_pure=True, assertion_required=False)
    pure = Desk(desk.folder / "pure", config)
    uuid = pure.registry.seed(CDA, ins=INS, type_code="11490-0", title="Lettre", unique_id=DOC_UID)
    bodies = [status_change(uuid, n.APPROVED, new) for new in (n.DELETED, n.DEPRECATED)]
    assert "D-37" in [rule for rule, _ in told(pure, bodies[0])]
    assert "D-37" not in [rule for rule, _ in told(pure, bodies[1])]


def test_find_after_deletion_by_reference(fed: Desk) -> None:
    """TD3.1b still names a deleted document: only its status says that it went."""
    send(fed, deletion(entry(fed).item.id))
    body = ask(fed, GET, {D + "UniqueId": f"('{DOC_UID}')"}, return_type="ObjectRef", who=assertion())
    assert [item.get("id") for item in body.iter(q(RIM, "ObjectRef"))] == [entry(fed).item.id]
    assert ask(fed, FIND, {D + "Status": APPROVED}, return_type="ObjectRef").get("totalResultCount") == "0"
