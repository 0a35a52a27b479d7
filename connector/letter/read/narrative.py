"""The narrative of a section as plain text, its tables readable, and the words to compare texts by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q
from connector.letter.read.tables import CAPTION, Cell, Line, lines_of

_LINE_BREAK: Final = re.compile(r"[ \t]*[\r\n]\s*")

_RAISED: Final = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED: Final = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SMALL: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎]+")
_ENDINGS: Final = frozenset({"er", "re", "ère", "e", "ème", "d", "nd", "nde", "o", "os", "me", "lle", "r"})
"""Raised letters of French abbreviations (1er, 2e, no, Mme): nobody takes them for an exponent."""

_LONGEST_AGAIN: Final = 200
"""What is said in many lines, a heading or a cell that spans rows, is said there with no more characters."""


def plain(element: etree._Element, *, title: str = "", without: Set[etree._Element] = frozenset()) -> str:
    """Text of a narrative block: one line per paragraph, item or row; `Colonne : valeur` where a table has heads.

    A head that only repeats `title` (the section's) is left out; so is what stands in the elements `without`, and what
    the document marks as deleted. Exponents and indices stay such (`10⁹`, `m²`, `CO₂`, else `10^x`, `T_max`), the
    address of a link follows its words.
    """
    if is_deleted(element):
        return ""
    lines = _Lines(title, without)
    _write(element, lines)
    return lines.text()


def is_deleted(element: etree._Element) -> bool:
    """True for text that the document shows as struck out."""
    return element.get("revised") == "delete"


class _Lines:
    """Text being put together line by line."""

    def __init__(self, title: str, without: Set[etree._Element]) -> None:
        self.title = title
        self.without = without
        self.done: list[str] = []
        self.line = ""
        self.opening = True

    def add(self, text: str | None) -> None:
        if not text:
            return
        # White space that holds an end of line is how the file was laid out, not what was written.
        laid = _LINE_BREAK.sub(" ", text)
        if self.opening or (not self.line and laid != text):
            laid = laid.lstrip()
        self.line += laid
        self.opening = self.opening and not laid

    def beside(self, text: str) -> None:
        """A word of its own."""
        self.add(text if self.opening or self.line.endswith(" ") else f" {text}")

    def end(self) -> None:
        self.done.append(self.line.rstrip())
        self.line = ""
        self.opening = False

    def block(self) -> None:
        if self.line.strip():
            self.end()
        self.line = ""
        self.opening = True

    def text(self) -> str:
        self.block()
        return "\n".join(self.done).strip()


def _write(element: etree._Element, lines: _Lines) -> None:
    lines.add(element.text)
    for child in element:
        if isinstance(child.tag, str) and child not in lines.without and not is_deleted(child):
            _write_child(child, lines)
        lines.add(child.tail)


def _write_child(child: etree._Element, lines: _Lines) -> None:
    match etree.QName(child).localname:
        case "br":
            lines.end()
        case "table":
            lines.block()
            for line in _table(child, lines):
                lines.add(line)
                lines.block()
        case "list":
            _list(child, lines)
        case "item":
            _item(child, "- ", lines)
        case "paragraph" | "caption":
            lines.block()
            _write(child, lines)
            lines.block()
        case "sup":
            lines.add(_small(_inline(child, lines), "^", _RAISED))
        case "sub":
            lines.add(_small(_inline(child, lines), "_", _LOWERED))
        case "linkHtml":
            _link(child, lines)
        case "footnote" | "footnoteRef" as name:
            _note(child, name, lines)
        case _:
            _write(child, lines)


def _inline(element: etree._Element, lines: _Lines) -> str:
    return " ".join(plain(element, without=lines.without).split())


def _list(element: etree._Element, lines: _Lines) -> None:
    """Items one per line, numbered where the list is."""
    lines.block()
    number = 0
    for child in element:
        if not isinstance(child.tag, str) or child in lines.without:
            continue
        if etree.QName(child).localname == "item":
            number += 1
            _item(child, f"{number}. " if element.get("listType") == "ordered" else "- ", lines)
        else:
            _write_child(child, lines)
    lines.block()


def _item(item: etree._Element, mark: str, lines: _Lines) -> None:
    lines.block()
    lines.line = mark
    _write(item, lines)
    lines.block()


def _small(text: str, mark: str, small: dict[int, int]) -> str:
    """Raised or lowered text, so that 10⁹ never reads 109."""
    if not text or (mark == "^" and text in _ENDINGS):
        return text
    if all(ord(character) in small for character in text):
        return text.translate(small)
    return f"{mark}({text})" if " " in text else f"{mark}{text}"


def _link(link: etree._Element, lines: _Lines) -> None:
    """The words of a link, then its address unless they are it; a link inside the document is its words."""
    _write(link, lines)
    address = " ".join(str(link.get("href", "")).split())
    said = _inline(link, lines)
    if address and not address.startswith("#") and not (said and address.endswith(said)):
        lines.beside(f"({address})" if said else address)


def _note(note: etree._Element, name: str, lines: _Lines) -> None:
    """A footnote where it stands, between brackets; what refers to it says its name."""
    mark = " ".join(str(note.get("ID" if name == "footnote" else "IDREF", "")).split())
    text = _inline(note, lines)
    parts = [part for part in (f"note {mark}" if mark else "", text) if part]
    if parts:
        lines.beside(f"({' : '.join(parts)})")


class _Headings:
    """Headings of the columns of one table as text."""

    def __init__(self) -> None:
        self._texts: dict[etree._Element, str] = {}

    def over(self, cell: Cell) -> str:
        """`Jours – J1`; for a cell of several columns, `J1, J2`."""
        return ", ".join(dict.fromkeys(text for column in cell.heads if (text := self._joined(column))))

    def names(self, cell: Cell) -> tuple[str, ...]:
        """The same, and the heading next to the cell."""
        nearest = next((self._text(column[-1]) for column in cell.heads if column), "")
        return tuple(name for name in dict.fromkeys((self.over(cell), nearest)) if name)

    def _joined(self, column: tuple[etree._Element, ...]) -> str:
        return " – ".join(text for head in column if (text := self._text(head)))

    def _text(self, head: etree._Element) -> str:
        if head not in self._texts:
            self._texts[head] = _cut(plain(head))
        return self._texts[head]


def _cut(text: str) -> str:
    line = _on_one_line(text)
    return line if len(line) <= _LONGEST_AGAIN else f"{line[: _LONGEST_AGAIN - 1]}…"


def _on_one_line(text: str) -> str:
    return " ".join(text.split("\n"))


def _table(table: etree._Element, lines: _Lines) -> Iterator[str]:
    for caption in table.iterfind(CAPTION):
        title = plain(caption)
        if caption not in lines.without and title and not same(title, lines.title):
            yield title
    headings = _Headings()
    untold: list[str] = []
    for line in lines_of(table):
        if not line.heading:
            if text := _said(line, headings, lines.without):
                untold.clear()
                yield text
            continue
        texts = [plain(cell.element) for cell in line.cells if not cell.again]
        if len(line.cells) > 1:
            # Headings are said with each value; alone when no value follows, or when they are no mere headings.
            untold.append(" | ".join(text for text in texts if text))
            if any(len(text) > _LONGEST_AGAIN for text in texts):
                yield untold.pop()
        elif not same(texts[0], lines.title):
            yield texts[0]
    yield from untold


def _said(line: Line, headings: _Headings, without: Set[etree._Element]) -> str:
    cells = line.cells
    if len(cells) == 1:
        return _cell(cells[0], without)
    texts = [_cut(_cell(cell, without)) if cell.again else _on_one_line(_cell(cell, without)) for cell in cells]
    if line.headed:
        pairs = zip(map(headings.over, cells), texts, strict=True)
        return " ; ".join(f"{head} : {text}" if head else text for head, text in pairs if text)
    return (" : " if len(cells) == 2 else " | ").join(text for text in texts if text)


def _cell(cell: Cell, without: Set[etree._Element]) -> str:
    return "" if cell.element in without else plain(cell.element, without=without)


def blocks(element: etree._Element, title: str = "") -> list[str]:
    """What a narrative without entries lists: each row of its tables, then what stands around them.

    A row says the caption of its table and the title of its part of it first, unless they repeat `title`.
    """
    tables = list(element.iter(q(HL7V3, "table")))
    found = [text for table in tables for text in _rows(table, title)]
    return [text for text in (*found, plain(element, without=set(tables))) if text]


def _rows(table: etree._Element, title: str) -> Iterator[str]:
    headings = _Headings()
    caption = "".join(text for node in table.iterfind(CAPTION) if not same(text := _cut(plain(node)), title))
    part = ""
    for line in lines_of(table):
        if line.heading:
            part = _cut(plain(line.cells[0].element)) if len(line.cells) == 1 else part
        elif text := _said(line, headings, frozenset()):
            above = [name for name in dict.fromkeys((caption, part)) if name and not same(name, title)]
            yield " : ".join([*above, text])


@dataclass(frozen=True, slots=True)
class NamedCell:
    """A cell with the names its column goes by: the whole heading, and the lowest part of it; () without heading."""

    element: etree._Element
    names: tuple[str, ...]
    shared: bool


def named_cells(table: etree._Element) -> Iterator[tuple[etree._Element, tuple[NamedCell, ...]]]:
    """Each row of a table with the cells that stand in it."""
    headings = _Headings()
    for line in lines_of(table):
        yield line.row, tuple(NamedCell(cell.element, headings.names(cell), cell.shared) for cell in line.cells)


def words(text: str) -> list[str]:
    """Words without case, accent or punctuation, for comparing; an exponent is a word of its own."""
    apart = _SMALL.sub(lambda small: f" {small[0]}", text.casefold())
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(letter))
    return re.findall(r"[0-9]+(?:[.,][0-9]+)*|[^\W\d_]+", bare)


def same(one: str, other: str) -> bool:
    """True when two texts have the same words; where they have none, when they differ by white space only."""
    return words(one) == words(other) if words(one) else one.split() == other.split()
