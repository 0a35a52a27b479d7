"""Reads a document once, then asks each rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from lxml import etree

from connector.base.errors import CodecError, LimitError
from connector.base.finding import Finding, Severity
from connector.base.xmlsafe import parse_xml
from connector.cda.checks.letters import letter_of
from connector.cda.checks.marks import read_marks
from connector.cda.checks.media import read_body
from connector.cda.checks.model import Check, Document
from connector.cda.checks.outline import read_outline
from connector.cda.checks.rules import CHECKS
from connector.cda.header import clinical_document
from connector.cda.model import CdaHeader
from connector.ins.model import Environment

DEFAULT_MAX_BYTES: Final = 10 * 1024 * 1024
"""Bytes; the DMP's own limit for one document."""


def check_document(
    content: bytes,
    header: CdaHeader | None,
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    environment: Environment = "test",
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """Findings of the structural rules, in the order of the rules; never raises on a bad document.

    `header` is the one already read of `content`, None when nobody read it; `environment` is that of the DMP the
    document is for; `now`, aware, is the moment of checking: without it no date is told to be in the future.
    """
    root, unreadable = parse_document(content, max_bytes)
    return unreadable if root is None else check_tree(root, header, environment, now)


def parse_document(content: bytes, max_bytes: int) -> tuple[etree._Element | None, tuple[Finding, ...]]:
    """The root, in which there is one ClinicalDocument; or None and the finding that says why there is not."""
    try:
        root = parse_xml(content, cap=max_bytes, huge=True, what="CDA")
    except LimitError as error:
        return None, _unreadable("CDA-01", error, "Le document dépasse la limite de taille ou de complexité")
    except CodecError as error:
        return None, _unreadable("CDA-02", error, "Le document n'est pas un XML bien formé et sans DOCTYPE")
    try:
        clinical_document(root)
    except CodecError as error:
        return None, _unreadable("CDA-03", error, "Le document n'est pas un ClinicalDocument")
    return root, ()


def check_tree(
    root: etree._Element,
    header: CdaHeader | None,
    environment: Environment = "test",
    now: datetime | None = None,
) -> tuple[Finding, ...]:
    """The rules for a document that `parse_document` read; `now` as in `check_document`."""
    clinical = clinical_document(root)
    letter = letter_of(clinical)
    document = Document(
        root=root,
        clinical=clinical,
        header=header,
        body=read_body(clinical),
        letter=letter,
        environment=environment,
        marks=read_marks(clinical),
        sections=read_outline(clinical, letter),
        now=now,
    )
    return tuple(finding for check in CHECKS for finding in _findings(check, document))


def _findings(check: Check, document: Document) -> Iterator[Finding]:
    severity = check.weight(document.environment)
    for fault in check.look(document):
        yield Finding(check.rule, severity, fault.field, fault.found, fault.expected, fault.text, "", check.reference)


def _unreadable(rule: str, error: CodecError, text: str) -> tuple[Finding, ...]:
    severity: Severity = "error"
    field, found, expected = (str(error.context[name]) for name in ("field", "found", "expected"))
    return (Finding(rule, severity, field, found, expected, text, "", "EX_2.1-1070"),)
