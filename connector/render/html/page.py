"""From the bytes of a document to the bytes of a page."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from lxml import etree

from connector.base.errors import CodecError
from connector.base.finding import Finding
from connector.base.xmlsafe import parse_xml
from connector.cda.errors import CdaError
from connector.cda.header import CDA_CAP, clinical_document
from connector.render.html.annotate import annotate
from connector.render.html.model import Attachment, Html
from connector.render.html.presenting import presented
from connector.render.html.stylesheet import letter_stylesheet

_DOCTYPE: Final = "<!DOCTYPE html>"


def to_html(cda: bytes, *, link: str = "", own_style: bool = True, cap: int = CDA_CAP) -> Html:
    """The page of any CDA of at most `cap` bytes, of level 1 or 3; the same bytes always give the same page.

    `link` is what the address of an attached file begins with; with "" files are named, not linked to. With
    `own_style`, a self-presenting document without script is shown by the stylesheet it carries; with one, it is shown
    by ours, and a warning says so. Raises CdaError when `cda` is no ClinicalDocument.
    """
    root, document = _parse(cda, cap)
    findings: tuple[Finding, ...] = ()
    if own_style and root is not document:
        own, findings = presented(cda, root)
        if own is not None:
            return own
    page, more, attachments = page_tree(document, link)
    content = etree.tostring(page, method="html", encoding="utf-8", doctype=_DOCTYPE)
    return Html(content, (*findings, *more), attachments)


def read_document(cda: bytes, cap: int = CDA_CAP) -> etree._Element:
    """The ClinicalDocument as the root of a tree of its own. Raises CdaError."""
    return _parse(cda, cap)[1]


def page_tree(
    document: etree._Element, link: str = ""
) -> tuple[etree._Element, tuple[Finding, ...], tuple[Attachment, ...]]:
    """The page as a tree, made by our stylesheet; `document` is annotated on the way."""
    findings, attachments = annotate(document)
    # an error of the stylesheet is a fault of ours: it is not caught
    page = letter_stylesheet()(document, link=etree.XSLT.strparam(link)).getroot()
    return page, findings, attachments


def _parse(cda: bytes, cap: int) -> tuple[etree._Element, etree._Element]:
    try:
        root = parse_xml(cda, cap=cap, huge=True, what="CDA")
    except CodecError as error:
        raise CdaError(error.message, **error.context) from error
    document = clinical_document(root)
    return root, document if document is root else _alone(document)


def _alone(document: etree._Element) -> etree._Element:
    alone = deepcopy(document)
    alone.tail = None
    return alone
