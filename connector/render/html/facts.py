"""What a person reads of a page, and what of a list of facts is not in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree, html

_UNSEEN: Final = frozenset({"head", "script", "style", "template"})
_ELEMENTS: Final = """
    address article aside blockquote body br caption dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li main ol p
    pre section table tbody td tfoot th thead tr ul"""
_BLOCKS: Final = frozenset(_ELEMENTS.split())


def html_text(page: bytes) -> str:
    """The visible text of a page, white space collapsed; blocks are apart, what only screen readers say is left out."""
    root = html.fromstring(page, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
    said: list[str] = []
    hidden: etree._Element | None = None
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if hidden is None and event == "start":
            if node.tag in _UNSEEN or "unseen" in str(node.get("class", "")).split():
                hidden = node
            else:
                said += (" " if node.tag in _BLOCKS else "", node.text or "")
        if event == "start":
            continue
        if node is hidden:
            hidden = None
        if hidden is None:
            said += (" " if node.tag in _BLOCKS else "", node.tail or "")
    return " ".join("".join(said).split())


def facts_missing(page: bytes, facts: Iterable[str]) -> list[str]:
    """The facts that a reader of the page would not find, in their order; any white space is one blank."""
    said = html_text(page)
    return [fact for fact in facts if " ".join(fact.split()) not in said]
