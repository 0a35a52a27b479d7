"""recordTarget: the patient, identifiers first (cda-lettre-de-liaison §1.1)."""

from __future__ import annotations

from connector.codes import load
from connector.letter.build.people import guardian, reached
from connector.letter.build.values import identified, time
from connector.letter.build.xml import Xml, element
from connector.letter.model import Patient

_GENDER = "2.16.840.1.113883.5.1"


def record_target(value: Patient) -> Xml:
    return element(
        "recordTarget",
        element(
            "patientRole",
            element("id", root=value.ins.oid, extension=value.ins.value),
            identified(value.ipp) if value.ipp else None,
            reached(value.addresses, value.telecoms),
            element("patient", _person(value)),
        ),
    )


def _person(value: Patient) -> list[Xml | None]:
    return [
        _name(value),
        _gender(value.sex),
        time("birthTime", value.birth_date),
        element("sdtc:deceasedInd", value="true") if value.death else None,
        time("sdtc:deceasedTime", value.death) if value.death else None,
        *map(guardian, value.guardians),
        element("birthplace", element("place", _birth_place(value))),
    ]


def _name(value: Patient) -> Xml:
    """Birth name and names of the civil status, then the names in use."""
    return element(
        "name",
        element("family", value.birth_family, qualifier="BR"),
        element("given", " ".join(value.birth_given_names)),
        element("given", value.first_birth_given, qualifier="BR"),
        element("family", value.used_family, qualifier="CL") if value.used_family else None,
        element("given", value.used_given, qualifier="CL") if value.used_given else None,
    )


def _gender(sex: str) -> Xml:
    known = load("J143").get(sex, _GENDER)
    return element(
        "administrativeGenderCode", code=sex, displayName=known.display if known else None, codeSystem=_GENDER
    )


def _birth_place(value: Patient) -> Xml:
    place = value.birth_place
    return element("addr", element("county", place.insee), element("city", place.label) if place.label else None)
