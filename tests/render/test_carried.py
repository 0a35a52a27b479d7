"""The PDF a document carries: found, judged within bounds, and never a reason to fail."""

from __future__ import annotations

import pytest

from connector.render.pdfa import Limits, check_carried
from tests.render.letters import level_1, shown_letter
from tests.render.test_pdfa import GOOD, catalog, dictionary, found_in, on_page, rewritten

FIELD = "/ClinicalDocument/component/nonXMLBody/text"
LAYERS = rewritten(catalog("OCProperties", dictionary()))


def carried(pdf: bytes, media_type: str = "application/pdf") -> bytes:
    return level_1(media_type, pdf)


def test_a_good_pdf_has_no_finding() -> None:
    assert check_carried(carried(GOOD)) == ()


def test_what_is_wrong_is_a_warning_at_its_place_or_an_error_where_asked() -> None:
    (warned,) = check_carried(carried(LAYERS)) or ()
    (refused,) = check_carried(carried(LAYERS), strict=True) or ()
    assert (warned.rule, warned.severity, warned.field) == ("PDFA-10", "warning", FIELD)
    assert refused.blocking


@pytest.mark.parametrize(
    ("pdf", "rule"),
    [(GOOD[: len(GOOD) // 2] + b"\n%%EOF", "PDFA-00"), (GOOD + b"<script>alert(1)</script>", "PDFA-05")],
    ids=["half of it", "something after it"],
)
def test_what_readers_would_still_open_is_told(pdf: bytes, rule: str) -> None:
    assert [found.rule for found in check_carried(carried(pdf)) or ()] == [rule]


@pytest.mark.parametrize(
    "cda",
    [
        shown_letter(),
        carried(b"bonjour", "text/plain"),
        carried(b"MZ"),
        carried(GOOD).replace(b"JVBERi", b"@@@@@@"),
        b"<nonXMLBody/>",
        b"nonXMLBody",
    ],
    ids=["level 3", "a text", "no PDF", "no base64", "no CDA", "no XML"],
)
def test_what_carries_no_pdf_is_not_judged(cda: bytes) -> None:
    assert check_carried(cda) is None


def test_a_document_in_utf_16_is_read_too() -> None:
    text = carried(LAYERS).decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert [found.rule for found in check_carried(text.encode("utf-16")) or ()] == ["PDFA-10"]


def test_what_is_looked_at_is_bounded() -> None:
    """Counted: a PDF of more than LIMITS objects is told as such, on a fast machine or a slow one."""
    page = rewritten(on_page("Planted", dictionary()))
    assert found_in(page) == set()
    numbers = page.replace(b"/Planted", b"/Planted [" + b"<</A 1>>" * 60_000 + b"] /Plante2", 1)
    (found,) = check_carried(carried(numbers)) or ()
    assert (found.rule, found.found) == ("PDFA-00", "plus de 100000 objets")
    (tight,) = check_carried(carried(GOOD), limits=Limits(objects=10)) or ()
    assert tight.found == "plus de 10 objets"
