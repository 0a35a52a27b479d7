"""A document is written by somebody else: whatever it holds, the page runs, fetches and hides nothing."""

from __future__ import annotations

import re
import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from connector.cda.errors import CdaError
from connector.render.html import Html, facts_missing, html_text, to_html
from connector.render.html.clean import clean
from tests.cda.letters import LETTER
from tests.render.letters import level_1, shown_letter, with_narrative

ACTIVE = ("script", "iframe", "object", "embed", "link", "base", "form", "svg", "math", "audio", "video", "frame")
ADDRESSES = ("src", "href", "action", "data", "background", "poster", "srcset", "xlink:href", "formaction", "ping")


def dangers(page: bytes) -> list[str]:
    """What of a page could run or fetch, as a browser's parser sees it; our own style sheet is known."""
    root = html.document_fromstring(page.decode())
    found = [str(node.tag) for node in root.iter(*ACTIVE)]
    for node in root.iter():
        for name, written in node.attrib.items():
            name, value = str(name), re.sub(r"[\x00-\x20]", "", str(written)).lower()
            if name.startswith("on") or (name == "style" and re.search(r"url|expression|import|image|\\", value)):
                found.append(name)
            if name in ADDRESSES and not value.startswith(("#", "data:image/png", "data:image/jpeg", "data:image/gif")):
                found.append(f"{name}={value}")
            if name == "http-equiv" and value != "content-security-policy":
                found.append(value)
    styles = "".join(node.text or "" for node in root.iter("style"))
    return found + re.findall(r"url\(|image-set|src\(|@import|@font-face|expression|exemple\.test", styles)


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "script in text": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "cdata": "<![CDATA[</div><script>alert(1)</script>]]>",
    "event": '<content onload="alert(1)" onclick="alert(1)">texte</content>',
    "image": '<img src="x" onerror="alert(1)"/>',
    "javascript link": '<linkHtml href="javascript:alert(1)">lien</linkHtml>',
    "hidden javascript link": '<linkHtml href="&#9;java&#10;script:alert(1)">lien</linkHtml>',
    "place with javascript": '<linkHtml href="#&quot; onclick=&quot;alert(1)">lien</linkHtml>',
    "remote image": '<renderMultiMedia referencedObject="http://exemple.test/i.png"/>',
    "style": '<content styleCode="x; background:url(http://exemple.test)" style="width:expression(x())">t</content>',
    "style element": "<style>@import 'http://exemple.test'; </style>",
    "foreign": '<h:iframe xmlns:h="http://www.w3.org/1999/xhtml" src="http://exemple.test">cadre</h:iframe>',
    "svg": '<s:svg xmlns:s="http://www.w3.org/2000/svg" onload="alert(1)"><s:script>alert(1)</s:script></s:svg>',
    "id": '<content ID="&quot;&gt;&lt;script&gt;">t</content>',
    "instruction": "<?php alert(1) ?><!-- <script>alert(1)</script> -->texte",
    "forged marks": '<renderMultiMedia xmlns:r="urn:dmp-connector:render" r:kind="image" r:src="http://exemple.test" '
    'referencedObject="x"/>',
    "spans": '<table><tr><td colspan="99999999" rowspan="-1">t</td></tr></table>',
    "column": '<table><col width="1" style="background:url(x)"/><tr><td>t</td></tr></table>',
}


