"""Letters on paper: PDF/A-1b, the same bytes for the same letter and time, nothing lost without being told."""

from __future__ import annotations

import base64
import io
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from pypdf import PdfReader

from connector.base.errors import LimitError
from connector.render.pdf import Pdf, text_to_pdf, to_pdf
from connector.render.pdf.glyphs import drawable, learn
from connector.render.pdf.grid import grid
from connector.render.pdf.images import opaque_image
from connector.render.pdfa import check_pdfa
from tests.render.letters import level_1, png, shown_letter, with_image, with_narrative

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def said(pdf: Pdf) -> str:
    """The text of all pages, without blanks and hyphens."""
    pages = PdfReader(io.BytesIO(pdf.content)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    return text.replace("\u200b", "").replace("-", "")


def rules(pdf: Pdf) -> list[str]:
    return [finding.rule for finding in pdf.findings]


def test_a_letter_is_made_and_keeps_the_rules() -> None:
    pdf = to_pdf(shown_letter(), now=NOW)
    assert (pdf.made, pdf.findings) == (True, ())
    assert pdf.content.startswith(b"%PDF-1.4")


@pytest.mark.parametrize(
    "fact", ["PATTROIS", "279035121518989", "Enurgence", "CRP12mg/L<20", "i.Paracétamol", "Amoxicilline", "page1/1"]
)
def test_what_a_letter_says_is_on_paper(fact: str) -> None:
    assert fact in said(to_pdf(shown_letter(), now=NOW))


def test_the_same_letter_is_the_same_bytes() -> None:
    first = to_pdf(shown_letter(), now=NOW)
    assert first.content == to_pdf(shown_letter(), now=NOW).content
    assert first.content != to_pdf(shown_letter(), now=datetime(2026, 11, 23, tzinfo=UTC)).content


def test_it_says_when_and_what_it_is() -> None:
    information = PdfReader(io.BytesIO(to_pdf(shown_letter(), now=NOW).content)).metadata
    assert information is not None
    assert information.title == "Lettre de liaison du service de cardiologie"
    assert information.creation_date == NOW


def test_a_title_without_text_is_a_document_with_one() -> None:
    assert to_pdf(shown_letter(("<title>Sous-partie</title>", "<title/>")), now=NOW).findings == ()


@pytest.mark.parametrize("text", ["#panic()", '"); #sys', "$x$ *gras* _i_ @ref <label> \\ // /* ~", "= titre\n- point"])
def test_no_text_is_markup(text: str) -> None:
    planted = text.replace("&", "&amp;").replace("<", "&lt;")
    assert "".join(text.split()).replace("-", "") in said(to_pdf(with_narrative(planted), now=NOW))


@pytest.mark.parametrize("element", ["content", "paragraph", "list><item", "table><tr><td"])
def test_a_deep_nesting_is_typeset(element: str) -> None:
    closing = "></".join(reversed(element.split("><")))
    pdf = to_pdf(with_narrative(f"<{element}>" * 400 + "profond" + f"</{closing}>" * 400), now=NOW)
    assert "profond" in said(pdf)
    assert rules(pdf) == ["RENDER-01"]


def test_a_table_of_ten_thousand_rows_is_typeset() -> None:
    rows = "".join(f"<tr><td>ligne {row}</td></tr>" for row in range(10_000))
    pdf = to_pdf(with_narrative(f"<table>{rows}</table>"), now=NOW)
    assert pdf.findings == ()
    assert "ligne9999" in said(pdf)


def test_a_table_that_no_paper_holds_is_refused() -> None:
    rows = "<tr><td>a</td><td>b</td></tr>" * 40_000
    with pytest.raises(LimitError):
        to_pdf(with_narrative(f"<table>{rows}</table>"), now=NOW)


def test_a_character_without_glyph_is_written_by_its_number() -> None:
    pdf = to_pdf(with_narrative("ligne 日本 fin, ≥ 38 °C, β, œ, \u202e, é"), now=NOW)
    assert "ligne[U+65E5][U+672C]fin,≥38°C,β,œ,,é" in said(pdf)
    assert [(finding.rule, finding.found) for finding in pdf.findings] == [("RENDER-21", "2 caractères")]


@given(st.text(max_size=40))
def test_no_text_is_too_odd_for_the_fonts(text: str) -> None:
    learn([text])
    missing: set[str] = set()
    shown = drawable(text, missing)
    assert not missing & set(shown)
    whole = shown.replace("\u200b", "")
    assert drawable(whole, set()).replace("\u200b", "") == whole


def test_a_long_word_may_be_broken_but_is_whole() -> None:
    word = "1.2.250.1.213.1.1.1.29.2022.1.1.5.6.7.8.9.10.11.12"
    assert drawable(word, set()).replace("\u200b", "") == word
    assert max(map(len, drawable(word, set(), 12).split("\u200b"))) == 6


def test_an_image_is_laid_on_white() -> None:
    source = f"data:image/png;base64,{base64.b64encode(png(6)).decode()}"
    laid = opaque_image(source)
    assert laid is not None
    assert (laid.width, laid.content[25]) == (3, 2)
    assert to_pdf(with_image(png(6)), now=NOW).findings == ()


@pytest.mark.parametrize("opacity", [0, 64, 255])
def test_what_is_laid_on_white_has_the_colours_of_both(opacity: int) -> None:
    laid = opaque_image(f"data:image/png;base64,{base64.b64encode(png(6, 5, opacity)).decode()}")
    assert laid is not None
    at = laid.content.index(b"IDAT")
    rows = zlib.decompress(laid.content[at + 4 : at + 4 + int.from_bytes(laid.content[at - 4 : at])])
    share = opacity / 255
    expected = [round(colour * share + 255 * (1 - share)) for colour in (200, 30, 60)]
    middle = rows[2 * 16 + 1 + 6 :][:3]
    assert all(abs(found - wanted) <= 2 for found, wanted in zip(middle, expected, strict=True))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", png()[:60], png(2, 3)[:-20]])
def test_a_damaged_image_is_told(content: bytes) -> None:
    pdf = to_pdf(with_image(content), now=NOW)
    assert pdf.made
    assert rules(pdf) in (["RENDER-22"], ["RENDER-03"])


@given(st.binary(max_size=200))
def test_no_image_breaks(content: bytes) -> None:
    for magic in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"):
        opaque_image(f"data:image/png;base64,{base64.b64encode(magic + content).decode()}")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["thead", "tbody", "tfoot", ""]),
            st.lists(st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), max_size=4), max_size=4),
        ),
        max_size=3,
    )
)
def test_no_cell_of_a_grid_is_upon_another(groups: list[tuple[str, list[list[tuple[int, int]]]]]) -> None:
    table = html.Element("table")
    for group, rows in groups:
        holder = html.Element(group) if group else table
        if group:
            table.append(holder)
        for row in rows:
            line = html.Element("tr")
            line.extend(html.Element("td", {"colspan": str(across), "rowspan": str(down)}) for across, down in row)
            holder.append(line)
    laid = grid(table)
    places = [
        (cell.x + across, cell.y + down)
        for cell in laid.cells
        for across in range(cell.width)
        for down in range(cell.height)
    ]
    assert len(places) == len(set(places))
    assert len(laid.cells) == sum(len(row) for _, rows in groups for row in rows)
    assert all(x < laid.columns for x, _ in places)


