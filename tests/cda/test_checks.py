"""Structural checks: a good document has no finding, and each mutation exactly the one of its rule."""

from __future__ import annotations

import base64
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from connector.base.finding import Finding
from connector.cda.checks import check_document
from connector.cda.checks.media import MEDIA, decoded
from tests.cda.letters import SOUND, self_presenting

PDF = b"%PDF-1.4\n<x:xmpmeta><pdfaid:part>1</pdfaid:part></x:xmpmeta>\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\xff\xd9"
TIFF = b"II*\x00\x08\x00\x00\x00\x00\x00"
RTF = b"{\\rtf1\\ansi Bonjour}"

IDENTIFIED = '<id root="2.25.9"/><title>Section</title>'

Change = tuple[str, str]


def changed(document: str, *changes: Change) -> bytes:
    for found, planted in changes:
        assert found in document, found
        document = document.replace(found, planted)
    return document.encode()


def level_1(content: bytes = PDF, kind: str = "application/pdf") -> str:
    """The letter with an unstructured body, and the templateIds of one."""
    body = base64.encodebytes(content).decode()
    return SOUND.replace(
        'root="1.2.250.1.213.1.1.1.29" extension="2022.01"', 'root="1.3.6.1.4.1.19376.1.2.20"'
    ).replace(
        "<structuredBody/>", f'<nonXMLBody><text mediaType="{kind}" representation="B64">{body}</text></nonXMLBody>'
    )


def presenting(shown: str) -> str:
    """The letter carried by a stylesheet whose template holds `shown`."""
    return (
        self_presenting(SOUND)
        .decode()
        .replace('<xsl:template match="/"/>', f'<xsl:template match="/">{shown}</xsl:template>')
    )


def structured(text: str) -> str:
    section = f"<component><section>{IDENTIFIED}<text>{text}</text></section></component>"
    return SOUND.replace("<structuredBody/>", f"<structuredBody>{section}</structuredBody>")


def rules(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.rule for finding in findings]


