"""Rules of what a registry or a repository answers (ihe-rules D.2 D-53, D.3 D-63, D.4 D-93), strict and tolerant.

The strict lists judge a server. The tolerant ones read it (D.8): an oddity that leaves the meaning whole is a warning,
and only what would make a client believe something false stays an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from connector.rules import names
from connector.rules.case import Fault, Rule, label, patient_id
from connector.rules.forms import is_hash, is_home_community, is_size, read_cx
from connector.rules.model import RegistryObject

ANSWER = "answer"
"""Code of a fault in an answer: nothing travels back, so there is no code of the standard."""

_STATUSES = frozenset({names.SUCCESS, names.FAILURE, names.PARTIAL_SUCCESS})
_SEVERITIES = frozenset({names.SEVERITY + "Error", names.SEVERITY + "Warning"})
_MAY_BE_PARTIAL = frozenset({"ITI-18", "ITI-43"})

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Problem:
    """One RegistryError: code and severity as written, the severity being an URI."""

    code: str
    severity: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The RegistryResponse part of an answer."""

    transaction: str
    status: str
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Everything that is not said a warning (an unknown severity counts as an error)."""
        return tuple(item for item in self.problems if not item.severity.endswith("Warning"))


def _known_status(outcome: Outcome) -> Iterator[Fault]:
    if outcome.status not in _STATUSES:
        yield Fault("", "RegistryResponse/@status", outcome.status, "Success, Failure ou PartialSuccess")


def _success(outcome: Outcome) -> Iterator[Fault]:
    if outcome.status == names.SUCCESS and outcome.errors:
        yield Fault("", "RegistryErrorList", f"{len(outcome.errors)} erreur(s)", "aucune erreur avec Success")


def _failure(outcome: Outcome) -> Iterator[Fault]:
    if outcome.status == names.FAILURE and not outcome.errors:
        yield Fault("", "RegistryErrorList", "aucune erreur", "au moins une erreur avec Failure")


def _partial(outcome: Outcome) -> Iterator[Fault]:
    if outcome.status == names.PARTIAL_SUCCESS and outcome.transaction not in _MAY_BE_PARTIAL:
        yield Fault("", "RegistryResponse/@status", outcome.status, f"Success ou Failure ({outcome.transaction})")


def _problems(outcome: Outcome) -> Iterator[Fault]:
    for item in outcome.problems:
        if not item.code:
            yield Fault("", "RegistryError/@errorCode", "absent", "un code")
        if item.severity not in _SEVERITIES:
            yield Fault("", "RegistryError/@severity", item.severity, "Error ou Warning")


OUTCOME_RULES: tuple[Rule[Outcome], ...] = (
    Rule("D-53a", "ihe-rules D.2 D-53", _known_status, ANSWER),
    Rule("D-53b", "ihe-rules D.2 D-53", _success, ANSWER),
    Rule("D-53c", "ihe-rules D.2 D-53", _failure, ANSWER),
    Rule("D-53d", "ihe-rules D.2 D-53", _partial, ANSWER),
    Rule("D-53e", "ihe-rules D.2 D-53", _problems, ANSWER),
)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One DocumentResponse. `size` and `sha1` are computed from the bytes; `known_*` are the registry's, "" unknown."""

    repository: str
    document: str
    mime_type: str
    new_document: str = ""
    size: int | None = None
    sha1: str = ""
    known_hash: str = ""
    known_size: str = ""


def _fields(answer: Retrieved) -> Iterator[Fault]:
    for name, value in (
        ("RepositoryUniqueId", answer.repository),
        ("DocumentUniqueId", answer.document),
        ("mimeType", answer.mime_type),
        ("Document", "" if answer.size is None else "présent"),
    ):
        if not value:
            yield Fault(answer.document, name, "absent", "une valeur")


def _new_document(answer: Retrieved) -> Iterator[Fault]:
    if answer.new_document and answer.new_document == answer.document:
        yield Fault(answer.document, "NewDocumentUniqueId", answer.new_document, "un autre uniqueId")


def _registered_bytes(answer: Retrieved) -> Iterator[Fault]:
    wanted = answer.known_hash.lower()
    if answer.sha1 and wanted and answer.sha1 != wanted:
        yield Fault(answer.document, "hash", answer.sha1, wanted)
    if answer.size is not None and answer.known_size and str(answer.size) != answer.known_size:
        yield Fault(answer.document, "size", str(answer.size), answer.known_size)


