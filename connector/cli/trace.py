"""`connector trace` and `connector worklist`: did Mrs X's letter reach the DMP, and what waits for whom."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from connector.cli.output import console, print_json

if TYPE_CHECKING:
    from connector.journal import JournalReader
    from connector.journal.timeline import TimelineLine

Config = Annotated[Path, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def trace(
    config: Config,
    ipp: Annotated[str, typer.Option(help="Hospital patient number.")] = "",
    ins: Annotated[str, typer.Option(help="Matricule INS.")] = "",
    stay: Annotated[str, typer.Option(help="Visit or account number, bare or number@authority.")] = "",
    document: Annotated[str, typer.Option(help="Document uniqueId.")] = "",
    message: Annotated[str, typer.Option(help="Message control id (MSH-10).")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the timeline of a patient, stay, document or message. Exit 1 when nothing is known."""
    from connector.journal import JournalReader
    from connector.journal.timeline import timeline
    from connector.settings import load_settings

    asked = {"ipp": ipp, "ins": ins, "stay": stay, "document_id": document, "control_id": message}
    keys = {name: value for name, value in asked.items() if value}
    if len(keys) != 1:
        raise typer.BadParameter("exactly one of --ipp, --ins, --stay, --document and --message is needed")
    journal = JournalReader(load_settings(config).journal)
    try:
        if stay:
            found = [line for key in stay_keys(journal, stay) for line in timeline(journal, stay=key)]
            lines = sorted(found, key=lambda line: (line.at, line.id))
        else:
            lines = timeline(journal, **keys)  # type: ignore[arg-type]
    finally:
        journal.close()
    if as_json:
        print_json([asdict(line) for line in lines])
    else:
        table = Table()
        for column in ("time (UTC)", "event", "state", "what"):
            table.add_column(column, overflow="fold")
        for line in lines:
            table.add_row(f"{line.at:%Y-%m-%d %H:%M:%S}", line.event, states_of(line), line.text)
        console().print(table)
    if not lines:
        raise typer.Exit(1)


def states_of(line: TimelineLine) -> str:
    """State a line leads to and, below it, that of the document that moves with it."""
    document = line.data.get("document", {}).get("to", "")
    return f"{line.state_to}\n({document})" if document else line.state_to


def stay_keys(journal: JournalReader, stay: str) -> list[str]:
    """The stays called `stay`: a whole key (number@authority), or a bare number whatever its authority."""
    if "@" in stay:
        return [stay]
    # every key "number@…" sorts between these two: "A" follows "@"
    rows = journal.query(
        "SELECT DISTINCT stay FROM timeline WHERE stay <> '' AND (stay = ? OR (stay > ? AND stay < ?))",
        (stay, f"{stay}@", f"{stay}A"),
    )
    return [row["stay"] for row in rows]


def worklist(config: Config, as_json: AsJson = False) -> None:
    """List what waits for a person or was refused, with its reason."""
    from connector.journal import JournalReader
    from connector.journal.worklist import worklist as read_worklist
    from connector.settings import load_settings

    journal = JournalReader(load_settings(config).journal)
    try:
        items = read_worklist(journal)
    finally:
        journal.close()
    if as_json:
        print_json([asdict(item) for item in items])
        return
    table = Table()
    for column in ("delivery", "kind", "state", "stay", "document", "reason"):
        table.add_column(column, overflow="fold")
    for item in items:
        number = f"message {item.message_id}" if item.delivery_id is None else str(item.delivery_id)
        table.add_row(number, item.kind, item.state, item.stay, item.document_id, item.reason)
    console().print(table)
