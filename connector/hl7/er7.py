"""Lossless ER7 reader: the raw bytes stay, segments are lines, fields are split when asked for.

Linear by construction (hl7v2-interface §9, stack.md §6): every count is bounded before a split, nothing is
re-scanned, a large OBX-5 is only sliced. Positions follow HL7: fields, repetitions, components and
sub-components are numbered from 1; MSH-1 is the field separator and MSH-2 the other delimiters.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from connector.hl7 import charset as charsets
from connector.hl7.delimiters import Delimiters, read_delimiters, unescape
from connector.hl7.errors import Er7Error as Er7Error
from connector.hl7.header import Header
from connector.hl7.lines import Limits as Limits
from connector.hl7.lines import first_line, segment_lines, start_of, too_many
from connector.hl7.lines import segment_names as segment_names

_DEFAULT_LIMITS = Limits()
PLAIN = re.compile(r"[0-9A-Za-z+.:_-]+").fullmatch
"""Matches a value that no delimiter, blank or escape can touch."""

_LONG = 256 * 1024
"""Characters from which a message is one that carries a document."""

_CHARSET_NAME = re.compile(rb"[\w /.-]*")


class Segment:
    """One segment: its name, its exact text, and reads by HL7 position.

    `field`, `reps` and `comps` give raw text (escapes kept, not trimmed); `get` and `whole` give values: unescaped,
    trimmed of blanks including NO-BREAK SPACE, `""` (explicit deletion) kept as it is, "" when absent.
    """

    __slots__ = ("_codec", "_fields", "_text", "delimiters", "name")

    def __init__(self, text: str, delimiters: Delimiters, codec: str = "utf-8") -> None:
        self.name = text[:3]
        self._text = text
        self.delimiters = delimiters
        self._codec = codec
        self._fields: list[str] | None = None

    def __repr__(self) -> str:
        return f"Segment({self.name}, {len(self.text)} characters)"

    @property
    def text(self) -> str:
        """The segment as it came."""
        if self._fields is None or self.name == "MSH":
            return self._text
        return self.delimiters.field.join(self._fields)

    def fields(self) -> list[str]:
        """Raw fields, index 0 being the segment name. Do not modify."""
        if self._fields is None:
            sign = self.delimiters.field
            found = self._text.split(sign)
            if self.name == "MSH":
                found.insert(1, sign)
            else:
                # a document is not kept twice
                self._text = ""
            self._fields = found
        return self._fields

    def field(self, n: int) -> str:
        """Raw text of field `n`, every repetition included."""
        found = self._fields or self.fields()
        return found[n] if 0 < n < len(found) else ""

    def reps(self, n: int) -> list[str]:
        """Raw text of each repetition of field `n`; [] when the field is empty."""
        text = self.field(n)
        if not text:
            return []
        sign = self.delimiters.repetition
        return [text] if not sign or self._is_msh_sign(n) else text.split(sign)

    def comps(self, n: int, rep: int = 1) -> list[str]:
        """Raw text of each component of a repetition; [] when it is empty."""
        text = self._rep(n, rep)
        if not text:
            return []
        return [text] if self._is_msh_sign(n) else text.split(self.delimiters.component)

    def values(self, n: int, rep: int = 1) -> list[str]:
        """Value of each component of a repetition, its first sub-component; [] when it is empty."""
        value, sign = self._value, self.delimiters.subcomponent
        return [text if not text or text.isalnum() else value(_nth(text, sign, 1)) for text in self.comps(n, rep)]

    def get(self, field: int, rep: int = 1, comp: int = 1, sub: int = 1) -> str:
        """Value of one sub-component, "" if absent."""
        text = self._rep(field, rep)
        if not text or self._is_msh_sign(field):
            return text
        text = _nth(text, self.delimiters.component, comp)
        return self._value(_nth(text, self.delimiters.subcomponent, sub))

    def whole(self, field: int, rep: int = 1) -> str:
        """Value of a repetition whose type has no components (ST, TX, FT): a stray `^` or `&` is part of it."""
        text = self._rep(field, rep)
        return text if self._is_msh_sign(field) else self._value(text)

    def _rep(self, n: int, rep: int) -> str:
        text = self.field(n)
        if not text or self._is_msh_sign(n):
            return text if rep == 1 else ""
        return _nth(text, self.delimiters.repetition, rep)

    def _value(self, text: str) -> str:
        text = text.strip()
        return unescape(text, self.delimiters, self._codec) if self.delimiters.escape in text else text

    def _is_msh_sign(self, n: int) -> bool:
        return n <= 2 and self.name == "MSH"


@dataclass(frozen=True, slots=True)
class Charset:
    """MSH-18 as declared, and the Python codec that really read the bytes."""

    declared: str
    codec: str


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A read message. `raw` is what came, byte for byte; `charset_flag` says how MSH-18 was wrong, "" when right."""

    raw: bytes
    segments: tuple[Segment, ...]
    delimiters: Delimiters
    charset: Charset
    charset_flag: str = ""
    header: Header = field(kw_only=True)

    def first(self, name: str) -> Segment | None:
        """First segment of that name."""
        for segment in self.segments:
            if segment.name == name:
                return segment
        return None

    def all(self, name: str) -> list[Segment]:
        """Every segment of that name, in order."""
        return [segment for segment in self.segments if segment.name == name]

    def names(self) -> tuple[str, ...]:
        """Segment names in order, Z segments included."""
        return tuple(segment.name for segment in self.segments)


