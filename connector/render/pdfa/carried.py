"""The rules of PDF/A-1b for the PDF that a level-1 document carries: what a hospital made, not we."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from connector.base.finding import Finding
from connector.cda.checks.media import MEDIA, read_body
from connector.cda.errors import CdaError
from connector.cda.header import CDA_CAP
from connector.render.html.page import read_document
from connector.render.pdfa.run import Limits, check_pdfa

_PDF: Final = "application/pdf"
_FIELD: Final = "/ClinicalDocument/component/nonXMLBody/text"
LIMITS: Final = Limits(objects=100_000)
"""Half of what is looked at where somebody waits for one file: a document on its way waits for about a second."""


def check_carried(
    cda: bytes, *, strict: bool = False, limits: Limits = LIMITS, cap: int = CDA_CAP
) -> tuple[Finding, ...] | None:
    """Findings about the PDF of a CDA, warnings, or errors with `strict`; None when it carries none.

    Never raises: a document that cannot be read, or a PDF that is none, is told by the rules of documents.
    """
    try:
        body = read_body(read_document(cda, cap))
    except CdaError:
        return None
    if body.text is None or body.content is None or body.text.get("mediaType") != _PDF:
        return None
    if not MEDIA[_PDF](body.content):
        return None
    return tuple(replace(found, field=_FIELD) for found in check_pdfa(body.content, strict=strict, limits=limits))
