"""CDA header and facts → XDS metadata in the French profile (dmp-interface c.2 to c.5, cda-lettre-de-liaison §5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from connector import codes
from connector.base.finding import Finding
from connector.base.hl7time import utc_digits, xds_utc
from connector.base.oid import is_oid
from connector.cda.model import CdaHeader, CdaOrganization, CdaPerson, Coded, InstanceId, full_id
from connector.codes import Concept
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.dmp.facts import DocumentFacts
from connector.dmp.forms import PERSON_OID, SNR_OID, STRUCTURE_OID, cx, cxi, escape, specialty, xcn, xon
from connector.dmp.rules import Draft, check
from connector.dmp.rules_document import TITLE_LENGTH
from connector.hl7.model import Flags, Sender
from connector.ins.model import INS_OIDS, MatriculeIns, Traits
from connector.xds.iti18 import Profile
from connector.xds.model import Author, Code, DocumentEntry, SubmissionSet

RESTRICTIONS = "1.2.250.1.213.1.1.4.13"

ORDER: Final = "urn:ihe:iti:xds:2013:order"
ACCESSION: Final = "urn:ihe:iti:xds:2013:accession"
"""Kinds of reference the DMP takes (JDV_J231)."""

_LEGACY_INS: Final = "1.2.250.1.213.1.4.2"
"""INS-C, the former national number: not a number of the hospital (b.11)."""


def build_entry(
    header: CdaHeader,
    facts: DocumentFacts,
    ins: MatriculeIns,
    config: DmpConfig,
    *,
    entry_uuid: str,
    today: date | None = None,
) -> DocumentEntry:
    """The DocumentEntry of a CDA; `entry_uuid` may be symbolic, `today` is the day of submission (see Draft).

    Raises DmpMetadataError with every blocking finding.
    """
    draft = Draft(header, facts, ins, config, today)
    let_pass(draft)
    return entry_of(draft, entry_uuid)


def entry_of(draft: Draft, entry_uuid: str) -> DocumentEntry:
    """The DocumentEntry of a draft that `let_pass` let pass."""
    header, facts, ins, profile = draft.header, draft.facts, draft.ins, draft.config.profile
    event = header.service_events[0]
    return DocumentEntry(
        entry_uuid=entry_uuid,
        unique_id=unique_id(header),
        patient_id=cx(ins.value, ins.oid, "NH", profile),
        mime_type="application/xslt+xml" if header.self_presenting else "text/xml",
        class_code=_concept(codes.class_code(header.code.code)),
        type_code=_coded(header.code),
        format_code=_concept(codes.format_code([t.root for t in header.templates], header.body_media_type)),
        facility_type=_coded(header.facility),
        practice_setting=_coded(event.setting),
        confidentiality=confidentiality(header, facts.flags),
        creation_time=xds_utc(header.effective_time),
        language=header.language,
        source_patient_id=source_patient_id(header, facts, ins, profile),
        title=short_title(header.title),
        authors=tuple(_author(person, profile) for person in header.authors),
        legal_authenticator=_legal_authenticator(header.legal_authenticator, profile),
        event_codes=tuple(
            code for item in header.service_events if item.code is not None and (code := _coded(item.code)) is not None
        ),
        service_start=xds_utc(event.low),
        service_stop=xds_utc(event.high) if event.high else "",
        source_patient_info=source_patient_info(header.traits if header.traits.birth_name else facts.traits),
        reference_ids=reference_ids(header),
    )


def build_submission_set(
    entry: DocumentEntry,
    facts: DocumentFacts,
    config: DmpConfig,
    *,
    set_uuid: str,
    unique_id: str,
    submission_time: datetime,
    feeding: str = "",
) -> SubmissionSet:
    """The set that carries `entry`; `submission_time` is aware, `feeding` as in `submission_author`."""
    deduced = codes.content_type(facts.patient_class) or codes.load("J59").get(config.default_content_type)
    author = submission_author(facts.sender, config, feeding) if facts.sender else entry.authors[0]
    # What the document says of the same person is known of the sender too (c.2: role and specialty if known).
    known = next((one for one in entry.authors if one.person == author.person), author)
    author = replace(author, roles=known.roles, specialties=known.specialties)
    return SubmissionSet(
        entry_uuid=set_uuid,
        unique_id=unique_id,
        source_id=config.source_id,
        patient_id=entry.patient_id,
        submission_time=utc_digits(submission_time),
        content_type=_concept(deduced),
        authors=(author,),
    )


def let_pass(draft: Draft) -> tuple[Finding, ...]:
    """The warnings of a draft. Raises DmpMetadataError when a rule blocks."""
    findings = check(draft)
    blocking = [finding for finding in findings if finding.blocking]
    if blocking:
        raise DmpMetadataError(blocking)
    return findings


def unique_id(header: CdaHeader) -> str:
    """uniqueId of the document: the root, plus `^extension` where a domain allows it."""
    return full_id(header.id)


def short_title(title: str) -> str:
    """The title as the registry takes it: what is too long ends with an ellipsis."""
    return title if len(title) <= TITLE_LENGTH else f"{title[: TITLE_LENGTH - 1].rstrip()}…"


def reference_ids(header: CdaHeader) -> tuple[str, ...]:
    """Orders and accession numbers the document answers, each once; one without both parts of an id is left out."""
    found: list[tuple[InstanceId | None, str]] = []
    for order in header.orders:
        found += [(order.id, ORDER), (order.accession, ACCESSION)]
    whole = [(one, kind) for one, kind in found if one is not None and one.extension and is_oid(one.root)]
    return tuple(dict.fromkeys(cxi(one.extension, one.root, kind) for one, kind in whole))


def confidentiality(header: CdaHeader, flags: Flags) -> tuple[Code, ...]:
    """The CDA's own code first, then one per switch of the message, the third spelt in full (dmp-interface c.5)."""
    wanted = (
        ("MASQUE_PS", flags.masque_ps),
        ("INVISIBLE_PATIENT", flags.invisible_patient),
        ("INVISIBLE_REPRESENTANTS_LEGAUX", flags.invisible_rep_legaux),
    )
    own = header.confidentiality
    return (
        Code(own.code, own.system, own.display),
        *(restriction(name) for name, asked in wanted if asked),
    )