def parse(raw: bytes, limits: Limits = _DEFAULT_LIMITS) -> Message:
    """Reads a whole message (without its MLLP frame).

    Raises Er7Error: 100 not an MSH, or a second one; 102 delimiters or bytes unreadable, a NUL; 103 character set not
    supported; 198 a count above `limits`; 199 more bytes than `limits.max_bytes`.
    """
    if len(raw) > limits.max_bytes:
        raise Er7Error(
            "message too large",
            err_code="199",
            field="message",
            found=f"{len(raw)} bytes",
            expected=f"at most {limits.max_bytes} bytes",
            limit=limits.max_bytes,
        )
    start = start_of(raw)
    _check_characters(raw)
    declared = _declared_charset(raw, start)
    text, codec, flag = charsets.decode(raw[start:].rstrip(b"\0"), declared)
    separator = text[3]
    lines = segment_lines(text, separator, limits)
    delimiters = read_delimiters(separator, _encoding_characters(lines[0], separator))
    _check_counts(text, lines, delimiters, limits)
    segments = tuple([Segment(line, delimiters, codec) for line in lines])
    return Message(raw, segments, delimiters, Charset(declared, codec), flag, header=_header(segments[0]))


def check_readable(raw: bytes, names: Collection[str], limits: Limits = _DEFAULT_LIMITS) -> None:
    """Raises what `parse` would raise, for a fraction of its price on an ordinary message.

    `names` are its `segment_names`, and its header was read: its character set is known to be one of ours. What is
    counted on the whole message bounds every segment and field of it, and UTF-8 is among the sets every message may
    turn out to be in; only a message beyond these bounds, or not in UTF-8, is parsed to know.
    """
    bounds = min(limits.max_fields, limits.max_repetitions, limits.max_components)
    ordinary = (
        raw.startswith(b"MSH|^~\\&|")
        and len(raw) <= limits.max_bytes
        and len(names) <= limits.max_segments
        and raw.count(b"|") <= bounds
        and raw.count(b"^") <= bounds
        and raw.count(b"&") <= bounds
        and raw.count(b"~") <= bounds
        and raw.count(b"\r") + raw.count(b"\n") <= min(limits.max_segments, limits.max_lines)
        and raw.count(b"MSH") == 1
        and b"\0" not in raw
        and _is_utf8(raw)
    )
    if not ordinary:
        parse(raw, limits)


def _counted(raw: bytes, names: Collection[str], bounds: int, limits: Limits) -> bool:
    """True when no count of a message longer than every bound can pass one."""
    counts = (raw.count(sign) for sign in (b"^", b"&", b"~", b"\r", b"\n"))
    return len(raw) <= limits.max_bytes and len(names) <= limits.max_segments and sum(counts) <= bounds


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def parse_header(raw: bytes) -> Header:
    """Reads MSH and nothing else: the hot path of the listener. Raises Er7Error as `parse` does.

    An ordinary MSH (usual delimiters, ASCII, no escape, CR at its end) is cut once per sender: only MSH-7 and MSH-10
    change from message to message. Anything else takes `read_header`, which gives the same values.
    """
    end = raw.find(b"\r", 0, 1024)
    if end > 0 and raw.startswith(b"MSH|^~\\&|") and _NEXT_SEGMENT.match(raw, end + 1):
        line = raw[9:end]
        if line.isascii() and b"\\" not in line and b"\n" not in line:
            fields = line.decode("ascii").split("|", 64)
            time, control_id = (fields[7 - _FIRST], fields[10 - _FIRST]) if 10 < len(fields) < 64 else ("", "")
            if PLAIN(time) and PLAIN(control_id):
                fields[7 - _FIRST] = fields[10 - _FIRST] = ""
                shape = _header_shape("|".join(fields))
                values: tuple[Any, ...] = (*shape[:4], time, *shape[4:7], control_id, *shape[7:])
                return Header(*values)
    return read_header(raw)


_FIRST = 3  # `line` above starts with MSH-3
_NEXT_SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}\|")


