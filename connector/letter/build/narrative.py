"""The narrative blocks of a section: what a person reads, made of the same data as the entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from connector.letter.build.place import Place
from connector.letter.build.xml import Content, Xml, element

BREAK = element("br")

Row: TypeAlias = Mapping[str, Content]
"""Cells of one row by the heading of their column; an absent or void cell is blank."""


def lines(text: str) -> list[Content]:
    """Text of several lines, each on its own line; blank ones stay."""
    first, *others = text.split("\n")
    return [first, *(item for line in others for item in (BREAK, line))]


def separated(items: Iterable[Content]) -> list[Content]:
    """Items that are not void, one per line."""
    first, *others = [item for item in items if _filled(item)] or [None]
    return [first, *(part for item in others for part in (BREAK, item))]


def said(place: Place, text: str | None) -> Xml | None:
    """A text that an entry points to; nothing when there is none."""
    return place.content(lines(text)) if text else None


def worded(place: Place, text: str | None, figures: str) -> Content:
    """The hospital's own words, which an entry may point to, then the figures when they say more."""
    if not text:
        return figures
    return [place.content(text), f" ({figures})" if figures and figures != text else None]


def paragraph(*content: Content) -> Xml:
    return element("paragraph", *content)


def table(headings: Sequence[str], rows: Sequence[Row], caption: str | None = None) -> Xml:
    """A table with the columns that at least one row fills."""
    kept = [heading for heading in headings if any(_filled(row.get(heading)) for row in rows)]
    return element(
        "table",
        element("caption", caption) if caption else None,
        element("thead", element("tr", [element("th", heading) for heading in kept])),
        element("tbody", [element("tr", [element("td", row.get(heading)) for heading in kept]) for row in rows]),
        border="1",
    )


def pairs(rows: Iterable[tuple[str, Content]]) -> Xml:
    """A table of two columns: what, and its value."""
    return element(
        "table",
        element("tbody", [element("tr", element("th", what), element("td", value)) for what, value in rows]),
        border="1",
    )


def _filled(cell: Content) -> bool:
    if cell is None or isinstance(cell, str):
        return bool(cell)
    return any(_filled(item) for item in cell)
