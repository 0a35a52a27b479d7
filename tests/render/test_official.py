"""Every official example is readable: each text of its narratives is on the page, and on paper."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from pypdf import PdfReader

from connector.render.html import facts_missing, to_html
from connector.render.pdf import to_pdf

SECTION_TEXT = "{urn:hl7-org:v3}section/{urn:hl7-org:v3}text"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def examples(data: Path) -> list[Path]:
    found = sorted((data / "cisis-data" / "examples").glob("*.xml"))
    assert len(found) >= 40
    return found


def told(cda: bytes) -> list[str]:
    """Every text of every narrative."""
    root = etree.fromstring(cda, etree.XMLParser(huge_tree=True, remove_comments=True))
    texts = [str(text) for node in root.iterfind(f".//{SECTION_TEXT}") for text in node.itertext()]
    return [text for text in texts if text.strip()]


def test_every_narrative_is_on_the_page(official_data: Path) -> None:
    texts = 0
    for file in examples(official_data):
        cda = file.read_bytes()
        facts = told(cda)
        texts += len(facts)
        rendered = to_html(cda, own_style=False)
        assert facts_missing(rendered.content, facts) == [], file.name
        assert rendered.warnings == (), file.name
    assert texts > 3000


def test_those_that_show_themselves_do(official_data: Path) -> None:
    themselves = [file for file in examples(official_data) if "Auto-Presentable" in file.name]
    assert len(themselves) == 2
    for file in themselves:
        cda = file.read_bytes()
        rendered = to_html(cda)
        assert (rendered.own_style, rendered.warnings) == (True, ()), file.name
        assert facts_missing(rendered.content, ["PAT-TROIS", "279035121518989", *told(cda)]) == [], file.name


@pytest.mark.parametrize("name", ["LDL-SES_2022.01.xml", "LDL-EES_2022.01.xml", "VSM_1.4_2022.01.xml"])
def test_every_narrative_is_on_paper(official_data: Path, name: str) -> None:
    cda = (official_data / "cisis-data" / "examples" / name).read_bytes()
    pdf = to_pdf(cda, now=NOW)
    assert (pdf.made, pdf.findings) == (True, ())
    pages = PdfReader(io.BytesIO(pdf.content)).pages
    said = "".join("".join(page.extract_text().split()) for page in pages)
    said = said.replace("\u200b", "").replace("-", "")
    assert [text for text in told(cda) if "".join(text.split()).replace("-", "") not in said] == []


def test_a_pdf_in_a_document_is_handed_on_as_it_is(official_data: Path) -> None:
    cda = (official_data / "cisis-data" / "examples" / "DOC_NON_STRUCTURE_CDA-R2-N1.xml").read_bytes()
    pdf, (attached,) = to_pdf(cda, now=NOW), to_html(cda).attachments
    assert not pdf.made
    assert pdf.content == attached.content
    assert pdf.findings[0].rule == "RENDER-20"
    assert {"PDFA-06", "PDFA-21"} <= {finding.rule for finding in pdf.findings}
    assert {finding.severity for finding in pdf.findings} == {"info", "warning"}
