"""Does the identity server know this patient under the INS that the message carries? A pure answer, nothing decided."""

from __future__ import annotations

from enum import Enum

from connector.ins.model import INS_OIDS, MatriculeIns
from connector.pix.model import PixAnswer


class Match(Enum):
    """EQUAL: the same matricule and nothing else; DIFFERS: another one, or more than one; ABSENT: no INS known."""

    EQUAL = "equal"
    DIFFERS = "differs"
    ABSENT = "absent"


def compare_ins(answer: PixAnswer, message_ins: MatriculeIns) -> Match:
    """Compares every INS of the answer (any of the four INS OIDs) with the message's, value and OID both.

    One other INS is enough for DIFFERS, even beside the right one: of several identifiers in a domain a consumer
    uses all or none (§2.7 case 6), and two matricules for one person are a human's business.
    """
    known = {(i.domain_oid, i.value) for i in answer.identifiers if i.domain_oid in INS_OIDS | {message_ins.oid}}
    if not known:
        return Match.ABSENT
    return Match.EQUAL if known == {(message_ins.oid, message_ins.value)} else Match.DIFFERS
