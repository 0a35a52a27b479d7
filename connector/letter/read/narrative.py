"""The narrative of a section as plain text, its tables readable, and the rows that entries point to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q

_LINE_BREAK: Final = re.compile(r"[ \t]*[\r\n]\s*")
_BLOCKS: Final = frozenset({"paragraph", "table", "list", "item", "caption"})
_TH: Final = q(HL7V3, "th")
_TD: Final = q(HL7V3, "td")
_TR: Final = q(HL7V3, "tr")


def plain(element: etree._Element, *, title: str = "", without: Set[etree._Element] = frozenset()) -> str:
    """Text of a narrative block: one line per paragraph, item or row; `Colonne : valeur` where a table has heads.

    A head that only repeats `title` (the section's) is left out; so is what stands in the elements `without`.
    """
    lines = _Lines(title, without)
    _write(element, lines)
    return lines.text()


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
        if isinstance(child.tag, str) and child not in lines.without:
            _write_child(child, lines)
        lines.add(child.tail)


def _write_child(child: etree._Element, lines: _Lines) -> None:
    name = etree.QName(child).localname
    if name == "br":
        lines.end()
    elif name == "table":
        lines.block()
        for line in _table(child, lines):
            lines.add(line)
            lines.block()
    elif name in _BLOCKS:
        lines.block()
        if name == "item":
            lines.line = "- "
        _write(child, lines)
        lines.block()
    else:
        _write(child, lines)


def _table(table: etree._Element, lines: _Lines) -> Iterator[str]:
    heads = heads_of(table)
    for caption in table.iterfind(q(HL7V3, "caption")):
        title = plain(caption)
        if caption not in lines.without and title and not same(title, lines.title):
            yield title
    for row in table.iter(_TR):
        cells = [cell for cell in row if cell.tag in (_TH, _TD)]
        if cells and all(cell.tag == _TH for cell in cells):
            title = plain(cells[0])
            if len(cells) == 1 and not same(title, lines.title):
                yield title
        elif line := _row(cells, heads, lines.without):
            yield line


def _row(cells: list[etree._Element], heads: list[str], without: Set[etree._Element]) -> str:
    texts = ["" if cell in without else plain(cell, without=without) for cell in cells]
    if len(texts) == 1:
        return texts[0]
    texts = [" ".join(text.split("\n")) for text in texts]
    if len(heads) == len(cells):
        return " ; ".join(f"{head} : {text}" if head else text for head, text in zip(heads, texts, strict=True) if text)
    return (" : " if len(texts) == 2 else " | ").join(text for text in texts if text)


def blocks(element: etree._Element) -> list[str]:
    """What a narrative without entries lists: each row of its tables, then what stands around them."""
    found = [
        _row([cell for cell in row if cell.tag in (_TH, _TD)], _heads_over(row), frozenset())
        for row in body_rows(element)
    ]
    around = plain(element, without=set(element.iter(q(HL7V3, "table"))))
    return [text for text in (*found, around) if text]


def heads_of(table: etree._Element) -> list[str]:
    """Heads of the columns: the last row of two heads or more before the first value, [] when the table has none."""
    found: list[str] = []
    for row in table.iter(_TR):
        cells = [cell for cell in row if cell.tag in (_TH, _TD)]
        if any(cell.tag == _TD for cell in cells):
            break
        if len(cells) > 1:
            found = [plain(cell) for cell in cells]
    return found


def body_rows(element: etree._Element) -> list[etree._Element]:
    """Rows that hold values, in document order."""
    return [row for row in element.iter(_TR) if any(cell.tag == _TD for cell in row)]


def cells_of(row: etree._Element) -> list[tuple[str, etree._Element]]:
    """Each cell of a row with the head of its column, "" when the table has no such head."""
    cells = [cell for cell in row if cell.tag in (_TH, _TD)]
    heads = _heads_over(row)
    if len(heads) != len(cells):
        heads = [""] * len(cells)
    return list(zip(heads, cells, strict=True))


def _heads_over(row: etree._Element) -> list[str]:
    table = next(iter(row.iterancestors(q(HL7V3, "table"))), None)
    return [] if table is None else heads_of(table)


def words(text: str) -> list[str]:
    """Words without case, accent or punctuation, for comparing."""
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter)
    )
    return re.findall(r"[0-9]+(?:[.,][0-9]+)*|[^\W\d_]+", bare)


def same(one: str, other: str) -> bool:
    """True when two texts have the same words; where they have none, when they differ by white space only."""
    return words(one) == words(other) if words(one) else one.split() == other.split()
