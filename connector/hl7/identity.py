"""The patient of a message: identifiers, strict traits, status and stay, the same in ADT, ORU and MDM (§2.3, §2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from connector.hl7.datatypes import authority, first_identifier, identifiers, present, repetitions, text
from connector.hl7.er7 import Message, Segment
from connector.hl7.model import Identifier, Stay
from connector.ins.model import INS_OIDS, Environment, Qualification, Traits
from connector.ins.status import qualify

_INS_TYPES = frozenset({"INS", "INS-NIR", "INS-NIA", "INS-NIR-TEST", "INS-NIR-DEMO"})


@dataclass(frozen=True, slots=True, repr=False)
class PatientIdentity:
    """What PID says, and whether it may be used towards the DMP."""

    identifiers: tuple[Identifier, ...]
    traits: Traits
    reliability: tuple[str, ...]
    qualification: Qualification


def read_identity(pid: Segment, *, environment: Environment, today: date) -> PatientIdentity:
    """PID-3, 5, 7, 8, 11 and 32, judged by the decision rule of §2.3."""
    found = identifiers(pid, 3)
    traits = read_traits(pid)
    reliability = tuple(text(pid, 32, rep) for rep in repetitions(pid, 32))
    candidates = [(i.value, i.authority.oid, i.expiry) for i in ins_of(found)]
    return PatientIdentity(found, traits, reliability, qualify(candidates, reliability, traits, environment, today))


def ins_of(found: Sequence[Identifier]) -> tuple[Identifier, ...]:
    """The repetitions that claim to be a matricule INS, by their type or by their OID, and have a value."""
    return tuple(i for i in found if present(i.value) and (i.type in _INS_TYPES or i.authority.oid in INS_OIDS))


def read_traits(pid: Segment) -> Traits:
    """Strict traits and used name. Only XPN-7 = L is a birth name; a repetition without any type stands in for it."""
    legal = _name(pid, "L") or _name(pid, "")
    used = _name(pid, "D")
    born = text(pid, 7)
    return Traits(
        birth_name=text(pid, 5, legal, 1) if legal else "",
        first_given=text(pid, 5, legal, 2) if legal else "",
        given_names=text(pid, 5, legal, 3) if legal else "",
        used_name=text(pid, 5, used, 1) if used else "",
        used_given=text(pid, 5, used, 2) if used else "",
        birth_date=born[:8] if born[:8].isdigit() else born,
        sex=text(pid, 8),
        birth_place=_birth_place(pid),
    )


def _name(pid: Segment, kind: str) -> int:
    """Number of the first PID-5 repetition of that type that has a family name, 0 if none."""
    return next((rep for rep in repetitions(pid, 5) if text(pid, 5, rep, 7) == kind and text(pid, 5, rep)), 0)


def _birth_place(pid: Segment) -> str:
    """INSEE code in XAD-9 of the BDL address only: samples repeat it on the home address (§9.2-26)."""
    places = (text(pid, 11, rep, 9) for rep in repetitions(pid, 11) if text(pid, 11, rep, 7) == "BDL")
    return next((place for place in places if place), "")


def read_stay(message: Message) -> Stay:
    """PV1-2, 3, 19, 36, 44, 45 and PID-18; an empty Stay when the message has no PV1."""
    pid, pv1 = message.first("PID"), message.first("PV1")
    account = first_identifier(pid, 18)
    if pv1 is None:
        return Stay(account=account)
    return Stay(
        patient_class=text(pv1, 2),
        visit=first_identifier(pv1, 19),
        account=account,
        unit=text(pv1, 3),
        facility=authority(pv1, 3, 1, 4).key(),
        admitted=text(pv1, 44),
        discharged=text(pv1, 45),
        exit_mode=text(pv1, 36),
    )
