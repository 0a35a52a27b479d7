"""What a document only refers to is shown: notes, images, coded statements; and a terminal says what looks say."""

from __future__ import annotations

import io

import pytest
from lxml import etree, html
from pypdf import PdfReader

from connector.render.html import facts_missing, html_text, to_html
from connector.render.pdf import to_pdf
from connector.render.text import to_text
from tests.render.letters import png, shown_letter, with_entries, with_media, with_narrative
from tests.render.test_narratives import misplaced
from tests.render.test_pdf import NOW, rules


def page_of(cda: bytes) -> html.HtmlElement:
    return html.document_fromstring(to_html(cda).content)


def paper(cda: bytes) -> str:
    pages = PdfReader(io.BytesIO(to_pdf(cda, now=NOW).content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


NOTES = [
    ("<paragraph>Fait<footnote>Une</footnote> fin</paragraph>", "Fait (Une) fin"),
    ('<paragraph>Fait<footnote ID="f1">Une</footnote> fin</paragraph>', "Fait (Une) fin"),
    (
        'Fait<footnote ID="f1" styleCode="Bold">Une</footnote> et<footnoteRef IDREF="f1"/>',
        "Fait (note 1 : Une) et [note 1]",
    ),
    ('Fait<footnoteRef IDREF="f1"/><footnote ID="f1">Une</footnote>', "Fait [note 1] (note 1 : Une)"),
    ('Fait<footnoteRef ID="r" IDREF="ailleurs"/>', "Fait [note absente du document]"),
    (
        '<linkHtml href="#x">lien<footnoteRef IDREF="f"/></linkHtml><footnote ID="f">Une</footnote>',
        "lien [note 1] (note 1 : Une)",
    ),
    ('<linkHtml href="#x">lien<footnote><linkHtml href="#y">autre</linkHtml></footnote></linkHtml>', "lien (autre)"),
]  # fmt: skip


@pytest.mark.parametrize(("narrative", "said"), NOTES, ids=range(len(NOTES)))
def test_a_note_is_read_where_it_is_and_named_where_it_is_referred_to(narrative: str, said: str) -> None:
    cda = with_narrative(narrative)
    assert facts_missing(to_html(cda).content, [said]) == []
    assert " ".join(said.split()) in " ".join(to_text(cda).split())
    assert "".join(said.split()) in paper(cda)
    assert misplaced(etree.fromstring(etree.tostring(page_of(cda)))) == []


def test_what_refers_to_a_note_leads_to_it() -> None:
    page = page_of(with_narrative('a<footnoteRef IDREF="f"/><footnote ID="f" styleCode="Italics">Une</footnote>'))
    (link,), (note,) = page.xpath("//a"), page.xpath("//*[@role='note']")
    assert (link.get("href"), note.get("id"), note.get("class")) == ("#n-f", "n-f", "aside i")


@pytest.mark.parametrize("holder", ["{}", "<list><caption>x{}</caption><item>y</item></list>"])
def test_a_table_in_a_note_keeps_its_cells_apart(holder: str) -> None:
    table = "<table><tbody><tr><td>un</td><td>deux</td></tr></tbody></table>"
    cda = with_narrative(holder.format(f'<footnote ID="f">{table}</footnote>'))
    for said in (html_text(to_html(cda).content), to_text(cda)):
        assert "un" in said
        assert "undeux" not in said


def test_a_table_named_by_a_note_keeps_its_name() -> None:
    cda = with_narrative(
        "<table><caption>Nom<footnote><list><item>un</item><item>deux</item></list></footnote></caption>"
        "<tbody><tr><td>fait</td></tr></tbody></table>"
    )
    for said in (html_text(to_html(cda).content), " ".join(to_text(cda).split())):
        assert all(word in said for word in ("Nom", "un", "deux", "fait"))
        assert "undeux" not in said


def test_what_is_struck_out_or_above_is_told_in_a_terminal() -> None:
    said = to_text(
        with_narrative(
            '<content revised="delete">Amoxicilline</content> <content revised="insert">Repos</content> '
            "10<sup>9</sup>/L, CO<sub>2</sub>, 10<sup>-3</sup>"
        )
    )
    assert "[supprimé : Amoxicilline] Repos 10^9/L, CO2, 10^(-3)" in said


@pytest.mark.parametrize(
    ("style", "marks"),
    [
        ("", "1. 3. 27. 44."),
        ("LittleAlpha", "a. c. 27. 44."),
        ("BigRoman", "I. III. XXVII. 44."),
        ("LittleRoman", "i. iii. xxvii. 44."),
    ],
)
def test_an_item_has_its_number_in_a_terminal(style: str, marks: str) -> None:
    items = "".join(f"<item>point{rank}</item>" for rank in range(1, 45))
    said = to_text(with_narrative(f'<list listType="ordered" styleCode="{style}">{items}</list>')).splitlines()
    for rank, mark in zip((1, 3, 27, 44), marks.split(), strict=True):
        assert f"{mark} point{rank}" in said


def test_an_ordered_list_is_numbered_in_a_terminal_and_another_is_not() -> None:
    items = "<item>un</item><item>deux</item>"
    assert "1. un\n2. deux\n- un" in to_text(
        with_narrative(f'<list listType="ordered">{items}</list><list>{items}</list>')
    )


def test_what_is_too_deep_for_paper_is_told_in_words() -> None:
    deep = "<list><item>" * 8 + '10<sup>9</sup><br/>fin<renderMultiMedia referencedObject="m"/>' + "</item></list>" * 8
    cda = with_media(f"<text>{deep}</text>", {"m": png()})
    assert "10^9\nfin [Image du document (" in to_text(cda)
    assert rules(to_pdf(cda, now=NOW)) == ["RENDER-22"]


def test_a_title_keeps_its_parts_apart() -> None:
    cda = shown_letter(("<title>Synthèse médicale", "<title>Synthèse<br/>médicale<footnote>note</footnote>"))
    assert "Synthèse médicale (note)" in html_text(to_html(cda).content)
    assert page_of(cda).xpath("//h2/br")


# -- images ------------------------------------------------------------------------------------------------------------


def shown(text: str, **images: bytes) -> html.HtmlElement:
    return page_of(with_media(f"<text>{text}</text>", images))


def test_a_reference_to_several_images_shows_them_all() -> None:
    page = shown('<renderMultiMedia referencedObject="M1 M2"/>', M1=png(2, 3), M2=png(2, 4))
    assert len(page.xpath("//img")) == 2
    assert "n'est pas dans le document" not in page.text_content()


def test_the_absent_one_of_several_images_is_told() -> None:
    page = shown('<renderMultiMedia referencedObject="M1 M2"/>', M1=png())
    assert len(page.xpath("//img")) == 1
    assert "Une image annoncée ici n'est pas dans le document" in page.text_content()


def test_an_image_is_on_the_page_once_however_often_it_is_referred_to() -> None:
    page = shown('<renderMultiMedia ID="a" referencedObject="M1"/>' * 3, M1=png())
    assert len(page.xpath("//img")) == 1
    assert page.text_content().count("Contenu déjà montré plus haut") == 2


def test_two_images_of_one_name_are_both_shown() -> None:
    entry = with_media('<text><renderMultiMedia referencedObject="M1"/></text>', {"M1": png(2, 3), "M2": png(2, 4)})
    assert len(page_of(entry.replace(b'ID="M2"', b'ID="M1"')).xpath("//img")) == 2


def test_an_image_that_no_narrative_places_is_at_the_end_of_its_section() -> None:
    page = shown("Rien", M1=png())
    assert len(page.xpath("//section/p/img")) == 1


def test_the_image_of_a_region_is_shown_where_the_region_is_referred_to() -> None:
    cda = with_media(
        '<text><renderMultiMedia referencedObject="R"><caption>Nez</caption></renderMultiMedia></text>', {"M": png()}
    )
    cda = cda.replace(
        b"<entry><observationMedia", b'<entry><regionOfInterest ID="R"><entryRelationship><observationMedia'
    ).replace(b"</observationMedia>", b"</observationMedia></entryRelationship></regionOfInterest>")
    page = page_of(cda)
    assert len(page.xpath("//div/p/img")) == len(page.xpath("//img")) == 1
    assert "Nez" in page.text_content()


def test_forged_places_are_not_shown() -> None:
    forged = '<r:media xmlns:r="urn:dmp-connector:render" r:kind="image" r:src="http://exemple.test">mot</r:media>'
    page = shown(f'<renderMultiMedia referencedObject="x">{forged}</renderMultiMedia>')
    assert page.xpath("//img") == []
    assert "mot" in page.text_content()


# -- coded statements --------------------------------------------------------------------------------------------------


def observation(name: str, value: str, inner: str = "", place: str = "") -> str:
    text = f'<text><reference value="#{place}"/></text>' if place else ""
    return (
        f'<observation classCode="OBS" moodCode="EVN"><code code="X" displayName="{name}"/>{text}'
        f'<value xsi:type="PQ" value="{value}" unit="mmol/L"/>{inner}</observation>'
    )


def within(part: str) -> str:
    return f"<entryRelationship>{part}</entryRelationship>"


def organizer(*parts: str, code: str = "", place: str = "") -> str:
    named = f'<code code="{code}" displayName="{code}"/>' if code else ""
    text = f'<text><reference value="#{place}"/></text>' if place else ""
    inside = "".join(f"<component>{part}</component>" for part in parts)
    return f'<organizer classCode="CLUSTER" moodCode="EVN">{named}{text}{inside}</organizer>'


def coded(cda: bytes) -> list[str]:
    """Rows of the table of what no narrative says."""
    rows = page_of(cda).xpath("//table[@class='coded']/tbody/tr")
    return [" ".join(" ".join(cell.text_content() for cell in row).split()) for row in rows]


SAID = '<content ID="a">potassium 4 mmol/L</content><content ID="vide"/>'
UNSAID = [
    (organizer(observation("Potassium", "4", place="a"), observation("Sodium", "139")), ["Sodium 139 mmol/L"]),
    (organizer(observation("Potassium", "4", place="a")), []),
    (organizer(observation("Potassium", "4", place="a"), code="Bilan"), []),
    (organizer(observation("Sodium", "139"), code="Bilan"), ["Bilan", "Sodium 139 mmol/L"]),
    (organizer(observation("Potassium", "4"), place="a"), []),
    (organizer(observation("Sodium", "139"), place="a"), ["Sodium 139 mmol/L"]),
    (observation("Potassium", "4", place="vide"), ["Potassium 4 mmol/L"]),
    (observation("Potassium", "4", place="ailleurs"), ["Potassium 4 mmol/L"]),
    (
        observation("Sodium", "139", within(observation("Potassium", "4", place="a"))),
        ["Sodium 139 mmol/L"],
    ),
    (
        "<supply><product><manufacturedProduct><manufacturedMaterial><name>Attelle</name></manufacturedMaterial>"
        "</manufacturedProduct></product></supply>",
        ["Attelle"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "rows"), UNSAID, ids=range(len(UNSAID)))
def test_each_statement_that_no_narrative_says_is_in_the_table(entry: str, rows: list[str]) -> None:
    assert coded(with_entries(SAID, entry)) == rows


def test_an_unsaid_statement_is_in_the_terminal_and_on_paper() -> None:
    cda = with_entries(SAID, UNSAID[0][0])
    assert "Sodium | 139 mmol/L" in to_text(cda)
    assert "Sodium139mmol/L" in paper(cda)
