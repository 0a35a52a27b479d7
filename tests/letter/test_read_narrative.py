"""The narrative of any document as text: what a reader sees there is read, or listed apart; nothing is lost or bent."""

from __future__ import annotations

import time

import pytest
from lxml import etree

from connector.letter.model import DischargeLetter
from connector.letter.plain import letter_of
from connector.letter.read import Kept
from connector.letter.read.narrative import plain, same
from tests.letter.letters import discharge
from tests.letter.test_read import Document

HEADS = "<thead><tr><th>Examen</th><th>J1</th><th>J3</th></tr></thead>"
DELETED = "texte supprimé dans le récit"
SHOWN = "image ou fichier montré dans le récit"


def read(narrative: str) -> str:
    return plain(etree.fromstring(f'<text xmlns="urn:hl7-org:v3">{narrative}</text>'))


def table(rows: str, heads: str = HEADS) -> str:
    return read(f"<table>{heads}<tbody>{rows}</tbody></table>")


def examined(narrative: str) -> tuple[str | None, list[tuple[str, str]]]:
    """The examinations of a letter with this narrative, and what was set aside."""
    document = Document(letter_of(discharge()))
    document.narrate("30954-2", narrative)
    letter, kept = document.read()
    assert isinstance(letter, DischargeLetter)
    return letter.examinations, [(item.what, item.value) for item in kept]


# Exponents and indices


@pytest.mark.parametrize(
    ("narrative", "text"),
    [
        ("12 × 10<sup>9</sup>/L", "12 × 10⁹/L"),
        ("10<sup>-3</sup>", "10⁻³"),
        ("1,73 m<sup>2</sup>", "1,73 m²"),
        ("Ca<sup>2+</sup>", "Ca²⁺"),
        ("PaCO<sub>2</sub>", "PaCO₂"),
        ("10<sup>x</sup>", "10^x"),
        ("C<sub>max</sub>", "C_max"),
        ("10<sup>n + 1,5</sup>", "10^(n + 1,5)"),
        ("le 1<sup>er</sup> et la 2<sup>e</sup>", "le 1er et la 2e"),
        ("10<sup><content>12</content></sup>", "10¹²"),
        ("a<sup/>b", "ab"),
    ],
)
def test_an_exponent_never_reads_as_a_figure(narrative: str, text: str) -> None:
    assert read(f"<paragraph>{narrative}</paragraph>") == text


def test_an_exponent_is_another_text_than_a_figure() -> None:
    assert not same("10⁹", "109")
    assert same("10⁹", "10 ⁹")


# Tables


@pytest.mark.parametrize(
    ("rows", "heads", "text"),
    [
        (
            '<tr><td rowspan="2">K+</td><td>4,2</td><td>5,1</td></tr><tr><td>3,9</td><td>4,8</td></tr>',
            HEADS,
            "Examen : K+ ; J1 : 4,2 ; J3 : 5,1\nExamen : K+ ; J1 : 3,9 ; J3 : 4,8",
        ),
        ('<tr><td>K+</td><td colspan="2">non fait</td></tr>', HEADS, "Examen : K+ ; J1, J3 : non fait"),
        (
            "<tr><td>K+</td><td>1</td><td>2</td></tr>",
            '<thead><tr><th rowspan="2">Examen</th><th colspan="2">Jours</th></tr>'
            "<tr><th>J1</th><th>J3</th></tr></thead>",
            "Examen : K+ ; Jours – J1 : 1 ; Jours – J3 : 2",
        ),
        (
            "<tr><th>Sang</th><th>Valeur</th></tr><tr><td>K+</td><td>4</td></tr>"
            "<tr><th>Urines</th><th>Débit</th></tr><tr><td>Na</td><td>90</td></tr>",
            "",
            "Sang : K+ ; Valeur : 4\nUrines : Na ; Débit : 90",
        ),
        (
            '<tr><th colspan="3">Le soir</th></tr><tr><td>K+</td><td>1</td><td/></tr>',
            HEADS,
            "Le soir\nExamen : K+ ; J1 : 1",
        ),
        (
            '<tr><th rowspan="2">TA</th><td>12/8</td></tr><tr><td>13/9</td></tr>',
            "",
            "TA : 12/8\nTA : 13/9",
        ),
        (
            "<tr><td>K+</td><td>1</td><td>2</td></tr>",
            HEADS + "<tfoot><tr><td>à jeun</td></tr></tfoot>",
            "Examen : K+ ; J1 : 1 ; J3 : 2\nà jeun",
        ),
        ("", HEADS, "Examen | J1 | J3"),
        ("<tr><td>K+</td><td>1</td><td>2</td><td>x</td></tr>", HEADS, "Examen : K+ ; J1 : 1 ; J3 : 2 ; x"),
        ('<tr><td rowspan="tous">a</td><td colspan="-1">b</td></tr>', "", "a : b"),
    ],
)
def test_every_value_has_its_headings(rows: str, heads: str, text: str) -> None:
    assert table(rows, heads) == text


