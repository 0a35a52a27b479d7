"""What the commands of letters share: files read with their header, letters made of them, receipts printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from connector.cli.output import console, print_json

if TYPE_CHECKING:
    from connector.flows.letters.making import MadeLetter
    from connector.flows.letters.model import LetterReceipt, Source
    from connector.letter.errors import Fault
    from connector.patients.state import Sql
    from connector.settings import Settings

Files = Annotated[
    list[Path],
    typer.Argument(exists=True, dir_okay=False, help="Data (JSON, YAML), CDA (XML), or a PDF with PDF.yaml beside it."),
]
OneFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="Data (JSON, YAML), CDA (XML), or a PDF with its header.")
]
Header = Annotated[
    Path | None,
    typer.Option("--header", exists=True, dir_okay=False, help="Header of a PDF; FILE.yaml or FILE.json if left out."),
]
Stay = Annotated[str, typer.Option("--stay", help="The stay as admissions call it: number, or number@authority.")]
MaybeConfig = Annotated[
    Path | None, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file: what it completes.")
]  # fmt: skip

OURS: Final = 0o600
"""What is written holds a patient's letter: nobody else reads it."""


def read_source(path: Path, header: Path | None, stay: str = "", key: str = "") -> Source:
    """The letter of a file. Raises LetterError with every fault."""
    from dataclasses import replace

    from connector.flows.letters.folder_names import headers
    from connector.flows.letters.sources import NamedFile, kind_of, source_of

    if header is None and kind_of(path.name) == "enclosed":
        beside = headers(one.name for one in path.parent.iterdir() if one.is_file()).get(path.name)
        header = path.with_name(beside) if beside is not None else None
    named = NamedFile(header.name, header.read_bytes()) if header is not None else None
    source = source_of(NamedFile(path.name, path.read_bytes()), named)
    return replace(source, stay=stay or source.stay, key=key or source.key)


def made_of(source: Source, settings: Settings | None, sql: Sql, at: datetime | None = None) -> MadeLetter:
    """The CDA of a letter, as it would be sent. Raises LetterError with every fault.

    A letter whose data say no time has that of its first handing in; if it never was, `at` (aware), now if left out,
    and then identifiers of that time: the same document is never made with another content.
    """
    from connector.base.clock import utc_now
    from connector.flows.letters.config import LettersConfig
    from connector.flows.letters.making import make_from_cda, make_from_data
    from connector.patients.letters import first_handed
    from connector.patients.letters import made_of as known_of

    letters = settings.letters if settings is not None else LettersConfig()
    if source.data is None:
        return make_from_cda(source, sql, letters, cap=letters.max_bytes)
    before = known_of(sql, source.name)
    if before is not None:
        return make_from_data(source, sql, letters, made_at=datetime.fromisoformat(before.made_at))
    made_at = (at or utc_now()).replace(microsecond=0)
    name = "" if source.data.get("effective_time") else f"{source.name} {first_handed(made_at)}"
    return make_from_data(source, sql, letters, made_at=made_at, name=name)


@contextmanager
def known(config: Path | None) -> Iterator[tuple[Settings | None, Sql]]:
    """The settings and what the journal knows; nothing without settings, or before the connector ever ran."""
    from connector.codes import use_folder
    from connector.flows.snapshot import Snapshot
    from connector.journal import JournalReader
    from connector.settings import load_settings

    settings = load_settings(config) if config is not None else None
    if settings is not None:
        use_folder(settings.codes.folder)
    path = settings.journal.url.path if settings is not None else None
    if settings is None or (path is not None and not path.exists()):
        yield settings, _Nothing()
        return
    reader = JournalReader(settings.journal)
    try:
        yield settings, Snapshot(reader)
    finally:
        reader.close()


class _Nothing:
    """A journal that knows nothing."""

    def execute(self, _sql: str, _params: Sequence[Any] = ()) -> Any:
        from connector.flows.snapshot import Rows

        return Rows([])


def write(path: Path, content: bytes) -> None:
    """Readable by its owner alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OURS), "wb") as file:
        file.write(content)


def say_faults(name: str, faults: Sequence[Fault]) -> None:
    """French, one line each."""
    console().print(f"[red]{len(faults)} erreur(s)[/red] {escape(name)}", highlight=False)
    for fault in faults:
        console().print(f"   {fault.sentence}", highlight=False, markup=False)


def say_receipts(receipts: dict[str, LetterReceipt], as_json: bool) -> None:
    """Exits 1 when a letter was refused, 3 when one could not be taken for now."""
    if as_json:
        print_json([{"file": name, **receipt.as_dict()} for name, receipt in receipts.items()])
    else:
        for name, receipt in receipts.items():
            _say_receipt(name, receipt)
    verdicts = {receipt.verdict for receipt in receipts.values()}
    if "refused" in verdicts:
        raise typer.Exit(1)
    if "unavailable" in verdicts:
        raise typer.Exit(3)


_WORDS: Final = {"accepted": "remise au connecteur", "known": "déjà remise, rien n'est renvoyé"}
_OF_DELETION: Final = {"accepted": "suppression demandée", "known": "suppression déjà demandée, rien n'est renvoyé"}


def _say_receipt(name: str, receipt: LetterReceipt) -> None:
    if receipt.accepted:
        words = _OF_DELETION if receipt.action == "delete" else _WORDS
        told = f"{words[receipt.verdict]} (document {receipt.unique_id}, message {receipt.message_id})"
        console().print(f"[green]ok[/green] {escape(name)} : {told}", highlight=False)
    elif receipt.verdict == "unavailable":
        console().print(f"[yellow]à renvoyer[/yellow] {escape(name)} : rien n'a été enregistré", highlight=False)
    else:
        say_faults(name, receipt.findings)
