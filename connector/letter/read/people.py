"""Professionals, structures, devices and relatives (cda-lettre-de-liaison §1.2 to §1.6)."""

from __future__ import annotations

import re
from typing import Final

from connector.letter.model.identifiers import PERSON_ROOT, STRUCTURE_ROOT
from connector.letter.model.people import INFORMANT_CLASSES
from connector.letter.read.cursor import Cursor
from connector.letter.read.values import Plain, code, said, span, time

_RPPS: Final = re.compile(r"8[0-9]{11}")
_FINESS: Final = re.compile(r"1[0-9][0-9AB][0-9]{7}")
_REACHED: Final = frozenset({"addresses", "telecoms"})
_ROLES: Final = {classcode: role for role, classcode in INFORMANT_CLASSES.items()}

_PARTS: Final = {
    "houseNumber": "house_number",
    "streetNameType": "street_type",
    "streetName": "street",
    "additionalLocator": "additional_locator",
    "unitID": "unit",
    "postBox": "post_box",
    "precinct": "precinct",
    "county": "county",
    "postalCode": "postal_code",
    "city": "city",
    "state": "state",
    "country": "country",
}


def address(node: Cursor) -> Plain | None:
    """An address in parts, else in lines, else the text as one line."""
    parts = {name: node.at(tag).text() for tag, name in _PARTS.items()}
    if any(parts.values()):
        return said({"use": node.attribute("use"), **parts})
    lines = [line for item in node.each("streetAddressLine") if (line := item.text())]
    if not lines and (text := node.text()):
        lines = [text]
    return said({"use": node.attribute("use"), "lines": lines}) if lines else None


def addresses(node: Cursor) -> list[Plain]:
    return [found for item in node.each("addr") if (found := address(item))]


def telecoms(node: Cursor) -> list[Plain]:
    """Ways to reach someone; a telecom that only says why there is none is not one."""
    return [
        {"value": value, **(said({"use": item.attribute("use")}) or {})}
        for item in node.each("telecom")
        if (value := item.attribute("value"))
    ]


def person_name(node: Cursor) -> Plain:
    """PN of anyone but the patient."""
    return {
        "family": node.at("family").text(),
        "given": " ".join(text for item in node.each("given") if (text := item.text())),
        "prefix": node.at("prefix").text(),
        "suffix": node.at("suffix").text(),
    }


def organization(node: Cursor) -> Plain | None:
    """A structure; None when neither an identifier nor a name designates it."""
    known: Plain = {}
    for item in node.each("id"):
        if item.peek("root") == STRUCTURE_ROOT and item.peek("extension"):
            item.attribute("root")
            number = item.attribute("extension") or ""
            known = {"finess": number[1:]} if _FINESS.fullmatch(number) else {"other_id": number}
            break
    if not known and not node.at("name").peek_text():
        return None
    return said(
        {
            **known,
            "name": node.at("name").text(),
            "practice_setting": code(node.at("standardIndustryClassCode")),
            "addresses": addresses(node),
            "telecoms": telecoms(node),
        }
    )


def entity(node: Cursor, name: str, structure: str) -> Plain:
    """Anyone by role: identifier, specialty, contacts, the person at `name`, the structure at `structure`."""
    known: Plain = {}
    for item in node.each("id"):
        if item.peek("root") == PERSON_ROOT and item.peek("extension"):
            item.attribute("root")
            number = item.attribute("extension") or ""
            known = {"rpps": number[1:]} if _RPPS.fullmatch(number) else {"other_id": number}
            break
    return {
        **known,
        "specialty": code(node.at("code")),
        "addresses": addresses(node),
        "telecoms": telecoms(node),
        **person_name(node.at(name)),
        "organization": organization(node.at(structure)),
    }


def professional(
    node: Cursor, name: str = "assignedPerson/name", structure: str = "representedOrganization"
) -> Plain | None:
    """A professional with identifier and name, None when one of them is missing: then nothing is taken."""
    identified = any(item.peek("root") == PERSON_ROOT and item.peek("extension") for item in node.each("id"))
    if not identified or not node.at(f"{name}/family").peek_text():
        return None
    return said(entity(node, name, structure))


