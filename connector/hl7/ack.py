"""Acknowledgements, written and read (hl7v2-interface §1.2-§1.4, §5). Pure; nothing here decides, it words.

AA accepted and durable, AE wrong and not to be resent as it is, AR refused by circumstance. The fate of a
document is never told here: it travels in ZAM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from connector.base.hl7time import local_ts
from connector.hl7.delimiters import NOMINAL, Delimiters, escape
from connector.hl7.er7 import PLAIN, Message, Segment, parse, parse_header
from connector.hl7.errors import Er7Error
from connector.hl7.header import Header
from connector.hl7.writing import answering_msh, composite, message, mirrored, segment

AckCode = Literal["AA", "AE", "AR"]

MESSAGE_TABLE = "messageErrorCondition"
APPLICATION_TABLE = "applicationErrorCondition"
DMP_TABLE = "DMP_ERROR_CODE"
SMTP_TABLE = "SMTPERRORCODE"

CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "198": "Non-conformant cardinality",
    "199": "Other HL7 error",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application error",
}
"""Labels of ERR-3, table messageErrorCondition (hl7v2-interface §5)."""

# Table names met in the agency's own samples and sister volet, and the spelling of the current volet.
_SPELLINGS = {
    "DMPERRORCODE": DMP_TABLE,
    "applicationErrorCode": APPLICATION_TABLE,
    "HL70533": APPLICATION_TABLE,
}


@dataclass(frozen=True, slots=True)
class AckError:
    """One ERR segment.

    location   ERR-2 `segment^occurrence^field^repetition^component^sub-component`, "" when outside any field
    code       ERR-3.1, table messageErrorCondition
    text       ERR-3.2; "" writes the label of the table
    severity   ERR-4: E, W, I (F is understood when read)
    app_code, app_text, app_table   ERR-5, only with code 207
    """

    location: str
    code: str
    text: str = ""
    severity: str = "E"
    app_code: str = ""
    app_text: str = ""
    app_table: str = APPLICATION_TABLE


_EPOCH = datetime.fromtimestamp(0, UTC)
_OURS = "0OURS0CONTROL0ID0"  # stands for our MSH-10 in a shape; digits and letters, so nothing escapes it

# Said when a refusal came without any error: ERR is required beside AE and AR.
_UNSPECIFIED = AckError("", "207", app_code="906", app_text="autre")


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement read: MSA-1, MSA-2, the ERR segments, and MSA-3 for senders older than ERR."""

    code: str
    control_id: str
    errors: tuple[AckError, ...] = ()
    text: str = ""

    @property
    def accepted(self) -> bool:
        """True for AA, and CA of the enhanced mode."""
        return self.code in ("AA", "CA")

    @property
    def may_resend(self) -> bool:
        """True when the refusal is circumstantial (AR, CR): the same message may be sent again later (§1.3)."""
        return self.code in ("AR", "CR")


def build_ack(
    header: Header,
    code: AckCode,
    errors: Sequence[AckError] = (),
    *,
    now: datetime,
    control_id: str,
    delimiters: Delimiters = NOMINAL,
) -> bytes:
    """ACK of the message whose MSH is `header`: MSH, MSA, and one ERR per error beside AE and AR.

    `now` is aware; `control_id` is our own MSH-10. MSH-12 is copied whole for ADT, its first component for the
    others; MSH-21 is absent since volet 2.1.1. An AA carries no ERR; a refusal without error says 207/906.
    """
    version = header.version_full if header.type == "ADT" else header.version
    segments = [
        answering_msh(
            header,
            message_type=f"ACK^{header.event}^ACK" if header.event else "ACK",
            version=version or header.version or "2.5",
            now=now,
            control_id=control_id,
            delimiters=delimiters,
        ),
        segment("MSA", code, escape(header.control_id, delimiters), delimiters=delimiters),
    ]
    if code != "AA":
        segments += [err_segment(error, delimiters) for error in errors or (_UNSPECIFIED,)]
    return message(segments, header)


def build_accept(header: Header, *, now: datetime, control_id: str) -> bytes:
    """The same bytes as `build_ack(header, "AA", …)`, cheaper: an engine writes thousands a second.

    What depends on the sender alone is composed once; only MSH-7, MSH-10 and MSA-2 change from message to message.
    """
    if not (PLAIN(control_id) and PLAIN(header.control_id)):
        return build_ack(header, "AA", now=now, control_id=control_id)  # something may need an escape
    head, middle, tail = _accept_shape(
        header.addressing,
        header.sending_application,
        header.sending_facility,
        header.receiving_application,
        header.receiving_facility,
        header.type,
        header.event,
        header.processing_id,
        header.version,
        header.version_full,
        header.charset,
    )
    answered = header.control_id.encode()
    return b"%b%b%b%b%b%b\r" % (head, _second(int(now.timestamp())), middle, control_id.encode(), tail, answered)


