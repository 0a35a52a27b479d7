"""Our page as a list of blocks, which the template on paper draws: the walk of the HTML, once more.

Only pages made by our stylesheet are read; blocks nest little, runs of text do not nest at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lxml import etree

from connector.render.pdf.grid import grid

Block = dict[str, Any]
Run = tuple[str, str]

_ELEMENTS: Final = "header footer main section div p dl ul ol table pre h1 h2 h3 h4 h5 h6"
_BLOCKS: Final = frozenset(_ELEMENTS.split())
_APART: Final = _BLOCKS | {"caption", "tr", "td", "th", "li", "dt", "dd"}
"""Told in one paragraph, they are still words of their own."""
_FLAGS: Final = {"strong": "b", "del": "d", "ins": "u", "sup": "^", "sub": "_"}
_CLASSES: Final = {"b": "b", "i": "i", "u": "u", "aside": "s", "meta": "s"}
_NUMBERS: Final = {"i": "i.", "I": "I.", "a": "a.", "A": "A."}
_DEEPEST: Final = 6
"""Blocks in one another; deeper ones are told as one paragraph."""
_SPACE: Final = re.compile(r"[ \t\r\n]+")


@dataclass(slots=True)
class Images:
    """Addresses (`data:`) of the images met, in order; how many others were met where only words go."""

    sources: list[str] = field(default_factory=list)
    untold: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: how deep, in what style."""

    images: Images
    depth: int = 0
    flags: str = ""


def page_blocks(page: etree._Element, images: Images) -> list[Block]:
    """The blocks of the body of a page; the sources of its images are added to `images`."""
    body = page.find("body")
    return [] if body is None else _blocks(body, _Place(images))


def text_blocks(text: str) -> list[Block]:
    """A plain text, a block per paragraph, its line ends kept."""
    return [
        _paragraph("p", _lines(part, ""))
        for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))
        if part.strip()
    ]


def _blocks(node: etree._Element, place: _Place) -> list[Block]:
    """What `node` holds: its block children, and paragraphs of what is between them."""
    made: list[Block] = []
    pending: list[Run] = [(node.text or "", place.flags)]

    def flush() -> None:
        runs = _collapsed(pending)
        if runs:
            made.append(_paragraph("p", runs))
        pending.clear()

    for child in node:
        if isinstance(child.tag, str):
            if child.tag in _BLOCKS:
                flush()
                made += _block(child, place)
            elif _holds_blocks(child):
                flush()
                made += _blocks(child, replace(place, flags=_flags(child, place.flags)))
            else:
                pending += _inline(child, place)
        pending.append((child.tail or "", place.flags))
    flush()
    return made


def _block(node: etree._Element, place: _Place) -> list[Block]:
    if place.depth >= _DEEPEST:
        runs = _collapsed(_inline(node, place))
        return [_paragraph("p", runs)] if runs else []
    place = _Place(place.images, place.depth + 1, _flags(node, place.flags))
    name, classes = str(node.tag), node.get("class", "").split()
    match name:
        case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
            return [{"t": "h", "l": int(name[1]), "r": _runs(node, replace(place, flags=""))}]
        case "pre":
            return [_paragraph("p", _lines(node.text or "", ""))]
        case "dl":
            return [_terms(node, place)]
        case "ul" | "ol":
            number = "" if name == "ul" else _NUMBERS.get(node.get("type", ""), "1.")
            return [{"t": "list", "n": number, "i": [_blocks(item, place) for item in node if item.tag == "li"]}]
        case "table":
            return _table(node, place)
        case "div" if "cards" in classes:
            # columns are no depth of the document's own
            place = replace(place, depth=place.depth - 1)
            return [{"t": "columns", "i": [_block(card, place) for card in node]}]
        case "p" if node.find("img") is not None:
            return [_image(image, place.images) for image in node.findall("img")]
        case "p":
            runs = _runs(node, place)
            kind = next((kind for kind in ("notice", "caption") if kind in classes), "p")
            return [_paragraph(kind, runs)] if runs else []
        case _:
            # a part of the page, or a line: what is in it counts, not the frame
            return _blocks(node, replace(place, depth=place.depth - 1))


