"""`letters show`: what is written, for whom, and what is said of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from connector.cli.letters_show import show
from tests.render.letters import level_1, shown_letter

PDF = b"%PDF-1.4\n%%EOF"


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "lettre.xml"
    path.write_bytes(shown_letter())
    return path


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(show)
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_in_the_terminal(letter: Path) -> None:
    said = run(str(letter))
    assert "Lettre de liaison du service de cardiologie\n===" in said
    assert "Nom de naissance : PAT-TROIS\n" in said
    assert "Quoi | Valeur\nEntrée | En urgence\n" in said
    assert "i. Paracétamol\n" in said


def test_as_a_page(letter: Path) -> None:
    page = letter.with_suffix(".html")
    assert f"Page écrite : {page}" in run(str(letter), "--html", str(page)).replace("\n", "")
    assert b"PAT-TROIS" in page.read_bytes()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_page_leads_to_the_files_of_the_letter(letter: Path) -> None:
    letter.write_bytes(level_1("application/pdf", PDF))
    page = letter.with_name("page.html")
    run(str(letter), "--html", str(page))
    assert (letter.parent / "page-pieces" / "piece-1.pdf").read_bytes() == PDF
    assert b'href="page-pieces/piece-1.pdf"' in page.read_bytes()


def test_as_a_pdf(letter: Path) -> None:
    pdf = letter.with_suffix(".pdf")
    assert "PDF/A-1b écrit" in run(str(letter), "--pdf", str(pdf))
    assert pdf.read_bytes().startswith(b"%PDF-1.4")


def test_a_pdf_is_handed_on_and_judged(letter: Path) -> None:
    letter.write_bytes(level_1("application/pdf", PDF))
    pdf = letter.with_suffix(".pdf")
    said = run(str(letter), "--pdf", str(pdf))
    assert "PDF du document, écrit tel quel" in said
    assert "PDFA-00 : Le PDF n'est pas lisible" in said
    assert pdf.read_bytes() == PDF


def test_it_is_opened_from_a_place_of_its_own(letter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []

    def opens(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", opens)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run(str(letter), "--open")
    (address,) = opened
    page = Path(address.removeprefix("file://"))
    assert page.is_file()
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700


def test_without_a_browser_it_says_where_the_page_is(letter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    page = letter.with_suffix(".html")
    assert "Aucun navigateur ici" in run(str(letter), "--html", str(page), "--open")
