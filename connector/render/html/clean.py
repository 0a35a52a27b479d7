"""A foreign page without what runs, moves or fetches: only known elements and attributes are kept."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree, html

_ELEMENTS: Final = """
    html head title meta style body header footer main section article aside nav div p span a br hr wbr h1 h2 h3 h4 h5
    h6 b strong i em u s small big sub sup del ins q blockquote pre code abbr cite dfn kbd samp var mark time address
    center font tt ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr th td figure figcaption img"""
_PROPERTIES: Final = """
    id class lang dir title align valign width height border cellpadding cellspacing bgcolor color face size scope
    colspan rowspan headers abbr start type value alt name role style src href datetime"""
_KEPT: Final = frozenset(_ELEMENTS.split())
_ATTRIBUTES: Final = frozenset(_PROPERTIES.split())
_DROPPED: Final = frozenset({"script", "noscript", "template"})
"""Gone with what is in them; other unknown elements leave their text."""
_EMBEDDED: Final = frozenset({"iframe", "frame", "object", "embed", "applet", "video", "audio", "portal"})
_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")
_PLACE: Final = re.compile(r"#[^\s]*")
_FETCHES: Final = re.compile(
    # an address, the functions that take one as a plain string, what brings another sheet or runs, any escape
    r"//|(?:url|src|image|image-set|cross-fade|paint|expression)\s*\("
    r"|@(?!(?:media|page|charset|supports)\b)|behaviou?r|-moz-binding|\\|javascript",
    re.IGNORECASE,
)
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
NOTICE: Final = "[Contenu incorporé, non affiché ici]"


def clean(page: bytes) -> bytes:
    """The same page, safe to open: UTF-8, with a policy that forbids what this might have missed."""
    root = html.document_fromstring(page, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, *_DROPPED, with_tail=False)
    for node in list(root.iter(etree.Element)):
        if node.tag in _EMBEDDED:
            _replace(node)
    etree.strip_tags(root, *{str(node.tag) for node in root.iter(etree.Element)} - _KEPT)
    for node in root.iter(etree.Element):
        _clean_attributes(node)
        if node.tag == "style" and (len(node) or _FETCHES.search(node.text or "")):
            node.text = None
    _head(root)
    return etree.tostring(root, method="html", encoding="utf-8", doctype="<!DOCTYPE html>")


def _replace(node: etree._Element) -> None:
    """An embedded content becomes a notice, in its place."""
    for child in list(node):
        node.remove(child)
    node.tag, node.text = "span", NOTICE
    node.attrib.clear()


def _clean_attributes(node: etree._Element) -> None:
    for name, value in list(node.attrib.items()):
        allowed = name in _ATTRIBUTES and node.tag != "meta"
        match name:
            case "src":
                allowed = allowed and node.tag == "img" and _IMAGE.fullmatch(str(value)) is not None
            case "href":
                allowed = allowed and node.tag == "a" and _PLACE.fullmatch(str(value)) is not None
            case "style":
                allowed = allowed and _FETCHES.search(str(value)) is None
        if not allowed:
            del node.attrib[name]


def _head(root: etree._Element) -> None:
    head = root.find("head")
    if head is None:
        head = etree.Element("head")
        root.insert(0, head)
    for meta in root.findall(".//meta"):
        parent = meta.getparent()
        if parent is not None:
            parent.remove(meta)
    head.insert(0, etree.Element("meta", {"charset": "utf-8"}))
    head.insert(1, etree.Element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}))
    root.set("lang", root.get("lang") or "fr")
