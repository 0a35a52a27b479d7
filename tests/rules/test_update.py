"""Each rule of an ITI-57: a change of status or a new version, one mistake, that rule alone (ihe-rules D.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.base.ns import RIM, q
from connector.rules import names as n
from connector.rules.case import Case
from connector.rules.model import RegistryObject, Slot
from connector.rules.profiles import judge_revision
from connector.rules.update import Current, Revision
from connector.simulator.registry_reader import read_submit_objects
from tests.rules.sample import DOC, ENTRY_UUID, LID, OID, OTHER_INS, SET, SHA1, Mutation, Sample, remove

UPDATE = "XDSMetadataUpdateError"
ROWS: list[tuple[str, str, str, str, Mutation]] = []


def breaks(form: str, rule: str, mutation: Mutation, code: str = UPDATE, profiles: str = "dmp ihe") -> None:
    ROWS.extend((form, profile, rule, code, mutation) for profile in profiles.split())


def same_version_twice(s: Sample) -> None:
    entry = s.clone(DOC, "Document02")
    next(item for item in entry.iter() if item.get("value") == "2.25.1002").set("value", "2.25.1004")
    s.link(n.HAS_MEMBER, SET, "Document02", SubmissionSetStatus="Original", PreviousVersion="1")


def submitted_link(s: Sample) -> None:
    s.link(n.SUBMIT_ASSOCIATION, SET, "urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d09")


breaks("status", "D-37", lambda s: s.slot("as1", "NewStatus"))
breaks("status", "D-37", lambda s: s.slot("as1", "OriginalStatus", "urn:status:fine"))
breaks("status", "D-37", lambda s: s.slot("as1", "NewStatus", n.APPROVED))
breaks("status", "D-37", lambda s: s.object("as1").set("sourceObject", "urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d05"))
breaks("status", "D-37", submitted_link)
breaks("status", "D-67", lambda s: remove(s.object("as1")), "XDSMetadataUpdateOperationError")
breaks("status", "D-71", lambda s: s.slot("as1", "AssociationPropagation", "maybe"))
breaks("status", "D-07", lambda s: s.slot(SET, "submissionTime"))
breaks("status", "D-41", lambda s: s.object("as1").set("targetObject", "Nowhere"))
breaks("status", "DMP-30", lambda s: s.slot("as1", "NewStatus", n.DEPRECATED), UPDATE, "dmp")
breaks("status", "DMP-30", lambda s: s.slot("as1", "OriginalStatus", n.DEPRECATED), UPDATE, "dmp")
breaks("status", "DMP-01", lambda s: s.speak(ins=OTHER_INS), "XDSPatientIdDoesNotMatch", "dmp")
breaks("version", "D-64", lambda s: s.object(DOC).attrib.pop("lid"), "XDSInvalidRequestException")
breaks("version", "D-64", lambda s: s.object(DOC).set("lid", "Document00"), "XDSInvalidRequestException")
breaks("version", "D-64", lambda s: s.object(DOC).set("lid", DOC), "XDSInvalidRequestException")
breaks("version", "D-65", lambda s: s.slot("as1", "PreviousVersion"), "XDSMetadataVersionError")
breaks("version", "D-65", lambda s: s.slot("as1", "PreviousVersion", "last"), "XDSMetadataVersionError")
breaks("version", "D-66", lambda s: remove(s.object("as1")), "XDSMetadataAnnotationError")
breaks("version", "D-67", same_version_twice, "XDSMetadataUpdateOperationError")
breaks("version", "D-34", lambda s: s.slot("as1", "SubmissionSetStatus"))
breaks("version", "D-20", lambda s: remove(s.codes(DOC, n.CLASS_CODE)[0]))
breaks("version", "DMP-07", lambda s: s.add_code(DOC, n.CONFIDENTIALITY, "V", "2.16.840.1.113883.5.25"), UPDATE, "dmp")


@pytest.mark.parametrize(
    ("form", "profile", "rule", "code", "mutation"), ROWS, ids=[f"{i}-{r[2]}-{r[1]}" for i, r in enumerate(ROWS)]
)
def test_one_mistake_breaks_its_rule_and_no_other(
    form: str, profile: str, rule: str, code: str, mutation: Mutation
) -> None:
    sample = Sample(f"iti57-{form}-{profile}", "ITI-57")
    assert sample.judge() == ()
    mutation(sample)
    assert {(found.rule, found.code) for found in sample.judge()} == {(rule, code)}


def test_two_changes_of_one_object_are_too_many() -> None:
    sample = Sample("iti57-status-ihe", "ITI-57")
    sample.link(n.UPDATE_STATUS, SET, ENTRY_UUID, OriginalStatus=n.APPROVED, NewStatus=n.DEPRECATED)
    # The doubled link is a fault of its own (D-40).
    assert {found.rule for found in sample.judge()} == {"D-40", "D-67"}


# -- against the version in force --------------------------------------------------------------------------------------


def in_force(profile: str = "dmp", **changes: object) -> RegistryObject:
    """The entry of the sample as a registry has it: version 1, server slots filled."""
    root = Sample(f"iti57-version-{profile}", "ITI-57").root
    entry = read_submit_objects(root).of_kind("ExtrinsicObject")[0]
    slots = tuple(slot for slot in entry.slots if slot.name not in ("hash", "size"))
    filled = (*slots, Slot("hash", (SHA1,)), Slot("size", ("421",)), Slot("repositoryUniqueId", ("1.2.250.1.999.7",)))
    known = replace(entry, id=ENTRY_UUID, lid=LID, version="1", status=n.APPROVED, slots=filled)
    return replace(known, **changes)  # type: ignore[arg-type]


def seen(sample: Sample, known: RegistryObject) -> set[tuple[str, str, str]]:
    case = Case(sample.provided(), {}, sample.speaker, sample.settings, "ITI-57")
    current = Current({known.lid: known}.get, {known.id: known}.get)
    return {(found.rule, found.code, found.severity) for found in judge_revision(Revision(case, current))}


REVISIONS: list[tuple[str, str, str, str, Mutation]] = [
    (
        "status",
        "D-37",
        "UnresolvedReferenceException",
        "error",
        lambda s: s.object("as1").set("targetObject", LID),
    ),
    ("status", "D-37", UPDATE, "error", lambda s: s.slot("as1", "OriginalStatus", n.ARCHIVED)),
    ("version", "D-65", "XDSMetadataVersionError", "error", lambda s: s.slot("as1", "PreviousVersion", "2")),
    ("version", "D-65", "XDSMetadataVersionError", "error", lambda s: s.object(DOC).set("lid", ENTRY_UUID)),
    (
        "version",
        "D-68",
        "XDSPatientIDReconciliationError",
        "error",
        lambda s: s.value(DOC, n.DOC_PATIENT_ID, f"{OTHER_INS}^^^&{OID}&ISO^NH"),
    ),
    ("version", "D-70", UPDATE, "error", lambda s: s.value(DOC, n.DOC_UNIQUE_ID, "2.25.7777")),
    ("version", "D-70", UPDATE, "error", lambda s: s.object(DOC).set("objectType", "urn:uuid:on-demand")),
    ("version", "D-70", UPDATE, "error", lambda s: s.slot(DOC, "hash", "0" * 40)),
    ("version", "D-70", UPDATE, "error", lambda s: s.slot(DOC, "repositoryUniqueId", "1.2.3")),
    ("version", "DMP-31", UPDATE, "warning", lambda s: s.slot(DOC, "creationTime", "20200101")),
    (
        "version",
        "DMP-31",
        UPDATE,
        "warning",
        lambda s: next(s.object(DOC).iterchildren(q(RIM, "Name")))[0].set("value", "Un autre titre"),
    ),
]


@pytest.mark.parametrize(
    ("form", "rule", "code", "severity", "mutation"), REVISIONS, ids=[f"{i}-{r[1]}" for i, r in enumerate(REVISIONS)]
)
def test_one_difference_with_the_version_in_force(
    form: str, rule: str, code: str, severity: str, mutation: Mutation
) -> None:
    sample = Sample(f"iti57-{form}-dmp", "ITI-57")
    assert seen(sample, in_force()) == set()
    mutation(sample)
    assert seen(sample, in_force()) == {(rule, code, severity)}


def test_only_the_visibility_may_change_and_ihe_does_not_mind() -> None:
    sample = Sample("iti57-version-dmp", "ITI-57")
    sample.add_code(DOC, n.CONFIDENTIALITY, "MASQUE_PS", "1.2.250.1.213.1.1.4.13")
    assert seen(sample, in_force()) == set()
    pure = Sample("iti57-version-ihe", "ITI-57")
    pure.slot(DOC, "creationTime", "20200101")
    assert seen(pure, in_force("ihe")) == set()
