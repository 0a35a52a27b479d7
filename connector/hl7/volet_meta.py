"""The MetaDMPMSS switches and mail bodies of a document message (hl7v2-interface §3.6, §7).

Codes are matched on OBX-3.1 alone through an alias list: labels and OBX-3.3 vary between versions and senders.
A switch whose value cannot be read refuses the message: guessing a visibility would expose a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.hl7.ack import AckError
from connector.hl7.datatypes import present, text
from connector.hl7.er7 import Message, Segment
from connector.hl7.model import Flags
from connector.hl7.notes import Notes
from connector.hl7.payload import decode_text
from connector.hl7.refusal import CARDINALITY, TABLE_VALUE

SWITCHES = {
    "MASQUE_PS": "masque_ps",
    "INVISIBLE_PATIENT": "invisible_patient",
    "INVISIBLE_REP_LEGAUX": "invisible_rep_legaux",
    "INVISIBLE_REPRESENTANTS_LEGAUX": "invisible_rep_legaux",
    "INVISIBLE_REPRENSANTS_LEGAUX": "invisible_rep_legaux",
    "CONNEXION_SECRETE": "connexion_secrete",
    "MODIF_CONF_CODE": "modif_conf_code",
    "MODIF_CONFIDENTIALITYCODE": "modif_conf_code",
    "DESTDMP": "dest_dmp",
    "DESTMSSANTEPS": "dest_mssante_ps",
    "DESTMSSANTEPAT": "dest_mssante_pat",
    "ACK_RECEPTION": "ack_reception",
    "ACK_LECTURE_MSS": "ack_lecture_mss",
    "ACK_LECTURE": "ack_lecture_mss",
}
"""OBX-3.1 of every version read, misspellings included, and the field of Flags it fills."""

MAIL_BODIES = frozenset({"CORPSMAIL_PS", "CORPSMAIL_PATIENT"})
_IGNORED = frozenset({"COMP_LOT", "REPLY_TO"})
_YES_NO = {"Y": True, "N": False}
_REFERENCE = "hl7v2-interface §3.6"


@dataclass(frozen=True, slots=True, repr=False)
class Metadata:
    """Switches, where each one stands (OBX occurrence), mail bodies by code, and "no reply wanted" (NTE-4 = FIN)."""

    flags: Flags
    places: dict[str, int]
    mail_bodies: tuple[tuple[str, str], ...]
    no_reply: bool


def is_metadata(obx: Segment) -> bool:
    """True when an OBX carries a switch or a mail body rather than a document."""
    code = _code(obx)
    return code in SWITCHES or code in MAIL_BODIES or code in _IGNORED or text(obx, 3, 1, 3) == "MetaDMPMSS"


def numbered(message: Message) -> Iterator[tuple[int, Segment]]:
    """Every OBX with its occurrence in the message, from 1: the number an ERR-2 location needs."""
    return enumerate(message.all("OBX"), start=1)


def read_metadata(message: Message, notes: Notes) -> Metadata:
    """Read every switch; unreadable or contradictory ones are refused in `notes`."""
    values: dict[str, bool] = {}
    places: dict[str, int] = {}
    bodies: list[tuple[str, str]] = []
    for number, obx in numbered(message):
        code = _code(obx)
        name = SWITCHES.get(code)
        if name is not None:
            value = _yes_no(obx, number, code, notes)
            if value is not None and values.setdefault(name, value) != value:
                notes.refuse(AckError(f"OBX^{number}^3", CARDINALITY, f"métadonnée {code} répétée et contradictoire"))
            places.setdefault(name, number)
        elif code in MAIL_BODIES:
            bodies.extend(_mail_body(obx, number, code, notes))
    return Metadata(Flags(**values), places, tuple(bodies), _no_reply(message))


def _yes_no(obx: Segment, number: int, code: str, notes: Notes) -> bool | None:
    """Y or N of OBX-5.1 whatever its case; an empty one says nothing."""
    raw = text(obx, 5).upper()
    if not present(raw):
        notes.warn("VOLET-META", f"OBX[{number}]-5", "vide", "Y ou N", f"{code} sans valeur", reference=_REFERENCE)
        return None
    if raw not in _YES_NO:
        notes.refuse(AckError(f"OBX^{number}^5^1^1", TABLE_VALUE, f"{code} : Y ou N attendu"))
    return _YES_NO.get(raw)


def _mail_body(obx: Segment, number: int, code: str, notes: Notes) -> Iterator[tuple[str, str]]:
    body = decode_text(text(obx, 5, 1, 5))
    if body is None:
        notes.warn(
            "VOLET-MAIL",
            f"OBX[{number}]-5.5",
            "illisible",
            "base64",
            f"corps de mail {code} illisible",
            reference=_REFERENCE,
        )
    elif body:
        yield code, body


def _no_reply(message: Message) -> bool:
    """NTE-4 = FIN right after DESTMSSANTEPAT."""
    after_patient = False
    for segment in message.segments:
        if segment.name == "OBX":
            after_patient = SWITCHES.get(_code(segment)) == "dest_mssante_pat"
        elif segment.name == "NTE" and after_patient and text(segment, 4).upper() == "FIN":
            return True
    return False


def _code(obx: Segment) -> str:
    return text(obx, 3).upper()
