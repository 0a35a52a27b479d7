"""A stored query from names and texts, as a person or a script gives them.

`$XDSDocumentEntryStatus=('urn:…:Approved')` and `XDSDocumentEntryStatus=approved` say the same. A parameter given again
adds to an OR, or is one more AND where the query has one (ihe-rules D-90).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields
from datetime import UTC
from typing import Any, Final

from connector.base.errors import CodecError, SettingsError
from connector.base.hl7time import parse_ts
from connector.xds.model import (
    APND,
    APPROVED,
    ARCHIVED,
    DELETED,
    DEPRECATED,
    HAS_MEMBER,
    ON_DEMAND,
    RPLC,
    SIGNS,
    STABLE,
    XFRM,
    XFRM_RPLC,
)
from connector.xds.queries import QUERIES, Kind, StoredQuery
from connector.xds.query_text import read_code, read_texts

STATUSES: Final[Mapping[str, str]] = {
    "approved": APPROVED,
    "deprecated": DEPRECATED,
    "archived": ARCHIVED,
    "deleted": DELETED,
}
"""Short names of the status URNs."""

_ASSOCIATIONS: Final[Mapping[str, str]] = {
    "hasmember": HAS_MEMBER,
    "rplc": RPLC,
    "apnd": APND,
    "xfrm": XFRM,
    "xfrm_rplc": XFRM_RPLC,
    "signs": SIGNS,
}
_ENTRY_TYPES: Final[Mapping[str, str]] = {"stable": STABLE, "on-demand": ON_DEMAND}


def query_named(name: str) -> type[StoredQuery]:
    """The query of this name, whatever its case. Raises SettingsError listing those there are."""
    for query in QUERIES:
        if query.__name__.lower() == name.lower():
            return query
    allowed = ", ".join(query.__name__ for query in QUERIES)
    raise SettingsError("unknown stored query", name="--query", found=name, allowed=allowed)


def parameters(query: type[StoredQuery]) -> tuple[tuple[str, Kind], ...]:
    """Name and kind of each slot the query may have."""
    return tuple((item.metadata["slot"], item.metadata["kind"]) for item in fields(query) if item.metadata)


def parameter_names(query: type[StoredQuery]) -> tuple[str, ...]:
    """Names of the slots the query may have."""
    return tuple(name for name, _ in parameters(query))


def make_query(query: type[StoredQuery], params: Iterable[tuple[str, str]], home: str = "") -> StoredQuery:
    """The query with these parameters. Raises SettingsError on an unknown name, an unreadable value, a missing one."""
    by_slot = {item.metadata["slot"].lower(): item for item in fields(query) if item.metadata}
    given: dict[str, list[str]] = {}
    for name, text in params:
        slot = name.lower() if name.startswith("$") else f"${name.lower()}"
        if slot not in by_slot:
            allowed = ", ".join(parameter_names(query))
            raise SettingsError(f"{query.__name__} has no such parameter", name="--param", found=name, allowed=allowed)
        given.setdefault(slot, []).append(text)
    values: dict[str, Any] = {}
    for slot, texts in given.items():
        item = by_slot[slot]
        try:
            values[item.name] = _value(item, texts)
        except (CodecError, ValueError) as error:
            expected = error.context.get("expected", "") if isinstance(error, CodecError) else str(error)
            raise SettingsError(
                "unreadable parameter", name=item.metadata["slot"], found=texts[-1][:200], allowed=str(expected)
            ) from error
    missing = [
        item.metadata["slot"]
        for item in fields(query)
        if item.metadata.get("kind") is Kind.PATIENT and item.name not in values
    ]
    if missing:
        raise SettingsError("the query wants a patient", name=missing[0], found="nothing", allowed="id^^^&oid&ISO")
    try:
        return query(**values, home=home)
    except (TypeError, ValueError) as error:
        allowed = ", ".join(parameter_names(query))
        raise SettingsError(str(error), name=query.__name__, found=", ".join(given), allowed=allowed) from error


def _value(item: Field[Any], texts: list[str]) -> Any:
    slot: str = item.metadata["slot"]
    lists = [[_expanded(slot, text) for text in read_texts(one)] for one in texts]
    flat = [text for one in lists for text in one]
    match item.metadata["kind"]:
        case Kind.TEXTS:
            return tuple(flat)
        case Kind.CODES:
            return tuple(map(read_code, flat))
        case Kind.TEXTS_AND:
            return tuple(map(tuple, lists))
        case Kind.CODES_AND:
            return tuple(tuple(map(read_code, one)) for one in lists)
    if len(flat) != 1:
        raise ValueError("one value")
    match item.metadata["kind"]:
        case Kind.TIME:
            return parse_ts(flat[0], UTC)
        case Kind.NUMBER:
            return int(flat[0])
        case _:
            return flat[0]


def _expanded(slot: str, text: str) -> str:
    """The URN a short name stands for."""
    names: Mapping[str, str] = {}
    if slot.endswith("Status"):
        names = STATUSES
    elif slot == "$AssociationTypes":
        names = _ASSOCIATIONS
    elif slot == "$XDSDocumentEntryType":
        names = _ENTRY_TYPES
    return names.get(text.lower(), text)
