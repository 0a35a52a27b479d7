"""Where a thing stands in the letter: its identifier, and the place of the narrative that says it to a reader."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import tzinfo

from connector.letter.build.xml import Content, Xml, element


@dataclass(frozen=True, slots=True)
class Place:
    """A path of names in one document: `Place(document, clock).at("allergies", 1)` is `allergies-1`.

    `document` is the identifier of the document: the same place of the same document always has the same identifier.
    `clock` is the zone in which its times are read.
    """

    document: str
    clock: tzinfo
    path: str = ""

    def at(self, *steps: str | int) -> Place:
        """A place inside this one."""
        joined = "-".join(str(step) for step in steps)
        return Place(self.document, self.clock, f"{self.path}-{joined}" if self.path else joined)

    def id(self) -> Xml:
        """`id` of what stands here: a UUID of the document and of the path."""
        return element("id", root=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.document}#{self.path}")).upper())

    def content(self, *content: Content) -> Xml:
        """Narrative that entries may point to."""
        return element("content", *content, ID=self.path)

    def reference(self) -> Xml:
        """Pointer to the narrative of this place."""
        return element("reference", value=f"#{self.path}")

    def text(self) -> Xml:
        """`text` of an entry: the pointer to its narrative."""
        return element("text", self.reference())

    def original(self) -> Xml:
        """`originalText` of a code: the pointer to its narrative."""
        return element("originalText", self.reference())
