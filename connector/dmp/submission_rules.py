"""The numbered rules applied to what we are about to send (ihe-rules D.2, D.3, dmp-interface c).

The neutral model is built here from the client's own values: no XML is read, nothing is shared with the simulator's
reader. What a rule sees is what the writer writes, empty attributes left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from connector.base.finding import Finding
from connector.cda.model import CdaHeader, full_id
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.ins.model import ALLOWED_OIDS, MatriculeIns
from connector.rules import names
from connector.rules.case import AffinityCodes, Case, CdaFacts, Part, RuleSettings, Speaker
from connector.rules.model import (
    Classification,
    Document,
    ExternalIdentifier,
    Provided,
    RegistryObject,
    Slot,
)
from connector.rules.profiles import judge, judge_revision
from connector.rules.update import Current, Revision
from connector.soap.parts import Attachment
from connector.trust.caller import Caller
from connector.xds.model import Association, Author, Code, DocumentEntry, Submission, SubmissionSet
from connector.xds.writer import entry_slots

_Slots = Iterable[tuple[str, tuple[str, ...]]]
_Ids = Iterator[int]


def check_submission(
    submission: Submission, parts: Mapping[str, Part], settings: RuleSettings, speaker: Speaker | None
) -> tuple[Finding, ...]:
    """Every finding of an ITI-41, first one first. `parts` by entry id; `speaker` None when no assertion goes with it.

    A part whose `sha1` is empty is not compared with the hash of its entry.
    """
    return judge(Case(provided(submission, parts), parts, speaker, settings))


def check_update(
    change: Submission,
    settings: RuleSettings,
    speaker: Speaker | None,
    known: Iterable[DocumentEntry] = (),
) -> tuple[Finding, ...]:
    """Every finding of an ITI-57. `known` are the entries it touches as the registry gave them, when they were read:
    without them, what depends on the version in force is left to the registry.
    """
    case = Case(provided(change, {}), {}, speaker, settings, "ITI-57")
    findings = judge(case)
    ids = count(1)
    found = tuple(_entry(entry, ids) for entry in known)
    if found:
        by_lid, by_id = {item.lid: item for item in found}, {item.id: item for item in found}
        findings += judge_revision(Revision(case, Current(by_lid.get, by_id.get)))
    return findings


def require(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that let the request leave. Raises DmpMetadataError with those that do not."""
    blocking = [item for item in findings if item.blocking]
    if blocking:
        raise DmpMetadataError(blocking)
    return findings


def rule_settings(config: DmpConfig, codes: AffinityCodes | None = None) -> RuleSettings:
    """How severe to be for this domain; `codes` are the lists it publishes (ihe-rules D-42).

    Several documents in one set are let through: no maximum is written anywhere (dmp-interface a.7).
    """
    return RuleSettings(
        ins_oids=ALLOWED_OIDS[config.environment],
        documents_per_set=0,
        mask_and_invisible=config.masked_and_invisible_allowed,
        ihe_pure=config.profile == "ihe",
        signed=config.signs,
        codes=codes,
    )


def speaker_of(caller: Caller, ins: MatriculeIns, *, structure: str = "") -> Speaker:
    """What the assertion will say. `structure` is the Identifiant_Structure that will be sent; "" leaves the author
    rule of the indirect modes to `dmp.structures`, which knows the two spellings of a FINESS.
    """
    return Speaker(caller.mode, structure, caller.name_id, ins.value, ins.oid, caller.secret)


def parts_of(submission: Submission, attachments: Iterable[Attachment], header: CdaHeader | None) -> dict[str, Part]:
    """The parts of a request by entry id, attachments being in the order of the entries. `header` describes the first.

    No digest is computed: a hash in the metadata was taken from these very bytes.
    """
    facts = [None if header is None else cda_facts(header)]
    parts: dict[str, Part] = {}
    for entry, attachment in zip(submission.entries, attachments, strict=True):
        parts[entry.entry_uuid] = Part(attachment.size(), "", facts.pop() if facts else None)
    return parts


def cda_facts(header: CdaHeader) -> CdaFacts:
    """What the document says of itself, as our reader of the CDA found it."""
    return CdaFacts(
        unique_id=full_id(header.id),
        patients=frozenset((item.root, item.extension) for item in header.patient_ids),
        type=(header.code.code, header.code.system),
        replaces=() if header.replaced_id is None else (full_id(header.replaced_id),),
    )


# -- the client's values as the neutral model ------------------------------------------------------------------------