def restriction(name: str) -> Code:
    """One of the three restrictions, with the label of JDV_J58."""
    concept = codes.load("J58").get(name, RESTRICTIONS)
    return Code(name, RESTRICTIONS, concept.display if concept else name)


def source_patient_id(header: CdaHeader, facts: DocumentFacts, ins: MatriculeIns, profile: Profile) -> str:
    """The hospital's number when its authority is an OID (message first, then CDA), else the INS (c.3)."""
    if facts.ipp is not None and is_oid(facts.ipp.authority.oid):
        return cx(escape(facts.ipp.value), facts.ipp.authority.oid, "PI", profile)
    for identifier in header.patient_ids:
        if identifier.root not in (*INS_OIDS, _LEGACY_INS) and identifier.extension and is_oid(identifier.root):
            return cx(escape(identifier.extension), identifier.root, "PI", profile)
    return cx(ins.value, ins.oid, "NH", profile)


def source_patient_info(traits: Traits) -> tuple[str, ...]:
    """PID-5 birth name (type L), PID-5 used name when another (type D), PID-7, PID-8; absent traits are left out."""
    given = traits.first_given or traits.given_names
    lines = [f"PID-5|{escape(traits.birth_name)}^{escape(given)}^^^^^L"] if traits.birth_name else []
    if traits.used_name and traits.used_name != traits.birth_name:
        lines.append(f"PID-5|{escape(traits.used_name)}^{escape(traits.used_given or given)}^^^^^D")
    if traits.birth_date:
        lines.append(f"PID-7|{traits.birth_date[:8]}")
    if traits.sex:
        lines.append(f"PID-8|{traits.sex}")
    return tuple(lines)


def submission_author(sender: Sender, config: DmpConfig, feeding: str = "") -> Author:
    """The sender of the set: a professional, else the software of a structure (c.4).

    `feeding` is the structure that feeds: that of a software which says none (hl7v2-interface §3.5, PRT-10.1 alone).
    """
    organization, person = sender.organization, sender.person
    structure = organization.id if organization else ""
    institutions = (xon(organization.name, structure, profile=config.profile),) if organization else ()
    if person is not None:
        text = xcn(
            person.id,
            person.family,
            person.given,
            oid=person.authority.oid or PERSON_OID,
            name_type="D",
            id_type="IDNPS",
            profile=config.profile,
        )
    else:
        text = xcn(
            software_id(structure or feeding, sender.device or config.lps_internal_id),
            config.lps_name,
            config.lps_model,
            oid=PERSON_OID,
            name_type="U",
            id_type="RI",
            profile=config.profile,
        )
    return Author(person=text, institutions=institutions)


def software_id(structure: str, internal: str) -> str:
    """Person identifier of a software: FINESS is prefix 1 in a structure's id but 3 in a person's (c.4).

    "" when no structure is known: then a software has a name only.
    """
    if not structure:
        return ""
    owner = f"3{structure[1:]}" if structure.startswith("1") else structure
    return f"{owner}/{internal}"


def _author(person: CdaPerson, profile: Profile) -> Author:
    return Author(
        person=_person(person, "IDNPS", profile),
        institutions=_institutions(person, profile),
        roles=(escape(person.function.display),) if person.function and person.function.display else (),
        specialties=(specialty(person.code.code, person.code.display, person.code.system, profile),)
        if person.code
        else (),
    )


def _institutions(person: CdaPerson, profile: Profile) -> tuple[str, ...]:
    """The author's structure; a patient has none (c.4)."""
    organization: CdaOrganization | None = person.organization
    if organization is None or (person.id is not None and person.id.root in INS_OIDS):
        return ()
    identifier = organization.id
    if identifier is None or identifier.root not in (STRUCTURE_OID, SNR_OID):
        return (xon(organization.name, "", profile=profile),) if organization.name else ()
    return (xon(organization.name, identifier.extension, oid=identifier.root, profile=profile),)


def _legal_authenticator(person: CdaPerson | None, profile: Profile) -> str:
    if person is None:
        return ""
    internal = person.id is not None and "/" in person.id.extension
    return _person(person, "EI" if internal else "IDNPS", profile)


def _person(person: CdaPerson, id_type: str, profile: Profile) -> str:
    oid = person.id.root if person.id else PERSON_OID
    if oid in INS_OIDS:
        id_type = "NH"
    return xcn(
        person.id.extension if person.id else "",
        person.family,
        person.given,
        oid=oid,
        name_type="U" if person.device else "D",
        id_type="RI" if person.device else id_type,
        profile=profile,
    )


def _coded(code: Coded | None) -> Code | None:
    return Code(code.code, code.system, code.display) if code else None


def _concept(concept: Concept | None) -> Code | None:
    return Code(concept.code, concept.system, concept.display) if concept else None
