"""The same rules on the client's own values, before anything leaves: each seen alone (dmp.submission_rules)."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import pytest
from lxml import etree

from connector.cda.model import InstanceId
from connector.dmp.errors import DmpMetadataError
from connector.dmp.submission_rules import cda_facts, provided, require, rule_settings, speaker_of
from connector.ins.model import MatriculeIns
from connector.rules.case import Part
from connector.rules.profiles import DMP_RULES, DMP_UPDATE_RULES, IHE_RULES, IHE_UPDATE_RULES
from connector.simulator.registry_reader import read_provide_and_register
from connector.trust.caller import Caller
from connector.trust.roles import Role
from connector.xds import iti41, iti57
from connector.xds.model import APPROVED, ARCHIVED, DELETED, DEPRECATED, HAS_MEMBER, RPLC, UPDATE_STATUS, Code
from tests.dmp.samples import CONFIG, HEADER
from tests.rules.client import INVISIBLE, MASKED, NORMAL, Change, Draft, draft, entry, submission_set
from tests.rules.sample import CX, DOC, ENTRY_UUID, INS, LID, OID, OTHER_INS, PERSON, SET, SHA1, SIG

APND = "urn:ihe:iti:2007:AssociationType:APND"
ROWS: list[tuple[str, str, Change]] = []


def breaks(rule: str, change: Change, profiles: str = "dmp ihe") -> None:
    ROWS.extend((profile, rule, change) for profile in profiles.split())


def other_patient(d: Draft) -> None:
    d.doc(patient_id=CX[d.profile].replace(INS, OTHER_INS))


def every_patient(value: str) -> Change:
    def change(d: Draft) -> None:
        d.set(patient_id=value)
        for index in range(len(d.submission.entries)):
            (d.doc, d.sig)[index](patient_id=value)

    return change


def uid(value: str) -> Change:
    def change(d: Draft) -> None:
        d.doc(unique_id=value)
        d.said(unique_id=value)

    return change


def doubled_slot(d: Draft) -> None:
    d.slot("urn:x:twice", "a")
    d.slot("urn:x:twice", "b")


def same_ids(d: Draft) -> None:
    d.link(APND, DOC, ENTRY_UUID, id="as1")


def no_part(d: Draft) -> None:
    d.parts.pop(DOC)


def stray_part(d: Draft) -> None:
    d.parts["Document09"] = Part(1, SHA1)


def wrong_house(d: Draft) -> None:
    d.sig(authors=(replace(d.entry.authors[0], institutions=("Y^^^^^&1.2.3&ISO^XX^^^1",)),))


def domain(d: Draft) -> None:
    listed = frozenset({("10", "1.2.250.1.213.1.1.4.1", "Another label")})
    d.settings = replace(d.settings, codes={"classCode": listed})


def second_document(d: Draft) -> None:
    other = replace(d.entry, entry_uuid="Document02", unique_id="2.25.1004")
    d.submission = replace(d.submission, entries=(*d.submission.entries, other))
    d.parts["Document02"] = Part(d.parts[DOC].size, SHA1)
    d.link(HAS_MEMBER, SET, "Document02", ("SubmissionSetStatus", ("Original",)))


breaks("D-01", doubled_slot)
breaks("D-01", lambda d: d.slot("urn:x:long", "x" * 257))
breaks("D-03", same_ids)
breaks("D-04", lambda d: d.doc(unique_id=""))
breaks("D-05", lambda d: d.set(unique_id="2.25.1002"))
breaks("D-06", lambda d: d.set(unique_id="2.25.01"))
breaks("D-06", uid("not an oid"))
breaks("D-07", lambda d: d.set(source_id="ward 7"))
breaks("D-07", lambda d: d.set(content_type=None))
breaks("D-08", lambda d: d.set(status=DEPRECATED))
breaks("D-09", lambda d: d.author(person="^^Eric"))
breaks("D-09", lambda d: d.author(roles=("^MED",)))
breaks("D-09", lambda d: d.author(institutions=("Y^^^^^&1.2.3&ISO^IDNST^^^112",)), "ihe")
breaks("D-09", lambda d: d.author(telecoms=("0102030405",)))
breaks("D-11", lambda d: d.doc(creation_time=""))
breaks("D-12", lambda d: d.doc(service_stop="20261101"))
breaks("D-13", lambda d: d.doc(hash="abc"))
breaks("D-14", lambda d: d.doc(size=-5))
breaks("D-15", lambda d: d.doc(language="français"))
breaks("D-16", lambda d: d.doc(legal_authenticator="^^Eric"))
breaks("D-17", lambda d: d.doc(source_patient_id="000003"))
breaks("D-17", lambda d: d.doc(source_patient_info=("PID-19|1",)))
breaks("D-18", lambda d: d.doc(reference_ids=("A7",)))
breaks("D-19", lambda d: d.doc(uri="a b"))
breaks("D-20", lambda d: d.doc(class_code=None))
breaks("D-20", lambda d: d.doc(confidentiality=()))
breaks("D-21", lambda d: d.doc(event_codes=(Code("IMP", "", "Hospitalisation"),)))
breaks("D-21", lambda d: d.doc(event_codes=(Code("IMP", "2.16.840.1.113883.5.4"),)))
breaks("D-22", every_patient(CX["dmp"]), "ihe")
breaks("D-22", every_patient(f"{INS}^^^CHU&{OID}&ISO^NH"), "dmp")
breaks("D-23", lambda d: d.doc(repository_id="the repository"))
breaks("D-24", lambda d: d.doc(object_type="urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"))
breaks("D-25", lambda d: d.doc(title="t" * 129))
breaks("D-26", lambda d: d.doc(mime_type="text"))
breaks("D-27", lambda d: d.doc(status="urn:status:fine"))
breaks("D-32", other_patient)
breaks("D-33", lambda d: d.link("urn:other", DOC, ENTRY_UUID))
breaks("D-34", lambda d: d.relink(0, slots=(("SubmissionSetStatus", ("New",)),)))
breaks("D-35", lambda d: d.link(APND, SET, ENTRY_UUID))
breaks("D-38a", no_part)
breaks("D-38b", stray_part)
breaks("D-39", lambda d: d.doc(home="1.2.250.1.999"))
breaks("D-40", lambda d: d.unlink(0))
breaks("D-40", lambda d: d.link(RPLC, DOC, SET))
breaks("D-41", lambda d: d.link(RPLC, DOC, "Nowhere"))
breaks("D-42", lambda d: d.doc(facility_type=Code("SA999", "1.2.250.1.71.4.2.4", "Autre")), "dmp")
breaks("D-42", domain, "ihe")
breaks("D-43", lambda d: d.slot("wardColour", "blue"))
breaks("D-45", lambda d: d.doc(creation_time="2026-11-20"))
breaks("D-48", lambda d: d.doc(hash="0" * 40))
breaks("D-48", lambda d: d.doc(size=1))
breaks("D-69", lambda d: d.link(UPDATE_STATUS, SET, ENTRY_UUID))
breaks("DMP-01", lambda d: d.speak(ins=OTHER_INS), "dmp")
breaks("DMP-02", second_document, "dmp")
breaks("DMP-03", lambda d: d.unlink(2), "dmp")
breaks("DMP-04", lambda d: d.speak(structure="1120459876"), "dmp")
breaks("DMP-04", lambda d: d.speak(mode="DIRECTE", name_id="801234567897"), "dmp")
breaks("DMP-05", lambda d: d.author(person=PERSON.replace("Eric", "")), "dmp")
breaks("DMP-06", lambda d: d.doc(confidentiality=(MASKED, NORMAL)), "dmp")
breaks("DMP-07", lambda d: d.doc(confidentiality=(NORMAL, MASKED, INVISIBLE)), "dmp")
breaks("DMP-08", uid("2.25.1002^7"), "dmp")
breaks("DMP-09", lambda d: d.author(person=PERSON.replace("IDNPS", "RPPS")), "dmp")
breaks(
    "DMP-10", lambda d: d.sig(authors=(replace(d.entry.authors[0], institutions=("Y^^^^^&1.2.3&ISO^XX^^^1",)),)), "dmp"
)
breaks("DMP-11", lambda d: d.doc(source_patient_id="000003^^^&1.2.250.1.999.1&ISO^XX"), "dmp")
breaks("DMP-12", lambda d: d.sig(language="fr-FR"), "dmp")
breaks("DMP-13", lambda d: d.doc(legal_authenticator=""), "dmp")
breaks("DMP-13", lambda d: d.doc(title=""), "dmp")
breaks("DMP-14", lambda d: d.doc(authors=()), "dmp")
breaks("DMP-15", lambda d: d.speak(secret=True), "dmp")
breaks("DMP-16", lambda d: d.author(specialties=("SM26",)), "dmp")
breaks("DMP-17", lambda d: d.said(unique_id="2.25.1"), "dmp")
breaks("DMP-18", lambda d: d.said(patients=frozenset({(OID, OTHER_INS)})), "dmp")
breaks("DMP-19", lambda d: d.said(type=("11502-2", "2.16.840.1.113883.6.1")), "dmp")

NOT_EXPRESSIBLE = {
    "D-02": "a Submission has one set",
    "D-10": "a set has no intendedRecipient",
    "D-28": "a document is always a part",
    "D-29": "a feed has no logicalId",
    "D-30": "a feed has no folder",
    "D-31": "the writer has no such flag",
    "D-44": "the writer owns these names",
    "D-46": "the writer owns the order",
}


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
def test_a_good_submission_breaks_nothing(profile: str) -> None:
    assert draft(profile).judge() == ()


@pytest.mark.parametrize(
    ("profile", "rule", "change"), ROWS, ids=[f"{i}-{row[1]}-{row[0]}" for i, row in enumerate(ROWS)]
)
def test_one_mistake_breaks_its_rule_and_no_other(profile: str, rule: str, change: Change) -> None:
    made = draft(profile)
    change(made)
    assert {found.rule for found in made.judge()} == {rule}


@pytest.mark.parametrize(("profile", "rules"), [("dmp", DMP_RULES), ("ihe", IHE_RULES)])
def test_every_rule_that_a_submission_can_break_is_broken(profile: str, rules: tuple[object, ...]) -> None:
    listed = {rule.id for rule in rules}  # type: ignore[attr-defined]
    assert listed - {row[1] for row in ROWS if row[0] == profile} == set(NOT_EXPRESSIBLE)


# -- ITI-57 ------------------------------------------------------------------------------------------------------------


def known(profile: str, **changes: object) -> Draft:
    """A draft that holds nothing but what the registry answered: version 3 of the document."""
    made = draft(profile)
    found = replace(
        entry(profile), entry_uuid=ENTRY_UUID, logical_id=LID, version="3", status=APPROVED, hash=SHA1, size=421
    )
    made.known = (replace(found, **changes),)  # type: ignore[arg-type]
    return made


def deletion(profile: str) -> Draft:
    made = known(profile)
    wanted = DELETED if profile == "dmp" else DEPRECATED
    made.submission = iti57.status_change(submission_set(profile), ENTRY_UUID, APPROVED, wanted)
    return made


def masking(profile: str) -> Draft:
    made = known(profile)
    masked = replace(made.known[0], confidentiality=(NORMAL, MASKED))
    made.submission = iti57.new_version(submission_set(profile), masked)
    return made


def propagated(d: Draft) -> None:
    slots = d.submission.associations[0].slots
    d.relink(0, slots=(*slots, ("AssociationPropagation", ("perhaps",))))


def moved_to_another_patient(d: Draft) -> None:
    value = CX[d.profile].replace(INS, OTHER_INS)
    d.set(patient_id=value)
    d.doc(patient_id=value)
    if d.speaker is not None:
        d.speak(ins=OTHER_INS)


SAME = (("OriginalStatus", (APPROVED,)), ("NewStatus", (APPROVED,)))
UPDATES: list[tuple[str, str, Change]] = [
    ("deletion", "D-37", lambda d: d.relink(0, slots=SAME)),
    ("deletion", "D-37", lambda d: d.relink(0, target=LID)),
    ("deletion", "D-07", lambda d: d.set(submission_time="")),
    ("deletion", "D-67", lambda d: d.unlink(0)),
    (
        "deletion",
        "D-71",
        lambda d: d.relink(0, slots=(*d.submission.associations[0].slots, ("AssociationPropagation", ("x",)))),
    ),
    ("masking", "D-64", lambda d: d.doc(logical_id="")),
    ("masking", "D-65", lambda d: d.relink(0, slots=(("SubmissionSetStatus", ("Original",)),))),
    ("masking", "D-66", lambda d: d.unlink(0)),
    ("masking", "D-68", moved_to_another_patient),
    ("masking", "D-70", lambda d: d.doc(unique_id="2.25.7777")),
]


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
@pytest.mark.parametrize(("form", "rule", "change"), UPDATES, ids=[f"{i}-{row[1]}" for i, row in enumerate(UPDATES)])
def test_one_mistake_in_an_update(profile: str, form: str, rule: str, change: Change) -> None:
    made = deletion(profile) if form == "deletion" else masking(profile)
    assert made.judge_update() == ()
    change(made)
    assert {found.rule for found in made.judge_update()} == {rule}


def test_the_dmp_serves_some_changes_of_status_only() -> None:
    made = deletion("dmp")
    made.submission = iti57.status_change(submission_set("dmp"), ENTRY_UUID, APPROVED, DEPRECATED)
    assert [found.rule for found in made.judge_update()] == ["DMP-30"]
    made.submission = iti57.status_change(submission_set("dmp"), ENTRY_UUID, APPROVED, ARCHIVED)
    assert made.judge_update() == ()


def test_a_change_beyond_visibility_is_told() -> None:
    made = masking("dmp")
    made.doc(creation_time="20200101")
    assert [(found.rule, found.severity) for found in made.judge_update()] == [("DMP-31", "warning")]


def test_without_the_version_in_force_only_the_message_is_judged() -> None:
    made = deletion("dmp")
    made.known = ()
    made.relink(0, target=LID)
    assert made.judge_update() == ()


def test_update_lists_leave_out_what_is_of_a_feed_only() -> None:
    ids = {rule.id for rule in DMP_UPDATE_RULES}
    assert ids.isdisjoint({"D-28", "D-38a", "D-38b", "D-48", "D-69", "DMP-02", "DMP-03", "DMP-12"})
    assert {rule.id for rule in IHE_UPDATE_RULES} < ids


# -- around the rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
def test_the_model_is_what_the_simulator_reads_of_what_we_write(profile: str) -> None:
    """Two ways to the neutral model, no code in common: the client's values, and the bytes of the client's XML."""
    made = draft(profile)
    cids = {key: f"{key}@test" for key in made.parts}
    raw = etree.tostring(iti41.build_request(made.submission, cids))
    received = read_provide_and_register(etree.fromstring(raw))
    ours = provided(made.submission, made.parts)
    for mine, theirs in zip(ours.objects, received.objects, strict=True):
        assert (mine.kind, mine.id, mine.slots, mine.name, mine.mime_type) == (
            theirs.kind,
            theirs.id,
            theirs.slots,
            theirs.name,
            theirs.mime_type,
        )
        assert [(c.scheme, c.representation, c.name, c.slots) for c in mine.classifications] == [
            (c.scheme, c.representation, c.name, c.slots) for c in theirs.classifications
        ]
        assert [(i.scheme, i.value, i.name) for i in mine.identifiers] == [
            (i.scheme, i.value, i.name) for i in theirs.identifiers
        ]
    assert [document.id for document in ours.documents] == [document.id for document in received.documents]


def test_what_blocks_is_raised_and_what_warns_goes_on() -> None:
    made = draft("dmp")
    made.slot("wardColour", "blue")
    warnings = require(made.judge())
    assert [found.rule for found in warnings] == ["D-43"]
    made.doc(class_code=None)
    with pytest.raises(DmpMetadataError) as refused:
        require(made.judge())
    assert [found.rule for found in refused.value.findings] == ["D-20"]


def test_settings_and_speaker_come_from_ours() -> None:
    settings = rule_settings(CONFIG)
    assert (settings.ihe_pure, settings.signs_the_set, OID in settings.ins_oids) == (False, True, True)
    caller = Caller("801234564895", "Eric THOMAS", "1120456789", "SA01", (Role("10", "1.2.3", "x", "y"),), secret=True)
    speaker = speaker_of(caller, MatriculeIns(INS, OID), structure="3")
    assert (speaker.mode, speaker.structure, speaker.ins, speaker.secret) == ("INDIRECTE", "3", INS, True)
    assert INS not in repr(speaker)


def test_the_header_tells_what_the_document_says() -> None:
    read = HEADER
    facts = cda_facts(replace(read, id=InstanceId("1.2.3", "4"), replaced_id=InstanceId("1.2.9")))
    assert (facts.unique_id, facts.replaces) == ("1.2.3^4", ("1.2.9",))
    assert facts.type == (read.code.code, read.code.system)


def test_judging_a_submission_is_well_under_a_millisecond() -> None:
    made = draft("dmp")
    made.judge()
    times = []
    for _ in range(200):
        start = time.perf_counter()
        made.judge()
        times.append(time.perf_counter() - start)
    # Twice the budget: the machine of a test may be busy.
    assert statistics.median(times) < 0.002
    assert SIG in {item.entry_uuid for item in made.submission.entries}
