"""What a message is, where it goes, what must be there before it is acknowledged (hl7v2-interface §1.3, §1.7, §2.1).

Two checks, both before the ACK: `check_header` on MSH alone, `check_segments` on segment names alone. An ADT is
never refused for its content; a document message is read further by volet.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from connector.hl7.ack import AckError
from connector.hl7.model import Header
from connector.hl7.refusal import (
    EVENT_CODE,
    MESSAGE_TYPE,
    OTHER,
    PROCESSING_ID,
    VERSION_ID,
    AckRefusal,
    application_error,
    missing_field,
    missing_segment,
)

Route = Literal["adt-act", "adt-record", "adt-hold", "adt-out-of-profile", "document", "ack", "unsupported"]

_IDENTITY = ("EVN", "PID")
_VISIT = ("EVN", "PID", "PV1")
_MOVEMENT = ("EVN", "PID", "PV1", "ZBE")
_MERGE = ("EVN", "PID", "MRG")


@dataclass(frozen=True, slots=True)
class PamEvent:
    """A row of §2.1: French label, route, and the segments that must be present beside MSH."""

    label: str
    route: Route
    segments: tuple[str, ...]


PAM_EVENTS: Mapping[str, PamEvent] = {
    "A01": PamEvent("admission", "adt-act", _MOVEMENT),
    "A02": PamEvent("mutation", "adt-record", _MOVEMENT),
    "A03": PamEvent("sortie", "adt-act", _MOVEMENT),
    "A04": PamEvent("inscription externe ou urgences", "adt-act", _MOVEMENT),
    "A05": PamEvent("pré-admission", "adt-act", _MOVEMENT),
    "A06": PamEvent("passage d'externe à hospitalisé", "adt-record", _MOVEMENT),
    "A07": PamEvent("passage d'hospitalisé à externe", "adt-record", _MOVEMENT),
    "A08": PamEvent("mise à jour hors profil français", "adt-out-of-profile", _IDENTITY),
    "A09": PamEvent("départ temporaire", "adt-record", _VISIT),
    "A10": PamEvent("arrivée temporaire", "adt-record", _VISIT),
    "A11": PamEvent("annulation d'admission", "adt-act", _MOVEMENT),
    "A12": PamEvent("annulation de mutation", "adt-record", _MOVEMENT),
    "A13": PamEvent("annulation de sortie", "adt-act", _MOVEMENT),
    "A14": PamEvent("admission attendue", "adt-act", _MOVEMENT),
    "A15": PamEvent("mutation attendue", "adt-record", _MOVEMENT),
    "A16": PamEvent("sortie attendue", "adt-record", _MOVEMENT),
    "A21": PamEvent("départ en permission", "adt-record", _MOVEMENT),
    "A22": PamEvent("retour de permission", "adt-record", _MOVEMENT),
    "A24": PamEvent("lien d'identités", "adt-record", _IDENTITY),
    "A25": PamEvent("annulation de sortie attendue", "adt-record", _MOVEMENT),
    "A26": PamEvent("annulation de mutation attendue", "adt-record", _MOVEMENT),
    "A27": PamEvent("annulation d'admission attendue", "adt-act", _MOVEMENT),
    "A28": PamEvent("création d'identité", "adt-act", _IDENTITY),
    "A31": PamEvent("mise à jour d'identité", "adt-act", _IDENTITY),
    "A32": PamEvent("annulation d'arrivée temporaire", "adt-record", _VISIT),
    "A33": PamEvent("annulation de départ temporaire", "adt-record", _VISIT),
    "A37": PamEvent("rupture de lien d'identités", "adt-record", _IDENTITY),
    "A38": PamEvent("annulation de pré-admission", "adt-act", _MOVEMENT),
    "A40": PamEvent("fusion d'identités", "adt-act", _MERGE),
    "A44": PamEvent("changement de patient d'un dossier", "adt-hold", _MERGE),
    "A47": PamEvent("changement d'identifiant", "adt-act", _MERGE),
    # Listed by one third-party schema only: recorded, nothing demanded.
    "A49": PamEvent("changement de numéro de dossier", "adt-record", ()),
    "A52": PamEvent("annulation de départ en permission", "adt-record", _MOVEMENT),
    "A53": PamEvent("annulation de retour de permission", "adt-record", _MOVEMENT),
    "A54": PamEvent("changement de médecin responsable", "adt-record", _MOVEMENT),
    "A55": PamEvent("annulation de changement de médecin", "adt-record", _MOVEMENT),
    # Only Z99 is known; the rest of the French range is acknowledged and recorded.
    **{f"Z{n}": PamEvent("évènement français réservé", "adt-record", ()) for n in range(80, 99)},
    "Z99": PamEvent("correction d'un mouvement", "adt-act", _MOVEMENT),
}

DOCUMENT_EVENTS: Mapping[str, Collection[str]] = {"ORU": {"R01"}, "MDM": {"T02", "T04", "T10"}}

ACCEPTED_VERSIONS: Mapping[str, Collection[str]] = {
    # §1.7: PAM-FR is 2.5, its minor revision changes nothing we read.
    "ADT": {"2.5", "2.5.1"},
    # ORU is 2.5 and MDM 2.6 in volets 2.x; 1.2 senders and mixed installations use the neighbours (§7, §9.2-32).
    "ORU": {"2.4", "2.5", "2.5.1", "2.6"},
    "MDM": {"2.4", "2.5", "2.5.1", "2.6"},
}
"""MSH-12.1 tolerated per message type; anything else is answered AE 203."""

PROCESSING_IDS = frozenset({"P", "T", "D"})
"""MSH-11: production, test, debug (§1.7). The environment of an INS is a setting, not this (§2.3)."""

LPS_NAMESPACE = "CISIS_CDA_HL7_LPS"
"""MSH-21.2 of the sister volet, which flows from a PFI to a record: never towards us."""

Volet = Literal["1.2", "2.0", "2.1"]

_DOCUMENT_SEGMENTS: Mapping[tuple[str, Volet], tuple[str, ...]] = {
    ("ORU", "1.2"): ("PID", "PV1", "OBR", "OBX"),
    ("ORU", "2.0"): ("PID", "PV1", "ORC", "OBR", "OBX"),
    ("ORU", "2.1"): ("PID", "PV1", "ORC", "OBR", "OBX"),
    ("MDM", "1.2"): ("EVN", "PID", "PV1", "TXA", "OBX"),
    # Volet 2.0 had no common order in MDM (§7, §9.2-24).
    ("MDM", "2.0"): ("EVN", "PID", "PV1", "TXA", "OBX"),
    ("MDM", "2.1"): ("EVN", "PID", "PV1", "ORC", "OBR", "TXA", "OBX"),
}


def volet_of(header: Header) -> Volet:
    """Version of the volet claimed in MSH-21; an absent or newer one is read with the newest rules we know."""
    profile = header.profile.strip()
    if profile.startswith("1."):
        return "1.2"
    return "2.0" if profile.startswith("2.0") else "2.1"


def route(header: Header, *, a08_as_a31: bool = False) -> Route:
    """Where a message goes; `a08_as_a31` is a per-sender setting for software that updates identities with A08."""
    if header.type == "ACK":
        return "ack"
    if header.type == "ADT":
        event = PAM_EVENTS.get(header.event)
        if event is None:
            return "unsupported"
        return "adt-act" if header.event == "A08" and a08_as_a31 else event.route
    return "document" if header.event in DOCUMENT_EVENTS.get(header.type, ()) else "unsupported"


def check_header(header: Header) -> AckRefusal | None:
    """What MSH alone lets us say; None when the message may be read further.

    An acknowledgement is never refused: an ACK is not answered (§1.2).
    """
    if header.type == "ACK":
        return None
    absent = [
        missing_field(f"MSH^1^{number}", what)
        for number, value, what in (
            (9, header.type, "type de message (MSH-9)"),
            (10, header.control_id, "identifiant du message (MSH-10)"),
            (11, header.processing_id, "mode de traitement (MSH-11)"),
            (12, header.version, "version HL7 (MSH-12)"),
        )
        if not value
    ]
    if absent:
        return AckRefusal("AE", tuple(absent))
    if header.type not in ACCEPTED_VERSIONS:
        return AckRefusal("AR", (AckError("MSH^1^9^1^1", MESSAGE_TYPE, "type de message non pris en charge"),))
    if route(header) == "unsupported":
        return AckRefusal("AR", (AckError("MSH^1^9^1^2", EVENT_CODE, "évènement non pris en charge"),))
    unsupported = []
    if header.processing_id.strip() not in PROCESSING_IDS:
        unsupported.append(AckError("MSH^1^11", PROCESSING_ID, "mode de traitement inconnu (P, T ou D)"))
    if header.version not in ACCEPTED_VERSIONS[header.type]:
        unsupported.append(AckError("MSH^1^12", VERSION_ID, "version HL7 non prise en charge"))
    if unsupported:
        return AckRefusal("AE", tuple(unsupported))
    if header.profile_namespace.strip() == LPS_NAMESPACE:
        text = "message du volet LPS, destiné au dossier patient et non à la plateforme"
        return AckRefusal("AE", (application_error("MSH^1^21", OTHER, text),))
    return None


def required_segments(header: Header) -> tuple[str, ...]:
    """Names of the segments this message must hold beside MSH; empty for a type we do not read."""
    if header.type == "ADT":
        event = PAM_EVENTS.get(header.event)
        return event.segments if event else ()
    if header.type in DOCUMENT_EVENTS:
        return _DOCUMENT_SEGMENTS[header.type, volet_of(header)]
    return ()


def check_segments(header: Header, names: Collection[str]) -> AckRefusal | None:
    """AE 100 with one ERR per missing segment, from the names present (`er7.segment_names` or `Message.names`).

    Order and repetition are not judged here.
    """
    missing = tuple(missing_segment(name) for name in required_segments(header) if name not in names)
    return AckRefusal("AE", missing) if missing else None
