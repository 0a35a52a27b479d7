"""The documented act and the stay it belongs to (cda-lettre-de-liaison §1.7, §1.8)."""

from __future__ import annotations

from connector.letter.build.people import address, assigned_entity, taking_part
from connector.letter.build.values import coded, identified, period, span, time
from connector.letter.build.xml import Xml, element
from connector.letter.model import DocumentedAct, EncounterParticipation, Letter, Stay


def documentation_of(letter: Letter) -> Xml:
    """The main act: the hospitalisation, unless the letter documents another one."""
    act = letter.main_act()
    return element(
        "documentationOf",
        element(
            "serviceEvent",
            identified(act.id) if act.id else None,
            coded("code", act.code) if act.code else None,
            period(act.start, act.end),
            _performer(act),
        ),
    )


def _performer(act: DocumentedAct) -> Xml:
    return element(
        "performer",
        time("time", act.performed) if act.performed else None,
        assigned_entity(act.performer),
        typeCode="PRF",
    )


def component_of(letter: Letter) -> Xml:
    """The stay. Its unit is where the main act was done; where that act is another, the unit is part of the place."""
    stay = letter.stay
    named = ", ".join(name for name in (stay.unit if letter.act else None, stay.place) if name)
    return element(
        "componentOf",
        element(
            "encompassingEncounter",
            identified(stay.visit_number) if stay.visit_number else None,
            coded("code", stay.encounter_type),
            span(stay.admission, stay.discharge),
            coded("dischargeDispositionCode", stay.discharge_disposition) if stay.discharge_disposition else None,
            element("responsibleParty", assigned_entity(stay.responsible)) if stay.responsible else None,
            [_participant(item) for item in stay.participants],
            element("location", _facility(stay, named)),
        ),
    )


def _participant(value: EncounterParticipation) -> Xml:
    return element(
        "encounterParticipant",
        taking_part(value) if value.start or value.end else None,
        assigned_entity(value.person),
        typeCode=value.type.code,
    )


def _facility(stay: Stay, named: str) -> Xml:
    place = (
        element(
            "location",
            element("name", named) if named else None,
            address(stay.place_address) if stay.place_address else None,
        )
        if named or stay.place_address
        else None
    )
    return element("healthCareFacility", coded("code", stay.facility_type), place)
