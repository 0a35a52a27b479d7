"""A finger on an XML tree: whatever it touches counts as taken, so that the rest can be listed (leftovers.py).

Every question may be put to a place that does not exist: the answer is then nothing, and nothing is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.cda.clock import document_clock
from connector.letter.errors import LetterError, fault
from connector.letter.read.narrative import NamedCell, is_deleted, named_cells
from connector.letter.read.tables import table_of

_V3 = {"v3": HL7V3}
_MEDIA: Final = q(HL7V3, "renderMultiMedia")
_MOST_SHOWN: Final = 200
"""Struck out texts and images listed one by one."""

DEEPEST: Final = 200
"""Levels of elements; the official letters have 17."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the model does not hold: `path` in the document (or in the letter), `what` it is, in French.

    Its own text is apart, and not shown: it may name someone.
    """

    path: str
    what: str
    value: str = field(default="", repr=False)


class Reading:
    """One document being read: what was taken so far, and what was set aside on purpose.

    Raises LetterError for a document nested deeper than DEEPEST.
    """

    def __init__(self, document: etree._Element) -> None:
        self.document = document
        if _deeper_than(document, DEEPEST):
            raise LetterError([fault("document", "le document est trop imbriqué", f"{DEEPEST} niveaux au plus")])
        # lxml forgets an element's identity with its last reference: all are held for the time of the reading.
        self.elements = [node for node in document.iter() if isinstance(node.tag, str)]
        self.taken: set[tuple[etree._Element, str]] = set()
        self.whole: set[etree._Element] = set()
        self.kept: list[Kept] = []
        self.clock = document_clock(document)
        self._cells: dict[etree._Element, tuple[NamedCell, ...]] = {}
        self._named: dict[str, etree._Element] = {}
        for element in self.elements:
            name = element.get("ID")
            if name:
                self._named.setdefault(name, element)
        self._set_aside()

    def cells(self, row: etree._Element) -> tuple[NamedCell, ...]:
        """The cells that stand in a row of a table."""
        table = table_of(row)
        if row not in self._cells and table is not None:
            self._cells.update(named_cells(table))
        return self._cells.get(row, ())

    def _set_aside(self) -> None:
        """What the narrative shows and no text of a letter may hold: struck out text, images."""
        for element in self.elements:
            if is_deleted(element):
                Cursor(element, self).keep("texte supprimé dans le récit")
            elif element.tag == _MEDIA:
                Cursor(element, self).keep_attribute("referencedObject", "image ou fichier montré dans le récit")
            if len(self.kept) > _MOST_SHOWN:
                root = path_of(self.document)
                self.kept[-1] = Kept(root, f"plus de {_MOST_SHOWN} textes supprimés, images ou fichiers du récit")
                return

    def cursor(self, element: etree._Element | None) -> Cursor:
        return Cursor(element, self)

    def named(self, reference: str) -> etree._Element | None:
        """The element that `#id` (or `id`, as some documents write it) points to."""
        return self._named.get(reference.removeprefix("#"))


class Cursor:
    """An element, or the place where one might have been."""

    __slots__ = ("element", "reading")

    def __init__(self, element: etree._Element | None, reading: Reading) -> None:
        self.element = element
        self.reading = reading

    def __bool__(self) -> bool:
        return self.element is not None

    def at(self, path: str) -> Cursor:
        """The first element at `path` ("a/b/c" in HL7v3, a Clark name for another namespace)."""
        return Cursor(None if self.element is None else self.element.find(_xpath(path), _V3), self.reading)

    def each(self, path: str) -> Iterator[Cursor]:
        if self.element is not None:
            for found in self.element.iterfind(_xpath(path), _V3):
                yield Cursor(found, self.reading)

    @property
    def name(self) -> str:
        """Local name, "" for nothing."""
        return "" if self.element is None else etree.QName(self.element).localname

    def peek(self, name: str) -> str:
        """Attribute, trimmed, not taken; "" when absent."""
        return "" if self.element is None else str(self.element.get(name, "")).strip()

    def attribute(self, name: str) -> str | None:
        """Attribute, trimmed and taken; None when absent or empty."""
        value = self.peek(name)
        if value and self.element is not None:
            self.reading.taken.add((self.element, name))
        return value or None

    def settle(self, name: str, *expected: str) -> bool:
        """Takes the attribute when it says what goes without saying; otherwise it stays to be listed."""
        if self.peek(name) not in expected:
            return False
        self.attribute(name)
        return True

    def peek_text(self) -> str:
        """All text inside, white space collapsed, not taken."""
        # XPath's string() leaves out comments, which itertext() would read as text.
        return "" if self.element is None else " ".join(str(self.element.xpath("string()")).split())

    def text(self) -> str | None:
        """All text inside, white space collapsed; the element is taken with all it holds but its attributes."""
        found = self.peek_text()
        if found and self.element is not None:
            for inner in self.element.iter():
                self.reading.taken.add((inner, "text()"))
        return found or None

    def take(self) -> None:
        """The element and all inside is accounted for."""
        if self.element is not None:
            self.reading.whole.add(self.element)

    def keep(self, what: str, value: str = "") -> None:
        """Sets the element aside as a whole, told as `what`; its text is `value` if given."""
        if self.element is not None:
            self.reading.kept.append(Kept(path_of(self.element), what, value or self.peek_text()))
            self.take()

    def keep_attribute(self, name: str, what: str) -> None:
        """Sets one attribute aside, told as `what`."""
        value = self.attribute(name)
        if value and self.element is not None:
            self.reading.kept.append(Kept(f"{path_of(self.element)}/@{name}", what, value))

    def inside(self, tag: str) -> Cursor:
        """The nearest element `tag` that holds this one."""
        if self.element is not None:
            for above in self.element.iterancestors(f"{{{HL7V3}}}{tag}"):
                return Cursor(above, self.reading)
        return Cursor(None, self.reading)


def _deeper_than(document: etree._Element, limit: int) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(document, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limit:
            return True
    return False


def path_of(element: etree._Element) -> str:
    """XPath by local names, with a place (from 1) where several siblings share the name."""
    steps = []
    for node in (element, *element.iterancestors()):
        same = [] if (parent := node.getparent()) is None else parent.findall(str(node.tag))
        place = f"[{same.index(node) + 1}]" if len(same) > 1 else ""
        steps.append(etree.QName(node).localname + place)
    return "/" + "/".join(reversed(steps))


def _xpath(path: str) -> str:
    return "/".join(step if step[0] in "{.*" else f"v3:{step}" for step in _steps(path))


def _steps(path: str) -> list[str]:
    return [path] if path.startswith("{") else path.split("/")
