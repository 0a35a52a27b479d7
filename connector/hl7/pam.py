"""PAM-FR: an ADT message read into an Admission (hl7v2-interface §2).

Tolerant by design: fields the French profile forbids are ignored, odd content stays as text, an absent Z segment
stays absent (a lost ZFA would read as "no opposition", §8.1). Nothing is decided here but the INS qualification.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from connector.base.errors import CodecError
from connector.hl7.datatypes import (
    entity_authority,
    first_identifier,
    identifiers,
    organization,
    present,
    provider,
    providers,
    text,
)
from connector.hl7.er7 import Message, Segment
from connector.hl7.identity import read_identity, read_stay
from connector.hl7.model import Admission, Consent, Header, IdentityProof, Movement, Organization, Provider
from connector.ins.model import Environment

ROLES = {
    "AD": "admitting",
    "AT": "attending",
    "CP": "consulting",
    "FHCP": "family",
    "ODRP": "declared",
    "RP": "referring",
    "RT": "referred-to",
    "SUBS": "substitute",
}
"""ROL-3 codes (§2.4) and the role names used in Provider.role."""

ACTIONS = frozenset({"INSERT", "CANCEL", "UPDATE"})
"""ZBE-4."""

_PV1_DOCTORS = ((7, "attending"), (8, "referring"), (17, "admitting"))


def read_admission(message: Message, *, environment: Environment, today: date) -> Admission:
    """Admission of any ADT event.

    environment  decides which INS domains qualify; today is compared with the INS expiry dates.
    Raises CodecError only when there is no MSH or no PID to read: structure.check_segments says so before.
    """
    header = message.header
    pid = message.first("PID")
    if pid is None:
        raise CodecError("an ADT message without PID", field="PID", found="no segment", expected="one PID segment")
    evn, mrg = message.first("EVN"), message.first("MRG")
    patient = read_identity(pid, environment=environment, today=today)
    return Admission(
        header=header,
        event=header.event,
        recorded=_recorded(evn, header),
        occurred=text(evn, 6) if evn else "",
        identifiers=patient.identifiers,
        traits=patient.traits,
        reliability=patient.reliability,
        qualification=patient.qualification,
        stay=read_stay(message),
        movement=read_movement(message.first("ZBE")),
        doctors=tuple(dict.fromkeys(_doctors(message))),
        consent=read_consent(message.first("ZFA")),
        proof=read_proof(message.first("ZFD")),
        prior_identifiers=identifiers(mrg, 1) if mrg else (),
        prior_account=first_identifier(mrg, 3),
        dead=text(pid, 30).upper() == "Y" or present(text(pid, 29)),
    )


def _recorded(evn: Segment | None, header: Header) -> str:
    """EVN-2, or MSH-7 when the sender left it empty."""
    return (text(evn, 2) if evn else "") or header.time


def _doctors(message: Message) -> Iterator[Provider]:
    """PV1-7, 8, 17 then every ROL that is not a deletion; PV1-9 is forbidden in France and ignored."""
    pv1 = message.first("PV1")
    if pv1 is not None:
        for field, role in _PV1_DOCTORS:
            yield from providers(pv1, field, role=role)
    for rol in message.all("ROL"):
        code = text(rol, 3)
        found = provider(rol, 4, role=ROLES.get(code, code.lower()))
        if found is not None and text(rol, 2) != "DE":
            yield found


def read_consent(zfa: Segment | None) -> Consent | None:
    """ZFA as sent; fields 4 to 8 are obsolete and ignored (§2.5). None, never an empty Consent, without a ZFA."""
    if zfa is None:
        return None
    return Consent(
        dmp_status=text(zfa, 1),
        dmp_status_time=text(zfa, 2),
        closed_time=text(zfa, 3),
        feeding=text(zfa, 9),
        feeding_time=text(zfa, 10),
        consultation=text(zfa, 11),
        consultation_time=text(zfa, 12),
    )


def read_proof(zfd: Segment | None) -> IdentityProof | None:
    """ZFD: how the identity was obtained and checked. The lunar date is an NA, `day^month^year`, kept with its `^`."""
    if zfd is None:
        return None
    return IdentityProof(
        lunar_date="^".join(part.strip() for part in zfd.comps(1)).rstrip("^"),
        sms_consent=text(zfd, 3),
        corrected_date=text(zfd, 4),
        obtained_by=text(zfd, 5),
        insi_date=text(zfd, 6),
        document_type=text(zfd, 7),
        document_expiry=text(zfd, 8),
    )


def read_movement(zbe: Segment | None) -> Movement | None:
    """ZBE; the unit is the medical one (ZBE-7), else the nursing one (ZBE-8). ZBE-3 is forbidden and ignored.

    A sender that fills ZBE-3 may push the rest one field further: the action word tells where it is (§9.2-25).
    """
    if zbe is None:
        return None
    shift = 1 if text(zbe, 4) not in ACTIONS and text(zbe, 5) in ACTIONS else 0
    return Movement(
        id=text(zbe, 1),
        authority=entity_authority(zbe, 1),
        start=text(zbe, 2),
        action=text(zbe, 4 + shift),
        historic=text(zbe, 5 + shift),
        original_event=text(zbe, 6 + shift),
        unit=organization(zbe, 7 + shift) or organization(zbe, 8 + shift) or Organization(),
        nature=text(zbe, 9 + shift),
    )
