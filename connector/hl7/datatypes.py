"""Composite HL7 data types read from a segment: HD, CX, EI, XCN, XON, PL (hl7v2-interface §2.3-§2.5, §9.2).

Every reader is total: an absent or odd component gives an empty value, never an exception. Values are trimmed of
Unicode blanks (a no-break space after an identifier is common); the deletion mark `""` is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.base.oid import is_oid
from connector.hl7.er7 import Segment
from connector.hl7.model import DELETED, Authority, Identifier, Organization, Provider


def text(segment: Segment, field: int, rep: int = 1, comp: int = 1, sub: int = 1) -> str:
    """One leaf, unescaped and trimmed."""
    return segment.get(field, rep, comp, sub).strip()


def present(value: str) -> bool:
    """True for a value that says something: neither absent nor deleted."""
    return value not in ("", DELETED)


def repetitions(segment: Segment, field: int) -> Iterator[int]:
    """Numbers, from 1, of the repetitions of a field that hold something."""
    for index, raw in enumerate(segment.reps(field), start=1):
        if raw.strip():
            yield index


def authority(segment: Segment, field: int, rep: int, comp: int) -> Authority:
    """HD `namespace&id&type`. A bare OID in the first place is the universal id of an ISO domain (§9.2-17)."""
    namespace, oid, kind = (text(segment, field, rep, comp, sub) for sub in (1, 2, 3))
    if not oid and namespace.count(".") >= 3 and is_oid(namespace):
        return Authority("", namespace, kind or "ISO")
    return Authority(namespace, oid, kind)


def identifier(segment: Segment, field: int, rep: int = 1) -> Identifier:
    """CX: value, authority, type, effective and expiry dates."""
    return Identifier(
        value=text(segment, field, rep, 1),
        authority=authority(segment, field, rep, 4),
        type=text(segment, field, rep, 5),
        effective=text(segment, field, rep, 7),
        expiry=text(segment, field, rep, 8),
    )


def identifiers(segment: Segment, field: int) -> tuple[Identifier, ...]:
    """Every repetition of a CX that has a value, deletion included."""
    read = (identifier(segment, field, rep) for rep in repetitions(segment, field))
    return tuple(found for found in read if found.value)


def first_identifier(segment: Segment | None, field: int) -> Identifier | None:
    """First repetition of a CX whose value is present, None otherwise."""
    if segment is None:
        return None
    return next((found for found in identifiers(segment, field) if present(found.value)), None)


def entity_authority(segment: Segment, field: int, rep: int = 1) -> Authority:
    """Domain of an EI, in its components 2 to 4 or folded into component 2 as an HD (both are seen in ZBE-1)."""
    if text(segment, field, rep, 2, 2):
        return authority(segment, field, rep, 2)
    return Authority(*(text(segment, field, rep, comp) for comp in (2, 3, 4)))


def provider(segment: Segment, field: int, rep: int = 1, *, role: str = "") -> Provider | None:
    """XCN of a person, None when neither an id nor a name is present."""
    found = Provider(
        id=text(segment, field, rep, 1),
        family=text(segment, field, rep, 2),
        given=text(segment, field, rep, 3),
        authority=authority(segment, field, rep, 9),
        id_type=text(segment, field, rep, 13),
        role=role,
    )
    return found if present(found.id) or present(found.family) else None


def providers(segment: Segment, field: int, *, role: str) -> tuple[Provider, ...]:
    """Every person of a repeated XCN."""
    read = (provider(segment, field, rep, role=role) for rep in repetitions(segment, field))
    return tuple(found for found in read if found is not None)


def organization(segment: Segment, field: int, rep: int = 1) -> Organization | None:
    """XON, None when neither a name nor an identifier is present. XON-3 is the old place of the identifier."""
    found = Organization(
        name=text(segment, field, rep, 1),
        authority=authority(segment, field, rep, 6),
        type=text(segment, field, rep, 7),
        id=text(segment, field, rep, 10) or text(segment, field, rep, 3),
    )
    return found if present(found.name) or present(found.id) else None