@pytest.mark.parametrize("narrative", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_of_a_narrative_runs_or_fetches(narrative: str) -> None:
    page = to_html(with_narrative(f"{narrative} après")).content
    assert dangers(page) == []
    assert "après" in html_text(page)


def test_the_check_sees_what_it_is_for() -> None:
    assert (
        len(dangers(b"<body onload=x><script></script><img src=http://x><p style='a:url(x)'><style>@import</style>"))
        == 5
    )


def test_a_script_that_is_written_is_read_not_run() -> None:
    page = to_html(with_narrative("<script>alert(1)</script>"))
    assert "alert(1)" in html_text(page.content)
    assert [(finding.rule, finding.found) for finding in page.warnings] == [("RENDER-02", "élément script")]


@pytest.mark.parametrize(
    ("found", "planted"),
    [
        ("<title>Lettre", "<title>&lt;script&gt;alert(1)&lt;/script&gt;Lettre"),
        ("<family>THOMAS", '<family onload="x()">&lt;img src=x onerror=x()&gt;THOMAS'),
        ("<name>Organisation-Y", "<name>&quot;&gt;&lt;script&gt;Organisation-Y"),
        ('displayName="Hospitalisation"', 'displayName="&quot;&gt;&lt;script&gt;alert(1)"'),
        ('languageCode code="fr-FR"', 'languageCode code="&quot;&gt;&lt;script&gt;"'),
        ('effectiveTime value="20261120163000+0100"', 'effectiveTime value="&lt;script&gt;alert(1)"'),
        ("<title>Sous-partie", "<title>&lt;/style&gt;&lt;script&gt;Sous-partie"),
    ],
)
def test_nothing_of_a_header_runs(found: str, planted: str) -> None:
    assert dangers(to_html(shown_letter((found, planted))).content) == []


def test_a_forged_date_is_not_shown() -> None:
    forged = '<effectiveTime xmlns:r="urn:dmp-connector:render" r:date="1er avril" r:iso="x" value="demain"'
    page = to_html(shown_letter(('<effectiveTime value="20261120163000+0100"', forged))).content
    assert "1er avril" not in html_text(page)
    assert "Établi le demain" in html_text(page)


def test_an_entity_or_a_doctype_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + LETTER.partition("?>")[2].encode()
    with pytest.raises(CdaError):
        to_html(bomb)


@pytest.mark.parametrize("element", ["content", "paragraph", "list", "table"])
def test_a_deep_nesting_is_flattened(element: str) -> None:
    inner = {"content": "content", "paragraph": "paragraph", "list": "list><item", "table": "table><tr><td"}[element]
    closing = "></".join(reversed(inner.replace("><", " ").split()))
    page = to_html(with_narrative(f"<{inner}>" * 400 + "profond" + f"</{closing}>" * 400))
    assert "RENDER-01" in [finding.rule for finding in page.warnings]
    assert facts_missing(page.content, ["profond"]) == []
    assert dangers(page.content) == []


def test_a_huge_table_is_a_page_in_reasonable_time() -> None:
    rows = "".join(f"<tr><td>ligne {row}</td><td>valeur {row}</td></tr>" for row in range(50_000))
    began = time.perf_counter()
    page = to_html(with_narrative(f"<table><tbody>{rows}</tbody></table>"))
    assert time.perf_counter() - began < 20
    assert b"valeur 49999" in page.content


def test_a_style_that_fetches_nothing_is_kept() -> None:
    style = "@media print { p { color: #123; font-family: 'Segoe UI', sans-serif } } /* image */"
    assert style in clean(f"<style>{style}</style><body><p style='color:red'>x".encode()).decode()


def test_what_is_misplaced_in_a_table_stays_in_the_page() -> None:
    odd = (
        "<table>un<tbody>deux<tr>trois<content>quatre</content><td>cinq</td></tr><paragraph>six</paragraph></tbody>"
        "<paragraph>sept</paragraph></table><td>huit</td><item>neuf</item><list>dix<paragraph>onze</paragraph></list>"
    )
    words = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze"]
    assert facts_missing(to_html(with_narrative(odd)).content, words) == []


def test_a_text_body_with_markup_is_text() -> None:
    assert dangers(to_html(level_1("text/plain", b"</pre><script>alert(1)</script>\x0c")).content) == []


def self_presenting(template: str, extra: str = "") -> bytes:
    body = LETTER.partition("?>")[2].partition("?>")[2]
    return (
        '<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="#"?>'
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3">'
        f'<c:Contenu xmlns:c="urn:asip-sante:ci-sis">{body}</c:Contenu>{extra}'
        f'<xsl:template match="/">{template}</xsl:template></xsl:stylesheet>'
    ).encode()


def rules_of(page: Html) -> list[str]:
    return [finding.rule for finding in page.warnings]


def test_a_self_presenting_document_shows_itself() -> None:
    page = to_html(
        self_presenting('<html><body><h1>À ma façon</h1><xsl:value-of select="//v3:family[1]"/></body></html>')
    )
    assert (page.own_style, rules_of(page)) == (True, [])
    assert html_text(page.content) == "À ma façon PAT-TROIS"
    assert b"Content-Security-Policy" in page.content


def test_it_does_not_when_ours_is_asked_for() -> None:
    page = to_html(self_presenting("<html><body>À ma façon</body></html>"), own_style=False)
    assert not page.own_style
    assert "Nom de naissance PAT-TROIS" in html_text(page.content)


@pytest.mark.parametrize(
    "template",
    [
        "<html><body><script>alert(1)</script></body></html>",
        '<html><body onload="alert(1)"/></html>',
        '<html><body><xsl:element name="script">alert(1)</xsl:element></body></html>',
        '<html><body><a href="javascript:alert(1)">x</a></body></html>',
    ],
)
def test_with_a_script_it_is_shown_by_our_stylesheet(template: str) -> None:
    page = to_html(self_presenting(template))
    assert (page.own_style, rules_of(page)) == (False, ["RENDER-10"])
    assert "Nom de naissance PAT-TROIS" in html_text(page.content)
    assert dangers(page.content) == []


@pytest.mark.parametrize(
    "template",
    [
        '<xsl:element name="{concat(&quot;scr&quot;, &quot;ipt&quot;)}">alert(1)</xsl:element>',
        '<p><xsl:attribute name="{concat(&quot;on&quot;, &quot;load&quot;)}">alert(1)</xsl:attribute>x</p>',
        '<xsl:variable name="e" select="concat(&quot;java&quot;, &quot;script:alert(1)&quot;)"/><a href="{$e}">x</a>',
        '<xsl:text disable-output-escaping="yes">&lt;scr</xsl:text>'
        '<xsl:text disable-output-escaping="yes">ipt>alert(1)&lt;/scr</xsl:text>'
        '<xsl:text disable-output-escaping="yes">ipt></xsl:text>',
        '<img src="http://exemple.test/x.png"/><link rel="stylesheet" href="http://exemple.test/"/>',
        '<iframe src="data:application/pdf;base64,AAAA"/><object data="http://exemple.test"/>',
        '<p style="background:url(http://exemple.test)">x</p><style>@import "http://exemple.test";</style>',
        '<style>p{background:image-set("http://exemple.test/x" 1x)}</style>',
        '<p style="background:-webkit-image-set(&quot;//exemple.test/x&quot; 1x)">x</p>',
        '<style>@font-face{font-family:f;src:src("x.woff")}</style><style>p{background:image("x.png")}</style>',
        '<meta http-equiv="refresh" content="0;url=http://exemple.test"/><form action="http://exemple.test"/>',
    ],
)
def test_what_it_makes_is_cleaned(template: str) -> None:
    page = to_html(self_presenting(f"<html><body>{template}<b>vu</b></body></html>"))
    assert page.own_style
    assert dangers(page.content) == []
    assert "vu" in html_text(page.content)


@pytest.mark.parametrize(
    "template",
    [
        '<xsl:copy-of select="document(&quot;/etc/passwd&quot;)"/>',
        '<xsl:copy-of select="document(&quot;file:///etc/passwd&quot;)"/>',
    ],
)
def test_it_reads_no_file(template: str) -> None:
    page = to_html(self_presenting(f"<html><body>{template}<b>vu</b></body></html>"))
    assert html_text(page.content).endswith("vu")
    assert b"root:" not in page.content


@pytest.mark.parametrize(
    ("template", "extra"),
    [
        ('<xsl:copy-of select="document(&quot;http://exemple.test/&quot;)"/>', ""),
        ('<xsl:call-template name="x"/>', '<xsl:template name="x"><xsl:call-template name="x"/></xsl:template>'),
        ("", ""),
        ("<html><body/></html>", ""),
        ('<xsl:value-of select="nothing("/>', ""),
    ],
    ids=["remote", "endless", "no page", "empty page", "no stylesheet"],
)
def test_one_that_fails_is_shown_by_our_stylesheet(template: str, extra: str) -> None:
    page = to_html(self_presenting(template, extra))
    assert (page.own_style, rules_of(page)) == (False, ["RENDER-11"])
    assert "Nom de naissance PAT-TROIS" in html_text(page.content)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=200))
def test_no_foreign_page_stays_dangerous(text: str) -> None:
    assert dangers(clean(f"<html><body>x{text}</body></html>".encode())) == []


BAD: Final = """
    <script> </script> <img/src=x/onerror=y> <svg/onload=x> <style> </style> <!-- --> <![CDATA[ <math><mtext>
    <a/href='java&#10;script:x'> <p/style='a:u\\72l(x)'> <title> </title> <table><p> <noscript>
    <iframe/srcdoc='<script>'> <template> <base/href=//x> <plaintext> texte " ' >"""
PIECES = st.sampled_from(BAD.split())


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_combination_of_bad_pieces_stays_dangerous(page: str) -> None:
    once = clean(f"<body>x{page}".encode())
    assert dangers(once) == []
    assert dangers(clean(once)) == []
