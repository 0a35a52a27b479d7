"""Answers of the stored queries over what a caller may see (ihe-rules D.4 D-90, D-94; D.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from connector.rules import names
from connector.rules.case import authors
from connector.rules.entry import REFERENCE_IDS
from connector.rules.model import RegistryObject
from connector.rules.query_shapes import D, F, S
from connector.simulator.folders import LAST_UPDATE, is_folder
from connector.simulator.registry_scope import Scope
from connector.simulator.stored_query import ASSOCIATION_TYPES, METADATA_LEVEL, UUIDS, Asked

_CODED: Mapping[str, Mapping[str, str]] = {
    D: {
        D + "ClassCode": names.CLASS_CODE,
        D + "TypeCode": names.TYPE_CODE,
        D + "PracticeSettingCode": names.PRACTICE_SETTING,
        D + "HealthcareFacilityTypeCode": names.FACILITY_TYPE,
        D + "FormatCode": names.FORMAT_CODE,
        D + "EventCodeList": names.EVENT_CODE,
        D + "ConfidentialityCode": names.CONFIDENTIALITY,
    },
    S: {S + "ContentType": names.SET_CONTENT_TYPE},
    F: {F + "CodeList": names.FOLDER_CODES},
}
_TIMES: Mapping[str, Mapping[str, str]] = {
    D: {
        D + "CreationTime": "creationTime",
        D + "ServiceStartTime": "serviceStartTime",
        D + "ServiceStopTime": "serviceStopTime",
    },
    S: {S + "SubmissionTime": "submissionTime"},
    F: {F + "LastUpdateTime": LAST_UPDATE},
}


def answer(asked: Asked, scope: Scope) -> list[RegistryObject]:
    """The objects a stored query finds, each once, in order of registration inside each kind (D.5 rows 1 to 14)."""
    found = _ANSWERS[asked.query.name](asked, scope)
    return list({item.id: item for item in found}.values())


# -- lists ----------------------------------------------------------------------------------------------------------


def _find_documents(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    return (item for item in scope.documents() if _matches(item, asked))


def _find_sets(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    return (item for item in scope.sets() if _matches(item, asked))


def _find_folders(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    return (item for item in scope.folders() if _matches(item, asked))


def _get_all(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    """Everything of one patient with the statuses and filters asked, and the associations that touch it."""
    found = [*_find_sets(asked, scope), *_find_documents(asked, scope), *_find_folders(asked, scope)]
    yield from found
    yield from scope.links(item.id for item in found)


# -- by identifiers -------------------------------------------------------------------------------------------------


def _get_documents(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    """By entryUUID that very version, by logical id every version, by uniqueId the latest.

    `$MetadataLevel` 2 opens every version of a uniqueId too: our reading, the DMP's is not written (UNCERTAIN).
    """
    for entry_uuid in asked.flat(D + "EntryUUID"):
        yield from _one(scope.document(entry_uuid))
    for unique_id in asked.flat(D + "UniqueId"):
        for entry in scope.store.by_unique_id(unique_id):
            if asked.single(METADATA_LEVEL) == "2" or scope.store.latest(entry.item):
                yield from _one(scope.document(entry.item.id))
    for lid in asked.flat(D + "LogicalID"):
        for item in scope.store.versions(lid):
            yield from _one(scope.document(item.id))


def _get_packages(prefix: str, asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    ids = [
        *asked.flat(prefix + "EntryUUID"),
        *(item.id for name in asked.flat(prefix + "UniqueId") for item in scope.store.packages_by_unique_id(name)),
        *(item.id for lid in asked.flat(prefix + "LogicalID") for item in scope.store.versions(lid)),
    ]
    for item in (scope.package(key) for key in ids):
        if item is not None and is_folder(item) == (prefix == F):
            yield item


def _get_folders(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    return _get_packages(F, asked, scope)


def _get_associations(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    yield from scope.links(asked.flat(UUIDS))


def _get_documents_and_associations(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    documents = list(_get_documents(asked, scope))
    yield from documents
    yield from scope.links(item.id for item in documents)


def _get_sets(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    """The submission sets that brought the named entries and folders, and the associations that say so."""
    wanted = frozenset(asked.flat(UUIDS))
    for link in scope.links(wanted):
        holder = scope.package(link.source)
        is_set = holder is not None and not is_folder(holder)
        if holder is not None and is_set and link.association_type == names.HAS_MEMBER and link.target in wanted:
            yield from (holder, link)


def _get_set_and_contents(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    return _contents(_get_packages(S, asked, scope), asked, scope)


def _get_folder_and_contents(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    return _contents(_get_packages(F, asked, scope), asked, scope)


def _contents(packages: Iterable[RegistryObject], asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    """Each package, its members that pass the filters, and the associations that lead to them."""
    for package in packages:
        yield package
        for link in scope.links([package.id]):
            member = scope.object(link.target) if link.source == package.id else None
            if member is not None and link.association_type == names.HAS_MEMBER and _passes(member, asked):
                yield from (link, member)


def _get_folders_for_document(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    for document in list(_get_documents(asked, scope)):
        for link in scope.links([document.id]):
            holder = scope.package(link.source)
            if holder is not None and is_folder(holder) and link.association_type == names.HAS_MEMBER:
                yield holder


def _get_related(asked: Asked, scope: Scope) -> Iterator[RegistryObject]:
    """The document, the documents that the asked relationships link to it, and those associations; or nothing."""
    kinds = frozenset(asked.flat(ASSOCIATION_TYPES))
    for document in list(_get_documents(asked, scope)):
        for link in scope.links([document.id]):
            ends = [scope.document(end) for end in (link.source, link.target)]
            if link.association_type in kinds and all(end is not None and _passes(end, asked) for end in ends):
                yield from (end for end in ends if end is not None)
                yield link


def _one(item: RegistryObject | None) -> Iterator[RegistryObject]:
    if item is not None:
        yield item


_ANSWERS: Mapping[str, Callable[[Asked, Scope], Iterator[RegistryObject]]] = {
    "FindDocuments": _find_documents,
    "FindDocumentsByReferenceId": _find_documents,
    "FindSubmissionSets": _find_sets,
    "FindFolders": _find_folders,
    "GetAll": _get_all,
    "GetDocuments": _get_documents,
    "GetFolders": _get_folders,
    "GetAssociations": _get_associations,
    "GetDocumentsAndAssociations": _get_documents_and_associations,
    "GetSubmissionSets": _get_sets,
    "GetSubmissionSetAndContents": _get_set_and_contents,
    "GetFolderAndContents": _get_folder_and_contents,
    "GetFoldersForDocument": _get_folders_for_document,
    "GetRelatedDocuments": _get_related,
}


# -- filters --------------------------------------------------------------------------------------------------------


def _passes(item: RegistryObject, asked: Asked) -> bool:
    """The filters of a "contents" query: they bear on documents only."""
    return item.kind != "ExtrinsicObject" or (_codes_match(item, asked) and _type_matches(item, asked))


def _matches(item: RegistryObject, asked: Asked) -> bool:
    return (
        item.status in asked.flat(f"{_prefix(item)}Status")
        and _codes_match(item, asked)
        and _times_match(item, asked)
        and _authors_match(item, asked)
        and _references_match(item, asked)
        and _type_matches(item, asked)
        and _source_matches(item, asked)
    )


def _prefix(item: RegistryObject) -> str:
    if item.kind == "ExtrinsicObject":
        return D
    return F if is_folder(item) else S


def _codes_match(item: RegistryObject, asked: Asked) -> bool:
    """AND between slots of one parameter, OR inside a slot (D-90)."""
    for name, scheme in _CODED[_prefix(item)].items():
        held = {f"{code}^^{system}" for code, system in item.codes(scheme)}
        if any(held.isdisjoint(group) for group in asked.values.get(name, ())):
            return False
    return True


def _times_match(item: RegistryObject, asked: Asked) -> bool:
    """Lower bound inclusive, upper bound exclusive (D-94); a missing time never matches a window."""
    for name, slot in _TIMES[_prefix(item)].items():
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


def _type_matches(item: RegistryObject, asked: Asked) -> bool:
    """Without `$XDSDocumentEntryType` only stable documents (D.5 row 1)."""
    return item.kind != "ExtrinsicObject" or item.object_type in (asked.flat(D + "Type") or (names.STABLE,))


def _source_matches(item: RegistryObject, asked: Asked) -> bool:
    sources = asked.flat(S + "SourceId")
    return not sources or item.identifier(names.SET_SOURCE_ID) in sources
