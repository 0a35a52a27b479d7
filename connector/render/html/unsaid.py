"""Coded statements that no narrative says: a reader of the page must not know less than a program.

A statement is said when a reference of its own leads to narrative that says something; or when it is part of one that
is said, and the words of its value are in the narrative of its section; or when it only names (a code, no value) what
its parts say. All others are shown in a table. Each element is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.render.html.model import R
from connector.render.html.places import narrative

_IMAGE: Final = q(HL7V3, "renderMultiMedia")
_SHOWN: Final = frozenset(
    q(HL7V3, name)
    for name in (
        "observation", "act", "procedure", "substanceAdministration", "supply", "encounter", "organizer",
    )
)  # fmt: skip
_STATEMENTS: Final = _SHOWN | {q(HL7V3, "observationMedia"), q(HL7V3, "regionOfInterest")}
"""Media are shown as what they are."""
_SECTION, _TEXT, _ENTRY = q(HL7V3, "section"), q(HL7V3, "text"), q(HL7V3, "entry")
_CODE, _ORIGINAL, _VALUE = q(HL7V3, "code"), q(HL7V3, "originalText"), q(HL7V3, "value")
_REFERENCE = q(HL7V3, "reference")
_THINGS: Final = (
    q(HL7V3, "consumable"),
    q(HL7V3, "product"),
    "/".join(q(HL7V3, name) for name in ("participant", "participantRole", "playingDevice")),
    "/".join(q(HL7V3, name) for name in ("participant", "participantRole", "playingEntity")),
)
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_WORD: Final = re.compile(r"\w+(?:[.,]\w+)*")


def mark_unsaid(document: etree._Element) -> None:
    """Writes r:unsaid on each such statement, and on the sections that have one."""
    said = _said(document)
    for section in document.iter(_SECTION):
        words = _words(str(text) for part in section.findall(_TEXT) for text in part.itertext())
        reader = _Reader(said, frozenset(words))
        for entry in section.findall(_ENTRY):
            reader.read(entry, within=False)
        if reader.marked:
            section.set(q(R, "unsaid"), "1")


def _said(document: etree._Element) -> frozenset[str]:
    """IDs of the narrative that say something: a text, or an image."""
    return frozenset(str(node.get("ID")) for node in narrative(document) if node.get("ID") and _says(node))


def _says(node: etree._Element) -> bool:
    return any(text.strip() for text in node.itertext()) or next(node.iter(_IMAGE), None) is not None


def _words(texts: Iterable[str]) -> Iterator[str]:
    """Words and numbers, in lower case, decimals with a point."""
    for text in texts:
        yield from (word.casefold().replace(",", ".") for word in _WORD.findall(text))


@dataclass(slots=True)
class _Reader:
    """Reads the entries of one section: `said` are the IDs of narrative, `words` those of its own narrative."""

    said: frozenset[str]
    words: frozenset[str]
    marked: bool = False

    def read(self, node: etree._Element, *, within: bool) -> bool:
        """True when `node` or a part of it refers to narrative; `within`: what it is part of does.

        Elements in one another are at most DEEPEST (`annotate.py`): this may call itself.
        """
        refers, parts = self._look(node)
        told = [self.read(part, within=within or refers) for part in parts]
        if node.tag in _SHOWN and not refers and not self._is_said(node, within, any(told)):
            node.set(q(R, "unsaid"), "1")
            self.marked = True
        return refers or any(told)

    def _look(self, node: etree._Element) -> tuple[bool, list[etree._Element]]:
        """Whether a reference of the statement itself leads to narrative, and the statements that are parts of it."""
        refers, parts, pending = False, [], list(node)
        while pending:
            inner = pending.pop()
            if inner.tag in _STATEMENTS:
                parts.append(inner)
                continue
            if inner.tag == _REFERENCE:
                refers |= inner.get("value", "").removeprefix("#") in self.said
            pending.extend(inner)
        return refers, parts

    def _is_said(self, node: etree._Element, within: bool, told: bool) -> bool:
        code = node.find(_CODE)
        named = code is not None and bool(code.get("code") or code.find(_ORIGINAL) is not None)
        values = [value for value in node.findall(_VALUE) if value.get("nullFlavor") is None]
        if not values and not any(node.find(path) is not None for path in _THINGS):
            return within or told or not named
        return within and all(map(self._reads, values))

    def _reads(self, value: etree._Element) -> bool:
        """Whether the words of a value are in the narrative; yes or no is said in too many ways to be looked for."""
        if value.get(_TYPE, "").endswith("BL"):
            return True
        written = value.get("displayName") or value.get("value") or str(value.xpath("string()"))
        return self.words.issuperset(_words([written]))
