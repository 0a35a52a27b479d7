"""`connector letters awaiting, chain`: stays without their letter, and what became of a document and its versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from connector.base.errors import SettingsError
from connector.cli.letters_send import UniqueId
from connector.cli.output import console, print_json
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.flows.letters.state import LetterState
    from connector.journal import JournalReader
    from connector.settings import Settings

_UNKNOWN: Final = "Document inconnu du connecteur."


def awaiting(
    config: Config,
    limit: Annotated[int, typer.Option(min=1, help="How many stays to print.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List stays that ended without their letter, the longest wait first. Exit 1 when there are some."""
    from connector.flows.snapshot import Snapshot
    from connector.patients.discharges import awaiting as read

    with _journal(config) as (settings, journal):
        letters = settings.letters
        stays = read(Snapshot(journal), letters.due_types, letters.due_classes, limit=limit)
    if as_json:
        print_json([{name: value for name, value in asdict(one).items() if name != "patient_id"} for one in stays])
    elif stays:
        table = Table(title=f"Séjours terminés sans lettre de liaison : {len(stays)}")
        for name in ("séjour", "unité", "entrée", "sortie", "depuis", "lettre remise, en attente"):
            table.add_column(name, overflow="fold")
        for one in stays:
            unit = f"{one.unit} {one.unit_name}".strip()
            table.add_row(one.stay, unit, _day(one.admitted), _day(one.discharged), one.since[:16], one.handed)
        console().print(table)
    else:
        console().print("Aucun séjour terminé n'attend de lettre.", highlight=False)
    if stays:
        raise typer.Exit(1)


def chain(unique_id: UniqueId, config: Config, as_json: AsJson = False) -> None:
    """Print what became of a document, and every version of it the connector knows. Exit 1 when it knows none."""
    from connector.flows.letters.state import letter_state

    with _journal(config) as (_, journal):
        state = letter_state(journal, unique_id)
    if as_json:
        unknown = {"unique_id": unique_id, "status": "unknown", "text": _UNKNOWN, "chain": []}
        print_json(state.as_dict() if state is not None else unknown)
    elif state is None:
        console().print(_UNKNOWN, highlight=False)
    else:
        _say(state)
    if state is None:
        raise typer.Exit(1)


def _say(state: LetterState) -> None:
    reason = f" : {state.reason}" if state.reason else ""
    console().print(f"{state.unique_id} : {state.text}{reason}", highlight=False, markup=False)
    if state.deletion_text:
        console().print(f"Suppression {state.deletion_text}", highlight=False, markup=False)
    table = Table(title="Versions connues, la plus ancienne d'abord")
    for name in ("version", "document", "état", "remplace", "remplacé par"):
        table.add_column(name, overflow="fold")
    for one in state.chain:
        mark = "→ " if one.unique_id == state.unique_id else ""
        table.add_row(f"{mark}{one.number or '?'}", one.unique_id, one.text, one.replaces, one.replaced_by)
    console().print(table)
    for one in state.chain:
        # that of the document asked about is said above
        if one.unique_id != state.unique_id:
            for told in filter(None, (one.reason, f"suppression {one.deletion}" if one.deletion else "")):
                console().print(f"{one.unique_id} : {told}", highlight=False, markup=False)


def _day(text: str) -> str:
    return f"{text[6:8]}/{text[4:6]}/{text[:4]}" if text[:8].isdigit() and len(text) >= 8 else text


@contextmanager
def _journal(config: Path) -> Iterator[tuple[Settings, JournalReader]]:
    from connector.journal import JournalReader
    from connector.settings import load_settings

    settings = load_settings(config)
    path = settings.journal.url.path
    if path is not None and not path.exists():
        raise SettingsError("no journal here", name="journal.store", found=str(path), allowed="a journal that ran once")
    reader = JournalReader(settings.journal)
    try:
        yield settings, reader
    finally:
        reader.close()