def test_a_heading_too_long_to_be_said_again_is_said_once() -> None:
    long = "Prélèvement " * 40
    told = table("<tr><td>1</td><td>2</td></tr>" * 3, f"<thead><tr><th>{long}</th><th>B</th></tr></thead>")
    first, *others = told.split("\n")
    assert first == f"{long.strip()} | B"
    assert [len(line) < 250 for line in others] == [True] * 3


def test_a_table_made_to_spread_costs_no_more_than_what_is_written() -> None:
    wide = "<tr>" + '<td colspan="9999" rowspan="9999">x</td>' * 2000 + "</tr>"
    began = time.monotonic()
    assert "x" in table(wide + "<tr><td>y</td></tr>" * 2000)
    assert time.monotonic() - began < 10


def test_a_cell_of_two_rows_speaks_to_both_entries() -> None:
    document = Document(letter_of(discharge() | {"treatments_at_discharge": ["Un", "Deux"]}))
    document.drop(f"{document.section('10183-2')}/v3:text/*")
    rows = (
        '<table xmlns="urn:hl7-org:v3"><thead><tr><th rowspan="2">Médicament</th><th>Suivi</th></tr>'
        "<tr><th>Commentaire</th></tr></thead><tbody>"
        '<tr><td ID="discharge-1-text">Un</td><td rowspan="2">à jeun</td></tr>'
        '<tr><td ID="discharge-2-text">Deux</td></tr></tbody></table>'
    )
    document.at(f"{document.section('10183-2')}/v3:text").append(etree.fromstring(rows))
    letter, kept = document.read()
    assert isinstance(letter, DischargeLetter)
    assert [item.comment for item in letter.treatments_at_discharge] == ["à jeun", "à jeun"]
    assert kept == ()


def test_rows_without_entries_say_the_title_they_stand_under() -> None:
    document = Document(letter_of(discharge()))
    document.narrate(
        "10183-2",
        "<table><caption>Traitements à la sortie</caption><thead><tr><th>Nom</th><th>Dose</th></tr></thead><tbody>"
        '<tr><td>A</td><td>1</td></tr><tr><th colspan="2">À arrêter le 12/03</th></tr><tr><td>B</td><td>2</td></tr>'
        "</tbody></table>",
    )
    letter, _ = document.read()
    assert isinstance(letter, DischargeLetter)
    texts = [item.text for item in letter.treatments_at_discharge]
    assert texts == ["Nom : A ; Dose : 1", "À arrêter le 12/03 : Nom : B ; Dose : 2"]


def test_a_caption_that_says_more_than_the_title_is_set_aside() -> None:
    for caption, expected in (("Traitements à la sortie", []), ("À prendre à jeun", ["À prendre à jeun"])):
        document = Document(letter_of(discharge()))
        table_of_treatments = document.at(f"{document.section('10183-2')}/v3:text/v3:table")
        told = etree.Element("{urn:hl7-org:v3}caption")
        told.text = caption
        table_of_treatments.insert(0, told)
        assert [item.value for item in document.read()[1]] == expected


