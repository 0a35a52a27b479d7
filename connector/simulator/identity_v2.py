"""ITI-8 and ITI-9 in HL7v2: one message in, one answer out (hl7v2-interface §2.7, ihe-rules D-100…D-112).

Pure but for the book: the server (identity) brings the bytes, the time and the control id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.base.hl7time import utc_digits
from connector.hl7.delimiters import NOMINAL, Delimiters
from connector.hl7.er7 import Er7Error, Message, Segment, parse
from connector.simulator.directory import DomainId
from connector.simulator.identity_book import CrossReferences, IdentityBook

FEED_EVENTS = frozenset({"A01", "A04", "A05", "A08", "A28", "A31", "A40"})
FEED_VERSIONS = frozenset({"2.3.1", "2.5"})
QUERY_NAME = "IHE PIX Query"
_TEXTS = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "207": "Application internal error",
}


@dataclass(frozen=True, slots=True)
class Error:
    """One ERR: ERR-2 location (components joined by ^) and ERR-3 code."""

    location: str
    code: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """MSH-7 and MSH-10 of an answer; `now` aware UTC."""

    now: datetime
    control_id: str


class Refused(Exception):
    """The message is not taken: MSA-1 `code` and its errors."""

    def __init__(self, code: str, *errors: Error) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


def answer_feed(raw: bytes, book: IdentityBook, stamp: Stamp, *, fail: bool = False) -> bytes:
    """The ACK of an ITI-8 message; the book is changed before it says AA. `fail` simulates an internal failure."""
    try:
        message = parse(raw)
    except Er7Error as error:
        return _ack(None, "AR", (Error(error.location, error.err_code),), stamp)
    try:
        _check_header(message, "ADT", FEED_EVENTS, FEED_VERSIONS)
        if fail:
            raise Refused("AE", Error("", "207"))
        _feed(message, book)
    except Refused as refused:
        return _ack(message, refused.code, refused.errors, stamp)
    return _ack(message, "AA", (), stamp)


def answer_query(raw: bytes, book: IdentityBook, stamp: Stamp, *, fail: bool = False) -> bytes:
    """RSP^K23 of an ITI-9 query, or an ACK AR when the message itself is refused (D-105)."""
    try:
        message = parse(raw)
    except Er7Error as error:
        return _ack(None, "AR", (Error(error.location, error.err_code),), stamp)
    try:
        _check_header(message, "QBP", frozenset({"Q23"}), frozenset({"2.5"}))
    except Refused as refused:
        return _ack(message, refused.code, refused.errors, stamp)
    qpd = message.first("QPD")
    if qpd is None:
        return _response(message, None, CrossReferences("unknown-id"), stamp, (Error("QPD^1", "100"),))
    if fail:
        return _response(message, qpd, CrossReferences("unknown-id"), stamp, (Error("", "207"),))
    wrong = _query_form(message, qpd)
    if wrong:
        return _response(message, qpd, CrossReferences("unknown-id"), stamp, wrong)
    found = book.cross_reference(qpd.get(3), _authority(qpd, 3, 1), _wanted(qpd))
    return _response(message, qpd, found, stamp, _errors_of(found))


# -- reading ----------------------------------------------------------------------------------------------------


def _check_header(message: Message, kind: str, events: frozenset[str], versions: frozenset[str]) -> None:
    header = message.header
    if header.type != kind:
        raise Refused("AR", Error("MSH^1^9^1^1", "200"))
    if header.event not in events:
        raise Refused("AR", Error("MSH^1^9^1^2", "201"))
    if header.version not in versions:
        raise Refused("AR", Error("MSH^1^12", "203"))
    if not header.control_id:
        raise Refused("AR", Error("MSH^1^10", "101"))


def _feed(message: Message, book: IdentityBook) -> None:
    needed = ("EVN", "PID", "MRG") if message.header.event == "A40" else ("EVN", "PID", "PV1")
    missing = next((name for name in needed if message.first(name) is None), None)
    if missing is not None:
        raise Refused("AE", Error(f"{missing}^1", "100"))
    pid = message.first("PID")
    assert pid is not None
    identifiers = _identifiers(pid, 3, book)
    mrg = message.first("MRG")
    if message.header.event != "A40" or mrg is None:
        book.feed(identifiers)
        return
    gone = _identifiers(mrg, 1, book)
    book.feed(identifiers)
    for old in gone:
        survivor = next((item for item in identifiers if _same_domain(item, old)), identifiers[0])
        if old != survivor:
            book.merge(survivor, old)


def _same_domain(one: DomainId, other: DomainId) -> bool:
    return (one.namespace, one.universal_id) == (other.namespace, other.universal_id)


def _identifiers(segment: Segment, field: int, book: IdentityBook) -> list[DomainId]:
    """The CX of a field in known domains, authorities completed. Raises Refused when none is usable."""
    count = len(segment.reps(field))
    if not any(segment.get(field, rep) for rep in range(1, count + 1)):
        raise Refused("AE", Error(f"{segment.name}^1^{field}", "101"))
    found = []
    for rep in range(1, count + 1):
        domain = book.domain(*_authority(segment, field, rep))
        value = segment.get(field, rep)
        if domain is not None and value:
            kind = segment.get(field, rep, 5) or "PI"
            identity = (domain.namespace, domain.universal_id, domain.universal_id_type)
            found.append(DomainId(value, *identity, kind))
    if not found:
        raise Refused("AE", Error(f"{segment.name}^1^{field}^1^4", "204"))
    return found


def _authority(segment: Segment, field: int, rep: int) -> tuple[str, str]:
    return segment.get(field, rep, 4, 1), segment.get(field, rep, 4, 2)


def _wanted(qpd: Segment) -> list[tuple[str, str]]:
    return [_authority(qpd, 4, rep) for rep in range(1, len(qpd.reps(4)) + 1)]


def _query_form(message: Message, qpd: Segment) -> tuple[Error, ...]:
    rcp = message.first("RCP")
    errors = []
    if qpd.get(1) != QUERY_NAME:
        errors.append(Error("QPD^1^1", "103"))
    if not qpd.get(2):
        errors.append(Error("QPD^1^2", "101"))
    if len(qpd.reps(3)) != 1 or not qpd.get(3):
        errors.append(Error("QPD^1^3", "101"))
    if rcp is None:
        errors.append(Error("RCP^1", "100"))
    elif rcp.get(1) != "I":
        errors.append(Error("RCP^1^1", "103"))
    return tuple(errors)


def _errors_of(found: CrossReferences) -> tuple[Error, ...]:
    match found.case:
        case "unknown-id":
            return (Error("QPD^1^3^1^1", "204"),)
        case "unknown-query-domain":
            return (Error("QPD^1^3^1^4", "204"),)
        case "unknown-wanted-domain":
            return tuple(Error(f"QPD^1^4^{number}", "204") for number in found.unknown_wanted)
    return ()


# -- writing ----------------------------------------------------------------------------------------------------


def _response(
    message: Message, qpd: Segment | None, found: CrossReferences, stamp: Stamp, errors: Sequence[Error]
) -> bytes:
    d = message.delimiters
    code = "AE" if errors else "AA"
    status = "AE" if errors else ("OK" if found.identifiers else "NF")
    tag = d_text(qpd.whole(2), d) if qpd is not None else ""
    lines = [
        _msh(message, ("RSP", "K23", "RSP_K23"), stamp),
        _join(d, "MSA", code, d_text(message.header.control_id, d)),
        *(_err(error, d) for error in errors),
        _join(d, "QAK", tag, status, QUERY_NAME),
    ]
    if qpd is not None:
        lines.append(qpd.text)
    if not errors and found.identifiers:
        ids = d.repetition.join(_cx(item, d) for item in found.identifiers)
        # No name is known here: a blank repetition, then one with only type S (D-108).
        nobody = d.repetition + d.component * 6 + "S"
        lines.append(_join(d, "PID", "", "", ids, "", nobody))
    return _encode(lines, message)


def _ack(message: Message | None, code: str, errors: Sequence[Error], stamp: Stamp) -> bytes:
    d = message.delimiters if message is not None else NOMINAL
    event = message.header.event if message is not None else ""
    control_id = message.header.control_id if message is not None else ""
    kind = ("ACK", event, "ACK") if event else ("ACK",)
    lines = [_msh(message, kind, stamp), _join(d, "MSA", code, d_text(control_id, d))]
    return _encode([*lines, *(_err(error, d) for error in errors)], message)


def _msh(message: Message | None, kind: tuple[str, ...], stamp: Stamp) -> str:
    d = message.delimiters if message is not None else NOMINAL
    msh = message.first("MSH") if message is not None else None

    def raw(n: int) -> str:
        return msh.field(n) if msh is not None else ""

    fields = [
        d.encoding_characters(),
        *(raw(n) for n in (5, 6, 3, 4)),
        utc_digits(stamp.now) + "+0000",
        "",
        d.component.join(kind),
        stamp.control_id,
        raw(11) or "P",
        raw(12) or "2.5",
    ]
    tail = ["", "", "", "", "", raw(18)] if raw(18) else []
    return _join(d, "MSH", *fields, *tail)


def _err(error: Error, d: Delimiters) -> str:
    location = d.component.join(error.location.split("^")) if error.location else ""
    reason = d.component.join((error.code, _TEXTS.get(error.code, "Error"), "HL70357"))
    return _join(d, "ERR", "", location, reason, "E")


def _cx(item: DomainId, d: Delimiters) -> str:
    authority = d.subcomponent.join(
        d_text(part, d) for part in (item.namespace, item.universal_id, item.universal_id_type)
    )
    return d.component.join((d_text(item.value, d), "", "", authority, item.type))


def d_text(value: str, d: Delimiters) -> str:
    """`value` with the message's delimiters escaped."""
    names = {d.escape: "E", d.field: "F", d.component: "S", d.subcomponent: "T", d.repetition: "R"}
    return "".join(f"{d.escape}{names[c]}{d.escape}" if c in names else c for c in value)


def _join(d: Delimiters, *fields: str) -> str:
    return d.field.join(fields)


def _encode(lines: Sequence[str], message: Message | None) -> bytes:
    codec = message.charset.codec if message is not None else "ascii"
    return ("\r".join(lines) + "\r").encode(codec, errors="replace")
