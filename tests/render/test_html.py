"""What a page shows, and in which words."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from connector.base.hl7time import PARIS
from connector.cda.errors import CdaError
from connector.render.html import facts_missing, html_text, to_html
from connector.render.html.dates import french
from connector.render.html.rtf import rtf_text
from tests.cda.letters import letter
from tests.render.letters import level_1, png, shown_letter, with_image, with_narrative


def page_of(cda: bytes) -> html.HtmlElement:
    return html.document_fromstring(to_html(cda).content)


@pytest.mark.parametrize(
    "fact",
    [
        "Lettre de liaison du service de cardiologie",
        "Établi le 20 novembre 2026 à 16:30 · version 2 · remplace le document 2.25.17",
        "Nom de naissance PAT-TROIS",
        "Nom utilisé PAT-TROIS-USUEL",
        "Prénom utilisé DOMI",
        "Sexe Féminin",
        "28 mars 1979",
        "MEZEL (INSEE 63220)",
        "INS (NIR de test) 279035121518989",
        "Identifiant local 000003",
        "Entrée 10 novembre 2026 à 09:00",
        "Auteur (Médecin responsable) Eric THOMAS Médecin - Cardiologie",
        "RPPS 01234564895",
        "FINESS 120456789",
        "Logiciel Modele-1",
        "Responsable du document Adam Hoda",
        "le 20 novembre 2026 à 16:45",
        "Conservé par Organisation-Y",
        "du 10 novembre 2026 à 09:00 au 20 novembre 2026 à 15:00",
        "En urgence",
        "CRP 12 mg/L < 20",
        "Absence de : Transfusion 2 u 12 novembre 2026",
        "Texte de la sous-partie",
        "site [https://exemple.test/x]",
        "Dates et heures de Paris. Identifiant du document : 2.25.329800735698586629295641978511506172918",
    ],
)
def test_what_a_letter_says_is_read(fact: str) -> None:
    assert fact in html_text(to_html(shown_letter()).content)


def test_a_fact_that_is_not_there_is_missing() -> None:
    page = to_html(shown_letter()).content
    assert facts_missing(page, ["Paracétamol", "Ibuprofène", "K+ 4,1\n mmol/L", "Tableau :"]) == [
        "Ibuprofène",
        "Tableau :",
    ]


def test_a_replaced_wording_is_struck_out() -> None:
    assert [node.text_content() for node in page_of(shown_letter()).iter("del")] == ["Amoxicilline"]


def test_an_entry_that_the_narrative_says_is_not_repeated() -> None:
    assert "admission en urgence" not in html_text(to_html(shown_letter()).content)
    moved = to_html(shown_letter(('<reference value="#entree"/>', '<reference value="#ailleurs"/>')))
    assert "Modalité d'entrée admission en urgence 10 novembre 2026" in html_text(moved.content)


def test_the_doctor_who_follows_the_patient_is_the_first_reader() -> None:
    recipient = (
        '<informationRecipient><intendedRecipient><id root="1.2.250.1.71.4.2.1" extension="{}"/><informationRecipient>'
        "<name><family>{}</family></name></informationRecipient></intendedRecipient></informationRecipient>"
    )
    doctor = (
        '<participant typeCode="INF"><functionCode code="PCP"/><time nullFlavor="NA"/>'
        '<associatedEntity classCode="PROV">'
        '<id root="1.2.250.1.71.4.2.1" extension="801984758437"/></associatedEntity></participant>'
    )
    both = recipient.format("801", "AUTRE") + recipient.format("801984758437", "TRAITANT")
    page = to_html(
        shown_letter(
            ("<legalAuthenticator>", both + "<legalAuthenticator>"), ("<documentationOf>", doctor + "<documentationOf>")
        )
    )
    said = html_text(page.content)
    assert said.index("Médecin traitant") < said.index("TRAITANT") < said.index("AUTRE")


def test_a_page_is_made_for_those_who_do_not_see_it() -> None:
    page = page_of(with_narrative("<table><tbody><tr><th>A</th><td>B</td></tr></tbody></table>"))
    assert page.get("lang") == "fr"
    assert page.find(".//main").get("lang") == "fr-FR"
    assert [node.text_content() for node in page.iter("h1")] == ["Lettre de liaison du service de cardiologie"]
    levels = [int(node.tag[1]) for node in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tables = page.findall(".//table")
    assert all(table.find("caption").text_content().strip() for table in tables)
    assert {cell.get("scope") for cell in page.iter("th")} == {"row", "col"}
    assert all(time.get("datetime") for time in page.iter("time"))


def test_a_page_is_made_to_be_printed() -> None:
    style = page_of(shown_letter()).findtext(".//style")
    assert "@media print" in style
    assert "size: A4" in style


def test_spans_become_those_of_html() -> None:
    cell = page_of(shown_letter()).find(".//td[@rowspan]")
    assert (cell.get("rowspan"), cell.get("class")) == ("2", "right")


def test_an_image_is_in_the_page() -> None:
    rendered = to_html(with_image(png()))
    (image,) = html.document_fromstring(rendered.content).iter("img")
    assert str(image.get("src")).startswith("data:image/png;base64,iVBOR")
    assert image.get("alt")
    assert rendered.warnings == ()


def test_an_image_is_what_its_bytes_are() -> None:
    (image,) = page_of(with_image(png(), "image/jpeg")).iter("img")
    assert image.get("src").startswith("data:image/png;")


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif"])
def test_an_image_that_is_none_is_told(media_type: str) -> None:
    rendered = to_html(with_image(b"<svg onload='x()'/>", media_type))
    assert [finding.rule for finding in rendered.warnings] == ["RENDER-03"]
    assert b"svg" not in rendered.content


def test_svg_is_never_shown() -> None:
    rendered = to_html(with_image(b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "image/svg+xml"))
    assert b"<img" not in rendered.content
    assert [one.name for one in rendered.attachments] == ["piece-1.bin"]


def test_an_image_that_is_announced_and_absent_is_told() -> None:
    assert "n'est pas dans le document" in html_text(
        to_html(with_narrative('<renderMultiMedia referencedObject="x"/>')).content
    )


def test_a_pdf_is_named_and_handed_over() -> None:
    content = b"%PDF-1.4\n" + bytes(3000) + b"%%EOF"
    rendered = to_html(level_1("application/pdf", content))
    assert "Fichier joint : piece-1.pdf (PDF, 3 ko)" in html_text(rendered.content)
    assert [(one.name, one.media_type, one.content) for one in rendered.attachments] == [
        ("piece-1.pdf", "application/pdf", content)
    ]
    assert b"<a " not in rendered.content


def test_a_pdf_is_linked_to_where_the_caller_serves_it() -> None:
    rendered = to_html(level_1("application/pdf", b"%PDF-1.4\n%%EOF"), link="pieces/")
    (link,) = html.document_fromstring(rendered.content).iter("a")
    assert link.get("href") == "pieces/piece-1.pdf"


def test_a_text_body_is_shown_line_by_line() -> None:
    (shown,) = page_of(level_1("text/plain", "Bonjour <b>\nà vous".encode())).iter("pre")
    assert shown.text == "Bonjour <b>\nà vous"


def test_an_rtf_body_is_shown_as_text_and_offered() -> None:
    rendered = to_html(level_1("text/rtf", rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 Aspirine\par 75 mg/j \'e9t\u233?}"))
    (shown,) = html.document_fromstring(rendered.content).iter("pre")
    assert shown.text == "Aspirine\n75 mg/j été"
    assert [one.name for one in rendered.attachments] == ["piece-1.rtf"]


def test_a_jpeg_body_is_shown_and_a_tiff_offered() -> None:
    assert [
        image.get("src")[:16] for image in page_of(level_1("image/jpeg", b"\xff\xd8\xff\xe0 \xff\xd9")).iter("img")
    ] == ["data:image/jpeg;"]
    assert [one.media_type for one in to_html(level_1("image/tiff", b"II*\0........")).attachments] == ["image/tiff"]


@given(st.binary(max_size=300))
def test_rtf_never_breaks(content: bytes) -> None:
    assert isinstance(rtf_text(b"{\\rtf1 " + content), str)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=60))
def test_every_character_of_an_rtf_letter_is_kept(text: str) -> None:
    units = text.encode("utf-16-le")
    written = "".join(f"\\u{int.from_bytes(units[i : i + 2], 'little', signed=True)}?" for i in range(0, len(units), 2))
    assert rtf_text(f"{{\\rtf1 {written}}}".encode()) == text.strip()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2019", "2019"),
        ("201912", "décembre 2019"),
        ("20191201", "1er décembre 2019"),
        ("201912031330+0100", "3 décembre 2019 à 13:30"),
        ("20190703133005+0000", "3 juillet 2019 à 15:30:05"),
        ("20191231233000+0000", "1er janvier 2020 à 00:30"),
        ("20190703133000", "3 juillet 2019 à 13:30"),
    ],
)
def test_times_are_those_of_paris(value: str, said: str) -> None:
    found = french(value)
    assert found is not None
    assert found[0] == said


@pytest.mark.parametrize("value", ["", "20191340", "demain", "2019-12-03"])
def test_what_is_no_date_is_left_as_it_is(value: str) -> None:
    assert french(value) is None


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))
def test_the_machine_reads_the_same_time(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC, microsecond=0)
    found = french(f"{aware:%Y%m%d%H%M%S}+0000")
    assert found is not None
    assert datetime.fromisoformat(found[1]) == aware.astimezone(PARIS)


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(CdaError):
        to_html(b"<html/>")


def test_a_document_without_body_is_a_page() -> None:
    assert "PAT-TROIS" in html_text(to_html(letter()).content)


def test_a_page_is_the_same_each_time_and_from_any_thread() -> None:
    cda = shown_letter()
    first, pages = to_html(cda).content, [b""] * 40

    def fill(start: int) -> None:
        for rank in range(start, start + 10):
            pages[rank] = to_html(cda).content

    threads = [threading.Thread(target=fill, args=(start,)) for start in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(pages) == {first}