def test_words_that_are_their_figures_come_back() -> None:
    dose = {"value": "1", "unit": "mg", "text": "1 mg"}
    treatment = {
        "name": "A",
        "timing": {"text": "1 fois / jour", "every": {"value": "1", "unit": "d"}},
        "dose": dose,
        "rate": dose,
        "max_dose": dose | {"per": {"value": "1", "unit": "d"}, "text": "1 mg / jour"},
    }
    letter = letter_of(discharge() | {"treatments_at_discharge": [treatment]})
    told, kept = Document(letter).read()
    assert isinstance(letter, DischargeLetter)
    assert isinstance(told, DischargeLetter)
    assert told.treatments_at_discharge == letter.treatments_at_discharge
    assert kept == ()


# Links, notes, lists


@pytest.mark.parametrize(
    ("narrative", "text"),
    [
        ('<linkHtml href="http://x/y">voir</linkHtml> ici', "voir (http://x/y) ici"),
        ('<linkHtml href="http://x/y">http://x/y</linkHtml>', "http://x/y"),
        ('<linkHtml href="mailto:a@b.fr">a@b.fr</linkHtml>', "a@b.fr"),
        ('<linkHtml href="http://x/y"/>', "http://x/y"),
        ('<linkHtml href="#la">plus bas</linkHtml>', "plus bas"),
        ("K+ 4<footnote>à jeun</footnote>", "K+ 4 (à jeun)"),
        ('K+ <footnoteRef IDREF="n1"/><footnote ID="n1">à jeun</footnote>', "K+ (note n1) (note n1 : à jeun)"),
        ('<list listType="ordered"><item>un</item><item>deux</item></list>', "1. un\n2. deux"),
    ],
)
def test_what_stands_beside_the_words_is_read(narrative: str, text: str) -> None:
    assert read(f"<paragraph>{narrative}</paragraph>") == text


# What is never live text


def test_struck_out_text_is_set_aside() -> None:
    told = examined(
        '<paragraph>Radio normale<content revised="delete">, fracture <content>du col</content></content>.</paragraph>'
    )
    assert told == ("Radio normale.", [(DELETED, ", fracture du col")])


def test_what_replaces_a_struck_out_text_is_read() -> None:
    told = examined(
        '<paragraph><content revised="delete">5</content><content revised="insert">6</content> mg</paragraph>'
    )
    assert told == ("6 mg", [(DELETED, "5")])


def test_an_entry_whose_text_is_struck_out_has_none() -> None:
    document = Document(letter_of(discharge() | {"treatments_at_discharge": [{"name": "A", "comment": "à jeun"}]}))
    document.at(f"{document.section('10183-2')}//v3:content[.='à jeun']").set("revised", "delete")
    letter, kept = document.read()
    assert isinstance(letter, DischargeLetter)
    assert letter.treatments_at_discharge[0].comment is None
    assert (DELETED, "à jeun") in _whats(kept)
    assert "référence vers un texte supprimé" in [what for what, _ in _whats(kept)]


def test_an_image_is_set_aside() -> None:
    shown = '<renderMultiMedia referencedObject="ECG"><caption>Tracé</caption></renderMultiMedia>'
    assert examined(f"<paragraph>ECG : {shown}</paragraph>") == ("ECG :\nTracé", [(SHOWN, "ECG")])
    text, kept = examined(
        "<table><thead><tr><th>Examen</th><th>Tracé</th></tr></thead><tbody>"
        '<tr><td>ECG</td><td><renderMultiMedia referencedObject="ECG"/></td></tr></tbody></table>'
    )
    assert (text, kept) == ("Examen : ECG", [(SHOWN, "ECG")])


def test_more_images_than_anyone_would_read_are_counted() -> None:
    _, kept = examined("<paragraph>a" + '<renderMultiMedia referencedObject="b"/>' * 5000 + "</paragraph>")
    assert len(kept) == 201
    assert kept[-1] == ("plus de 200 textes supprimés, images ou fichiers du récit", "")


def _whats(kept: tuple[Kept, ...]) -> list[tuple[str, str]]:
    return [(item.what, item.value) for item in kept]
