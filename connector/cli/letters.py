"""`connector letters`: letters made, checked, shown, sent, exported."""

from __future__ import annotations

import typer

from connector.cli.letters_export import export
from connector.cli.letters_show import show

app = typer.Typer(no_args_is_help=True, help="Letters: from the hospital's data to the DMP.")

for command in (show, export):
    app.command()(command)
