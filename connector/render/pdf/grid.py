"""A table of HTML as cells that have a place, none upon another: what paper asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from connector.base.errors import LimitError

_MOST: Final = 60_000
"""Places of one table, spans counted."""


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """`x`, `y`: column and row from 0; `width`, `height`: how many of them it takes."""

    node: etree._Element
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, repr=False)
class Grid:
    """`head` is how many rows, from the first, are repeated on each page."""

    cells: tuple[Cell, ...]
    columns: int
    head: int


def grid(table: etree._Element) -> Grid:
    """The cells of `table`: each at the first free place of its row, cut to the rows of its group as HTML does.

    Raises LimitError for a table of more than 60 000 places.
    """
    taken: set[tuple[int, int]] = set()
    cells: list[Cell] = []
    y = head = 0
    for group in _groups(table):
        last = y + len(group)
        for row in group:
            x = 0
            for node in row:
                if node.tag not in ("td", "th"):
                    continue
                while (x, y) in taken:
                    x += 1
                width, height = _span(node, "colspan", 100), min(_span(node, "rowspan", 1000), last - y)
                # a span over a place already taken stops before it
                width = next((w for w in range(1, width) if (x + w, y) in taken), width)
                taken |= {(x + across, y + down) for across in range(width) for down in range(height)}
                if len(taken) > _MOST:
                    raise LimitError(
                        "the table is too large",
                        field="table",
                        found=str(len(taken)),
                        expected=f"at most {_MOST}",
                        limit=_MOST,
                    )
                cells.append(Cell(node, x, y, width, height))
                x += width
            y += 1
        if group and group[0].getparent() is not None and _is_head(group[0]):
            head = y
    return Grid(tuple(cells), max((x for x, _ in taken), default=-1) + 1, head if head < y else 0)


def _groups(table: etree._Element) -> list[list[etree._Element]]:
    """Rows by group; rows right under the table are a group each run of them."""
    groups: list[list[etree._Element]] = []
    loose = False
    for child in table:
        if child.tag == "tr":
            if not loose:
                groups.append([])
            groups[-1].append(child)
        elif child.tag in ("thead", "tbody", "tfoot"):
            groups.append([row for row in child if row.tag == "tr"])
        loose = child.tag == "tr"
    return groups


def _is_head(row: etree._Element) -> bool:
    parent = row.getparent()
    return parent is not None and parent.tag == "thead"


def _span(node: etree._Element, name: str, most: int) -> int:
    value = node.get(name, "1")
    return max(1, min(int(value), most)) if value.isdecimal() else 1
