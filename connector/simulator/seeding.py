"""Documents already in a DMP before the connector comes: metadata written by hand (demo, consultation tests)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.base.clock import UuidFactory
from connector.base.hl7time import utc_digits
from connector.base.oid import oid_from_uuid
from connector.codes import class_code, load
from connector.rules import names
from connector.rules.entry import REFERENCE_IDS
from connector.rules.model import Classification, ExternalIdentifier, RegistryObject, Slot
from connector.simulator.directory import Patient


@dataclass(frozen=True, slots=True, repr=False)
class SeedFacts:
    """What the demo says of a document; the rest is deduced or usual. Times are DTM digits in UTC, "" = now.

    `confidentiality` lists codes separated by blanks, `event_codes` items `code^system^label` separated by `;`.
    """

    title: str
    type_code: str
    unique_id: str = ""
    creation_time: str = ""
    service_start: str = ""
    mime_type: str = "text/xml"
    format_code: str = "urn:ihe:iti:xds-sd:pdf:2008"
    facility_type: str = "SA25"
    practice_setting: str = "AMBULATOIRE"
    confidentiality: str = "N"
    author_person: str = f"801234567866^DIAZ^Thierry^^^^^^&{names.PS_OID}&ISO^D^^^IDNPS"
    author_institution: str = f"labo^^^^^&{names.STRUCTURE_OID}&ISO^IDNST^^^1120459876"
    author_specialty: str = ""
    event_codes: str = ""
    reference_id: str = ""
    content_type: str = "07"


def seed_objects(facts: SeedFacts, patient: Patient, new_uuid: UuidFactory, now: datetime) -> list[RegistryObject]:
    """A submission set, its entry and the link between them. Raises KeyError for a code outside the DMP's sets."""
    time = facts.creation_time or utc_digits(now)
    unique = facts.unique_id or oid_from_uuid(new_uuid())
    cx = f"{patient.ins}^^^&{patient.oid}&ISO^NH"
    author = _author(facts)
    entry = RegistryObject(
        kind="ExtrinsicObject",
        id="document",
        object_type=names.STABLE,
        mime_type=facts.mime_type,
        name=facts.title,
        slots=_slots(
            creationTime=time,
            serviceStartTime=facts.service_start or time,
            languageCode="fr-FR",
            legalAuthenticator=facts.author_person,
            sourcePatientId=cx,
            **({REFERENCE_IDS: facts.reference_id} if facts.reference_id else {}),
        ),
        classifications=(
            Classification("", names.DOC_AUTHOR, "", "document", "", None, author),
            *_document_codes(facts),
        ),
        identifiers=(
            _identifier("document", names.DOC_PATIENT_ID, cx),
            _identifier("document", names.DOC_UNIQUE_ID, unique),
        ),
    )
    package = RegistryObject(
        kind="RegistryPackage",
        id="set",
        name="Alimentation antérieure",
        slots=_slots(submissionTime=time),
        classifications=(
            Classification("", "", names.SET_NODE, "set", "", None, ()),
            Classification("", names.SET_AUTHOR, "", "set", "", None, author),
            _coded("set", names.SET_CONTENT_TYPE, "J59", facts.content_type),
        ),
        identifiers=(
            _identifier("set", names.SET_PATIENT_ID, cx),
            _identifier("set", names.SET_SOURCE_ID, oid_from_uuid(new_uuid())),
            _identifier("set", names.SET_UNIQUE_ID, oid_from_uuid(new_uuid())),
        ),
    )
    link = RegistryObject(
        kind="Association",
        id="link",
        association_type=names.HAS_MEMBER,
        source="set",
        target="document",
        slots=_slots(SubmissionSetStatus="Original"),
    )
    return [package, entry, link]


def _document_codes(facts: SeedFacts) -> tuple[Classification, ...]:
    classified = class_code(facts.type_code)
    if classified is None:
        raise KeyError(facts.type_code)
    events = [item.split("^") for item in facts.event_codes.split(";") if item]
    return (
        _coded("document", names.CLASS_CODE, "J57", classified.code),
        _coded("document", names.TYPE_CODE, "J66", facts.type_code),
        _coded("document", names.FORMAT_CODE, "J60", facts.format_code),
        _coded("document", names.FACILITY_TYPE, "J61", facts.facility_type),
        _coded("document", names.PRACTICE_SETTING, "J62", facts.practice_setting),
        *(_coded("document", names.CONFIDENTIALITY, "J58", code) for code in facts.confidentiality.split()),
        *(_code("document", names.EVENT_CODE, code, system, text) for code, system, text in events),
    )


def _coded(owner: str, scheme: str, value_set: str, code: str) -> Classification:
    concept = load(value_set).get(code)
    if concept is None:
        raise KeyError(f"{code} is not in {value_set}")
    return _code(owner, scheme, code, concept.system, concept.display or code)


def _code(owner: str, scheme: str, code: str, system: str, text: str) -> Classification:
    return Classification("", scheme, "", owner, code, text, (Slot("codingScheme", (system,)),))


def _author(facts: SeedFacts) -> tuple[Slot, ...]:
    named = {
        "authorInstitution": facts.author_institution,
        "authorPerson": facts.author_person,
        "authorSpecialty": facts.author_specialty,
    }
    return _slots(**{name: value for name, value in named.items() if value})


def _slots(**values: str) -> tuple[Slot, ...]:
    return tuple(Slot(name, (value,)) for name, value in values.items())


def _identifier(owner: str, scheme: str, value: str) -> ExternalIdentifier:
    return ExternalIdentifier("", scheme, value, owner, names.IDENTIFIER_NAMES[scheme])
