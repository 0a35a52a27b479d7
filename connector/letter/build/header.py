"""The header of a letter, element by element in the order of the schema (cda-lettre-de-liaison §1)."""

from __future__ import annotations

from typing import Final

from connector.codes import load
from connector.letter.build import people
from connector.letter.build.patient import record_target
from connector.letter.build.recipients import informed, recipients
from connector.letter.build.stay import component_of, documentation_of
from connector.letter.build.values import coded, identified, templates, time
from connector.letter.build.xml import Xml, element
from connector.letter.model import Code, Letter, Replaced

HL7_FRANCE: Final = "2.16.840.1.113883.2.8.2.1"
CI_SIS: Final = "1.2.250.1.213.1.1.1.1"
MODELS: Final = {
    "discharge": "1.2.250.1.213.1.1.1.29|2022.01",
    "admission": "1.2.250.1.213.1.1.1.21|2022.01",
    "unstructured": "1.3.6.1.4.1.19376.1.2.20",
}
"""Template of each kind of letter, with its version where it has one."""


def header(letter: Letter) -> list[Xml]:
    """Everything before `component`."""
    return [
        element("realmCode", code="FR"),
        element("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040"),
        *templates(HL7_FRANCE, CI_SIS, MODELS[letter.kind]),
        identified(letter.id),
        coded("code", letter.type_code),
        element("title", letter.title),
        time("effectiveTime", letter.effective_time),
        _confidentiality(letter.confidentiality),
        element("languageCode", code=letter.language),
        identified(letter.set_id, "setId"),
        element("versionNumber", value=str(letter.version)),
        record_target(letter.patient),
        *map(people.author, letter.authors),
        *map(people.informant, letter.informants),
        people.custodian(letter.custodian),
        *recipients(letter),
        people.signed("legalAuthenticator", letter.legal_authenticator),
        *(people.signed("authenticator", person) for person in letter.authenticators),
        *informed(letter),
        *(element("inFulfillmentOf", element("order", identified(order))) for order in letter.orders),
        documentation_of(letter),
        *([_replacement(letter.replaces)] if letter.replaces else []),
        component_of(letter),
    ]


def _confidentiality(code: str) -> Xml:
    known = load("Confidentiality").get(code)
    system, display = (known.system, known.display) if known else ("2.16.840.1.113883.5.25", code)
    return coded("confidentialityCode", Code(code=code, system=system, display=display))


def _replacement(former: Replaced) -> Xml:
    """The document this one takes the place of; the header rules leave no room for its setId."""
    return element(
        "relatedDocument",
        element(
            "parentDocument",
            identified(former.id),
            element("versionNumber", value=str(former.version)) if former.version else None,
        ),
        typeCode="RPLC",
    )
