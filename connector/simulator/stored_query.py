"""Reading of an ITI-18 request: which stored query, with which parameters (ihe-rules D.4 D-80…D-91, D.5).

Each refusal carries the IPF/TF code (D.4, "our choice"). All findings of one request are told together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree

from connector.base.finding import Finding
from connector.base.ns import QUERY, RIM, q
from connector.rules import names as names
from connector.rules.case import Fault, finding
from connector.rules.forms import is_dtm, read_cx
from connector.simulator.answers import as_errors
from connector.simulator.model import RegistryRefusal

Kind = Literal["text", "code", "time", "status", "patient"]
ReturnType = Literal["LeafClass", "ObjectRef"]

_ITEM = re.compile(r"'((?:[^']|'')*)'")
_LIST = re.compile(r"\(\s*'(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*\s*\)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`many` takes a list in parentheses; `repeats` may come as several slots, meaning AND."""

    name: str
    kind: Kind = "text"
    required: bool = False
    many: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """`one_of`: exactly one of these parameters must be there (empty: no such condition)."""

    id: str
    name: str
    parameters: tuple[Parameter, ...]
    one_of: tuple[str, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        return next((item for item in self.parameters if item.name == name), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """A good request. `values[name]` is one tuple per slot: AND between slots, OR inside one."""

    query: StoredQuery
    return_type: ReturnType
    values: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    def flat(self, name: str) -> tuple[str, ...]:
        return tuple(value for group in self.values.get(name, ()) for value in group)

    def single(self, name: str) -> str:
        return next(iter(self.flat(name)), "")


D = "$XDSDocumentEntry"
S = "$XDSSubmissionSet"


def _window(prefix: str, *stems: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(f"{prefix}{stem}{side}", "time") for stem in stems for side in ("From", "To"))


_DOCUMENT_FILTERS = (
    # Without it the INS of the VIHF applies (RG_3010, dmp-interface a.8).
    Parameter(D + "PatientId", "patient"),
    Parameter(D + "Status", "status", required=True, many=True),
    *(
        Parameter(D + stem, "code", many=True)
        for stem in ("ClassCode", "TypeCode", "PracticeSettingCode", "HealthcareFacilityTypeCode", "FormatCode")
    ),
    *(Parameter(D + stem, "code", many=True, repeats=True) for stem in ("EventCodeList", "ConfidentialityCode")),
    *_window(D, "CreationTime", "ServiceStartTime", "ServiceStopTime"),
    Parameter(D + "AuthorPerson", many=True),
    Parameter(D + "Type", many=True),
)

FIND_DOCUMENTS = StoredQuery("urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d", "FindDocuments", _DOCUMENT_FILTERS)
FIND_BY_REFERENCE = StoredQuery(
    "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492",
    "FindDocumentsByReferenceId",
    (*_DOCUMENT_FILTERS, Parameter(D + "ReferenceIdList", required=True, many=True, repeats=True)),
)
_BY_ID = (Parameter(D + "EntryUUID", many=True), Parameter(D + "UniqueId", many=True))
GET_DOCUMENTS = StoredQuery(
    "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
    "GetDocuments",
    (*_BY_ID, Parameter(D + "LogicalID", many=True)),
    one_of=(D + "EntryUUID", D + "UniqueId", D + "LogicalID"),
)
GET_ASSOCIATIONS = StoredQuery(
    "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155",
    "GetAssociations",
    (Parameter("$uuid", required=True, many=True),),
)
GET_DOCUMENTS_AND_ASSOCIATIONS = StoredQuery(
    "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a",
    "GetDocumentsAndAssociations",
    _BY_ID,
    one_of=(D + "EntryUUID", D + "UniqueId"),
)
FIND_SUBMISSION_SETS = StoredQuery(
    "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9",
    "FindSubmissionSets",
    (
        Parameter(S + "PatientId", "patient"),
        Parameter(S + "SourceId", many=True),
        *_window(S, "SubmissionTime"),
        Parameter(S + "AuthorPerson"),
        Parameter(S + "ContentType", "code", many=True),
        Parameter(S + "Status", "status", required=True, many=True),
    ),
)
QUERIES: Mapping[str, StoredQuery] = {
    query.id: query
    for query in (
        FIND_DOCUMENTS,
        FIND_BY_REFERENCE,
        GET_DOCUMENTS,
        GET_ASSOCIATIONS,
        GET_DOCUMENTS_AND_ASSOCIATIONS,
        FIND_SUBMISSION_SETS,
    )
}
_REGISTRY_ERROR = "XDSRegistryError"
_PARAM_NUMBER = "XDSStoredQueryParamNumber"


def read_query(body: etree._Element) -> Asked:
    """The stored query of an AdhocQueryRequest. Raises RegistryRefusal with every finding."""
    found = _Findings()
    query_element = body.find(q(RIM, "AdhocQuery"))
    if body.tag != q(QUERY, "AdhocQueryRequest") or query_element is None:
        found.add("D-80", "AdhocQueryRequest", str(body.tag), "AdhocQueryRequest avec AdhocQuery", _REGISTRY_ERROR)
        found.refuse()
    assert query_element is not None
    option = body.find(q(QUERY, "ResponseOption"))
    kind = option.get("returnType", "") if option is not None else ""
    if kind not in ("LeafClass", "ObjectRef"):
        found.add("D-80", "ResponseOption/@returnType", kind, "LeafClass ou ObjectRef", _REGISTRY_ERROR)
    identifier = query_element.get("id", "")
    query = QUERIES.get(identifier)
    if query is None:
        found.add("D-81", "AdhocQuery/@id", identifier, "une requête enregistrée connue", "XDSUnknownStoredQuery")
        found.refuse()
    assert query is not None
    values = _values(query, query_element, found)
    _presence(query, values, found)
    found.refuse()
    return Asked(query, "ObjectRef" if kind == "ObjectRef" else "LeafClass", values)


class _Findings:
    def __init__(self) -> None:
        self.items: list[Finding] = []

    def add(self, rule: str, attribute: str, found: str, expected: str, code: str) -> None:
        fault = Fault("", attribute, found, expected)
        self.items.append(finding(rule, f"ihe-rules D.4 {rule}", fault, code))

    def refuse(self) -> None:
        if self.items:
            raise RegistryRefusal(as_errors(self.items))


def _values(query: StoredQuery, element: etree._Element, found: _Findings) -> dict[str, tuple[tuple[str, ...], ...]]:
    values: dict[str, tuple[tuple[str, ...], ...]] = {}
    for slot in element.findall(q(RIM, "Slot")):
        name = slot.get("name", "")
        if not name.startswith("$"):
            found.add("D-82", name, name, "un nom qui commence par $", _REGISTRY_ERROR)
            continue
        parameter = query.parameter(name)
        if parameter is None:
            # D-96: an unknown parameter is ignored, not refused.
            continue
        texts = [(value.text or "").strip() for value in slot.iter(q(RIM, "Value"))]
        group = _parse(parameter, texts, found)
        if name in values and not parameter.repeats:
            found.add("D-82", name, "plusieurs slots", "un seul slot", _PARAM_NUMBER)
        values[name] = (*values.get(name, ()), group)
    return values


def _parse(parameter: Parameter, texts: list[str], found: _Findings) -> tuple[str, ...]:
    name = parameter.name
    if not parameter.many and len(texts) != 1:
        found.add("D-84", name, f"{len(texts)} valeurs", "une seule valeur", _PARAM_NUMBER)
        return ()
    if parameter.kind == "time":
        if not is_dtm(texts[0]):
            found.add("D-88", name, texts[0], "4 à 14 chiffres, sans guillemets", _REGISTRY_ERROR)
        return (texts[0],)
    if parameter.many:
        if not texts or any(_LIST.fullmatch(text) is None for text in texts):
            found.add("D-86", name, " ".join(texts), "une liste non vide : ('a','b')", _REGISTRY_ERROR)
            return ()
    elif _ITEM.fullmatch(texts[0]) is None:
        found.add("D-86", name, texts[0], "un texte entre apostrophes, sans parenthèses", _REGISTRY_ERROR)
        return ()
    items = tuple(item.replace("''", "'") for text in texts for item in _ITEM.findall(text))
    for item in items:
        _check_item(parameter, item, found)
    return items


def _check_item(parameter: Parameter, item: str, found: _Findings) -> None:
    if parameter.kind == "code":
        code, _, system = item.partition("^^")
        if not code or not system:
            found.add("D-87", parameter.name, item, "code^^système", _REGISTRY_ERROR)
    elif parameter.kind == "status" and item not in names.STATUSES:
        found.add("D-89", parameter.name, item, "un statut connu", _REGISTRY_ERROR)
    elif parameter.kind == "patient" and not read_cx(item).well_formed:
        found.add("D-91", parameter.name, "forme inattendue", "id^^^&oid&ISO^NH", _REGISTRY_ERROR)


def _presence(query: StoredQuery, values: Mapping[str, tuple[tuple[str, ...], ...]], found: _Findings) -> None:
    for parameter in query.parameters:
        if parameter.required and parameter.name not in values:
            found.add("D-83", parameter.name, "absent", "un paramètre obligatoire", "XDSStoredQueryMissingParam")
    if query.one_of:
        present = [name for name in query.one_of if name in values]
        wanted = "exactement un de " + ", ".join(query.one_of)
        if not present:
            found.add("D-83", query.name, "aucun", wanted, "XDSStoredQueryMissingParam")
        elif len(present) > 1:
            found.add("D-85", query.name, " ".join(present), wanted, _PARAM_NUMBER)
    for name, group in values.items():
        upper = values.get(name.removesuffix("From") + "To")
        if name.endswith("From") and upper and group[0][:1] > upper[0][:1]:
            found.add("D-88", name, f"{group[0][0]} > {upper[0][0]}", "début avant la fin", _REGISTRY_ERROR)
