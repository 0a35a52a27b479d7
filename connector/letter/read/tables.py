"""Tables of a narrative as lines of cells, each with the headings over it, whatever spans rows or columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, q

CAPTION: Final = q(HL7V3, "caption")
_TH: Final = q(HL7V3, "th")
_TD: Final = q(HL7V3, "td")
_TR: Final = q(HL7V3, "tr")
_GROUPS: Final = (q(HL7V3, "thead"), q(HL7V3, "tbody"), q(HL7V3, "tfoot"))

_WIDEST: Final = 100
"""Columns a span may reach: beyond, a cell stands where it is written. A hostile span costs no more than that."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it stands in one line.

    heads   for each column it covers, the headings over that column from the top
    shared  True when it stands in other lines too
    again   True when it was said in a line above
    """

    element: etree._Element
    heads: tuple[tuple[etree._Element, ...], ...]
    shared: bool = False
    again: bool = False

    @property
    def labels(self) -> bool:
        """True for a heading of its line."""
        return self.element.tag == _TH


@dataclass(frozen=True, slots=True)
class Line:
    """A row with every cell that stands in it; `heading` when it only heads those below."""

    row: etree._Element
    cells: tuple[Cell, ...]
    heading: bool

    @property
    def headed(self) -> bool:
        """True when one of its columns has a heading."""
        return any(column for cell in self.cells for column in cell.heads)


@dataclass(slots=True)
class _Heads:
    """The headings in force over each column."""

    over: dict[int, tuple[etree._Element, ...]] = field(default_factory=dict)
    open: bool = False
    """True while one heading line follows another."""

    def add(self, placed: list[_Placed]) -> None:
        if not self.open:
            self.over = {}
        self.open = True
        for item in placed:
            for column in item.columns:
                known = self.over.get(column, ())
                if item.element not in known:
                    self.over[column] = (*known, item.element)

    def of(self, item: _Placed) -> tuple[tuple[etree._Element, ...], ...]:
        return tuple(self.over.get(column, ()) for column in item.columns)


@dataclass(frozen=True, slots=True)
class _Placed:
    element: etree._Element
    columns: range
    rows: int
    again: bool = False


def lines_of(table: etree._Element) -> Iterator[Line]:
    """Rows of a table, its foot last; a row of one heading alone is a title, and heads no column."""
    heads = _Heads()
    for rows in _grouped(table):
        carried: dict[int, _Placed] = {}
        for row in rows:
            placed = _placed(row, carried)
            carried = _carried(placed)
            if not any(not item.again for item in placed):
                continue
            heading = all(item.element.tag == _TH for item in placed)
            if heading and len(placed) > 1:
                heads.add(placed)
            elif not heading:
                heads.open = False
            yield Line(row, tuple(_cell(item, () if heading else heads.of(item)) for item in placed), heading)


def _cell(item: _Placed, heads: tuple[tuple[etree._Element, ...], ...]) -> Cell:
    return Cell(item.element, heads, item.again or item.rows > 1, item.again)


def table_of(row: etree._Element) -> etree._Element | None:
    return next(iter(row.iterancestors(q(HL7V3, "table"))), None)


def _grouped(table: etree._Element) -> Iterator[list[etree._Element]]:
    """Rows by group, in reading order: the schema writes the foot before the body."""
    direct = [row for row in table if row.tag == _TR]
    head, body, foot = ([group for group in table if group.tag == tag] for tag in _GROUPS)
    for group in (*head, *([direct] if direct else []), *body, *foot):
        yield [row for row in group if row.tag == _TR]


def _placed(row: etree._Element, carried: dict[int, _Placed]) -> list[_Placed]:
    """The cells of a row, those that come down from above at their columns."""
    found: list[_Placed] = []
    column = 0
    for cell in row:
        if cell.tag not in (_TH, _TD):
            continue
        column = _past(column, carried, found)
        width = min(_span(cell, "colspan"), max(1, _WIDEST - column))
        found.append(_Placed(cell, range(column, column + width), _span(cell, "rowspan")))
        column += width
    for place in sorted(place for place in carried if place >= column):
        column = _past(max(column, place), carried, found)
    return found


def _past(column: int, carried: dict[int, _Placed], found: list[_Placed]) -> int:
    """Puts down what the row above left at this column; the next free column."""
    while (item := carried.get(column)) is not None:
        columns = range(column, item.columns.stop)
        found.append(_Placed(item.element, columns, item.rows - 1, again=True))
        column = columns.stop
    return column


def _carried(placed: list[_Placed]) -> dict[int, _Placed]:
    """What comes down into the next row, by column."""
    return {
        column: item for item in placed if item.rows > 1 for column in item.columns if column < _WIDEST
    }  # fmt: skip


def _span(cell: etree._Element, name: str) -> int:
    written = str(cell.get(name, "1")).strip()
    return int(written) if written.isascii() and written.isdigit() and 0 < len(written) < 5 and int(written) else 1
