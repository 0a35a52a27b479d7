"""Rules about the codes of the header: the code and its system together (cda-lettre-de-liaison §7).

The suites compare @code only; the DMP's metadata are made of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.nodes import attribute, child, children
from connector.codes.valueset import load

_ACT_CODE: Final = "2.16.840.1.113883.5.4"
_INDUSTRY: Final = "representedOrganization/standardIndustryClassCode"
_LISTS: Final = (
    ("J142", "componentOf/encompassingEncounter/code"),
    ("J02", "componentOf/encompassingEncounter/location/healthCareFacility/code"),
    ("J04", f"documentationOf/serviceEvent/performer/assignedEntity/{_INDUSTRY}"),
    ("J04", f"legalAuthenticator/assignedEntity/{_INDUSTRY}"),
    ("J04", f"author/assignedAuthor/{_INDUSTRY}"),
    ("J01", "author/assignedAuthor/code"),
    ("J01", "legalAuthenticator/assignedEntity/code"),
    ("J47", "author/functionCode"),
    ("J47", "participant/functionCode"),
    ("Confidentiality", "confidentialityCode"),
    ("J143", "recordTarget/patientRole/patient/administrativeGenderCode"),
)


def document_type(document: Document) -> Iterator[Fault]:
    node = child(document.clinical, "code")
    if node is not None:
        yield from _other_system("J07", node)


def systems(document: Document) -> Iterator[Fault]:
    for name, path in _LISTS:
        for node in children(document.clinical, path):
            yield from _other_system(name, node)


def act_code(document: Document) -> Iterator[Fault]:
    """A kind of stay that HL7's list would hold, under its own OID; acts of other lists are not judged here."""
    for node in children(document.clinical, "documentationOf/serviceEvent/code"):
        code = attribute(node, "code")
        yield from _other_system("J142", node)
        if attribute(node, "codeSystem") == _ACT_CODE and code and load("J142").get(code, _ACT_CODE) is None:
            kinds = ", ".join(concept.code for concept in load("J142") if concept.system == _ACT_CODE)
            yield Fault(place(node, "code"), code[:32], kinds, "Ce code d'acte n'existe pas dans la liste des venues")


def listed(document: Document) -> Iterator[tuple[str, etree._Element]]:
    """Codes of the header that are of a list held here, each with the name of its list."""
    for name, path in (("J07", "code"), ("J142", "documentationOf/serviceEvent/code"), *_LISTS):
        for node in children(document.clinical, path):
            yield name, node


def _other_system(name: str, node: etree._Element) -> Iterator[Fault]:
    """Nothing for a code that is not of the list at all: the suites say so."""
    code, system = attribute(node, "code"), attribute(node, "codeSystem")
    held = load(name)
    if code and code in held and held.get(code, system) is None:
        known = dict.fromkeys(concept.system for concept in held if concept.code == code)
        text = f"Le code {code} n'est pas de ce système de codes"
        yield Fault(place(node, "codeSystem"), system[:64] or "aucun", ", ".join(known), text)