def provided(submission: Submission, parts: Mapping[str, Part]) -> Provided:
    """A submission and the ids of its documents; a part is known by the id of its entry."""
    ids = count(1)
    package = submission.submission_set
    node = Classification(_id("cl", ids), "", names.SET_NODE, package.entry_uuid, None, None, ())
    objects = (
        _set(package, ids),
        *(_entry(entry, ids) for entry in submission.entries),
        *(_association(link) for link in submission.associations),
    )
    return Provided(
        objects=objects,
        classifications=(node,),
        documents=tuple(Document(key, key, inline=False) for key in parts),
        order=tuple(item.kind for item in objects),
    )


def _set(value: SubmissionSet, ids: _Ids) -> RegistryObject:
    owner = value.entry_uuid
    return RegistryObject(
        kind="RegistryPackage",
        id=owner,
        status=value.status,
        name=value.title or None,
        description=value.comments or None,
        slots=_slots((("submissionTime", (value.submission_time,)),)),
        classifications=(
            *(_author(author, owner, names.SET_AUTHOR, ids) for author in value.authors),
            *_code(value.content_type, owner, names.SET_CONTENT_TYPE, ids),
        ),
        identifiers=(
            *_identifier(owner, names.SET_PATIENT_ID, value.patient_id, ids),
            *_identifier(owner, names.SET_SOURCE_ID, value.source_id, ids),
            *_identifier(owner, names.SET_UNIQUE_ID, value.unique_id, ids),
        ),
    )


def _entry(entry: DocumentEntry, ids: _Ids) -> RegistryObject:
    owner = entry.entry_uuid
    coded = (
        (names.CLASS_CODE, (entry.class_code,)),
        (names.TYPE_CODE, (entry.type_code,)),
        (names.FORMAT_CODE, (entry.format_code,)),
        (names.FACILITY_TYPE, (entry.facility_type,)),
        (names.PRACTICE_SETTING, (entry.practice_setting,)),
        (names.CONFIDENTIALITY, entry.confidentiality),
        (names.EVENT_CODE, entry.event_codes),
    )
    return RegistryObject(
        kind="ExtrinsicObject",
        id=owner,
        lid=entry.logical_id,
        status=entry.status,
        object_type=entry.object_type,
        mime_type=entry.mime_type,
        home=entry.home,
        name=entry.title or None,
        description=entry.comments or None,
        version=entry.version,
        slots=_slots(entry_slots(entry)),
        classifications=(
            *(_author(author, owner, names.DOC_AUTHOR, ids) for author in entry.authors),
            *(found for scheme, codes in coded for code in codes for found in _code(code, owner, scheme, ids)),
        ),
        identifiers=(
            *_identifier(owner, names.DOC_PATIENT_ID, entry.patient_id, ids),
            *_identifier(owner, names.DOC_UNIQUE_ID, entry.unique_id, ids),
        ),
    )


def _association(link: Association) -> RegistryObject:
    return RegistryObject(
        kind="Association",
        id=link.id,
        source=link.source,
        target=link.target,
        association_type=link.type,
        slots=_slots(link.slots),
    )


def _slots(pairs: _Slots) -> tuple[Slot, ...]:
    kept = ((name, tuple(value for value in values if value)) for name, values in pairs)
    return tuple(Slot(name, values) for name, values in kept if values)


def _code(code: Code | None, owner: str, scheme: str, ids: _Ids) -> tuple[Classification, ...]:
    if code is None:
        return ()
    slots = _slots((("codingScheme", (code.scheme,)),))
    return (Classification(_id("cl", ids), scheme, "", owner, code.code, code.display or None, slots),)


def _author(author: Author, owner: str, scheme: str, ids: _Ids) -> Classification:
    slots = _slots(
        (
            ("authorInstitution", author.institutions),
            ("authorPerson", (author.person,)),
            ("authorRole", author.roles),
            ("authorSpecialty", author.specialties),
            ("authorTelecommunication", author.telecoms),
        )
    )
    return Classification(_id("cl", ids), scheme, "", owner, "", None, slots)


def _identifier(owner: str, scheme: str, value: str, ids: _Ids) -> tuple[ExternalIdentifier, ...]:
    if not value:
        return ()
    return (ExternalIdentifier(_id("ei", ids), scheme, value, owner, names.IDENTIFIER_NAMES[scheme]),)


def _id(prefix: str, ids: _Ids) -> str:
    return f"{prefix}{next(ids):03d}"