@lru_cache(maxsize=1024)
def _accept_shape(
    addressing: tuple[str, str, str, str] | None,
    sending_application: str,
    sending_facility: str,
    receiving_application: str,
    receiving_facility: str,
    kind: str,
    event: str,
    processing_id: str,
    version: str,
    version_full: str,
    charset: str,
) -> tuple[bytes, bytes, bytes]:
    """What surrounds MSH-7, MSH-10 and MSA-2, cut from an acknowledgement written the long way."""
    header = Header(
        sending_application,
        sending_facility,
        receiving_application,
        receiving_facility,
        time="",
        type=kind,
        event=event,
        structure="",
        control_id="",
        processing_id=processing_id,
        version=version,
        version_full=version_full,
        charset=charset,
        profile="",
        addressing=addressing,
    )
    written = build_ack(header, "AA", now=_EPOCH, control_id=_OURS)
    before, after = written.removesuffix(b"\r").split(b"|%b||" % _second(0), 1)
    middle, tail = after.split(_OURS.encode(), 1)
    # without MSA-2 the writer drops its separator
    return before + b"|", b"||" + middle, tail + b"|"


@lru_cache(maxsize=8)
def _second(timestamp: int) -> bytes:
    """MSH-7 of a Unix second."""
    return local_ts(datetime.fromtimestamp(timestamp, UTC)).encode()


def build_ack_unreadable(
    raw: bytes, error: AckError, *, now: datetime, control_id: str, code: Literal["AE", "AR"] = "AE"
) -> bytes:
    """Refusal of bytes whose MSH may be unreadable: whatever it still says is mirrored, the rest stays empty.

    `raw` may be only the beginning of the message (a frame above the size limit).
    """
    try:
        header = parse_header(raw)
    except Er7Error:
        header = _salvage(raw)
    return build_ack(header, code, (error,), now=now, control_id=control_id)


def error_of(failure: Er7Error) -> AckError:
    """The AckError that tells the sender what the reader could not read."""
    return AckError(failure.location, failure.err_code, failure.message)


def err_segment(error: AckError, delimiters: Delimiters = NOMINAL) -> str:
    """ERR-2 to ERR-5; ERR-1 is never used (§1.4)."""
    d = delimiters
    return segment(
        "ERR",
        "",
        mirrored(error.location, d),
        composite(error.code, error.text or CONDITIONS.get(error.code, ""), MESSAGE_TABLE, delimiters=d),
        error.severity,
        composite(error.app_code, error.app_text, error.app_table, delimiters=d) if error.app_code else "",
        delimiters=d,
    )


def parse_ack(raw: bytes) -> Ack:
    """Reads an ACK of any version: both spellings of the ERR tables, ERR-1 of v2.3, MSA-3.

    Raises Er7Error 100 when there is no MSA, and as `er7.parse` does.
    """
    return ack_of(parse(raw))


def ack_of(received: Message) -> Ack:
    """`parse_ack` of a message already read. Raises Er7Error 100 when there is no MSA."""
    msa = received.first("MSA")
    if msa is None:
        raise Er7Error(
            "acknowledgement without MSA", err_code="100", location="MSA", field="MSA", found="absent", expected="MSA"
        )
    return Ack(
        msa.get(1),
        msa.whole(2),
        tuple(_read_error(err) for err in received.all("ERR")),
        msa.whole(3),
    )


def _read_error(err: Segment) -> AckError:
    if not err.get(3) and err.field(1):
        # v2.3 and v2.4: ERR-1 is segment ^ sequence ^ field ^ code&text.
        location = "^".join([err.get(1, 1, n) for n in (1, 2, 3)]).rstrip("^")
        return AckError(location, err.get(1, 1, 4), err.get(1, 1, 4, 2))
    table = err.get(5, 1, 3)
    return AckError(
        "^".join([err.get(2, 1, n + 1) for n in range(len(err.comps(2)))]),
        err.get(3),
        err.get(3, 1, 2),
        err.get(4) or "E",
        err.get(5),
        err.get(5, 1, 2),
        _SPELLINGS.get(table, table) or APPLICATION_TABLE,
    )


def _salvage(raw: bytes) -> Header:
    """What a broken MSH still says, field by field; nothing is certain and nothing raises."""
    start = raw.find(b"MSH", 0, 512)
    line = raw[start : start + 4096].replace(b"\n", b"\r").split(b"\r", 1)[0] if start >= 0 else b""
    sign = line[3:4] if line[3:4].isascii() else b""
    fields = [text.decode("ascii", "ignore").strip() for text in line.split(sign, 22)] if sign else []
    # Position in MSH minus one: the separator itself is MSH-1.
    fields += [""] * (22 - len(fields))
    kind = [*fields[8].split("^"), "", "", ""]
    return Header(
        sending_application=fields[2],
        sending_facility=fields[3],
        receiving_application=fields[4],
        receiving_facility=fields[5],
        time=fields[6],
        type=kind[0],
        event=kind[1],
        structure=kind[2],
        control_id=fields[9],
        processing_id=fields[10].split("^")[0],
        version=fields[11].split("^")[0],
        version_full=fields[11],
        charset=fields[17],
        profile="",
    )
