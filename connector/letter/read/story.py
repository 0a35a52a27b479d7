"""What the narrative says of one entry: the texts it points to, and the row of the table they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

from lxml import etree

from connector.base.hl7time import PARIS
from connector.base.ns import HL7V3, q
from connector.letter.build import wording
from connector.letter.build.plan import CAPTIONS
from connector.letter.model.times import from_hl7
from connector.letter.read.cursor import Cursor, Kept, Reading, path_of
from connector.letter.read.narrative import NamedCell, is_deleted, plain, same, words
from connector.letter.read.tables import CAPTION

_DATE: Final = re.compile(r"(?:[0-9]{2}/)?[0-9]{2}/[0-9]{4}(?: à [0-9]{2}:[0-9]{2}(?: \(heure d'(?:été|hiver)\))?)?")
_TS: Final = re.compile(r"[12][0-9]{5}(?:[0-9]{2})?(?:[0-9]{4,6}(?:[+-][0-9]{4})?)?")
_SPEAKING: Final = ("code", "displayName", "codeSystem", "codeSystemName", "value", "unit", "extension", "root")
_PUNCTUATION: Final = " \n,;:()[]–-."
_FLAVOURS: Final = {"UNK": ("inconnu", "inconnue"), "NA": ("sans", "objet")}
_ANSWERS: Final = {"true": "oui", "false": "non"}


def referred(node: Cursor) -> str | None:
    """The text that `text` or `originalText` holds or points to; a pointer to nothing is set aside."""
    pointer = node.at("reference")
    if not pointer:
        return node.text()
    target = node.reading.named(pointer.peek("value"))
    if target is None:
        pointer.keep_attribute("value", "référence sans cible dans le texte")
        return None
    if any(map(is_deleted, (target, *target.iterancestors()))):
        pointer.keep_attribute("value", "référence vers un texte supprimé")
        return None
    pointer.attribute("value")
    node.reading.cursor(target).take()
    return plain(target) or None


def same_place(one: Cursor, other: Cursor) -> bool:
    """True when two texts point to one place of the narrative."""
    place = one.at("reference").peek("value")
    return bool(place) and place == other.at("reference").peek("value")


class Story:
    """The rows of the narrative that the pointers of one entry lead to."""

    def __init__(self, entry: Cursor) -> None:
        self.entry = entry
        self.reading: Reading = entry.reading
        self.rows: list[etree._Element] = []
        self._heard: set[etree._Element] = set()
        self.told: list[str] = []
        """Words in which the same may be said, besides the entry's own."""
        for pointer in [] if entry.element is None else entry.element.iter(q(HL7V3, "reference")):
            target = self.reading.named(str(pointer.get("value", "")))
            row = self.reading.cursor(target).inside("tr").element
            if row is not None and row not in self.rows:
                self.rows.append(row)

    def column(self, *heads: str) -> str | None:
        """What the row says, and no entry points to, in the first column with one of these heads (bare words)."""
        for row in self.rows:
            for cell in self.reading.cells(row):
                rest = self._rest(cell)
                if rest and any(" ".join(words(name)) in heads for name in cell.names):
                    self._settled(cell)
                    return rest
        return None

    def quoted(self, *heads: str) -> str | None:
        """The part of that column which stands in a `content` of its own: words of the hospital, as it wrote them."""
        for row in self.rows:
            for cell in self.reading.cells(row):
                parts = [part for part in cell.element if part.tag == q(HL7V3, "content") and part.get("ID")]
                if len(parts) == 1 and any(" ".join(words(name)) in heads for name in cell.names):
                    return plain(parts[0]) or None
        return None

    def settle(self) -> None:
        """Accounts for the cells that say again what the entry says in codes, or what `told` says in words."""
        facts = Facts(self.entry, self.told)
        for row in self.rows:
            cells = self.reading.cells(row)
            pair = len(cells) == 2 and not any(cell.names for cell in cells)
            for place, cell in enumerate(cells):
                label = cell.element.tag == q(HL7V3, "th") or (place == 0 and pair)
                rest = self._rest(cell)
                if not rest or (label and len(cells) > 1) or facts.hold(rest):
                    self._settled(cell)
            for above in row.iterancestors(q(HL7V3, "table")):
                self.reading.whole.update(above.iterfind(q(HL7V3, "thead")))
                self.reading.whole.update(node for node in above.iterfind(CAPTION) if self._says_nothing_more(node))

    def _says_nothing_more(self, caption: etree._Element) -> bool:
        """True for the title of the section said again, and for the captions of the builder."""
        title = self.entry.inside("section").at("title").peek_text()
        told = plain(caption)
        return not told or any(same(told, usual) for usual in (title, *CAPTIONS))

    def hear(self, texts: Iterable[str | None], chosen: str | None) -> None:
        """Sets aside what the entry points to, was not chosen, and says more than the codes do."""
        facts = Facts(self.entry, (*self.told, *([chosen] if chosen else [])))
        for text in dict.fromkeys(texts):
            if text and not facts.hold(text) and self.entry.element is not None:
                what = "texte du récit, autre que l'entrée codée"
                self.reading.kept.append(Kept(path_of(self.entry.element), what, text))

    def _settled(self, cell: NamedCell) -> None:
        self.reading.whole.add(cell.element)
        self._heard.add(cell.element)

    def _rest(self, cell: NamedCell) -> str:
        """What the cell says and no entry points to; a cell of several rows speaks to the entry of each."""
        heard = self._heard if cell.shared else self.reading.whole
        return "" if cell.element in heard else plain(cell.element, without=self.reading.whole)


class Facts:
    """What an entry says, as words to find again in the narrative."""

    def __init__(self, entry: Cursor, told: Iterable[str] = ()) -> None:
        self.told = [text for text in told if text]
        self.texts: set[str] = set()
        self.dates: set[str] = set()
        self.words: set[str] = set()
        self.clock = entry.reading.clock
        for node in [] if entry.element is None else entry.element.iter():
            if isinstance(node.tag, str):
                self._learn(node)

    def _learn(self, node: etree._Element) -> None:
        self.words.update(words(node.text or ""))
        self.texts.add(" ".join((node.text or "").split()))
        self.words.update(_FLAVOURS.get(str(node.get("nullFlavor")), ()))
        if node.get("negationInd") == "true":
            self.words.update(words(wording.ABSENT))
        for name in _SPEAKING:
            value = str(node.get(name, ""))
            self.texts.add(" ".join(value.split()))
            self.words.update(words(_ANSWERS.get(value, value) if name == "value" else value))
            if name == "value" and _TS.fullmatch(value):
                self._learn_time(from_hl7(value))

    def _learn_time(self, value: str) -> None:
        """As it is shown on the clock of the document, and as it is written: other software shows the digits."""
        for shown in (told_on(value, self.clock), told_on(value, None)):
            self.dates.update((shown, shown[:10]))

    def hold(self, text: str) -> bool:
        """True when the text says nothing but what the entry says."""
        if " ".join(text.split()) in self.texts or any(same(text, other) for other in self.told):
            return True
        rest = _DATE.sub(lambda found: "" if found[0] in self.dates else "«?»0/0", text)
        if not words(rest):
            return not rest.strip(_PUNCTUATION)
        return set(words(rest)) <= self.words and "«?»" not in rest


def told_on(value: str, clock: tzinfo | None) -> str:
    """An ISO time as a reader sees it on a clock, or on its own; "" when it is none."""
    try:
        own = datetime.fromisoformat(value).tzinfo if "T" in value else None
        return wording.day(value, clock or own or PARIS)
    except ValueError:
        return ""