GOOD = {
    "structured": SOUND,
    "references": structured('<content ID="a">x</content><linkHtml href="#a">y</linkHtml>'),
    "pdf": level_1(),
    "jpeg": level_1(JPEG, "image/jpeg"),
    "tiff": level_1(TIFF, "image/tiff"),
    "rtf": level_1(RTF, "text/rtf"),
    "text": level_1("Compte rendu à lire\n".encode(), "text/plain"),
    "latin text": level_1("Compte rendu à lire\n".encode("latin-1"), 'text/plain" charset="ISO-8859-1'),
    "self-presenting": self_presenting(SOUND).decode(),
    "self-presenting with a picture": presenting('<html><img src="data:image/png;base64,AAAA"/><a href="#x"/></html>'),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_document_has_no_finding(name: str) -> None:
    assert check_document(GOOD[name].encode(), None) == ()


TEXT_END = "</text></nonXMLBody>"
FIRST = '<templateId root="2.16.840.1.113883.2.8.2.1"/>'
VERSION = '<versionNumber value="2"/>'
REPLACED = '<id root="2.25.17"/>'
TITLE = SOUND[SOUND.index("<title>") : SOUND.index("</title>") + 8]
OWN_ID = '<id root="2.25.329800735698586629295641978511506172918"/>'
SECOND = f'<relatedDocument typeCode="RPLC"><parentDocument>{REPLACED}</parentDocument></relatedDocument>'
IMPORT = '<xsl:import href="x.xsl"/>'
COMPRESSED = b"2 0 obj<</Type/ObjStm>>stream\n" + zlib.compress(b"<</S/Launch>>") + b"\nendstream endobj\n%%EOF"
SIGNED = '<effectiveTime value="20261120163000+0100"/>'
MUTATIONS: list[tuple[str, str, str, list[Change]]] = [
    ("CDA-02", "not well-formed", SOUND, [("</ClinicalDocument>", "")]),
    ("CDA-02", "a DOCTYPE", SOUND, [("<ClinicalDocument xmlns", "<!DOCTYPE x><ClinicalDocument xmlns")]),
    ("CDA-03", "another root", SOUND, [("ClinicalDocument", "Document")]),
    ("CDA-10", "another typeId", SOUND, [("POCD_HD000040", "POCD_HD000041")]),
    ("CDA-10", "no typeId", SOUND, [('<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>', "")]),
    ("CDA-11", "level 1 under a model", level_1(), [("1.3.6.1.4.1.19376.1.2.20", "1.2.250.1.213.1.1.1.15")]),
    ("CDA-11", "a structured body", SOUND, [(FIRST, f'{FIRST}<templateId root="1.3.6.1.4.1.19376.1.2.20"/>')]),
    ("CDA-11", "four templateIds", level_1(), [("<id root", '<templateId root="1.2.3"/><id root')]),
    ("CDA-12", "no number", SOUND, [(VERSION, '<versionNumber value="deux"/>')]),
    ("CDA-12", "a number of another script", SOUND, [(VERSION, '<versionNumber value="²"/>')]),
    ("CDA-12", "too many digits", SOUND, [(VERSION, f'<versionNumber value="{"9" * 5000}"/>')]),
    ("CDA-12", "version 0", SOUND, [(VERSION, '<versionNumber value="0"/>')]),
    ("CDA-13", "replaces itself", SOUND, [(REPLACED, OWN_ID)]),
    ("CDA-13", "replaces nothing", SOUND, [(REPLACED, "")]),
    ("CDA-13", "replaces two", SOUND, [("<componentOf>", f"{SECOND}<componentOf>")]),
    ("CDA-14", "a first version that replaces", SOUND, [(VERSION, '<versionNumber value="1"/>')]),
    ("CDA-14", "replaces a later version", SOUND, [(REPLACED, f'{REPLACED}<versionNumber value="9"/>')]),
    ("CDA-14", "no setId", SOUND, [('<setId root="2.25.1" extension="S"/>', "")]),
    ("CDA-14", "an addendum", SOUND, [('typeCode="RPLC"', 'typeCode="APND"')]),
    ("CDA-15", "a title that nobody sees", SOUND, [(TITLE, "<title> \u200b </title>")]),
    ("CDA-15", "no title", SOUND, [(TITLE, "")]),
    ("CDA-16", "an ID twice", structured('<content ID="a">x</content><content ID="a">y</content>'), []),
    ("CDA-18", "an OID too long", SOUND, [(OWN_ID, f'<id root="2.25.{"1" * 70}"/>')]),
    ("CDA-18", "no OID", SOUND, [(OWN_ID, '<id root="1.2.03"/>')]),
    ("CDA-18", "an extension in two", SOUND, [(OWN_ID, '<id root="2.25.7" extension="a^b&amp;c"/>')]),
    ("CDA-18", "what is replaced", SOUND, [(REPLACED, '<id root="2.25.17" extension="a b"/>')]),
    ("CDA-20", "a script", presenting("<html><script>x()</script></html>"), []),
    ("CDA-20", "a script of SVG", presenting('<svg xmlns="http://www.w3.org/2000/svg"><script href="x"/></svg>'), []),
    ("CDA-20", "an event", presenting('<html><body onload="x()"/></html>'), []),
    ("CDA-20", "an event made by the stylesheet", presenting('<xsl:attribute name="onClick">x()</xsl:attribute>'), []),
    ("CDA-20", "a script made by the stylesheet", presenting('<xsl:element name="SCRIPT"/>'), []),
    ("CDA-20", "a script written as text", presenting("<xsl:text>&lt;script></xsl:text>"), []),
    ("CDA-20", "an active address", presenting('<a href="java&#9;script:x()"/>'), []),
    ("CDA-20", "an escaped active address", presenting('<a href=" java%73cript:x()"/>'), []),
    ("CDA-20", "a page in an address", presenting('<a href="data:text/html;base64,AAAA"/>'), []),
    ("CDA-20", "an active link of the narrative", structured('<linkHtml href="javascript:x()">x</linkHtml>'), []),
    ("CDA-20", "a script in the narrative", structured("<script>x()</script>"), []),
    ("CDA-20", "an active stylesheet", SOUND, [('href="letter.xsl"', 'href="data:text/xml,x"')]),
    ("CDA-21", "a frame", presenting('<iframe name="x"/>'), []),
    ("CDA-21", "a frame made by the stylesheet", presenting('<xsl:element name="object"/>'), []),
    ("CDA-21", "a foreign object", presenting('<foreignObject xmlns="http://www.w3.org/2000/svg"/>'), []),
    ("CDA-21", "a remote picture", presenting('<img src="https://example.org/x.png"/>'), []),
    ("CDA-21", "a remote style", presenting('<link href="//example.org/x.css"/>'), []),
    ("CDA-21", "a stylesheet imported", self_presenting(SOUND).decode(), [("<c:Contenu", f"{IMPORT}<c:Contenu")]),
    ("CDA-21", "a remote stylesheet", SOUND, [('href="letter.xsl"', 'href="http://example.org/x.xsl"')]),
    ("CDA-30", "a picture nobody shows", level_1(b"GIF89a", "image/gif"), []),
    ("CDA-30", "no media type", level_1(), [('mediaType="application/pdf" ', "")]),
    ("CDA-31", "no representation", level_1(), [(' representation="B64"', "")]),
    ("CDA-31", "compressed", level_1(), [('"B64">', '"B64" compression="DF">')]),
    ("CDA-31", "a reference", level_1(), [(TEXT_END, f'<reference value="http://example.org"/>{TEXT_END}')]),
    ("CDA-32", "an empty body", level_1(b""), []),
    ("CDA-32", "not base64", level_1(), [(TEXT_END, f"*{TEXT_END}")]),
    ("CDA-32", "padding forgotten", level_1(PDF + b"%"), [(TEXT_END, f"A{TEXT_END}")]),
    ("CDA-32", "an address", level_1(), [('"B64">', '"B64">data:application/pdf;base64,')]),
    ("CDA-32", "an element", level_1(), [(TEXT_END, f"<thumbnail/>{TEXT_END}")]),
    ("CDA-33", "not a PDF", level_1(b"hello"), []),
    ("CDA-33", "a PDF cut short", level_1(PDF.replace(b"%%EOF", b"")), []),
    ("CDA-33", "base64 twice", level_1(base64.b64encode(PDF)), []),
    ("CDA-33", "not a JPEG", level_1(TIFF, "image/jpeg"), []),
    ("CDA-33", "not a TIFF", level_1(JPEG, "image/tiff"), []),
    ("CDA-33", "not RTF", level_1(b"hello", "text/rtf"), []),
    ("CDA-33", "a PDF said to be text", level_1(PDF, "text/plain"), []),
    ("CDA-33", "a picture said to be text", level_1(JPEG, "text/plain"), []),
    ("CDA-33", "not text", level_1(b"\x00\x01\xff", "text/plain"), []),
    ("CDA-36", "encrypted", level_1(PDF.replace(b"/Catalog", b"/Catalog/Encrypt 2 0 R")), []),
    ("CDA-34", "JavaScript", level_1(PDF.replace(b"/Catalog", b"/Catalog/AA<</S/J#61vaScript>>")), []),
    ("CDA-34", "a program", level_1(PDF.replace(b"/Catalog", b"/Catalog/A<</S/Launch>>")), []),
    ("CDA-34", "a file", level_1(PDF.replace(b"/Catalog", b"/Catalog/EmbeddedFiles 2 0 R")), []),
    ("CDA-34", "a compressed action", level_1(PDF.replace(b"%%EOF", COMPRESSED)), []),
    ("CDA-36", "encrypted, its name escaped", level_1(PDF.replace(b"/Catalog", b"/Catalog/#45ncrypt 2 0 R")), []),
    ("CDA-37", "blanks", level_1(b" \n\t ", "text/plain"), []),
    ("CDA-37", "nothing that is seen", level_1("\u200b\u2800".encode(), "text/plain"), []),
    ("CDA-38", "another charset", level_1("Fièvre".encode("latin-1"), "text/plain"), []),
    ("CDA-38", "no such charset", level_1("Fièvre".encode(), 'text/plain" charset="UTF-99'), []),
    ("CDA-35", "no PDF/A", level_1(PDF.replace(b"pdfaid", b"pdfxid")), []),
    ("CDA-40", "a reference to nothing", structured('<content ID="a">x</content><linkHtml href="#b">y</linkHtml>'), []),
    ("CDA-46", "a day without hour", SOUND, [(SIGNED, '<effectiveTime value="20261120"/>')]),
    ("CDA-46", "no zone", SOUND, [(SIGNED, SIGNED.replace("+0100", ""))]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "what", "document", "changes"), MUTATIONS, ids=[f"{m[0]} {m[1]}" for m in MUTATIONS])
def test_each_mutation_gives_its_finding_and_no_other(
    rule: str, what: str, document: str, changes: list[Change]
) -> None:
    assert rules(check_document(changed(document, *changes), None)) == [rule]


def test_a_document_over_the_limit_is_not_even_parsed() -> None:
    assert rules(check_document(SOUND.encode(), None, max_bytes=100)) == ["CDA-01"]
    assert rules(check_document(b"<a>" * 2_000_001, None, max_bytes=10**8)) == ["CDA-01"]


@pytest.mark.parametrize(("password", "refused"), [("", False), ("secret", True)])
def test_a_pdf_that_only_forbids_printing_opens(password: str, refused: bool) -> None:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt(password, "proprietaire", algorithm="AES-256")
    held = BytesIO()
    writer.write(held)
    assert ("CDA-36" in rules(check_document(level_1(held.getvalue()).encode(), None))) is refused


def test_a_word_of_a_picture_is_not_taken_for_an_action() -> None:
    stream = b"2 0 obj<</Length 9>>stream\n/Launch /JS \nendstream endobj\n%%EOF"
    assert check_document(level_1(PDF.replace(b"%%EOF", stream)).encode(), None) == ()


def test_an_identifier_never_reaches_a_finding() -> None:
    content = changed(structured('<linkHtml href="#é PAT-TROIS">y</linkHtml>'))
    (finding,) = check_document(content, None)
    assert (finding.rule, finding.found) == ("CDA-40", "#…")


@given(st.binary(min_size=1, max_size=80), st.integers(1, 20))
def test_base64_is_read_as_it_was_written(content: bytes, width: int) -> None:
    text = base64.b64encode(content).decode()
    folded = "\r\n".join(text[n : n + width] for n in range(0, len(text), width))
    assert decoded(f"\n {folded}\t") == content


@pytest.mark.parametrize(
    "text", ["", " ", "QQ", "QQ=", "QR==", "QQ==QQ==", "Q-==", "QUJD=", "=QUI", "Ü===", "QQ==\u00a0"]
)
def test_what_is_not_quite_base64_is_refused(text: str) -> None:
    assert decoded(text) is None


@given(st.binary(max_size=200))
def test_no_content_stops_a_check(content: bytes) -> None:
    check_document(content, None)
    for looks_like in MEDIA.values():
        assert looks_like(content) in (True, False)


@given(st.text(max_size=60), st.sampled_from(sorted(MEDIA)))
def test_no_body_stops_a_check(body: str, kind: str) -> None:
    clean = "".join(char for char in body if char.isprintable() and char not in "<&")
    document = level_1(b"", kind).replace('representation="B64">', f'representation="B64">{clean}')
    check_document(document.encode(), None)