def _terms(node: etree._Element, place: _Place) -> Block:
    items: list[tuple[list[Run], list[Block]]] = []
    for child in node:
        if child.tag == "dt":
            items.append((_runs(child, replace(place, flags="")), []))
        elif items:
            items[-1][1].extend(_blocks(child, place))
    return {"t": "terms", "i": items}


def _table(node: etree._Element, place: _Place) -> list[Block]:
    told = _caption(node, place)
    laid = grid(node)
    if not laid.cells:
        return told
    cells = [
        {
            "x": cell.x,
            "y": cell.y,
            "w": cell.width,
            "h": cell.height,
            "head": cell.node.tag == "th",
            "align": next((side for side in ("right", "center") if side in cell.node.get("class", "").split()), ""),
            "b": _blocks(cell.node, replace(place, flags=_flags(cell.node, place.flags))),
        }
        for cell in laid.cells
    ]
    return [*told, {"t": "table", "cols": laid.columns, "head": laid.head, "cells": cells}]


def _caption(table: etree._Element, place: _Place) -> list[Block]:
    caption = table.find("caption")
    if caption is None or "unseen" in caption.get("class", "").split():
        return []
    if _holds_blocks(caption):
        return _blocks(caption, replace(place, flags="b"))
    return [_paragraph("caption", _runs(caption, replace(place, flags="")))]


def _image(node: etree._Element, images: Images) -> Block:
    images.sources.append(node.get("src", ""))
    return {"t": "image", "n": len(images.sources) - 1, "alt": node.get("alt", ""), "w": 0}


def _paragraph(kind: str, runs: list[Run]) -> Block:
    return {"t": kind, "r": runs}


def _holds_blocks(node: etree._Element) -> bool:
    return any(child.tag in _BLOCKS for child in node.iterdescendants())


def _runs(node: etree._Element, place: _Place) -> list[Run]:
    return _collapsed(_within(node, place))


def _within(node: etree._Element, place: _Place) -> list[Run]:
    """What `node` holds as runs, its own style left to the caller."""
    runs = [(node.text or "", place.flags)]
    for child in node:
        if isinstance(child.tag, str):
            runs += _inline(child, place)
        runs.append((child.tail or "", place.flags))
    return runs


def _inline(node: etree._Element, place: _Place) -> list[Run]:
    match node.tag:
        case "br":
            return [("\n", "")]
        case "img":
            place.images.untold += 1
            return [(f" [{node.get('alt', '')}] ", place.flags)]
        case "caption" if "unseen" in node.get("class", "").split():
            return []
    runs = _within(node, replace(place, flags=_flags(node, place.flags)))
    return [(" ", ""), *runs, (" ", "")] if node.tag in _APART else runs


def _flags(node: etree._Element, flags: str) -> str:
    more = _FLAGS.get(str(node.tag), "") + "".join(_CLASSES.get(name, "") for name in node.get("class", "").split())
    return flags + "".join(flag for flag in more if flag not in flags)


def _collapsed(runs: list[Run]) -> list[Run]:
    """White space as HTML shows it: one blank for many, none at the ends of lines. A run "\\n" is a line end."""
    made: list[Run] = []
    for text, flags in runs:
        if text == "\n" and not flags:
            _trim(made)
            made.append((text, ""))
            continue
        said = _SPACE.sub(" ", text)
        if not made or made[-1][0].endswith((" ", "\n")):
            said = said.removeprefix(" ")
        if said:
            made.append((said, flags))
    _trim(made)
    while made and made[-1][0] == "\n":
        made.pop()
    return made


def _trim(runs: list[Run]) -> None:
    while runs and runs[-1][0] != "\n":
        text, flags = runs.pop()
        if text := text.rstrip(" "):
            runs.append((text, flags))
            return


def _lines(text: str, flags: str) -> list[Run]:
    runs: list[Run] = []
    for line in text.strip("\n").split("\n"):
        runs += [(line.expandtabs(8).rstrip(), flags), ("\n", "")]
    return [run for run in runs[:-1] if run[0]]
