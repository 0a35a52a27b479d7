"""ZAM^Z01: what became of a document at the DMP, told to the software that sent it (hl7v2-interface §4).

MSH, EVN (time of the event told), OBX (status), and ERR exactly when the status is N.
"""

from __future__ import annotations

from datetime import datetime

from connector.base.hl7time import local_ts
from connector.hl7.ack import APPLICATION_TABLE, CONDITIONS, DMP_TABLE, AckError, err_segment
from connector.hl7.delimiters import escape
from connector.hl7.header import Header
from connector.hl7.writing import answering_msh, composite, message, segment

VERSION = "2.6"
PROFILE = "2.1^CISIS_CDA_HL7_V2"

OWN_CODES = frozenset(str(code) for code in range(900, 907))
"""Codes of table applicationErrorCondition; any other ERR-5 code is the DMP's."""


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
    if success == (error is not None):
        raise ValueError("a ZAM carries an error exactly when it is negative")
    segments = [
        answering_msh(
            header_of_request,
            message_type="ZAM^Z01^ZAM_Z01",
            version=VERSION,
            now=now,
            control_id=control_id,
            profile=PROFILE,
        ),
        segment("EVN", "", local_ts(event_time)),
        segment(
            "OBX",
            "1",
            "CWE",
            composite("ACK_RECEPTION_DMP", "Accusé de réception DMP", "AckMetierZAM"),
            escape(header_of_request.control_id),
            composite("Y" if success else "N", "", "expandedYes-NoIndicator"),
            *("", "", "", "", "", "F"),
        ),
    ]
    if error is not None:
        segments.append(err_segment(_application_error(error)))
    return message(segments, header_of_request)


def _application_error(error: AckError) -> AckError:
    """`error` as the volet wants it in a ZAM: no location, ERR-3 207, the table its code belongs to."""
    code = error.app_code or "906"
    return AckError(
        location="",
        code="207",
        text=CONDITIONS["207"],
        severity=error.severity,
        app_code=code,
        app_text=error.app_text or error.text,
        app_table=APPLICATION_TABLE if code in OWN_CODES else DMP_TABLE,
    )
