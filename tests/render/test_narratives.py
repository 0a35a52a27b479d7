"""Whatever the schema lets a narrative be, it is shown: nothing fails, every text is there, the page is HTML."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, settings
from lxml import etree
from pypdf import PdfReader

from connector.render.html import html_text, to_html
from connector.render.html.page import page_tree, read_document
from connector.render.pdf import to_pdf
from connector.render.text import to_text
from tests.render.letters import png, with_media
from tests.render.narratives import GRAMMAR, MEDIA, MIXED, WITHOUT_ID, Narrative, glued, narratives
from tests.render.test_hostile import dangers
from tests.render.test_pdf import NOW

FULL: Final = os.environ.get("CONNECTOR_PROOF") == "full"
DRAWN, PRINTED = (3000, 200) if FULL else (300, 15)
HEALTH: Final = list(HealthCheck)
XS: Final = "{http://www.w3.org/2001/XMLSchema}"
BLOCKS: Final = frozenset(
    ("div", "p", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "pre", "h2", "h3")
)


def document(narrative: Narrative) -> bytes:
    return with_media(narrative.xml, {name: png(2, 3 + rank) for rank, name in enumerate(MEDIA)})


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(narratives())
def test_every_text_of_a_narrative_is_on_the_page(narrative: Narrative) -> None:
    page = to_html(document(narrative))
    said = html_text(page.content)
    assert [word for word in narrative.words if word not in said] == []
    assert glued(narrative, said) == []
    assert (page.warnings, dangers(page.content)) == ((), [])


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(narratives())
def test_the_page_is_html_that_a_parser_leaves_as_it_is(narrative: Narrative) -> None:
    page, _, _ = page_tree(read_document(document(narrative)))
    assert misplaced(page) == []


def misplaced(page: etree._Element) -> list[str]:
    """Elements a parser of HTML would close, move or drop."""
    found: list[str] = []
    parents = {"tr": {"table", "thead", "tbody", "tfoot"}, "td": {"tr"}, "th": {"tr"}, "li": {"ul", "ol"}}
    parents |= {name: {"table"} for name in ("thead", "tbody", "tfoot", "caption")}
    for node in page.iter(etree.Element):
        parent = node.getparent()
        if node.tag in parents and (parent is None or parent.tag not in parents[str(node.tag)]):
            found.append(f"{node.tag} in {'' if parent is None else parent.tag}")
        if node.tag in BLOCKS and next(node.iterancestors("p"), None) is not None:
            found.append(f"{node.tag} in p")
        if node.tag == "a" and next(node.iterancestors("a"), None) is not None:
            found.append("a in a")
        if node.tag in {"table", "tr", "ul", "ol"} and (node.text or "").strip():
            found.append(f"text in {node.tag}")
    return found


@settings(max_examples=DRAWN, suppress_health_check=HEALTH)
@given(narratives())
def test_every_text_of_a_narrative_is_in_the_terminal(narrative: Narrative) -> None:
    said = to_text(document(narrative))
    assert [word for word in narrative.words if word not in said] == []
    assert glued(narrative, said) == []


@settings(max_examples=PRINTED, suppress_health_check=HEALTH)
@given(narratives())
def test_every_text_of_a_narrative_is_on_paper(narrative: Narrative) -> None:
    pdf = to_pdf(document(narrative), now=NOW)
    assert {finding.rule for finding in pdf.findings} <= {"RENDER-22"}
    pages = PdfReader(io.BytesIO(pdf.content)).pages
    said = "".join("".join(page.extract_text().split()) for page in pages).replace("-", "")
    assert [word for word in narrative.words if word not in said] == []


def test_the_grammar_is_that_of_the_schema(official_data: Path) -> None:
    schema = etree.parse(official_data / "cisis-data" / "xsd" / "general" / "NarrativeBlock.xsd").getroot()
    types = {str(node.get("name")).removeprefix("StrucDoc."): node for node in schema.iter(f"{XS}complexType")}
    told = {name[0].lower() + name[1:]: node for name, node in types.items() if not name.startswith("Title")}
    assert told.keys() == GRAMMAR.keys()
    for name, node in told.items():
        allowed = {child for names, _, _ in GRAMMAR[name] for child in names}
        assert {child.get("name") for child in node.iter(f"{XS}element")} == allowed, name
        assert (node.get("mixed") == "true") == (name in MIXED), name
        named = {attribute.get("name") for attribute in node.iter(f"{XS}attribute")}
        assert ("ID" in named) == (name not in WITHOUT_ID), name


def test_what_is_drawn_is_valid_against_the_schema(official_data: Path) -> None:
    folder = official_data / "cisis-data" / "xsd" / "general"
    wrapper = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:hl7-org:v3" targetNamespace="urn:hl7-org:v3"'
        f' elementFormDefault="qualified"><xs:include schemaLocation="{(folder / "NarrativeBlock.xsd").as_uri()}"/>'
        '<xs:element name="text" type="StrucDoc.Text"/></xs:schema>'
    )
    schema = etree.XMLSchema(etree.fromstring(wrapper))

    @settings(max_examples=DRAWN, suppress_health_check=HEALTH)
    @given(narratives())
    def every_one(narrative: Narrative) -> None:
        schema.assertValid(etree.fromstring(narrative.xml.replace("<text", '<text xmlns="urn:hl7-org:v3"', 1)))

    every_one()


def test_the_check_of_a_page_sees_what_it_is_for() -> None:
    page = etree.fromstring("<body><p><ul><li/></ul></p><div><td/></div><a><a/></a><table>x</table></body>")
    assert misplaced(page) == ["ul in p", "li in p", "td in div", "a in a", "text in table"]