def test_a_pdf_is_never_converted() -> None:
    content = text_to_pdf("Bonjour", title="Lettre", now=NOW).content
    pdf = to_pdf(level_1("application/pdf", content), now=NOW)
    assert (pdf.made, pdf.content, rules(pdf)) == (False, content, ["RENDER-20"])


@pytest.mark.parametrize(
    ("media_type", "content", "fact"),
    [
        ("text/plain", "Première ligne\n  seconde".encode(), "Premièreligneseconde"),
        ("text/rtf", rb"{\rtf1 Aspirine\par 75 mg}", "Aspirine75mg"),
        ("image/tiff", b"II*\0........", "Fichierjoint:piece1.tif"),
    ],
)
def test_other_bodies_are_on_paper(media_type: str, content: bytes, fact: str) -> None:
    pdf = to_pdf(level_1(media_type, content), now=NOW)
    assert (pdf.made, pdf.findings) == (True, ())
    assert fact in said(pdf)


def test_a_text_is_made_into_a_pdf() -> None:
    pdf = text_to_pdf("Bonjour,\nun #test\n\nfin", title="Compte rendu", now=NOW, foot="PAT-TROIS")
    assert check_pdfa(pdf.content, strict=True) == ()
    assert "CompterenduBonjour,un#testfinPATTROISpage1/1" in said(pdf)
