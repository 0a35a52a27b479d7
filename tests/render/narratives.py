"""Narratives drawn at random from the grammar of NarrativeBlock.xsd: every element, where each may stand.

Each text is a word of its own (`w12q`), so that a test can ask a rendering for every one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from hypothesis import strategies as st

Part = tuple[tuple[str, ...], int, int]
"""A choice of elements, how many of them at least and at most (9 stands for any number)."""

_INLINE: Final = ("content", "linkHtml", "sub", "sup", "br", "footnote", "footnoteRef", "renderMultiMedia")
_BLOCKS: Final = ("paragraph", "list", "table")
_CAPTION: Final[Part] = (("caption",), 0, 1)
_ANY: Final = 9

GRAMMAR: Final[dict[str, tuple[Part, ...]]] = {
    "text": ((_INLINE + _BLOCKS, 0, _ANY),),
    "content": ((_INLINE, 0, _ANY),),
    "linkHtml": ((("footnote", "footnoteRef"), 0, _ANY),),
    "sub": (),
    "sup": (),
    "br": (),
    "footnote": ((tuple(name for name in _INLINE + _BLOCKS if not name.startswith("footnote")), 0, _ANY),),
    "footnoteRef": (),
    "renderMultiMedia": (_CAPTION,),
    "caption": ((("linkHtml", "sub", "sup", "footnote", "footnoteRef"), 0, _ANY),),
    "paragraph": (_CAPTION, (_INLINE, 0, _ANY)),
    "list": (_CAPTION, (("item",), 1, _ANY)),
    "item": (_CAPTION, (_INLINE + _BLOCKS, 0, _ANY)),
    "table": (
        _CAPTION, (("col",), 0, _ANY), (("colgroup",), 0, _ANY), (("thead",), 0, 1), (("tfoot",), 0, 1),
        (("tbody",), 1, _ANY),
    ),
    "col": (),
    "colgroup": ((("col",), 0, _ANY),),
    "thead": ((("tr",), 1, _ANY),),
    "tfoot": ((("tr",), 1, _ANY),),
    "tbody": ((("tr",), 1, _ANY),),
    "tr": ((("th", "td"), 1, _ANY),),
    "th": ((_INLINE, 0, _ANY),),
    "td": (((*_INLINE, "paragraph", "list"), 0, _ANY),),
}  # fmt: skip
MIXED: Final = frozenset(
    ("text", "content", "linkHtml", "sub", "sup", "footnote", "caption", "paragraph", "item", "th", "td")
)
WITHOUT_ID: Final = frozenset({"sub", "sup", "br"})
MEDIA: Final = ("m1", "m2")
"""IDs of the images of the document a narrative is put into."""
APART: Final = frozenset({"paragraph", "td", "th", "item", "caption", "text"})
"""Texts in two of these are two words, whatever shows them."""

_VALUES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "content": {"revised": ("insert", "delete")},
    "linkHtml": {"href": ("#i1", "#absent", "https://exemple.test/x", "javascript:x()")},
    "list": {"listType": ("ordered", "unordered"), "styleCode": ("LittleRoman", "BigAlpha")},
    "td": {"colspan": ("1", "2", "0", "x"), "rowspan": ("2", "3"), "align": ("right", "justify")},
    "th": {"colspan": ("2", "3"), "align": ("center",), "scope": ("col",)},
    "tr": {"align": ("right",), "valign": ("top",)},
    "col": {"width": ("10%",)},
}
_NEEDED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "footnoteRef": {"IDREF": ("i1", "i2", "i3", "i5", "i8", "absent")},
    "renderMultiMedia": {"referencedObject": ("m1", "m2", "m1 m2", "m2 absent", "absent")},
}
_STYLES: Final = ("Bold", "Italics", "Underline", "Emphasis", "xallIDs")


@dataclass(frozen=True, slots=True)
class Narrative:
    """`xml` is what goes into a section, from <text> on; `words` are all it says, in their order."""

    xml: str
    words: tuple[str, ...]
    blocks: tuple[int, ...]
    """For each word, the number of the block it stands in."""


@st.composite
def narratives(draw: st.DrawFn, deepest: int = 5) -> Narrative:
    """A text valid against the schema; elements are at most about `deepest` in one another beyond what is required."""
    drawn = _Drawing(draw, deepest)
    return drawn.narrative()


class _Drawing:
    def __init__(self, draw: st.DrawFn, deepest: int) -> None:
        self._draw = draw
        self._deepest = deepest
        self._ids = 0
        self._words = 0

    def narrative(self) -> Narrative:
        root = self._element("text", None, 0)
        xml = tostring(root, encoding="unicode")
        told = list(_told(root, 0, iter(range(1, 10**6))))
        return Narrative(xml, tuple(word for word, _ in told), tuple(block for _, block in told))

    def _element(self, name: str, parent: Element | None, depth: int) -> Element:
        element = Element(name) if parent is None else SubElement(parent, name)
        self._attributes(element)
        if name in MIXED and (depth >= self._deepest or self._draw(st.booleans())):
            element.text = self._word()
        parts = GRAMMAR[name]
        if name == "table":
            without = self._draw(st.sampled_from(["col", "colgroup"]))
            parts = tuple(part for part in parts if part[0] != (without,))
        for names, least, most in parts:
            room = 3 if depth < self._deepest else 0
            for _ in range(self._draw(st.integers(least, max(least, min(most, room))))):
                child = self._element(self._draw(st.sampled_from(names)), element, depth + 1)
                if name in MIXED and self._draw(st.booleans()):
                    child.tail = self._word()
        return element

    def _attributes(self, element: Element) -> None:
        for name, allowed in _NEEDED.get(element.tag, {}).items():
            element.set(name, self._draw(st.sampled_from(allowed)))
        if element.tag in WITHOUT_ID:
            return
        if self._draw(st.booleans()):
            self._ids += 1
            element.set("ID", f"i{self._ids}")
        values: dict[str, tuple[str, ...]] = {"styleCode": _STYLES} | _VALUES.get(element.tag, {})
        name = self._draw(st.sampled_from(["", *values]))
        if name:
            element.set(name, self._draw(st.sampled_from(values[name])))

    def _word(self) -> str:
        self._words += 1
        before, after = self._draw(st.sampled_from([("", ""), (" ", " "), ("\n  ", ""), ("", "\n")]))
        return f"{before}w{self._words}q{after}"


def _told(element: Element, block: int, numbers: Iterator[int]) -> Iterator[tuple[str, int]]:
    block = next(numbers) if element.tag in APART else block
    if element.text and element.text.strip():
        yield element.text.strip(), block
    for child in element:
        yield from _told(child, block, numbers)
        if child.tail and child.tail.strip():
            yield child.tail.strip(), block


def glued(narrative: Narrative, said: str) -> list[str]:
    """Words of two blocks, one after the other in the document, that `said` makes one word of."""
    return [
        f"{first}{second}"
        for first, second, one, other in zip(
            narrative.words, narrative.words[1:], narrative.blocks, narrative.blocks[1:], strict=False
        )
        if one != other and re.search(f"{first}{second}", said)
    ]
