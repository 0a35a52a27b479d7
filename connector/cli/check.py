"""`connector check`: what is wrong in a message, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from connector.cli.output import console, print_json


def check(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="HL7 v2 messages (ER7).")],
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Check structure and required fields of HL7 messages. Exit 1 when a finding is an error."""
    from connector.hl7.conformance import check_message

    report = {path.name: check_message(path.read_bytes()) for path in files}
    if as_json:
        print_json({name: [finding.as_dict() for finding in findings] for name, findings in report.items()})
    else:
        for name, findings in report.items():
            if not findings:
                console().print(f"[green]ok[/green] {name}", highlight=False)
                continue
            table = Table(title=name, title_justify="left")
            for column in ("rule", "severity", "field", "found", "expected", "what"):
                table.add_column(column, overflow="fold")
            for f in findings:
                table.add_row(f.rule, f.severity, f.field, f.found, f.expected, f.text)
            console().print(table)
    if any(finding.blocking for findings in report.values() for finding in findings):
        raise typer.Exit(1)
