"""HL7 composite texts as XDS carries them (CX, XCN, XON), split by the rules themselves (dmp-interface c.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.base.errors import CodecError
from connector.base.hl7time import parse_ts
from connector.base.oid import is_oid

_DTM_LENGTHS = frozenset({4, 6, 8, 10, 12, 14})


@dataclass(frozen=True, slots=True, repr=False)
class Cx:
    """`id^^^namespace&oid&ISO^type`; `rest` is True when a component outside 1, 4 and 5 is valued."""

    value: str
    namespace: str
    oid: str
    oid_type: str
    type: str
    rest: bool

    @property
    def well_formed(self) -> bool:
        """An id and a complete authority `&oid&ISO` (ihe-rules D-22)."""
        return bool(self.value) and is_oid(self.oid) and self.oid_type == "ISO"


@dataclass(frozen=True, slots=True, repr=False)
class Xcn:
    """A person or a system: id (1), family (2), given (3), authority (9), name type (10), id type (13)."""

    id: str
    family: str
    given: str
    oid: str
    name_type: str
    id_type: str


@dataclass(frozen=True, slots=True, repr=False)
class Xon:
    """An organisation: name (1), authority (6), id type (7), id (10)."""

    name: str
    oid: str
    id_type: str
    id: str


def read_cx(text: str) -> Cx:
    parts = _components(text, 8)
    namespace, oid, oid_type = _authority(parts[3])
    # CX-7 is the effective date that the DMP samples add after the type (dmp-interface c.2).
    return Cx(parts[0], namespace, oid, oid_type, parts[4], any((parts[1], parts[2], parts[5], parts[7])))


def read_xcn(text: str) -> Xcn:
    parts = _components(text, 13)
    return Xcn(parts[0], parts[1], parts[2], _authority(parts[8])[1], parts[9], parts[12])


def read_xon(text: str) -> Xon:
    parts = _components(text, 10)
    return Xon(parts[0], _authority(parts[5])[1], parts[6], parts[9])


def is_dtm(text: str) -> bool:
    """Digits only, an allowed length, and a date that exists (ihe-rules D-45)."""
    if not text.isascii() or not text.isdigit() or len(text) not in _DTM_LENGTHS:
        return False
    try:
        parse_ts(text)
    except CodecError:
        return False
    return True


def is_language(text: str) -> bool:
    """RFC 3066 shape (ihe-rules D-15)."""
    return re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", text) is not None


def is_mime_type(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][\w!#$&^.+-]*/[A-Za-z0-9][\w!#$&^.+-]*", text) is not None


def is_hash(text: str) -> bool:
    """40 hexadecimal digits (ihe-rules D-13)."""
    return re.fullmatch(r"[0-9A-Fa-f]{40}", text) is not None


def is_size(text: str) -> bool:
    """A positive integer, in bytes (ihe-rules D-14)."""
    return re.fullmatch(r"[1-9][0-9]*", text) is not None


def is_home_community(text: str) -> bool:
    """`urn:oid:` and an OID (ihe-rules D-39)."""
    return text.startswith("urn:oid:") and is_oid(text.removeprefix("urn:oid:"))


def _components(text: str, count: int) -> list[str]:
    parts = text.split("^")
    return parts + [""] * (count - len(parts))


def _authority(text: str) -> tuple[str, str, str]:
    parts = [*text.split("&"), "", "", ""]
    return parts[0], parts[1], parts[2]
