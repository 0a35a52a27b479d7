"""Reads a document once, then asks each rule."""

from __future__ import annotations

from typing import Final

from lxml import etree

from connector.base.errors import CodecError, LimitError
from connector.base.finding import Finding, Severity
from connector.base.xmlsafe import parse_xml
from connector.cda.checks.model import Document
from connector.cda.checks.rules import CHECKS
from connector.cda.header import clinical_document
from connector.cda.model import CdaHeader

DEFAULT_MAX_BYTES: Final = 10 * 1024 * 1024
"""Bytes; the DMP's own limit for one document."""


def check_document(
    content: bytes, header: CdaHeader | None, *, max_bytes: int = DEFAULT_MAX_BYTES
) -> tuple[Finding, ...]:
    """Findings of the structural rules, in the order of the rules; never raises on a bad document.

    `header` is the one already read of `content`, None when nobody read it.
    """
    try:
        root = parse_xml(content, cap=max_bytes, huge=True, what="CDA")
    except LimitError as error:
        return (_unreadable("CDA-01", error, "Le document dépasse la limite de taille ou de complexité"),)
    except CodecError as error:
        return (_unreadable("CDA-02", error, "Le document n'est pas un XML bien formé et sans DOCTYPE"),)
    return check_tree(root, header)


def check_tree(root: etree._Element, header: CdaHeader | None) -> tuple[Finding, ...]:
    """The same for a document already parsed by `parse_xml`."""
    try:
        clinical = clinical_document(root)
    except CodecError as error:
        return (_unreadable("CDA-03", error, "Le document n'est pas un ClinicalDocument"),)
    document = Document(root, clinical, header)
    return tuple(
        Finding(check.rule, check.severity, fault.field, fault.found, fault.expected, fault.text, "", check.reference)
        for check in CHECKS
        for fault in check.look(document)
    )


def _unreadable(rule: str, error: CodecError, text: str) -> Finding:
    severity: Severity = "error"
    context = error.context
    return Finding(
        rule, severity, str(context["field"]), str(context["found"]), str(context["expected"]), text, "", "EX_2.1-1070"
    )
