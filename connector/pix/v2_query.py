"""QBP^Q23^QBP_Q21, the ITI-9 query: its shape composed once with hl7apy, its values filled by our own writer.

hl7apy knows the structure but takes 2 ms and leaves `&` unescaped inside components (stack.md §3); a test holds the
two writers byte-equal. Fields from hl7v2-interface §2.7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from connector.base.hl7time import local_ts
from connector.hl7.delimiters import escape
from connector.hl7.writing import composite, mirrored
from connector.pix.config import PixConfig
from connector.pix.model import Domain

QUERY_NAME = "IHE PIX Query"
CHARSET = "UNICODE UTF-8"
_SLOT = re.compile(r"@(\w+)@")


@dataclass(frozen=True, slots=True, repr=False)
class V2Query:
    """One question: QPD-3 is `value` in `domain`, QPD-4 the wanted domains (none: all); `now` is aware.

    `control_id` (MSH-10, 20 characters at most) and `tag` (QPD-2, 32) must come back in the answer.
    """

    value: str
    domain: Domain
    wanted: tuple[Domain, ...]
    control_id: str
    tag: str
    now: datetime


def build_query(query: V2Query, config: PixConfig) -> bytes:
    """The message in UTF-8, segments ended by CR, without its MLLP frame."""
    values = {
        "sending_application": mirrored(config.sending_application),
        "sending_facility": mirrored(config.sending_facility),
        "receiving_application": mirrored(config.receiving_application),
        "receiving_facility": mirrored(config.receiving_facility),
        "time": local_ts(query.now),
        "control_id": escape(query.control_id),
        "processing_id": config.processing_id,
        "tag": escape(query.tag),
        "identifier": cx(query.value, query.domain),
        "wanted": "~".join(cx("", domain) for domain in query.wanted),
    }
    # One pass: a value that looks like a slot is not filled in turn.
    text = _SLOT.sub(lambda slot: values[slot[1]], shape())
    return "".join(line.rstrip("|") + "\r" for line in text.split("\r") if line).encode("utf-8")


def cx(value: str, domain: Domain) -> str:
    """`value^^^namespace&universal id&type`, the only components ITI-9 asks for."""
    authority = "&".join(escape(part) for part in (domain.namespace, domain.oid, domain.type)).rstrip("&")
    return "^".join((composite(value), "", "", authority)).rstrip("^")


@lru_cache(maxsize=1)
def shape() -> str:
    """The query with a `@slot@` for each value, composed by hl7apy at first use."""
    parties = ("@sending_application@", "@sending_facility@", "@receiving_application@", "@receiving_facility@")
    return compose(parties, "@time@", "@control_id@", "@processing_id@", "@tag@", "@identifier@", ("@wanted@",))


def compose(
    parties: Sequence[str],
    time: str,
    control_id: str,
    processing_id: str,
    tag: str,
    identifier: str,
    wanted: Sequence[str],
) -> str:
    """The message as hl7apy writes it; `parties`, `identifier` and `wanted` are fields already in ER7."""
    from hl7apy.core import Message  # 11 ms, and a command line that asks nothing should not pay them

    message = Message("QBP_Q21", version="2.5")
    msh = message.msh
    msh.msh_3, msh.msh_4, msh.msh_5, msh.msh_6 = parties
    msh.msh_7 = time
    msh.msh_9 = "QBP^Q23^QBP_Q21"
    msh.msh_10 = control_id
    msh.msh_11 = processing_id
    msh.msh_18 = CHARSET
    message.qpd.qpd_1 = QUERY_NAME
    message.qpd.qpd_2 = tag
    message.qpd.qpd_3 = identifier
    for domain in wanted:
        message.qpd.add_field("qpd_4").value = domain
    message.rcp.rcp_1 = "I"
    return str(message.to_er7())
