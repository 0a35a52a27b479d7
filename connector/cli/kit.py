"""`connector kit`: the agency's CDA kit, put in place, looked at, compiled."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from connector.cli.output import console, print_json
from connector.cli.trace import AsJson

if TYPE_CHECKING:
    from connector.kit.config import GateConfig
    from connector.kit.survey import Survey

app = typer.Typer(no_args_is_help=True, help="The agency's kit: schemas and schematrons documents are checked by.")

Folder = Annotated[Path | None, typer.Argument(help="Folder of the kit; that of the settings when left out.")]
Settings = Annotated[
    Path | None, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file (TOML).")
]


@app.command()
def status(folder: Folder = None, config: Settings = None, as_json: AsJson = False) -> None:
    """Which suites the kit holds, what had to be made good in it, what cannot be used.

    Exit 1 when a suite that every document needs cannot be used.
    """
    from connector.kit.sources import Sources
    from connector.kit.survey import survey

    where = _folder(folder, _gate(config))
    found = survey(Sources(where))
    if as_json:
        print_json({"folder": str(where), "usable": found.usable} | asdict(found))
    else:
        _show(where, found)
    raise typer.Exit(0 if found.usable else 1)


@app.command(name="compile")
def compile_(folder: Folder = None, config: Settings = None, as_json: AsJson = False) -> None:
    """Compile every suite, and keep the stylesheets so that workers start sooner.

    Exit 1 when a suite that every document needs cannot be compiled.
    """
    from connector.kit.catalogue import ALWAYS
    from connector.kit.judge import Judge
    from connector.kit.sources import KitError

    gate = _gate(config)
    judge = Judge(
        _folder(folder, gate), weight="refuse", terminologies=True, max_bytes=gate.max_bytes, cache=gate.cache
    )
    rows: list[dict[str, Any]] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(), disable=as_json) as progress:
        task = progress.add_task("suites", total=len(judge.catalogue.paths))
        began = time.perf_counter()
        for name, suite in judge.compile_all():
            fault = f"{suite.message}: {suite.context.get('path', '')}" if isinstance(suite, KitError) else ""
            now = time.perf_counter()
            rows.append({"suite": name, "seconds": round(now - began, 3), "fault": fault})
            began = now
            progress.update(task, advance=1, description=name)
    if as_json:
        print_json({"kit": judge.kit, "suites": rows})
    else:
        console().print(f"{judge.kit}: {sum(not row['fault'] for row in rows)} suites compiled")
        for row in (row for row in rows if row["fault"]):
            console().print(f"[yellow]cannot be used[/yellow] {row['suite']}: {row['fault']}", highlight=False)
    raise typer.Exit(1 if any(row["fault"] for row in rows if row["suite"] in ALWAYS) else 0)


@app.command()
def install(
    source: Annotated[Path, typer.Argument(exists=True, help="The kit as downloaded: a folder or a ZIP archive.")],
    to: Annotated[Path, typer.Option("--to", help="New folder for it; name it in gate.kit.")],
    as_json: AsJson = False,
) -> None:
    """Copy what is needed of a downloaded kit to its place, and look at it. Exit 1 when it cannot be used."""
    from connector.kit.install import install as put
    from connector.kit.survey import survey

    found = survey(put(source, to))
    if as_json:
        print_json({"folder": str(to.resolve()), "usable": found.usable} | asdict(found))
    else:
        _show(to.resolve(), found)
        console().print(f'in the settings:  [bold]\\[gate] kit = "{to.resolve()}"[/bold]', highlight=False)
    raise typer.Exit(0 if found.usable else 1)


def _gate(config: Path | None) -> GateConfig:
    from connector.kit.config import GateConfig
    from connector.settings import load_settings

    return GateConfig() if config is None else load_settings(config).gate


def _folder(given: Path | None, gate: GateConfig) -> Path:
    if given is not None:
        return given
    if gate.folder is None:
        raise typer.BadParameter("name the folder of the kit, or a settings file with gate.kit")
    return gate.folder


def _show(where: Path, found: Survey) -> None:
    table = Table(title=f"{where}  ({found.digest[:12]})")
    for column in ("suite", "assertions", "state"):
        table.add_column(column, overflow="fold")
    for suite in found.suites:
        state = f"[red]{suite.fault}[/red]" if suite.fault else "ready"
        if suite.missing:
            state += f"; value sets missing: {', '.join(suite.missing)}"
        table.add_row(suite.name + (" (every document)" if suite.always else ""), str(suite.assertions), state)
    out = console()
    out.print(table)
    out.print(f"made good: {len(found.repairs)}")
    for repair in found.repairs:
        out.print(f"  {repair.path}  [dim]<- {repair.how}[/dim]", highlight=False)
    out.print(f"terminologies: {', '.join(found.terminologies) or 'none'}", highlight=False)
