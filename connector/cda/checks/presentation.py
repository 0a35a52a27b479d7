"""Rules about what a self-presenting document brings along: no script, nothing fetched from elsewhere (EX_2.1-1115)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from lxml import etree

from connector.base.ns import HL7V3
from connector.cda.checks.model import Document, Fault

_XSL: Final = "http://www.w3.org/1999/XSL/Transform"
_SCRIPTS: Final = frozenset({"script", "handler", "listener"})
_FRAMES: Final = frozenset({"iframe", "frame", "object", "embed", "applet", "foreignobject", "portal"})
_EVENT: Final = re.compile(r"on[a-z]{3,}")
_ACTIVE: Final = re.compile(r"(javascript|vbscript|livescript):|data:(text/html|image/svg|application/xhtml|text/xml)")
_WRITTEN: Final = re.compile(r"<\s*/?\s*script\b|\bon[a-z]{3,}\s*=\s*[\"']|javascript:", re.IGNORECASE)
_REMOTE: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//|file:")
_FETCHING: Final = frozenset({"src", "data", "action", "background", "poster", "srcset"})
_BLANKS: Final = re.compile(r"[\x00-\x20\u00ad\u200b-\u200f\u2028\u2029\ufeff]+")


def scripts(document: Document) -> Iterator[Fault]:
    """Everything by which a viewer would run code that came with the document."""
    for node in document.root.iter(etree.Element):
        for what in _scripts_of(node):
            yield Fault(_place(node), what, "aucun script", "Le document contient un script")
    for instruction in _instructions(document):
        if _ACTIVE.match(_url(str(instruction.get("href", "")))):
            place = "/processing-instruction(xml-stylesheet)"
            yield Fault(place, "feuille de style active", "aucun script", "Le document contient un script")


def remote(document: Document) -> Iterator[Fault]:
    """What a viewer would open inside the page, or fetch from elsewhere."""
    for node in document.root.iter(etree.Element):
        for what in _remotes_of(node):
            yield Fault(_place(node), what, "un document qui se suffit", "Le document incorpore un contenu extérieur")
    for instruction in _instructions(document):
        if _REMOTE.match(_url(str(instruction.get("href", "")))):
            place = "/processing-instruction(xml-stylesheet)"
            yield Fault(place, "feuille de style distante", "une feuille locale", "La feuille de style est distante")


def _scripts_of(node: etree._Element) -> Iterator[str]:
    name, ours = _names(node)
    if name in _SCRIPTS:
        yield f"élément {name}"
    if not ours:
        written = node.get("name", "").lower() if etree.QName(node).namespace == _XSL else ""
        if _EVENT.fullmatch(written) and name == "attribute":
            yield f"attribut {written}"
        if written.rpartition(":")[2] in _SCRIPTS and name == "element":
            yield f"élément {written}"
        yield from (f"attribut {local}" for local in _local_attributes(node) if _EVENT.fullmatch(local))
        if node.text and _WRITTEN.search(node.text):
            yield "script écrit en texte"
    for local, value in zip(_local_attributes(node), node.values(), strict=True):
        if _ACTIVE.match(_url(str(value))):
            yield f"adresse active dans {local}"


def _remotes_of(node: etree._Element) -> Iterator[str]:
    name, ours = _names(node)
    if ours:
        return
    xsl = etree.QName(node).namespace == _XSL
    written = str(node.get("name", "")).lower().rpartition(":")[2] if xsl and name == "element" else ""
    if name in _FRAMES or written in _FRAMES:
        yield f"élément {written or name}"
    if xsl and name in ("import", "include"):
        yield f"xsl:{name}"
    for local, value in zip(_local_attributes(node), node.values(), strict=True):
        fetched = local in _FETCHING or (local == "href" and name in ("link", "image", "use", "base"))
        if fetched and _REMOTE.match(_url(str(value))):
            yield f"adresse distante dans {local}"


def _names(node: etree._Element) -> tuple[str, bool]:
    """Local name in lower case, and whether the element is the clinical document's own."""
    name = etree.QName(node)
    return name.localname.lower(), name.namespace == HL7V3


def _local_attributes(node: etree._Element) -> list[str]:
    return [etree.QName(str(name)).localname.lower() for name in node.attrib]


def _url(value: str) -> str:
    """As a browser would read it: blanks and percent signs have hidden schemes before."""
    return unquote(_BLANKS.sub("", value)).lower()


def _instructions(document: Document) -> Iterator[etree._ProcessingInstruction]:
    for node in document.root.itersiblings(preceding=True):
        if isinstance(node, etree._ProcessingInstruction) and node.target == "xml-stylesheet":
            yield node


def _place(node: etree._Element) -> str:
    names = [etree.QName(one).localname for one in (*reversed(list(node.iterancestors())), node)]
    return "/" + "/".join(names)
