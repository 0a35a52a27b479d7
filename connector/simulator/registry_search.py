"""Answers of the stored queries over the store (ihe-rules D.4 D-90, D-94; D.5), and who sees what (d.2, c.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connector.rules import names as names
from connector.rules.case import authors, is_signature
from connector.rules.entry import REFERENCE_IDS
from connector.rules.forms import read_xcn, read_xon
from connector.rules.model import RegistryObject
from connector.simulator.directory import Patient
from connector.simulator.model import VerifiedAssertion
from connector.simulator.registry_store import RegistryStore, StoredEntry
from connector.simulator.stored_query import Asked, D, S

_CODED: Mapping[str, str] = {
    D + "ClassCode": names.CLASS_CODE,
    D + "TypeCode": names.TYPE_CODE,
    D + "PracticeSettingCode": names.PRACTICE_SETTING,
    D + "HealthcareFacilityTypeCode": names.FACILITY_TYPE,
    D + "FormatCode": names.FORMAT_CODE,
    D + "EventCodeList": names.EVENT_CODE,
    D + "ConfidentialityCode": names.CONFIDENTIALITY,
    S + "ContentType": names.SET_CONTENT_TYPE,
}
_TIMES = {
    D + "CreationTime": "creationTime",
    D + "ServiceStartTime": "serviceStartTime",
    D + "ServiceStopTime": "serviceStopTime",
    S + "SubmissionTime": "submissionTime",
}


def answer(asked: Asked, store: RegistryStore, patient: Patient, caller: VerifiedAssertion) -> list[RegistryObject]:
    """Objects of the patient that the caller may see, in order of registration."""
    seen = [entry.item for entry in store.entries_of(patient.ins) if may_see(entry, patient, caller)]
    match asked.query.name:
        case "FindDocuments" | "FindDocumentsByReferenceId":
            return [item for item in seen if not is_signature(item) and _matches(item, asked)]
        case "GetDocuments":
            return _named(seen, asked)
        case "GetDocumentsAndAssociations":
            documents = _named(seen, asked)
            return documents + _linked([item.id for item in documents], store, seen, patient)
        case "GetAssociations":
            return _linked(asked.flat("$uuid"), store, seen, patient)
        case "FindSubmissionSets":
            return [item for item in store.sets_of(patient.ins) if _matches(item, asked)]
    raise AssertionError(f"stored query without answer: {asked.query.name}")


def may_see(entry: StoredEntry, patient: Patient, caller: VerifiedAssertion) -> bool:
    """A document masked to professionals shows only to its authors and to the médecin traitant (d.2, TD3.2)."""
    masked = any(code == names.MASKED for code, _ in entry.item.codes(names.CONFIDENTIALITY))
    return not masked or caller.name_id in patient.doctors or is_author(entry.item, caller)


def is_author(item: RegistryObject, caller: VerifiedAssertion) -> bool:
    """The caller wrote it: the person, or for a structure certificate the structure (EX_2.1-1140)."""
    people = [value for author in authors(item) for value in author.values("authorPerson")]
    if caller.name_id in {read_xcn(value).id for value in (*people, *item.values("legalAuthenticator"))}:
        return True
    houses = [value for author in authors(item) for value in author.values("authorInstitution")]
    return caller.mode == "INDIRECTE" and caller.structure in {read_xon(value).id for value in houses}


def _named(seen: Iterable[RegistryObject], asked: Asked) -> list[RegistryObject]:
    uuids, uniques = set(asked.flat(D + "EntryUUID")), set(asked.flat(D + "UniqueId"))
    logicals = set(asked.flat(D + "LogicalID"))
    return [
        item
        for item in seen
        if item.id in uuids or item.identifier(names.DOC_UNIQUE_ID) in uniques or item.lid in logicals
    ]


def _linked(
    ids: Iterable[str], store: RegistryStore, seen: Iterable[RegistryObject], patient: Patient
) -> list[RegistryObject]:
    """Associations touching `ids`, with both ends in this patient's record and visible to the caller."""
    visible = {item.id for item in seen} | {item.id for item in store.sets_of(patient.ins)}
    return [item for item in store.links_of(ids) if {item.source, item.target} <= visible]


def _matches(item: RegistryObject, asked: Asked) -> bool:
    return (
        item.status in asked.flat(f"{_prefix(item)}Status")
        and _codes_match(item, asked)
        and _times_match(item, asked)
        and _authors_match(item, asked)
        and _references_match(item, asked)
        and _rest_matches(item, asked)
    )


def _prefix(item: RegistryObject) -> str:
    return D if item.kind == "ExtrinsicObject" else S


def _codes_match(item: RegistryObject, asked: Asked) -> bool:
    """AND between slots of one parameter, OR inside a slot (D-90)."""
    for name, scheme in _CODED.items():
        held = {f"{code}^^{system}" for code, system in item.codes(scheme)}
        if any(held.isdisjoint(group) for group in asked.values.get(name, ())):
            return False
    return True


def _times_match(item: RegistryObject, asked: Asked) -> bool:
    """Lower bound inclusive, upper bound exclusive (D-94); a missing time never matches a window."""
    for name, slot in _TIMES.items():
        lower, upper = asked.single(name + "From"), asked.single(name + "To")
        if not lower and not upper:
            continue
        value = item.first(slot)
        if not value or (lower and _full(value) < _full(lower)) or (upper and _full(value) >= _full(upper)):
            return False
    return True


def _full(dtm: str) -> str:
    """A partial DTM as its first instant: `2026` is `20260101000000`."""
    return dtm + "00000101000000"[len(dtm) :]


def _authors_match(item: RegistryObject, asked: Asked) -> bool:
    wanted = asked.flat(_prefix(item) + "AuthorPerson")
    if not wanted:
        return True
    people = [value for author in authors(item) for value in author.values("authorPerson")]
    return any(_like(pattern, value) for pattern in wanted for value in people)


def _like(pattern: str, value: str) -> bool:
    """SQL LIKE: `%` any run, `_` one character."""
    expression = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _references_match(item: RegistryObject, asked: Asked) -> bool:
    held = set(item.values(REFERENCE_IDS))
    return not any(held.isdisjoint(group) for group in asked.values.get(D + "ReferenceIdList", ()))


def _rest_matches(item: RegistryObject, asked: Asked) -> bool:
    types, sources = asked.flat(D + "Type"), asked.flat(S + "SourceId")
    good_type = not types or item.kind != "ExtrinsicObject" or item.object_type in types
    return good_type and (not sources or item.identifier(names.SET_SOURCE_ID) in sources)
