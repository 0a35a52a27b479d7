"""The five delimiters of a message and the escape sequences they call for (hl7v2-interface §1.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from connector.hl7.errors import Er7Error

# A line break is `\.br\`, every other control character goes as hexadecimal.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_SKIP = re.compile(r"\.sp ?\+?(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and the characters of MSH-2; "" for one the sender did not declare."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    def encoding_characters(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent


NOMINAL = Delimiters()


@lru_cache(maxsize=64)
def read_delimiters(field: str, encoding: str) -> Delimiters:
    """Delimiters of MSH-1 and MSH-2; a fifth character (truncation, v2.7) is accepted and ignored.

    Raises Er7Error 102 on MSH-1 or MSH-2 when a delimiter is missing, alphanumeric, blank or used twice.
    """
    chars = encoding[:4]
    wrong = next((c for c in field + chars if c.isalnum() or c.isspace() or c < " "), None)
    if wrong is not None or not chars or len(encoding) > 5 or len({field, *chars}) != 1 + len(chars):
        raise Er7Error(
            "unusable delimiters",
            err_code="102",
            location="MSH^1^2",
            field="MSH-2",
            found=encoding[:8],
            expected="distinct signs such as ^~\\&",
        )
    return Delimiters(field, chars[0], chars[1:2], chars[2:3], chars[3:4])


def unescape(value: str, delimiters: Delimiters, codec: str = "utf-8") -> str:
    r"""`value` with \F\ \S\ \T\ \R\ \E\ \Xhh..\ \.br\ \.sp\ replaced and highlighting (\H\ \N\) dropped.

    Anything else between escape characters (a Windows path, a local \Z..\) is kept as it came. Linear time.
    """
    escape = delimiters.escape
    if not escape or escape not in value:
        return value
    parts = value.split(escape)
    out = [parts[0]]
    i, last = 1, len(parts) - 1
    while i <= last:
        plain = _sequence(parts[i], delimiters, codec) if i < last else None
        if plain is None:
            out += (escape, parts[i])
            i += 1
        else:
            out += (plain, parts[i + 1])
            i += 2
    return "".join(out)


def escape(value: str, delimiters: Delimiters = NOMINAL) -> str:
    """`value` fit to be a sub-component: `unescape` gives it back unchanged."""
    d = delimiters
    if not d.escape:
        return value
    value = value.replace(d.escape, f"{d.escape}E{d.escape}")
    for sign, letter in ((d.field, "F"), (d.component, "S"), (d.repetition, "R"), (d.subcomponent, "T")):
        if sign:
            value = value.replace(sign, f"{d.escape}{letter}{d.escape}")
    value = value.replace("\n", f"{d.escape}.br{d.escape}")
    return _CONTROL.sub(lambda m: f"{d.escape}X{ord(m[0]):02X}{d.escape}", value)


def _sequence(code: str, d: Delimiters, codec: str) -> str | None:
    """Meaning of one escape code, None when it is not one."""
    match code:
        case "F":
            return d.field
        case "S":
            return d.component
        case "T":
            return d.subcomponent
        case "R":
            return d.repetition
        case "E":
            return d.escape
        case "H" | "N":
            return ""
        case ".br" | ".sp":
            return "\n"
    if found := _HEX.fullmatch(code):
        try:
            return bytes.fromhex(found[1]).decode(codec)
        except UnicodeDecodeError:
            return None
    if found := _SKIP.fullmatch(code):
        return "\n" * int(found[1])
    return None
