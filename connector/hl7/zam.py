"""ZAM^Z01 and ZAM^Z02: what became of a request at the DMP or in the secure mail, told to its sender
(hl7v2-interface §4).

MSH, EVN (time of the event told), OBX (status), in a Z02 a second OBX (the recipient), and ERR exactly when the
status is N.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from connector.base.hl7time import local_ts
from connector.hl7.ack import APPLICATION_TABLE, CONDITIONS, DMP_TABLE, SMTP_TABLE, AckError, err_segment
from connector.hl7.delimiters import escape
from connector.hl7.header import Header
from connector.hl7.writing import answering_msh, composite, message, segment

ZamEvent = Literal["Z01", "Z02"]

VERSION = "2.6"
PROFILE = "2.1^CISIS_CDA_HL7_V2"
CODES: Final = "AckMetierZAM"

OWN_CODES = frozenset(str(code) for code in range(900, 907))
"""Codes of table applicationErrorCondition; any other ERR-5 code is that of who refused."""


def build_zam_z01(
    header_of_request: Header,
    *,
    success: bool,
    event_time: datetime,
    error: AckError | None = None,
    now: datetime,
    control_id: str,
) -> bytes:
    """ZAM^Z01 for the ORU or MDM whose MSH is `header_of_request`, addressed back to its sender.

    `event_time` (when the DMP answered) and `now` are aware and written in the hospital's zone. `error` is required
    on failure and forbidden on success: ValueError otherwise, a mistake of the caller. ERR-3 is always 207;
    ERR-5 is in table DMP_ERROR_CODE unless its code is one of our own 900-906.
    """
    _check(success, error)
    status = composite("ACK_RECEPTION_DMP", "Accusé de réception DMP", CODES)
    segments = _head(header_of_request, "Z01", status, success, event_time, now, control_id)
    if error is not None:
        segments.append(err_segment(_application_error(error, DMP_TABLE)))
    return message(segments, header_of_request)


def build_zam_z02(
    header_of_request: Header,
    *,
    success: bool,
    address: str,
    recipient_id: str = "",
    event_time: datetime,
    error: AckError | None = None,
    now: datetime,
    control_id: str,
) -> bytes:
    """ZAM^Z02 for one recipient of the ORU or MDM whose MSH is `header_of_request`: one message per recipient.

    `address` is PRT-15.4 of the request, `recipient_id` PRT-5.1 or PRT-8.10 ("" when not told). Times and `error` are
    as in `build_zam_z01`, but an ERR-5 code that is not one of our own is an SMTP code (table SMTPERRORCODE).
    """
    _check(success, error)
    status = composite("ACK_RECEPTION_MSS", "Accusé de réception MSSanté", CODES)
    segments = _head(header_of_request, "Z02", status, success, event_time, now, control_id)
    recipient = composite("DESTINATAIRE_MSS", "Destinataire MSSanté", CODES)
    segments.append(_obx("2", "XTN", recipient, escape(recipient_id), composite("", "", "X.400", address)))
    if error is not None:
        segments.append(err_segment(_application_error(error, SMTP_TABLE)))
    return message(segments, header_of_request)


def _check(success: bool, error: AckError | None) -> None:
    if success == (error is not None):
        raise ValueError("a ZAM carries an error exactly when it is negative")


def _head(
    request: Header,
    event: ZamEvent,
    status: str,
    success: bool,
    event_time: datetime,
    now: datetime,
    control_id: str,
) -> list[str]:
    """MSH, EVN and the OBX of the status, the same for every event."""
    answer = composite("Y" if success else "N", "", "expandedYes-NoIndicator")
    return [
        answering_msh(
            request,
            message_type=f"ZAM^{event}^ZAM_Z01",
            version=VERSION,
            now=now,
            control_id=control_id,
            profile=PROFILE,
        ),
        segment("EVN", "", local_ts(event_time)),
        _obx("1", "CWE", status, escape(request.control_id), answer),
    ]


def _obx(number: str, kind: str, code: str, about: str, value: str) -> str:
    return segment("OBX", number, kind, code, about, value, *("", "", "", "", "", "F"))


def _application_error(error: AckError, theirs: str) -> AckError:
    """`error` as the volet wants it in a ZAM: no location, ERR-3 207, the table its code belongs to.

    `theirs` is the table of the one who refused; an error that names it keeps it, whatever its code looks like.
    One without any code becomes our 906: a code nobody said is never put in their table.
    """
    code = error.app_code or "906"
    ours = not error.app_code or (code in OWN_CODES and error.app_table != theirs)
    return AckError(
        location="",
        code="207",
        text=CONDITIONS["207"],
        severity=error.severity,
        app_code=code,
        app_text=error.app_text or error.text,
        app_table=APPLICATION_TABLE if ours else theirs,
    )
