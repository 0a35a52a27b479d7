"""`connector letters`: letters made, checked, shown, sent, exported."""

from __future__ import annotations

import typer

from connector.cli.letters_data import build, check, new, schema
from connector.cli.letters_export import export
from connector.cli.letters_follow import awaiting, chain
from connector.cli.letters_send import delete, replace, send
from connector.cli.letters_show import show

app = typer.Typer(no_args_is_help=True, help="Letters: from the hospital's data to the DMP.")

for command in (schema, new, check, build, show, awaiting, send, export, replace, delete, chain):
    app.command()(command)