@lru_cache(maxsize=1024)
def _header_shape(fields: str) -> tuple[Any, ...]:
    """Every value of a Header but `time` and `control_id`, in the order of its fields."""
    header = read_header(b"MSH|^~\\&|%b\r" % fields.encode("ascii"))
    values = [getattr(header, name) for name in Header.__slots__ if name not in ("time", "control_id")]
    return tuple(values)


def read_header(raw: bytes) -> Header:
    """`parse_header` for any MSH, field by field."""
    start = start_of(raw)
    line = first_line(raw, start).rstrip(b"\0")
    text, codec, _ = charsets.decode(line, _declared_charset(line, 0))
    if "\n" in text or "\r" in text:
        text = segment_lines(text, text[3], _DEFAULT_LIMITS)[0]
    delimiters = read_delimiters(text[3], _encoding_characters(text, text[3]))
    _check_counts(text, [text], delimiters, _DEFAULT_LIMITS)
    return _header(Segment(text, delimiters, codec))


def _header(msh: Segment) -> Header:
    fields = msh.fields()
    last = len(fields)

    def value(n: int) -> str:
        # Most values are plain words or digits: nothing to cut, trim or unescape.
        text = fields[n] if n < last else ""
        return text if not text or text.isalnum() else msh.get(n)

    kind, event, structure = (*msh.values(9), "", "", "")[:3]
    profile, namespace = (*msh.values(21), "", "")[:2]
    parties = (value(3), value(4), value(5), value(6))
    composed = msh.delimiters.component in "".join(fields[3:7])
    return Header(
        sending_application=parties[0],
        sending_facility=parties[1],
        receiving_application=parties[2],
        receiving_facility=parties[3],
        time=value(7),
        type=kind,
        event=event,
        structure=structure,
        control_id=msh.whole(10),
        processing_id=value(11),
        version=value(12),
        version_full=_joined(msh, 12),
        charset=value(18),
        profile=profile,
        profile_namespace=namespace,
        addressing=(_joined(msh, 3), _joined(msh, 4), _joined(msh, 5), _joined(msh, 6)) if composed else parties,
    )


def _joined(segment: Segment, n: int) -> str:
    """Component values of the first repetition joined by `^`, trailing empty ones dropped."""
    return "^".join(segment.values(n)).rstrip("^")


def _declared_charset(raw: bytes, start: int) -> str:
    """First repetition of MSH-18, read on the bytes before any decoding."""
    fields = raw[start : start + 4096].replace(b"\n", b"\r").split(b"\r", 1)[0].split(raw[start + 3 : start + 4], 18)
    match = _CHARSET_NAME.match(fields[17].strip()) if len(fields) > 17 else None
    return match[0].decode("ascii").strip() if match else ""


def _encoding_characters(msh: str, separator: str) -> str:
    return msh[4:12].split(separator, 1)[0].rstrip()


def _nth(text: str, sign: str, n: int) -> str:
    """Part `n` (from 1) of `text` cut at `sign`, "" beyond the last one."""
    if not sign or sign not in text:
        return text if n == 1 else ""
    parts = text.split(sign, n)
    return parts[n - 1] if 0 < n <= len(parts) else ""


def _check_characters(raw: bytes) -> None:
    """A NUL inside is corruption; some senders pad the end with them."""
    if b"\0" in raw and b"\0" in raw.rstrip(b"\0\r\n "):
        raise Er7Error("NUL in the message", err_code="102", field="message", found="NUL", expected="text")


def _check_counts(text: str, lines: list[str], d: Delimiters, limits: Limits) -> None:
    """Raises Er7Error 198 when a segment or a field holds more parts than allowed."""
    # One count over the whole message is enough for all but hostile ones.
    if _has_more(text, d.field, limits.max_fields):
        for line in lines:
            if line.count(d.field) > limits.max_fields:
                raise too_many("fields", line.count(d.field), limits.max_fields, line[:3])
    for what, sign, limit in (
        ("repetitions", d.repetition, limits.max_repetitions),
        ("components", d.component, limits.max_components),
        ("sub-components", d.subcomponent, limits.max_components),
    ):
        if sign and _has_more(text, sign, limit):
            for line in lines:
                for position, value in enumerate(line.split(d.field)):
                    # MSH starts at field 1, the separator itself.
                    number = position + (line[:3] == "MSH")
                    if value.count(sign) > limit:
                        raise too_many(what, value.count(sign), limit, f"{line[:3]}^1^{number}")


def _has_more(text: str, sign: str, limit: int) -> bool:
    """`text.count(sign) > limit`; in a text that is mostly a document, seeking from sign to sign is far faster."""
    if len(text) < _LONG:
        return text.count(sign) > limit
    found, position = 0, text.find(sign)
    while position >= 0 and found <= limit:
        found, position = found + 1, text.find(sign, position + 1)
    return found > limit
