"""Distinguished names as software writes them, compared as sets of RDN (dmp-interface b.1: the order conflicts)."""

from __future__ import annotations

import binascii
import re

from cryptography import x509

Rdn = frozenset[tuple[str, str]]

_LABELS = {
    "C": "2.5.4.6",
    "ST": "2.5.4.8",
    "L": "2.5.4.7",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "CN": "2.5.4.3",
    "SN": "2.5.4.4",
    "GN": "2.5.4.42",
    "SERIALNUMBER": "2.5.4.5",
    "T": "2.5.4.12",
    "UID": "0.9.2342.19200300.100.1.1",
    "DC": "0.9.2342.19200300.100.1.25",
}
# RFC 2253: an escaped character, or its UTF-8 bytes one escaped pair each.
_ESCAPE = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


def certificate_rdns(name: x509.Name) -> frozenset[Rdn]:
    return frozenset(
        frozenset((attribute.oid.dotted_string, _as_text(attribute.value)) for attribute in rdn) for rdn in name.rdns
    )


def written_rdns(text: str) -> frozenset[Rdn]:
    """RDNs of an RFC 2253 string in either order; labels of the CI-SIS (ST, GN, SN), or OID=#hex.

    Raises ValueError on an unknown label (`S=` included), an empty value or a broken escape.
    """
    return frozenset(frozenset(_pair(item) for item in _split(rdn, "+")) for rdn in _split(text, ","))


def _pair(item: str) -> tuple[str, str]:
    label, equals, value = item.strip().partition("=")
    label, value = label.strip().upper().removeprefix("OID."), value.strip()
    oid = label if re.fullmatch(r"\d+(\.\d+)+", label) else _LABELS.get(label, "")
    if not equals or not oid or not value:
        raise ValueError(f"unknown attribute type or empty value: {label}")
    return oid, _from_hex(value) if value.startswith("#") else _ESCAPE.sub(_unescape, value)


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match[1].replace("\\", "")).decode("utf-8") if match[1] else match[2]


def _from_hex(value: str) -> str:
    """Text of a BER string written `#<hex>`; short definite lengths only, enough for a name."""
    try:
        raw = binascii.unhexlify(value[1:])
    except binascii.Error as error:
        raise ValueError("broken #hex value") from error
    if len(raw) < 2 or raw[1] >= 0x80 or len(raw) != 2 + raw[1]:
        raise ValueError("broken #hex value")
    return raw[2:].decode("utf-8")


def _split(text: str, separator: str) -> list[str]:
    """Splits on `separator` outside escapes and double quotes."""
    items, current, quoted, escaped = [], "", False, False
    for char in text:
        if char == '"' and not escaped:
            quoted = not quoted
            continue
        if char == separator and not (quoted or escaped):
            items.append(current)
            current = ""
        else:
            current += char
        escaped = char == "\\" and not escaped
    return [*items, current]


def _as_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()
