"""The few lines every message we write shares: escaped segments and an MSH that answers another MSH."""

from __future__ import annotations

from datetime import datetime

from connector.base.hl7time import local_ts
from connector.hl7.charset import encode, reply_charset
from connector.hl7.delimiters import NOMINAL, Delimiters, escape
from connector.hl7.header import Header

_LONGEST = 227
"""Characters of an HD (MSH-3 to MSH-6), the longest field that is mirrored."""


def segment(name: str, *fields: str, delimiters: Delimiters = NOMINAL) -> str:
    """`NAME|f1|f2…` of fields already composed, trailing empty ones dropped."""
    return delimiters.field.join((name, *fields)).rstrip(delimiters.field)


def composite(*components: str, delimiters: Delimiters = NOMINAL) -> str:
    """Components escaped and joined, trailing empty ones dropped."""
    return delimiters.component.join([escape(c, delimiters) for c in components]).rstrip(delimiters.component)


def mirrored(text: str, delimiters: Delimiters = NOMINAL) -> str:
    """A value whose components `Header` joined by `^`, rewritten with our delimiters.

    Longer than any party or version can be, it is damage: only its beginning is sent back.
    """
    return composite(*text[:_LONGEST].split("^"), delimiters=delimiters)


def answering_msh(
    request: Header,
    *,
    message_type: str,
    version: str,
    now: datetime,
    control_id: str,
    profile: str = "",
    delimiters: Delimiters = NOMINAL,
) -> str:
    """MSH of our answer to `request`: parties swapped, MSH-11 copied, MSH-17 FRA, MSH-18 one of the two allowed sets.

    `message_type`, `version` and `profile` have their components joined by `^`; `now` is aware and written in
    the hospital's zone (hl7v2-interface §1.4).
    """
    ours = request.addressing or (
        request.sending_application,
        request.sending_facility,
        request.receiving_application,
        request.receiving_facility,
    )
    d = delimiters
    return segment(
        "MSH",
        d.encoding_characters(),
        *(mirrored(party, d) for party in (ours[2], ours[3], ours[0], ours[1])),
        local_ts(now),
        "",
        mirrored(message_type, d),
        escape(control_id, d),
        escape(request.processing_id or "P", d),
        mirrored(version, d),
        *("", "", "", "", "FRA", reply_charset(request.charset)),
        *("", "", mirrored(profile, d)),
        delimiters=d,
    )


def message(segments: list[str], request: Header) -> bytes:
    """Segments ended by CR, in the character set their MSH-18 announces."""
    return encode("\r".join(segments) + "\r", reply_charset(request.charset))
