"""`connector store`: to another database with everything, and the proof that everything is there."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from connector.cli.output import console, print_json
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.move.carry import Compared

app = typer.Typer(no_args_is_help=True, help="Where the journal lives.")


@app.callback()
def _store() -> None:
    """One command today: `move`."""


@app.command()
def move(
    config: Config,
    to: Annotated[str, typer.Option("--to", help="postgresql://user@host/database or sqlite:///file.")],
    source: Annotated[str, typer.Option("--from", help="The store to leave, when not that of the settings.")] = "",
    verify_only: Annotated[bool, typer.Option("--verify-only", help="Compare both stores, change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Carry a stopped connector's journal over to an empty store, compare every row, then close the old one.

    Exit 1 when the stores differ or the move is refused; nothing is moved then. Put the new address in the settings
    afterwards: the connector refuses to start on the old one.
    """
    from connector.journal.move.carry import Move, verify
    from connector.journal.move.carry import move as carry
    from connector.patients.schema import SCHEMA
    from connector.settings import load_settings

    settings = load_settings(config)
    left = replace(settings.journal, store=source) if source else settings.journal
    task = Move(left, replace(settings.journal, store=to), (SCHEMA,), settings.engine.backoff_of)
    if as_json:
        compared = verify(task) if verify_only else carry(task)
    else:
        with console().status("") as status:
            task = replace(task, progress=lambda table, rows: status.update(f"{table}: {rows} rows"))
            compared = verify(task) if verify_only else carry(task)
    _say(compared, as_json=as_json, moved=not verify_only)
    if not all(one.equal for one in compared):
        raise typer.Exit(1)


def _say(compared: Sequence[Compared], *, as_json: bool, moved: bool) -> None:
    if as_json:
        rows = [asdict(one) | {"equal": one.equal} for one in compared]
        print_json({"moved": moved, "equal": all(one.equal for one in compared), "tables": rows})
        return
    table = Table()
    for column in ("table", "rows", "sha256", "there"):
        table.add_column(column, overflow="fold")
    for one in compared:
        there = "equal" if one.equal else f"DIFFERS: {one.target.count} rows, {one.target.sha256}"
        table.add_row(one.table, str(one.source.count), one.source.sha256, there)
    console().print(table)
    if moved:
        console().print("moved; the old store is closed for good: put the new address in journal.store,")
        console().print("and name the key file of the audit trail in audit.key_file where it lay beside the old file")
