"""From bytes to segment lines: terminators, blank lines, broken lines, glued segments (hl7v2-interface §9.2).

Two readings of the same rule: `segment_lines` on decoded text, `segment_names` on bytes for the hot path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from connector.hl7.errors import Er7Error

BOM = b"\xef\xbb\xbf"
_BREAK = re.compile(rb"[\r\n]")
_LEADING = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a message may cost, checked by counting before anything is split.

    `max_lines` also counts the continuation lines of a wrapped OBX-5; `max_components` holds for the components
    of a repetition and for its sub-components.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_segments: int = 20_000
    max_lines: int = 200_000
    max_fields: int = 1_000
    max_repetitions: int = 5_000
    max_components: int = 10_000


_DEFAULT_LIMITS = Limits()
_MSH_LINES = 64


def start_of(raw: bytes) -> int:
    """Offset of `MSH`, after a BOM and blank lines. Raises Er7Error 100 when the message starts otherwise."""
    match = _LEADING.match(raw)
    start = match.end() if match else 0
    if raw[start : start + 3] != b"MSH":
        raise Er7Error(
            "the message does not start with MSH",
            err_code="100",
            location="MSH",
            field="MSH",
            found=f"{len(raw)} bytes starting otherwise",
            expected="MSH first",
        )
    sign = raw[start + 3 : start + 4]
    if not sign or not sign.isascii() or sign.isalnum() or sign.isspace() or sign < b" ":
        raise Er7Error(
            "unusable field separator",
            err_code="102",
            location="MSH^1^1",
            field="MSH-1",
            found=repr(sign),
            expected="one sign such as |",
        )
    return start


def segment_lines(text: str, separator: str, limits: Limits) -> list[str]:
    """Segment texts of a message starting at MSH, in order, blank lines dropped.

    A line that is not `XXX` + separator continues the segment before it, joined by a line feed: nothing is lost,
    values are trimmed when read, and a base64 reader skips blanks. A segment without any field (`PV2` alone on
    its line) is a segment. Raises Er7Error 198 above the limits, 100 on a second MSH.
    """
    breaks = text.count("\n") + text.count("\r")
    if breaks > limits.max_lines:
        raise too_many("lines", breaks, limits.max_lines, "")
    if "\r" not in text:
        lines = text.split("\n")
    elif "\n" not in text:
        lines = text.split("\r")
    else:
        lines = text.replace("\r\n", "\r").replace("\n", "\r").split("\r")
    named, glued = _patterns(separator)
    segments: list[str] = []
    broken: list[str] = []  # continuation lines of the last segment
    for line in lines:
        found = named.match(line)
        if found is None:
            if line and not line.isspace():
                broken.append(line)
                if len(segments) == 1 and len(broken) > _MSH_LINES:
                    raise too_many("lines", len(broken), _MSH_LINES, "MSH")
            continue
        if broken:
            segments[-1] = "\n".join((segments[-1], *broken))
            broken = []
        start = found.start(1)
        if line.startswith("PRT", start) and glued.search(line):
            segments += glued.split(line[start:])
        else:
            segments.append(line[start:] if start else line)
        if len(segments) > limits.max_segments:
            raise too_many("segments", len(segments), limits.max_segments, "")
        if line.startswith("MSH", start) and len(segments) > 1:
            raise Er7Error(
                "two messages in one",
                err_code="100",
                location="MSH^2",
                field="MSH",
                found="a second MSH",
                expected="one MSH",
            )
    if broken:
        segments[-1] = "\n".join((segments[-1], *broken))
    return segments


def segment_names(raw: bytes) -> tuple[str, ...]:
    """Segment names in order, read on the bytes: what a listener checks before it acknowledges.

    Raises Er7Error when the message does not start with MSH.
    """
    if raw.startswith(b"MSH|") and b"\n" not in raw and b"PRT" not in raw:
        ordinary = _ORDINARY_NAMES(raw)
        # every line is a segment, none is continued or blank: nothing to look at twice
        if raw.count(b"\r") == len(ordinary) + raw.endswith(b"\r") and len(ordinary) < _ORDINARY_LENGTH:
            return _as_text(tuple(ordinary))
    start = start_of(raw)
    named, glued = _byte_patterns(raw[start + 3 : start + 4])
    names: list[str] = []
    lines = raw[start:].replace(b"\n", b"\r").split(b"\r", _DEFAULT_LIMITS.max_lines)
    if len(lines) > _DEFAULT_LIMITS.max_lines:
        raise too_many("lines", len(lines), _DEFAULT_LIMITS.max_lines, "")
    for line in lines:
        found = named.match(line)
        if found is not None:
            name = found[1].decode("ascii")
            names.append(name)
            if name == "PRT":
                names += ["PRT"] * len(glued.findall(line))
    return tuple(names)


_ORDINARY_LENGTH = 100
_ORDINARY_NAMES = re.compile(rb"\r([A-Z][A-Z0-9]{2})(?=\|)").findall


@lru_cache(maxsize=256)
def _as_text(names: tuple[bytes, ...]) -> tuple[str, ...]:
    return ("MSH", *(name.decode("ascii") for name in names))


def first_line(raw: bytes, start: int) -> bytes:
    """The MSH segment from `start`, with its continuation lines as they came; nothing further is read.

    Raises Er7Error 198 when it is broken in more lines than a header can be.
    """
    named, _ = _byte_patterns(raw[start + 3 : start + 4])
    end = stop = _line_end(raw, start)
    continued = 0
    while stop < len(raw):
        following = stop + 1
        stop = _line_end(raw, following)
        line = raw[following:stop]
        if named.match(line):
            break
        if line and not line.isspace():
            end = stop
            continued += 1
            if continued > _MSH_LINES:
                raise too_many("lines", continued, _MSH_LINES, "MSH")
    return raw[start:end]


def too_many(what: str, found: int, limit: int, location: str) -> Er7Error:
    """Er7Error 198 (cardinality) for a count above its limit."""
    return Er7Error(
        f"too many {what}",
        err_code="198",
        location=location,
        field=location.replace("^", "-") or what,
        found=str(found),
        expected=f"at most {limit}",
        limit=limit,
    )


def _line_end(raw: bytes, start: int) -> int:
    """Offset of the next CR or LF, else the end."""
    found = _BREAK.search(raw, start)
    return found.start() if found else len(raw)


@lru_cache(maxsize=16)
def _patterns(separator: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    named, glued = _sources(separator)
    return re.compile(named), re.compile(glued)


@lru_cache(maxsize=16)
def _byte_patterns(separator: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    named, glued = _sources(separator.decode("ascii"))
    return re.compile(named.encode()), re.compile(glued.encode())


def _sources(separator: str) -> tuple[str, str]:
    """Start of a segment; blank between two PRT of one line, certain because PRT-2 is always UC (§3.5)."""
    sign = re.escape(separator)
    named = rf"[ \t]*([A-Z][A-Z0-9]{{2}})(?:{sign}|[ \t]*\Z)"
    glued = rf"(?<=[^ \t])[ \t]{{1,200}}(?=PRT{sign}\d{{0,4}}{sign}UC{sign})"
    return named, glued
