"""Submissions as the client holds them before writing: good ones by hand, for the rules the client applies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.base.finding import Finding
from connector.dmp.submission_rules import check_submission, check_update
from connector.rules.case import Part, RuleSettings, Speaker
from connector.xds.model import (
    HAS_MEMBER,
    SIGNS,
    Association,
    Author,
    Code,
    DocumentEntry,
    Submission,
    SubmissionSet,
)
from tests.rules.sample import CX, DOC, FACTS, OID, PERSON, SET, SHA1, SIG, SIZE, SPEAKER, STRUCTURE

ORIGINAL = (("SubmissionSetStatus", ("Original",)),)
NORMAL = Code("N", "2.16.840.1.113883.5.25", "Normal")
RESTRICTION = "1.2.250.1.213.1.1.4.13"
MASKED = Code("MASQUE_PS", RESTRICTION, "Masqué aux professionnels")
INVISIBLE = Code("INVISIBLE_PATIENT", RESTRICTION, "Non visible par le patient")
HOUSE = {
    "dmp": f"Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^{STRUCTURE}",
    "ihe": f"Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^^^^{STRUCTURE}",
}


@dataclass
class Draft:
    """A submission and what goes with it; helpers change one thing."""

    profile: str
    submission: Submission
    parts: dict[str, Part]
    speaker: Speaker | None
    settings: RuleSettings
    known: tuple[DocumentEntry, ...] = field(default=())

    def judge(self) -> tuple[Finding, ...]:
        return check_submission(self.submission, self.parts, self.settings, self.speaker)

    def judge_update(self) -> tuple[Finding, ...]:
        return check_update(self.submission, self.settings, self.speaker, self.known)

    @property
    def entry(self) -> DocumentEntry:
        return self.submission.entries[0]

    def set(self, **changes: Any) -> None:
        self.submission = replace(self.submission, submission_set=replace(self.submission.submission_set, **changes))

    def doc(self, **changes: Any) -> None:
        self._entry(0, changes)

    def sig(self, **changes: Any) -> None:
        self._entry(1, changes)

    def _entry(self, index: int, changes: Mapping[str, Any]) -> None:
        entries = list(self.submission.entries)
        entries[index] = replace(entries[index], **changes)
        self.submission = replace(self.submission, entries=tuple(entries))

    def author(self, **changes: Any) -> None:
        self.doc(authors=(replace(self.entry.authors[0], **changes),))

    def link(self, kind: str, source: str, target: str, *slots: tuple[str, tuple[str, ...]], id: str = "as9") -> None:
        added = Association(id, kind, source, target, slots)
        self.submission = replace(self.submission, associations=(*self.submission.associations, added))

    def relink(self, index: int, **changes: Any) -> None:
        links = list(self.submission.associations)
        links[index] = replace(links[index], **changes)
        self.submission = replace(self.submission, associations=tuple(links))

    def unlink(self, index: int) -> None:
        links = self.submission.associations
        self.submission = replace(self.submission, associations=links[:index] + links[index + 1 :])

    def slot(self, name: str, *values: str) -> None:
        self.doc(extra_slots=(*self.entry.extra_slots, (name, values)))

    def said(self, **changes: Any) -> None:
        self.parts[DOC] = replace(self.parts[DOC], cda=replace(FACTS, **changes))

    def speak(self, **changes: Any) -> None:
        self.speaker = replace(SPEAKER, **changes)


Change = Callable[[Draft], object]


def _author(profile: str) -> Author:
    person = PERSON if profile == "dmp" else PERSON.partition("^D^")[0]
    return Author(person=person, institutions=(HOUSE[profile],))


def entry(profile: str) -> DocumentEntry:
    cx = CX[profile]
    source = "000003^^^&1.2.250.1.999.1&ISO"
    return DocumentEntry(
        entry_uuid=DOC,
        unique_id="2.25.1002",
        patient_id=cx,
        mime_type="text/xml",
        class_code=Code("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
        type_code=Code("11490-0", "2.16.840.1.113883.6.1", "Lettre de liaison à la sortie"),
        format_code=Code("urn:asip:ci-sis:ldl-ses:2017", "1.2.250.1.213.1.1.4.2.282", "LDL-SES"),
        facility_type=Code("SA01", "1.2.250.1.71.4.2.4", "Établissement public de santé"),
        practice_setting=Code("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Établissement"),
        confidentiality=(NORMAL,),
        creation_time="20261120090000",
        language="fr-FR",
        source_patient_id=f"{source}^PI" if profile == "dmp" else source,
        title="Lettre de liaison à la sortie",
        authors=(_author(profile),),
        legal_authenticator=_author(profile).person,
        service_start="20261110080000",
        service_stop="20261120090000",
        source_patient_info=("PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F"),
        hash="" if profile == "dmp" else SHA1,
        size=None if profile == "dmp" else SIZE,
    )


def signature(document: DocumentEntry) -> DocumentEntry:
    return replace(
        document,
        entry_uuid=SIG,
        unique_id="2.25.1003",
        class_code=Code("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN", "Digital Signature"),
        type_code=Code("E1762", "ASTM", "Full Document"),
        format_code=Code("http://www.w3.org/2000/09/xmldsig#", "URN", "Default Signature Style"),
        confidentiality=(NORMAL, MASKED, INVISIBLE),
        language="art",
        source_patient_id=document.patient_id,
        source_patient_info=(),
        title="Source",
        event_codes=(Code("1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12", "Source"),),
    )


def submission_set(profile: str) -> SubmissionSet:
    return SubmissionSet(
        entry_uuid=SET,
        unique_id="2.25.1001",
        source_id="2.25.7",
        patient_id=CX[profile],
        submission_time="20261121095900",
        content_type=Code("03", "1.2.250.1.213.2.2", "Hospitalisation"),
        authors=(_author(profile),),
        title="Lettre de liaison",
    )


def draft(profile: str) -> Draft:
    """A good ITI-41: with its signature in the profile dmp, with hash and size in ihe."""
    document = entry(profile)
    entries: tuple[DocumentEntry, ...] = (document,)
    links = [Association("as1", HAS_MEMBER, SET, DOC, ORIGINAL)]
    if profile == "dmp":
        entries += (signature(document),)
        links += [Association("as2", HAS_MEMBER, SET, SIG, ORIGINAL), Association("as3", SIGNS, SIG, SET, ORIGINAL)]
    settings = RuleSettings(ins_oids=frozenset({OID}), ihe_pure=profile == "ihe")
    parts = {item.entry_uuid: Part(SIZE, SHA1, FACTS if item is document else None) for item in entries}
    made = Submission(submission_set(profile), entries, tuple(links))
    return Draft(profile, made, parts, SPEAKER if profile == "dmp" else None, settings)
