"""The `connector` command: one sub-command per thing a person does; heavy imports happen inside each.

Exit codes: 0 done, 1 the answer is no (refused message, findings), 2 wrong settings or arguments,
3 the far end cannot be reached, 70 a fault of ours (`--debug` shows the traceback).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from connector.base.errors import ConnectorError, SettingsError, TransportError
from connector.cli.audit import audit
from connector.cli.check import check
from connector.cli.codes import app as codes
from connector.cli.demo import demo
from connector.cli.kit import app as kit
from connector.cli.letters import app as letters
from connector.cli.output import error_console
from connector.cli.queue import app as queue
from connector.cli.rehearse import replay
from connector.cli.report import app as report
from connector.cli.retention import app as retention
from connector.cli.run import run
from connector.cli.send import send
from connector.cli.simulate import simulate
from connector.cli.store import app as store
from connector.cli.trace import trace, worklist
from connector.cli.xds import app as xds

REFUSED, USAGE, UNREACHABLE, INTERNAL = 1, 2, 3, 70

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Open connector (PFI) between a French hospital's HL7v2 software and the DMP.",
)
_debug = False


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    global _debug
    _debug = debug


for command in (demo, run, simulate, send, trace, worklist, check, replay):
    app.command()(command)
app.add_typer(audit, name="audit")
app.add_typer(codes, name="codes")
app.add_typer(queue, name="queue")
app.add_typer(report, name="report")
app.add_typer(retention, name="retention")
app.add_typer(kit, name="kit")
app.add_typer(letters, name="letters")
app.add_typer(store, name="store")
app.add_typer(xds, name="xds")


def main() -> None:
    """Entry point: turns errors into one readable line and an exit code."""
    try:
        app()
    except ConnectorError as error:
        if _debug:
            raise
        error_console().print(f"[red]error:[/red] {error.message}", highlight=False)
        for name, value in error.context.items():
            if name in ("name", "field", "found", "expected", "allowed", "host", "port", "path"):
                error_console().print(f"  {name}: {value}", highlight=False, markup=False)
        sys.exit(_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # the last line of defence: said plainly, the traceback is for --debug
        if _debug:
            raise
        error_console().print(f"[red]unexpected error:[/red] {type(error).__name__} (run again with --debug)")
        sys.exit(INTERNAL)


def _code(error: ConnectorError) -> int:
    match error:
        case SettingsError():
            return USAGE
        case TransportError():
            return UNREACHABLE
        case _:
            return REFUSED
