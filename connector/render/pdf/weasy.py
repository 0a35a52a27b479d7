"""PDF/A-1b by the extra `weasyprint`, which needs the system's Pango: the page as it would be printed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from connector.base.errors import SettingsError
from connector.cda.header import CDA_CAP
from connector.render.html.page import page_tree, read_document
from connector.render.pdf.make import Pdf, PdfError, carried_pdf
from connector.render.pdfa import check_pdfa


def to_pdf_by_weasyprint(cda: bytes, *, now: datetime, cap: int = CDA_CAP) -> Pdf:
    """As `to_pdf`, from the HTML itself. Raises SettingsError besides, without the extra or without Pango."""
    weasyprint = _weasyprint()
    document = read_document(cda, cap)
    carried = carried_pdf(document)
    if carried is not None:
        return carried
    page, findings, _ = page_tree(document)
    head = page.find("head")
    assert head is not None
    etree.SubElement(head, "meta", {"name": "dcterms.created", "content": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"})
    content = etree.tostring(page, method="html", encoding="utf-8", doctype="<!DOCTYPE html>")
    made = weasyprint.HTML(string=content.decode(), url_fetcher=_only_data(weasyprint)).write_pdf(
        pdf_variant="pdf/a-1b", pdf_identifier=hashlib.sha256(content).digest()[:16]
    )
    if made is None:
        raise PdfError("the document could not be typeset", found="weasyprint")
    return Pdf(made, True, (*findings, *check_pdfa(made, strict=True)))


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        # OSError: the library is there, Pango is not
        raise SettingsError(
            "the extra weasyprint is not installed",
            name="weasyprint",
            found="absent",
            allowed="pip install dmp-connector[weasyprint], and Pango",
        ) from error
    return weasyprint


def _only_data(weasyprint: Any) -> Any:
    """Our pages fetch nothing; should one try, it is refused."""

    def fetch(url: str, *args: Any, **options: Any) -> Any:
        if not url.startswith("data:image/"):
            raise PdfError("a page may fetch nothing", found="an address")
        return weasyprint.default_url_fetcher(url, *args, **options)

    return fetch