RETRIEVED_RULES: tuple[Rule[Retrieved], ...] = (
    Rule("D-63a", "ihe-rules D.3 D-63", _fields, ANSWER),
    Rule("D-63b", "ihe-rules D.3 D-63", _new_document, ANSWER),
    Rule("D-63c", "ihe-rules D.3 D-63", _registered_bytes, ANSWER),
)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The objects of an AdhocQueryResponse; `return_type` is what was asked."""

    return_type: str
    objects: tuple[RegistryObject, ...]

    @property
    def entries(self) -> tuple[RegistryObject, ...]:
        return tuple(item for item in self.objects if item.kind == "ExtrinsicObject")


def _form(result: QueryResult) -> Iterator[Fault]:
    wanted = result.return_type == "ObjectRef"
    for item in result.objects:
        if (item.kind == "ObjectRef") != wanted:
            yield Fault(item.id, "RegistryObjectList", item.kind, "ObjectRef" if wanted else "des objets complets")
        if not item.id:
            yield Fault("", f"{item.kind}/@id", "absent", "un entryUUID")


def _complete(result: QueryResult) -> Iterator[Fault]:
    for item in result.entries:
        for name, value in (("@lid", item.lid), ("VersionInfo/@versionName", item.version)):
            if not value:
                yield Fault(item.id, f"DocumentEntry {name}", "absent", "une valeur donnée par le registre")
        if item.home and not is_home_community(item.home):
            yield Fault(item.id, "homeCommunityId", item.home, "urn:oid: suivi d'un OID")


def _one_patient(result: QueryResult) -> Iterator[Fault]:
    found = {(cx.value, cx.oid) for cx in map(read_cx, map(patient_id, result.entries)) if cx.value}
    if len(found) > 1:
        yield Fault("", "patientId", f"{len(found)} patients", "un seul patient")


def _result_hash(result: QueryResult) -> Iterator[Fault]:
    for item in result.entries:
        if not is_hash(item.first("hash")):
            yield Fault(item.id, f"{label(item)}.hash", item.first("hash") or "absent", "40 chiffres hexadécimaux")


def _result_size(result: QueryResult) -> Iterator[Fault]:
    for item in result.entries:
        if not is_size(item.first("size")):
            yield Fault(item.id, f"{label(item)}.size", item.first("size") or "absent", "un entier positif")


def _result_repository(result: QueryResult) -> Iterator[Fault]:
    for item in result.entries:
        if not item.first("repositoryUniqueId"):
            yield Fault(item.id, f"{label(item)}.repositoryUniqueId", "absent", "l'OID de l'entrepôt")


def _result_status(result: QueryResult) -> Iterator[Fault]:
    for item in result.entries:
        if item.status not in names.STATUSES:
            yield Fault(item.id, f"{label(item)}.availabilityStatus", item.status or "absent", "un statut connu")


RESULT_RULES: tuple[Rule[QueryResult], ...] = (
    Rule("D-93a", "ihe-rules D.4 D-93", _form, ANSWER),
    Rule("D-93b", "ihe-rules D.4 D-93", _complete, ANSWER),
    Rule("D-93c", "ihe-rules D.4 D-93", _one_patient, "XDSResultNotSinglePatient"),
    Rule("D-13", "ihe-rules D.2 D-13", _result_hash, ANSWER),
    Rule("D-14", "ihe-rules D.2 D-14", _result_size, ANSWER),
    Rule("D-23", "ihe-rules D.2 D-23", _result_repository, ANSWER),
    Rule("D-27", "ihe-rules D.2 D-27", _result_status, ANSWER),
)

REFUSED = frozenset({"D-53a", "D-53d", "D-63c"})
"""What even a tolerant reader refuses: an outcome it cannot name, and bytes that are not the document's.

Several patients in one result are only told: the INS of a person can change (dmp-interface EX_3.1-1055).
"""


def _tolerant(rules: tuple[Rule[Subject], ...]) -> tuple[Rule[Subject], ...]:
    return tuple(rule if rule.id in REFUSED else replace(rule, severity="warning") for rule in rules)


TOLERANT_OUTCOME_RULES = _tolerant(OUTCOME_RULES)
TOLERANT_RETRIEVED_RULES = _tolerant(RETRIEVED_RULES)
TOLERANT_RESULT_RULES = _tolerant(RESULT_RULES)
