"""Canonical XML for the signature judge: inclusive C14N 1.0 of a subtree and of a whole document, own code on lxml.

lxml canonicalises a lone element without the namespaces it inherits; the recommendation wants them all, so the
subtree is first copied under an apex that declares every namespace in scope.
"""

from __future__ import annotations

import copy
from typing import cast

from lxml import etree

from connector.base.xmlsafe import parse_xml

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_COMMENTS = C14N + "#WithComments"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_COMMENTS = EXCLUSIVE + "WithComments"
METHODS = frozenset({C14N, C14N_COMMENTS, EXCLUSIVE, EXCLUSIVE_COMMENTS})

_XML = "{http://www.w3.org/XML/1998/namespace}"


def canonical_subtree(element: etree._Element, method: str) -> bytes:
    """Canonical octets of `element` as it stands in its document, by the C14N URI `method` (one of METHODS)."""
    with_comments = method in (C14N_COMMENTS, EXCLUSIVE_COMMENTS)
    exclusive = method in (EXCLUSIVE, EXCLUSIVE_COMMENTS)
    # The stubs forget that a default namespace is keyed by None.
    apex = etree.Element(element.tag, nsmap=cast("dict[str, str]", element.nsmap))
    for ancestor in reversed(list(element.iterancestors())):
        if not exclusive:
            _inherit_xml_attributes(ancestor, apex)
    for name, value in element.attrib.items():
        apex.set(name, value)
    apex.text = element.text
    apex.extend(copy.deepcopy(child) for child in element)
    return _write(apex.getroottree(), exclusive=exclusive, with_comments=with_comments)


def canonical_document(content: bytes, method: str, cap: int) -> bytes:
    """Canonical octets of a whole document parsed with its comments and processing instructions.

    Raises CodecError or LimitError as parse_xml does.
    """
    root = parse_xml(content, cap=cap, huge=True, what="signed document")
    exclusive = method in (EXCLUSIVE, EXCLUSIVE_COMMENTS)
    with_comments = method in (C14N_COMMENTS, EXCLUSIVE_COMMENTS)
    return _write(root.getroottree(), exclusive=exclusive, with_comments=with_comments)


def _inherit_xml_attributes(ancestor: etree._Element, apex: etree._Element) -> None:
    for name, value in ancestor.attrib.items():
        if str(name).startswith(_XML):
            apex.set(name, value)


def _write(tree: etree._ElementTree, *, exclusive: bool, with_comments: bool) -> bytes:
    return etree.tostring(tree, method="c14n", exclusive=exclusive, with_comments=with_comments)
