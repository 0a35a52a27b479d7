"""`connector letters show`: a CDA as a person reads it, in the terminal, as a page or as PDF/A-1b."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Final

import typer

from connector.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.base.finding import Finding
    from connector.render.html import Html

_OURS: Final = 0o600
"""What is written holds a patient's letter: nobody else reads it."""


def show(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CDA, of level 1 or 3.")],
    html: Annotated[
        Path | None, typer.Option("--html", dir_okay=False, help="Write it as a page to this file.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", dir_okay=False, help="Write it as PDF/A-1b to this file.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser of this machine.")] = False,
    own_style: Annotated[
        bool, typer.Option("--own-style/--our-style", help="Let a self-presenting CDA without script show itself.")
    ] = True,
) -> None:
    """Show a letter as its readers will see it. Without an option, in this terminal."""
    cda = file.read_bytes()
    if html is None and pdf is None and not open_it:
        from connector.render.text import to_text

        console().print(to_text(cda), markup=False, highlight=False)
        return
    if pdf is not None:
        _write_pdf(cda, pdf)
    if html is not None or open_it:
        page = html if html is not None else Path(mkdtemp(prefix="lettre-")) / f"{file.stem}.html"
        _write_page(cda, page, own_style)
        if open_it and not webbrowser.open(page.resolve().as_uri()):
            console().print(f"Aucun navigateur ici : ouvrez {page}", markup=False, highlight=False)


def _write_page(cda: bytes, path: Path, own_style: bool) -> None:
    from connector.render.html import to_html

    folder = path.with_name(f"{path.stem}-pieces")
    page = to_html(cda, link=f"{folder.name}/", own_style=own_style)
    _write(path, page.content)
    _say(f"Page écrite : {path}{_style(page)}", page.warnings)
    if page.attachments:
        folder.mkdir(mode=0o700, exist_ok=True)
    for attachment in page.attachments:
        _write(folder / attachment.name, attachment.content)
        _say(f"Fichier joint écrit : {folder / attachment.name}", ())


def _style(page: Html) -> str:
    return " (présentation propre au document)" if page.own_style else ""


def _write_pdf(cda: bytes, path: Path) -> None:
    from connector.base.clock import utc_now
    from connector.render.pdf import to_pdf

    pdf = to_pdf(cda, now=utc_now())
    _write(path, pdf.content)
    how = "PDF/A-1b écrit" if pdf.made else "PDF du document, écrit tel quel"
    _say(f"{how} : {path}", pdf.findings)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OURS), "wb") as file:
        file.write(content)


def _say(line: str, findings: Iterable[Finding]) -> None:
    console().print(line, markup=False, highlight=False)
    for finding in findings:
        said = f"   {finding.rule} : {finding.text} (trouvé : {finding.found} ; attendu : {finding.expected})"
        console().print(said, markup=False, highlight=False)
