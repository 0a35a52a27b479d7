"""Rules of a stored query, ITI-18 (ihe-rules D.4, D-80…D-91), over a neutral model of the request.

Codes are those of the framework (D.4, "our choice"). D-96: a `$` parameter that the query does not know is ignored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from connector.base.finding import Finding
from connector.rules import names
from connector.rules.case import Fault, Rule, apply
from connector.rules.forms import is_dtm, is_home_community, read_cx
from connector.rules.model import Slot
from connector.rules.query_shapes import OTHER_TRANSACTIONS, QUERIES, Parameter, StoredQuery

REGISTRY_ERROR = "XDSRegistryError"
PARAM_NUMBER = "XDSStoredQueryParamNumber"
MISSING_PARAM = "XDSStoredQueryMissingParam"

_ITEM = re.compile(r"'((?:[^']|'')*)'")
_LIST = re.compile(r"\(\s*'(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*\s*\)")

Values = Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class QueryRequest:
    """An AdhocQueryRequest as written: `slots` in order, `home` the home attribute; `ihe_pure` is the profile (D.8)."""

    query_id: str
    return_type: str
    slots: tuple[Slot, ...]
    home: str = ""
    ihe_pure: bool = False

    @property
    def shape(self) -> StoredQuery | None:
        return QUERIES.get(self.query_id)

    @cached_property
    def known(self) -> tuple[tuple[Parameter, Slot], ...]:
        """Each slot that is a parameter of the query, in order; the others are ignored (D-96)."""
        if self.shape is None:
            return ()
        pairs = ((self.shape.parameter(slot.name), slot) for slot in self.slots)
        return tuple((parameter, slot) for parameter, slot in pairs if parameter is not None)

    @cached_property
    def values(self) -> Values:
        """One tuple per slot: AND between slots, OR inside one (D-90). What cannot be read gives an empty tuple."""
        found: dict[str, tuple[tuple[str, ...], ...]] = {}
        for parameter, slot in self.known:
            found[slot.name] = (*found.get(slot.name, ()), read_values(parameter, slot.values))
        return found


def read_values(parameter: Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """The values behind the notation of D-86: quotes, lists, doubled quotes. () when the notation is wrong."""
    if _misread(parameter, texts):
        return ()
    if parameter.kind in ("time", "number"):
        return texts
    return tuple(item.replace("''", "'") for text in texts for item in _ITEM.findall(text))


def _misread(parameter: Parameter, texts: tuple[str, ...]) -> bool:
    if parameter.many:
        return not texts or any(_LIST.fullmatch(text) is None for text in texts)
    if parameter.kind in ("time", "number"):
        return len(texts) != 1
    return len(texts) != 1 or _ITEM.fullmatch(texts[0]) is None


def _return_type(request: QueryRequest) -> Iterator[Fault]:
    if request.return_type not in ("LeafClass", "ObjectRef"):
        yield Fault("", "ResponseOption/@returnType", request.return_type, "LeafClass ou ObjectRef")


def _known_query(request: QueryRequest) -> Iterator[Fault]:
    if request.query_id in OTHER_TRANSACTIONS:
        seen = OTHER_TRANSACTIONS[request.query_id]
        yield Fault("", "AdhocQuery/@id", seen, "une requête de l'ITI-18", REGISTRY_ERROR)
    elif request.shape is None:
        yield Fault("", "AdhocQuery/@id", request.query_id, "une requête enregistrée connue")


def _slot_names(request: QueryRequest) -> Iterator[Fault]:
    for slot in request.slots:
        if not slot.name.startswith("$"):
            yield Fault("", slot.name, slot.name, "un nom qui commence par $")
    counted = Counter(slot.name for parameter, slot in request.known if not parameter.repeats)
    for name, count in counted.items():
        if count > 1:
            yield Fault("", name, f"{count} slots", "un seul slot", PARAM_NUMBER)


def _required(request: QueryRequest) -> Iterator[Fault]:
    shape = request.shape
    if shape is None:
        return
    for parameter in shape.parameters:
        wanted = parameter.required and (request.ihe_pure or not parameter.dmp_optional)
        if wanted and parameter.name not in request.values:
            yield Fault("", parameter.name, "absent", "un paramètre obligatoire")
    if shape.one_of and not any(name in request.values for name in shape.one_of):
        yield Fault("", shape.name, "aucun", "exactement un de " + ", ".join(shape.one_of))


def _single(request: QueryRequest) -> Iterator[Fault]:
    for parameter, slot in request.known:
        if not parameter.many and len(slot.values) != 1:
            yield Fault("", slot.name, f"{len(slot.values)} valeurs", "une seule valeur")


def _exclusive(request: QueryRequest) -> Iterator[Fault]:
    if request.shape is None:
        return
    present = [name for name in request.shape.one_of if name in request.values]
    if len(present) > 1:
        expected = "exactement un de " + ", ".join(request.shape.one_of)
        yield Fault("", request.shape.name, " ".join(present), expected)


def _notation(request: QueryRequest) -> Iterator[Fault]:
    for parameter, slot in request.known:
        if parameter.kind in ("time", "number"):
            continue
        if parameter.many and _misread(parameter, slot.values):
            yield Fault("", slot.name, _seen(parameter, slot), "une liste non vide : ('a','b')")
        elif not parameter.many and len(slot.values) == 1 and _misread(parameter, slot.values):
            yield Fault("", slot.name, _seen(parameter, slot), "un texte entre apostrophes, sans parenthèses")


def _seen(parameter: Parameter, slot: Slot) -> str:
    """What was written, unless it names somebody."""
    return "une autre forme" if parameter.kind == "patient" else " ".join(slot.values)


def _items(request: QueryRequest, kind: str) -> Iterator[tuple[str, str]]:
    for parameter, slot in request.known:
        if parameter.kind == kind:
            for item in read_values(parameter, slot.values):
                yield slot.name, item


def _codes(request: QueryRequest) -> Iterator[Fault]:
    for name, item in _items(request, "code"):
        code, _, system = item.partition("^^")
        if not code or not system:
            yield Fault("", name, item, "code^^système")


def _times(request: QueryRequest) -> Iterator[Fault]:
    for name, item in _items(request, "time"):
        if not is_dtm(item):
            yield Fault("", name, item, "4 à 14 chiffres, sans apostrophes")
    for name, item in _items(request, "number"):
        if not (item.isascii() and item.isdigit()):
            yield Fault("", name, item, "un nombre, sans apostrophes")
    for name, groups in request.values.items():
        upper = request.values.get(name.removesuffix("From") + "To")
        if not name.endswith("From") or not upper or not groups[0] or not upper[0]:
            continue
        low, high = groups[0][0], upper[0][0]
        length = min(len(low), len(high))
        if is_dtm(low) and is_dtm(high) and low[:length] > high[:length]:
            yield Fault("", name, f"{low} > {high}", "début avant la fin")


def _statuses(request: QueryRequest) -> Iterator[Fault]:
    known = names.IHE_STATUSES if request.ihe_pure else names.STATUSES
    for name, item in _items(request, "status"):
        if item not in known:
            yield Fault("", name, item, "un statut connu")


def _patients(request: QueryRequest) -> Iterator[Fault]:
    for name, item in _items(request, "patient"):
        cx = read_cx(item)
        if not cx.well_formed or cx.namespace or cx.rest or (request.ihe_pure and cx.type):
            expected = "id^^^&oid&ISO" if request.ihe_pure else "id^^^&oid&ISO^NH"
            yield Fault("", name, "une autre forme", expected)


def _home(request: QueryRequest) -> Iterator[Fault]:
    if request.home and not is_home_community(request.home):
        yield Fault("", "AdhocQuery/@home", request.home, "urn:oid: suivi d'un OID")


QUERY_RULES: tuple[Rule[QueryRequest], ...] = (
    Rule("D-80", "ihe-rules D.4 D-80", _return_type, REGISTRY_ERROR),
    Rule("D-81", "ihe-rules D.4 D-81", _known_query, "XDSUnknownStoredQuery"),
    Rule("D-82", "ihe-rules D.4 D-82", _slot_names, REGISTRY_ERROR),
    Rule("D-83", "ihe-rules D.4 D-83", _required, MISSING_PARAM),
    Rule("D-84", "ihe-rules D.4 D-84", _single, PARAM_NUMBER),
    Rule("D-85", "ihe-rules D.4 D-85", _exclusive, PARAM_NUMBER),
    Rule("D-86", "ihe-rules D.4 D-86", _notation, REGISTRY_ERROR),
    Rule("D-87", "ihe-rules D.4 D-87", _codes, REGISTRY_ERROR),
    Rule("D-88", "ihe-rules D.4 D-88", _times, REGISTRY_ERROR),
    Rule("D-89", "ihe-rules D.4 D-89", _statuses, REGISTRY_ERROR),
    Rule("D-91", "ihe-rules D.4 D-91, dmp-interface a.8", _patients, REGISTRY_ERROR),
    Rule("D-39", "ihe-rules D.2 D-39", _home, REGISTRY_ERROR),
)


def judge_query(request: QueryRequest) -> tuple[Finding, ...]:
    """Every finding of a stored query; both profiles share the list, D-83, D-89 and D-91 read the profile."""
    return apply(QUERY_RULES, request)
