"""The sections of a letter, recognised once for every rule (cda-lettre-de-liaison §2, §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.nodes import attribute, children

Letter = Literal["LDL-SES", "LDL-EES"]

_STATUS: Final = ("1.2.250.1.213.1.1.2.35.1", "33557-0", "statut du document")
_REASON: Final = ("1.2.250.1.213.1.1.2.127", "42349-1", "motif")
_ALLERGIES: Final = ("1.2.250.1.213.1.1.2.137", "48765-2", "allergies")
SECTIONS: Final[Mapping[Letter, tuple[tuple[str, str, str], ...]]] = {
    "LDL-SES": (
        _STATUS,
        _REASON,
        ("1.2.250.1.213.1.1.2.163.1", "42545-4", "synthèse du séjour"),
        ("1.2.250.1.213.1.1.2.145", "18610-6", "traitements arrêtés"),
        ("1.2.250.1.213.1.1.2.146", "10183-2", "traitements à la sortie"),
        ("1.2.250.1.213.1.1.2.150", "30954-2", "résultats"),
        ("1.2.250.1.213.1.1.2.158", "18776-5", "suites à donner"),
        ("1.2.250.1.213.1.1.2.1", "46264-8", "dispositifs médicaux"),
        _ALLERGIES,
    ),
    "LDL-EES": (
        _REASON,
        ("1.2.250.1.213.1.1.2.144", "42346-7", "traitements à l'admission"),
        _ALLERGIES,
        ("1.2.250.1.213.1.1.2.134", "11348-0", "antécédents médicaux"),
        ("1.2.250.1.213.1.1.2.136", "47519-4", "antécédents chirurgicaux"),
        ("1.2.250.1.213.1.1.2.73", "55112-7", "commentaire"),
    ),
}
"""CI-SIS templateId and LOINC code of each section of a letter, in the order of the model; what a reader calls it."""

_SECTION: Final = q(HL7V3, "section")


@dataclass(frozen=True, slots=True, repr=False)
class Section:
    """`name` is what a reader calls it, "" when it is of no model; `whole` says that templateId and code agree.

    `first` is True beside the others, False inside another one.
    """

    node: etree._Element
    name: str
    expected: tuple[str, str]
    whole: bool
    first: bool


def read_outline(clinical: etree._Element, letter: Letter | None) -> tuple[Section, ...]:
    """Every section of a letter, by its templateId or its code, subsections too; none for another document."""
    if letter is None:
        return ()
    first = set(children(clinical, "component/structuredBody/component/section"))
    return tuple(_read(node, letter, node in first) for node in clinical.iter(_SECTION))


def _read(node: etree._Element, letter: Letter, first: bool) -> Section:
    roots = {attribute(one, "root") for one in children(node, "templateId")}
    code = attribute(node, "code", "code")
    for root, loinc, name in SECTIONS[letter]:
        if root in roots or code == loinc:
            return Section(node, name, (root, loinc), root in roots and code == loinc, first)
    return Section(node, "", ("", ""), True, first)