def author(node: Cursor) -> Plain | None:
    """An author: a person, or a device."""
    if not node:
        return None
    told: Plain = {"time": time(node.at("time"), "moment"), "function": code(node.at("functionCode"))}
    role = node.at("assignedAuthor")
    device = role.at("assignedAuthoringDevice")
    if not device:
        return said({**told, **entity(role, "assignedPerson/name", "representedOrganization")})
    return said(
        {
            **told,
            **entity(role, "assignedPerson/name", "representedOrganization"),
            "model": device.at("manufacturerModelName").text(),
            "software": device.at("softwareName").text(),
        }
    )


def signatory(node: Cursor) -> Plain | None:
    """A legal authenticator or another one."""
    node.at("signatureCode").settle("code", "S")
    found = said(entity(node.at("assignedEntity"), "assignedPerson/name", "representedOrganization"))
    return said({"time": time(node.at("time"), "moment"), **found}) if found else None


def recipient(node: Cursor) -> Plain | None:
    return professional(node.at("intendedRecipient"), "informationRecipient/name", "receivedOrganization")


def describes(told: Plain, recipients: list[Plain]) -> bool:
    """True for an informed participant who is one of the recipients, whose specialty and setting it tells.

    The recipient then has them: the builder says there what a recipient has no room for (build/recipients.py).
    """
    if set(told) != {"type", "role", "person"} or (told["type"], told["role"]) != ("INF", "PROV"):
        return False
    person: Plain = told["person"]
    if "specialty" not in person and "organization" not in person:
        return False
    for recipient in recipients:
        described = {**recipient, "specialty": person.get("specialty")}
        if "organization" in person:
            setting = person["organization"].get("practice_setting")
            described["organization"] = {**recipient.get("organization", {}), "practice_setting": setting}
        if said(_bare(described)) == person:
            recipient.update(said(described) or {})
            return True
    return False


def _bare(person: Plain) -> Plain:
    """Without the ways to reach the person; the structure only with its setting, and without its own."""
    bare = {name: value for name, value in person.items() if name not in _REACHED}
    structure = {name: value for name, value in person.get("organization", {}).items() if name not in _REACHED}
    return {**bare, "organization": structure if structure.get("practice_setting") else None}


def informant(node: Cursor) -> Plain | None:
    """A relative; None (nothing taken) for anyone without a name."""
    relative = node.at("relatedEntity")
    role = _ROLES.get(relative.peek("classCode"))
    if role is None or not relative.at("relatedPerson/name/family").peek_text():
        return None
    return said(
        {
            "role": role,
            "relation": code(relative.at("code")),
            "addresses": addresses(relative),
            "telecoms": telecoms(relative),
            **person_name(relative.at("relatedPerson/name")),
        }
    )


def guardian(node: Cursor) -> Plain | None:
    """A person in charge of the patient; a structure in charge has no place in the model."""
    if not node.at("guardianPerson/name/family").peek_text():
        return None
    return said(
        {
            "addresses": addresses(node),
            "telecoms": telecoms(node),
            **person_name(node.at("guardianPerson/name")),
        }
    )


def is_primary_physician(node: Cursor) -> bool:
    """The médecin traitant: informed, in the function PCP, with a name and without dates (§1.6)."""
    dated = any(node.at(place).peek("value") for place in ("time", "time/low", "time/high"))
    named = node.at("associatedEntity/associatedPerson/name/family").peek_text()
    return (
        node.peek("typeCode") == "INF" and node.at("functionCode").peek("code") == "PCP" and bool(named) and not dated
    )


def primary_physician(node: Cursor) -> Plain | None:
    node.at("functionCode").take()
    return said(entity(node.at("associatedEntity"), "associatedPerson/name", "scopingOrganization"))


def participation(node: Cursor) -> Plain | None:
    """Someone, or a structure, tied to the document."""
    role = node.at("associatedEntity")
    start, end = span(node.at("time"))
    found: Plain = {
        "type": node.attribute("typeCode"),
        "function": code(node.at("functionCode")),
        "role": role.attribute("classCode"),
        "start": start,
        "end": end,
    }
    if role.at("associatedPerson/name/family").peek_text():
        found["person"] = said(entity(role, "associatedPerson/name", "scopingOrganization"))
    else:
        found["organization"] = organization(role.at("scopingOrganization"))
    return said(found) if found.get("person") or found.get("organization") else None
