"""A section: its heading, the narrative, and the entries that say the same in codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector.letter.build.narrative import lines, paragraph
from connector.letter.build.place import Place
from connector.letter.build.systems import LOINC
from connector.letter.build.values import fixed, templates
from connector.letter.build.xml import Content, Xml, element

PCC: Final = "1.3.6.1.4.1.19376.1.5.3.1"
CCD: Final = "2.16.840.1.113883.10.20.1"
FR_SECTION: Final = "1.2.250.1.213.1.1.2"
FR_ENTRY: Final = "1.2.250.1.213.1.1.3"


@dataclass(frozen=True, slots=True)
class Heading:
    """What is fixed in a section: `code` is LOINC, `display` its label, `title` what the reader sees."""

    code: str
    display: str
    title: str
    templates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the body; `narrative` is never void."""

    heading: Heading
    place: Place
    narrative: Content
    entries: tuple[Xml, ...] = ()

    def xml(self) -> Xml:
        return element(
            "component",
            element(
                "section",
                templates(*self.heading.templates),
                self.place.id(),
                fixed("code", self.heading.code, LOINC, self.heading.display),
                element("title", self.heading.title),
                element("text", self.narrative),
                [element("entry", entry) for entry in self.entries],
            ),
        )


def prose(heading: Heading, place: Place, text: str) -> Section:
    """A section of text only."""
    return Section(heading, place, paragraph(place.at("text").content(lines(text))))
