"""What was not taken while a document was read, told once each: the whole element when nothing of it was taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, XSI
from connector.letter.read.cursor import Kept, Reading, path_of
from connector.letter.read.narrative import plain

_MECHANICS: Final = frozenset(
    {
        "classCode",
        "moodCode",
        "typeCode",
        "determinerCode",
        "contextControlCode",
        "contextConductionInd",
        "inversionInd",
        "codeSystemName",
        "codeSystemVersion",
        "operator",
        "ID",
        "styleCode",
        f"{{{XSI}}}type",
        f"{{{XSI}}}schemaLocation",
    }
)
"""Attributes that say how CDA is put together, not what happened. A reader looks at those that matter."""

_MACHINERY: Final = frozenset({"realmCode", "typeId", "templateId", "colgroup", "col"})
"""Elements that say which rules a document follows, or how wide a column is."""

_NARRATIVE: Final = frozenset({"text", "title"})
_LAYOUT: Final = frozenset({"border", "align", "valign", "colspan", "rowspan", "width", "listType", "mediaType"})

_WORDS: Final = {
    "addr": "adresse",
    "author": "auteur",
    "authorization": "autorisation",
    "code": "code",
    "component": "partie du document",
    "dataEnterer": "personne qui a saisi",
    "doseQuantity": "dose",
    "effectiveTime": "date",
    "entry": "entrée codée",
    "entryRelationship": "entrée liée",
    "guardian": "représentant",
    "id": "identifiant",
    "informant": "proche",
    "informationRecipient": "destinataire",
    "interpretationCode": "interprétation",
    "methodCode": "méthode",
    "name": "nom",
    "participant": "participant",
    "priorityCode": "priorité",
    "representedOrganization": "structure",
    "routeCode": "voie d'administration",
    "section": "section",
    "standardIndustryClassCode": "cadre d'exercice",
    "statusCode": "statut",
    "targetSiteCode": "localisation",
    "td": "texte du récit",
    "telecom": "coordonnées",
    "text": "texte du récit",
    "time": "date",
    "translation": "autre codage",
    "value": "valeur",
}
_LONGEST: Final = 2_000
_MOST: Final = 500
"""Left-over things listed one by one."""


def leftovers(reading: Reading) -> tuple[Kept, ...]:
    """All that nobody took, in document order, after what was set aside on purpose; the last one counts what is cut."""
    marks = _Marks(reading)
    found = list(islice(_of(marks, reading.document), _MOST + 1))
    if len(found) > _MOST:
        found[_MOST] = Kept("/ClinicalDocument", f"plus de {_MOST} autres éléments que la lettre ne contient pas")
    return (*reading.kept, *found)


class _Marks:
    """For each element, whether something inside says something and was not taken, and whether something was taken."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.bearing: set[etree._Element] = set()
        self.touched: set[etree._Element] = set()
        # Backwards, an element comes after all it holds.
        for element in reversed(reading.elements):
            self._mark(element)

    def _mark(self, element: etree._Element) -> None:
        reading = self.reading
        above = element.getparent()
        if element in reading.whole:
            self.bearing.discard(element)
            self.touched.add(element)
        elif etree.QName(element).localname in _MACHINERY:
            self.bearing.discard(element)
        elif _unread(reading, element) or _unread_text(reading, element):
            self.bearing.add(element)
        if any((element, name) in reading.taken for name in ("text()", *map(str, element.attrib))):
            self.touched.add(element)
        if above is not None:
            for marks in (self.bearing, self.touched):
                if element in marks:
                    marks.add(above)


def _of(marks: _Marks, element: etree._Element) -> Iterator[Kept]:
    if element not in marks.bearing:
        return
    name = etree.QName(element).localname
    if element not in marks.touched:
        yield Kept(path_of(element), _WORDS.get(name, f"élément {name}"), _told(element))
        return
    for attribute in _unread(marks.reading, element):
        yield Kept(
            f"{path_of(element)}/@{attribute}",
            f"{_WORDS.get(name, f'élément {name}')} ({attribute})",
            str(element.get(attribute, "")),
        )
    if own := _unread_text(marks.reading, element):
        yield Kept(f"{path_of(element)}/text()", _WORDS.get(name, f"élément {name}"), own[:_LONGEST])
    for child in element.iterchildren("*"):
        yield from _of(marks, child)


def _unread(reading: Reading, element: etree._Element) -> list[str]:
    return [
        name
        for name in map(str, element.attrib)
        if (element, name) not in reading.taken
        and name not in _MECHANICS
        # A flavour says that nothing is given; that something is hidden is worth telling.
        and not (name == "nullFlavor" and element.get(name) != "MSK")
        and not (name in _LAYOUT and _is_narrative(element))
    ]


def _is_narrative(element: etree._Element) -> bool:
    return etree.QName(element).localname in _NARRATIVE or any(
        etree.QName(above).localname == "text" for above in element.iterancestors()
    )


def _unread_text(reading: Reading, element: etree._Element) -> str:
    if (element, "text()") in reading.taken:
        return ""
    parts = [element.text, *(child.tail for child in element)]
    return " ".join(" ".join(part for part in parts if part).split())


def _told(element: etree._Element) -> str:
    """Texts and codes inside, as a person may read them."""
    if element.tag == f"{{{HL7V3}}}text":
        return plain(element)[:_LONGEST]
    words = []
    for node in element.iter("*"):
        words += [str(node.get(name)) for name in ("displayName", "value", "unit", "extension") if node.get(name)]
        words += ["masqué"] if node.get("nullFlavor") == "MSK" else []
        if not node.get("displayName") and node.get("code"):
            words.append(str(node.get("code")))
        words += (node.text or "").split()
        words += (node.tail or "").split() if node is not element else []
    return " ".join(words)[:_LONGEST]
