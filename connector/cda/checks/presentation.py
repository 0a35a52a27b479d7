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
_INSTRUCTION: Final = "/processing-instruction(xml-stylesheet)"
_SCRIPTS: Final = frozenset({"script", "handler", "listener"})
_FRAMES: Final = frozenset({"iframe", "frame", "object", "embed", "applet", "foreignobject", "portal"})
_EVENT: Final = re.compile(r"on[a-z]{3,}")
_ACTIVE: Final = re.compile(r"(javascript|vbscript|livescript):|data:(text/html|image/svg|application/xhtml|text/xml)")
_WRITTEN: Final = re.compile(r"<\s*/?\s*script\b|\bon[a-z]{3,}\s*=\s*[\"']|javascript:", re.IGNORECASE)
_REMOTE: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//|file:")
_FETCHING: Final = frozenset({"src", "data", "action", "background", "poster", "srcset"})
_FOREIGN: Final = etree.XPath(f"descendant-or-self::*[namespace-uri() != '{HL7V3}']")
_WITH_COLON: Final = etree.XPath("descendant-or-self::*[@*[contains(., ':')]]")
_BLANKS: Final = re.compile(r"[\x00-\x20\u00ad\u200b-\u200f\u2028\u2029\ufeff]+")


def scripts(document: Document) -> Iterator[Fault]:
    """Everything by which a viewer would run code that came with the document."""
    for node in _script_elements(document.root):
        yield _script(node, f"élément {etree.QName(node).localname}")
    for node in _found(_FOREIGN, document.root):
        for what in _scripts_of(node):
            yield _script(node, what)
    for node, name, value in _addresses(document.root):
        if _ACTIVE.match(_url(value)):
            yield _script(node, f"adresse active dans {name}")
    for instruction in _instructions(document):
        if _ACTIVE.match(_url(str(instruction.get("href", "")))):
            yield Fault(_INSTRUCTION, "feuille de style active", "aucun script", "Le document contient un script")


def remote(document: Document) -> Iterator[Fault]:
    """What a viewer would open inside the page, or fetch from elsewhere."""
    for node in _found(_FOREIGN, document.root):
        for what in _remotes_of(node):
            yield Fault(_place(node), what, "un document qui se suffit", "Le document incorpore un contenu extérieur")
    for instruction in _instructions(document):
        if _REMOTE.match(_url(str(instruction.get("href", "")))):
            yield Fault(_INSTRUCTION, "feuille de style distante", "une feuille locale", "La feuille est distante")


def _script_elements(root: etree._Element) -> Iterator[etree._Element]:
    """In any letter case and any namespace. Names are few and elements are thousands: those that match are sought."""
    names = {str(node.tag) for node in root.iter(etree.Element)}
    active = [name for name in names if etree.QName(name).localname.lower() in _SCRIPTS]
    if active:
        yield from root.iter(*active)


def _script(node: etree._Element, what: str) -> Fault:
    return Fault(_place(node), what, "aucun script", "Le document contient un script")


def _scripts_of(node: etree._Element) -> Iterator[str]:
    """Of an element that is not the clinical document's own."""
    written = _written(node)
    if _EVENT.fullmatch(written) and _local(node) == "attribute":
        yield f"attribut {written}"
    if written in _SCRIPTS and _local(node) == "element":
        yield f"élément {written}"
    yield from (f"attribut {name}" for name, _ in _attributes(node) if _EVENT.fullmatch(name))
    if node.text and _WRITTEN.search(node.text):
        yield "script écrit en texte"


def _remotes_of(node: etree._Element) -> Iterator[str]:
    name, xsl = _local(node), etree.QName(node).namespace == _XSL
    written = _written(node) if name == "element" else ""
    if name in _FRAMES or written in _FRAMES:
        yield f"élément {written or name}"
    if xsl and name in ("import", "include"):
        yield f"xsl:{name}"
    for attribute, value in _attributes(node):
        fetched = attribute in _FETCHING or (attribute == "href" and name in ("link", "image", "use", "base"))
        if fetched and _REMOTE.match(_url(value)):
            yield f"adresse distante dans {attribute}"


def _written(node: etree._Element) -> str:
    """Name of what an `xsl:element` or `xsl:attribute` writes, "" for any other element."""
    if etree.QName(node).namespace != _XSL:
        return ""
    return str(node.get("name", "")).lower().rpartition(":")[2]


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname.lower()


def _attributes(node: etree._Element) -> Iterator[tuple[str, str]]:
    for name, value in node.attrib.items():
        yield etree.QName(str(name)).localname.lower(), str(value)


def _addresses(root: etree._Element) -> Iterator[tuple[etree._Element, str, str]]:
    """Attributes that may hold an address with a scheme, with their element."""
    for node in _found(_WITH_COLON, root):
        yield from ((node, name, value) for name, value in _attributes(node))


def _found(query: etree.XPath, root: etree._Element) -> list[etree._Element]:
    found = query(root)
    return [node for node in found if isinstance(node, etree._Element)] if isinstance(found, list) else []


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
