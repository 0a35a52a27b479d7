"""What the journal knows of a letter's patient and stay, in the form the letter and its message take it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connector.base.errors import CodecError
from connector.base.hl7time import parse_ts
from connector.base.oid import is_oid
from connector.cda.model import CdaHeader, InstanceId
from connector.flows.letters.config import LettersConfig
from connector.hl7.model import Authority, Identifier, Provider, Stay
from connector.ins.model import INS_OIDS, MatriculeIns
from connector.letter.inputs import Facts
from connector.patients.letters import StayFacts, stay_facts, stays_of
from connector.patients.state import Sql

_RPPS: Final = re.compile(r"8?[0-9]{11}")

_CLASSES: Final[Mapping[str, str]] = {"IMP": "I", "EMER": "E", "AMB": "O", "SS": "O", "EXTERNE": "O"}
"""Code of the encounter (J142) -> PV1-2, for a stay no admission spoke of."""


def stay_of_data(sql: Sql, data: Mapping[str, Any], stay: str, config: LettersConfig) -> StayFacts | None:
    """The stay a letter is about: the one named, else the one of its visit number, else the patient's only one."""
    if stay:
        return stay_facts(sql, stay)
    visit = _instance(_in(data.get("stay"), "visit_number"))
    if visit is not None:
        return _by_visit(sql, visit, config)
    ins = _ins(_in(data.get("patient"), "ins"))
    return _only_stay(sql, ins, _in(data.get("stay"), "admission")) if ins is not None else None


def stay_of_cda(sql: Sql, header: CdaHeader, stay: str, config: LettersConfig) -> StayFacts | None:
    """The same for a CDA: its encounter's number, else the patient's only stay."""
    if stay:
        return stay_facts(sql, stay)
    for visit in header.encounter_ids:
        found = _by_visit(sql, visit, config)
        if found is not None:
            return found
    ins = header.ins()
    began = header.service_events[0].low if header.service_events else ""
    return _only_stay(sql, ins, began) if ins is not None and not header.encounter_ids else None


def facts_of_stay(known: StayFacts | None, config: LettersConfig) -> Facts:
    """What completes the letter's data: the stay's word, then the settings'."""
    if known is None:
        return Facts(defaults=config.defaults)
    number, _, domain = known.stay.rpartition("@")
    root = config.oid_of(domain)
    return Facts(
        ins=known.ins,
        traits=known.traits,
        ipp=_rooted(known.ipp, config),
        visit=(root, number) if root else None,
        admission=_moment(known.admitted),
        discharge=_moment(known.discharged),
        unit=known.unit_name or known.unit,
        defaults={**_people(known), **config.defaults},
    )


def stay_of_message(known: StayFacts | None, header: CdaHeader) -> Stay:
    """PV1 of the message: as admissions said it, else as the CDA does (§3.2)."""
    if known is None:
        event = header.service_events[0] if header.service_events else None
        code = header.encounter_code.code if header.encounter_code else ""
        visit = next((one for one in header.encounter_ids if one.extension), None)
        return Stay(
            patient_class=_CLASSES.get(code, "I"),
            visit=Identifier(visit.extension, _authority(visit.root), "VN") if visit else None,
            admitted=_local(event.low) if event else "",
            discharged=_local(event.high) if event else "",
        )
    number, _, domain = known.stay.rpartition("@")
    return Stay(
        patient_class=known.patient_class,
        visit=Identifier(number, _authority(domain), "VN"),
        unit=known.unit,
        admitted=known.admitted,
        discharged=known.discharged,
    )


def another_patient(known: StayFacts | None, ins: MatriculeIns | None) -> bool:
    """Whether the stay is that of another INS: such a letter never leaves."""
    return known is not None and known.ins is not None and ins is not None and known.ins != ins


def _only_stay(sql: Sql, ins: MatriculeIns, began: object) -> StayFacts | None:
    """The one stay the journal knows, unless the letter says that its own began another day."""
    stays = stays_of(sql, ins)
    known = stay_facts(sql, stays[0]) if len(stays) == 1 else None
    days = (_day(began), _day(known.admitted) if known is not None else "")
    return None if all(days) and days[0] != days[1] else known


def _day(moment: object) -> str:
    """YYYYMMDD of an ISO or HL7 time, "" when it is none."""
    digits = re.sub(r"[^0-9]", "", str(moment or "").partition("T")[0])[:8]
    return digits if len(digits) == 8 else ""


def _by_visit(sql: Sql, visit: InstanceId, config: LettersConfig) -> StayFacts | None:
    domains = (visit.root, *(domain for domain, oid in config.oids.items() if oid == visit.root))
    found = (stay_facts(sql, f"{visit.extension}@{domain}") for domain in domains if visit.extension)
    return next((one for one in found if one is not None), None)


def _authority(domain: str) -> Authority:
    """A domain as the journal keys it: an OID, or whatever the hospital calls it."""
    return Authority("", domain, "ISO") if is_oid(domain) else Authority(domain)


def _rooted(identifier: Identifier | None, config: LettersConfig) -> tuple[str, str] | None:
    if identifier is None:
        return None
    root = config.oid_of(identifier.authority.key())
    return (root, identifier.value) if root else None


def _people(known: StayFacts) -> dict[str, Any]:
    """The declared médecin traitant (ROL ODRP): named in the letter, and its recipient when the number is known."""
    declared = next((doctor for doctor in known.doctors if doctor.role == "declared" and doctor.family), None)
    if declared is None:
        return {}
    person = _person(declared)
    return {"primary_physician": person} | ({"recipients": [person]} if "rpps" in person else {})


def _person(doctor: Provider) -> dict[str, Any]:
    person: dict[str, Any] = {"family": doctor.family}
    if doctor.given:
        person["given"] = doctor.given
    return person | ({"rpps": doctor.id} if _RPPS.fullmatch(doctor.id) else {})


def _moment(text: str) -> datetime | None:
    try:
        return parse_ts(text) if text else None
    except CodecError:
        # the hospital's own writing: the letter then has to say it
        return None


def _local(text: str) -> str:
    """An HL7 time without its offset, as PV1 has it."""
    return re.split(r"[.+-]", text)[0]


def _in(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _instance(value: object) -> InstanceId | None:
    if isinstance(value, str):
        root, _, extension = value.strip().partition("^")
        return InstanceId(root, extension) if root else None
    number = str(_in(value, "extension") or "")
    return InstanceId(str(_in(value, "root")), number) if _in(value, "root") else None


def _ins(value: object) -> MatriculeIns | None:
    """The INS a letter says, its OID "" when it leaves that to the stay."""
    number, oid = (value, "") if isinstance(value, str) else (_in(value, "value"), _in(value, "oid"))
    if not isinstance(number, str) or (oid and oid not in INS_OIDS):
        return None
    return MatriculeIns("".join(number.split()), str(oid or ""))
