"""People and structures of a CDA header (cda-lettre-de-liaison §1.1 to 1.4)."""

from __future__ import annotations

from lxml import etree

from connector.cda.model import CdaOrganization, CdaPerson
from connector.cda.nodes import attribute, child, children, coded, instance_id, text
from connector.ins.model import Traits

PS_ROOT = "1.2.250.1.71.4.2.1"
STRUCTURE_ROOT = "1.2.250.1.71.4.2.2"

SEX = {"F": "F", "M": "M", "UN": "U"}
"""administrativeGenderCode -> sex of the traits; UN (undifferentiated) is HL7v2's U, any other code is unknown."""


def read_traits(patient: etree._Element | None) -> Traits:
    """Strict traits of recordTarget/patientRole/patient, "" for each one absent."""
    families = _by_qualifier(patient, "family")
    givens = _by_qualifier(patient, "given")
    plain = givens.get("", [])
    # Old documents qualify nothing: one given name without a space can only be the first one.
    first = givens.get("BR") or [name for name in plain[:1] if " " not in name]
    return Traits(
        birth_name=_first(families.get("BR") or families.get("")),
        first_given=_first(first),
        given_names=" ".join(plain),
        # SP, spouse, is how documents before 2021 qualified the used name.
        used_name=_first(families.get("CL") or families.get("SP")),
        used_given=_first(givens.get("CL")),
        birth_date=attribute(patient, "value", "birthTime")[:8],
        sex=SEX.get(attribute(patient, "code", "administrativeGenderCode"), ""),
        birth_place=text(patient, "birthplace/place/addr/county"),
    )


def read_author(author: etree._Element) -> CdaPerson:
    """An author: a person, or a device whose software is the family name and model the given one."""
    return _read_person(author, child(author, "assignedAuthor"))


def read_authenticator(node: etree._Element | None) -> CdaPerson | None:
    return None if node is None else _read_person(node, child(node, "assignedEntity"))


def read_organization(node: etree._Element | None) -> CdaOrganization | None:
    if node is None:
        return None
    return CdaOrganization(
        instance_id(node, root=STRUCTURE_ROOT), text(node, "name"), coded(node, "standardIndustryClassCode")
    )


def _read_person(role: etree._Element, entity: etree._Element | None) -> CdaPerson:
    device = child(entity, "assignedAuthoringDevice")
    if device is not None:
        family, given = text(device, "softwareName"), text(device, "manufacturerModelName")
    else:
        family, given = text(entity, "assignedPerson/name/family"), text(entity, "assignedPerson/name/given")
    return CdaPerson(
        id=instance_id(entity, root=PS_ROOT),
        family=family,
        given=given,
        code=coded(entity, "code"),
        function=coded(role, "functionCode"),
        organization=read_organization(child(entity, "representedOrganization")),
        time=attribute(role, "value", "time"),
        device=device is not None,
    )


def _by_qualifier(patient: etree._Element | None, tag: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in children(patient, f"name/{tag}"):
        value = text(node)
        for qualifier in attribute(node, "qualifier").split() or [""]:
            if value:
                found.setdefault(qualifier, []).append(value)
    return found


def _first(values: list[str] | None) -> str:
    return values[0] if values else ""
