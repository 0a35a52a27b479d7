"""`connector codes`: which code lists are in use, and newer ones taken from the agency's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connector.base.errors import CodecError, SettingsError
from connector.cli.output import console, print_json
from connector.cli.trace import AsJson

if TYPE_CHECKING:
    from connector.codes import CodesConfig
    from connector.codes.status import ListStatus
    from connector.codes.update import Change

app = typer.Typer(no_args_is_help=True, help="Code lists: which are in use, and how newer ones are taken.")

Config = Annotated[
    Path | None, typer.Option("-c", "--config", exists=True, dir_okay=False, help="Settings file (TOML).")
]
Folder = Annotated[Path | None, typer.Option("--folder", file_okay=False, help="Site folder, instead of codes.folder.")]
SHOWN = 20
"""Codes of a difference shown to people; --json has them all."""


@app.command()
def status(config: Config = None, folder: Folder = None, as_json: AsJson = False) -> None:
    """Show every list in use: version, date, where it comes from, when it was last compared with the agency's."""
    from connector.base.clock import utc_now
    from connector.codes.status import list_statuses

    settings = _settings(config, folder)
    found = list_statuses(settings.folder, settings.max_age_days, utc_now().date())
    if as_json:
        print_json([_status_row(item) for item in found])
        return
    table = Table()
    for column in ("list", "id", "version", "date", "codes", "origin", "read", "remarks"):
        table.add_column(column, overflow="fold")
    for item in found:
        remarks = "\n".join((*(f"[yellow]{escape(text)}[/yellow]" for text in item.warnings), escape(item.note)))
        table.add_row(
            item.name,
            escape(item.id),
            item.version,
            item.date,
            str(item.count),
            item.origin,
            item.read,
            remarks.strip(),
        )
    console().print(table)


@app.command()
def load(
    files: Annotated[list[Path], typer.Argument(exists=True, help="Published lists (.xml, .json, .csv) or folders.")],
    config: Config = None,
    to: Annotated[Path | None, typer.Option("--to", file_okay=False, help="Site folder, else codes.folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Take older, altered or much shorter lists too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take newer lists into the site's folder. Exit 1 when one of them is refused; the others are taken.

    Of a folder, the files of lists this connector does not use are passed over, those that cannot be read are told.
    """
    from connector.base.clock import utc_now
    from connector.codes.origins import NO_LISTS, Origin, read_folder
    from connector.codes.published import read_published
    from connector.codes.update import compare, install

    settings = _settings(config, to)
    if settings.folder is None:
        raise SettingsError(
            "no site folder", name="codes.folder", found="nothing", allowed="codes.folder or --to FOLDER"
        )
    settings.folder.mkdir(parents=True, exist_ok=True)
    lists = dict(read_folder(settings.folder) or NO_LISTS)
    report: list[dict[str, Any]] = []
    for path, explicit in _published(files):
        try:
            change = compare(read_published(path.read_bytes(), path.name), Origin(lists), force=force)
        except CodecError as error:
            ours = explicit or _is_ours(path, error)
            report.append(_unread_row(path, error, "refused" if ours else "passed over"))
            continue
        if not change.name and not explicit:
            continue
        taken = not change.refusals and not change.unchanged
        if taken and not dry_run:
            install(change, settings.folder, today=utc_now().date(), forced=force)
            lists[change.name] = change.new
        report.append(_change_row(path, change, taken))
    if as_json:
        print_json(report)
    else:
        for row in report:
            _tell(row, dry_run)
    if any(row["outcome"] == "refused" for row in report):
        raise typer.Exit(1)


def _settings(config: Path | None, folder: Path | None) -> CodesConfig:
    from dataclasses import replace

    from connector.codes import CodesConfig
    from connector.settings import load_settings

    settings = CodesConfig() if config is None else load_settings(config).codes
    return settings if folder is None else replace(settings, folder=folder)


def _published(files: list[Path]) -> list[tuple[Path, bool]]:
    """Each file, and whether it was named: a folder stands for its published files."""
    from connector.codes.published import SUFFIXES

    found: list[tuple[Path, bool]] = []
    for path in files:
        if path.is_dir():
            inside = sorted(item for item in path.iterdir() if item.suffix.lower() in SUFFIXES and item.is_file())
            found += [(item, False) for item in inside]
        else:
            found.append((path, True))
    return found


def _is_ours(path: Path, error: CodecError) -> bool:
    """Whether a file that cannot be read is of a list in use, by the identity in it, else by its name."""
    from connector.codes.update import name_of

    return name_of(str(error.context.get("list", "")) or path.stem) is not None


def _unread_row(path: Path, error: CodecError, outcome: str) -> dict[str, Any]:
    return {"file": path.name, "outcome": outcome, "reasons": [f"{error.message}: {error.context.get('found', '')}"]}


def _change_row(path: Path, change: Change, taken: bool) -> dict[str, Any]:
    former = change.former
    return {
        "file": path.name,
        "outcome": "loaded" if taken else "refused" if change.refusals else "unchanged",
        "list": change.name,
        "id": change.new.id,
        "version": change.new.version,
        "formerVersion": former.version if former else "",
        "added": [list(pair) for pair in change.added],
        "removed": [list(pair) for pair in change.removed],
        "relabelled": change.relabelled,
        "reasons": list(change.refusals),
    }


def _tell(row: dict[str, Any], dry_run: bool) -> None:
    colour = {"loaded": "green", "unchanged": "dim", "passed over": "yellow", "refused": "red"}[row["outcome"]]
    word = "would be loaded" if dry_run and row["outcome"] == "loaded" else row["outcome"]
    name = row.get("list") or row.get("id") or ""
    versions = f" {row['formerVersion'] or '?'} → {row['version'] or '?'}" if row.get("list") else ""
    console().print(f"[{colour}]{word}[/{colour}] {escape(row['file'])} {escape(name + versions)}", highlight=False)
    for reason in row["reasons"]:
        console().print(f"  {reason}", highlight=False, markup=False)
    for sign, key in (("+", "added"), ("-", "removed")):
        pairs = row.get(key, [])
        for code, system in pairs[:SHOWN]:
            console().print(f"  {sign} {code}  {system}", highlight=False, markup=False)
        if len(pairs) > SHOWN:
            console().print(f"  {sign} … {len(pairs) - SHOWN} more", highlight=False, markup=False)
    if row.get("relabelled"):
        console().print(f"  {row['relabelled']} labels changed", highlight=False, markup=False)


def _status_row(item: ListStatus) -> dict[str, Any]:
    return {
        "list": item.name,
        "id": item.id,
        "oid": item.oid,
        "version": item.version,
        "date": item.date,
        "codes": item.count,
        "origin": item.origin,
        "read": item.read,
        "source": item.source,
        "note": item.note,
        "warnings": list(item.warnings),
    }
