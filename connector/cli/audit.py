"""`connector audit verify` and `connector audit export`: is the trail whole, and what does it say."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from connector.base.errors import SettingsError
from connector.cli.output import console, error_console, print_json
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.journal.audit.reading import AuditLine

BROKEN, UNREACHABLE = 1, 3
audit = typer.Typer(no_args_is_help=True, help="The audit trail: verify its seals, export its lines.")


@audit.command()
def verify(
    config: Config,
    head: Annotated[
        str, typer.Option(help="A head noted elsewhere (number:mac, or the mac): it must still be in the chain.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no line of the audit trail was changed, removed, moved or added. Exit 1 when one was."""
    from connector.journal import JournalReader
    from connector.journal.audit import key_of_journal
    from connector.journal.audit import verify as walk
    from connector.settings import load_settings

    settings = load_settings(config)
    with _reached():
        journal = JournalReader(settings.journal)
        try:
            verdict = walk(journal, key_of_journal(journal, settings.journal), noted=head)
        finally:
            journal.close()
    if as_json:
        fault = asdict(verdict.fault) if verdict.fault is not None else None
        print_json({"good": verdict.good, "lines": verdict.lines, "head": str(verdict.head), "fault": fault})
    elif verdict.fault is None:
        console().print(f"[green]chaîne intacte[/green] : {verdict.lines} ligne(s)", highlight=False)
        console().print(f"tête : {verdict.head}", highlight=False)
        if not head:
            text = "Que les dernières lignes n'ont pas été retirées, seule une tête notée ailleurs le prouve (--head)."
            console().print(text, highlight=False)
    else:
        console().print(f"[red]chaîne rompue[/red] : {verdict.fault.text}", highlight=False)
        console().print(f"{verdict.lines} ligne(s) intacte(s), jusqu'à {verdict.head}", highlight=False)
    if not verdict.good:
        raise typer.Exit(BROKEN)


@audit.command()
def export(
    config: Config,
    since: Annotated[str, typer.Option(help="First date or instant, UTC (2026-11-02 or 2026-11-02T08:30).")] = "",
    until: Annotated[str, typer.Option(help="Date or instant to stop before, UTC.")] = "",
    delivery: Annotated[int | None, typer.Option(help="One delivery only.")] = None,
    reason: Annotated[str, typer.Option(help="Why: it stays in the trail, with your name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, as sealed, with its mac.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet: semicolons, UTF-8.")] = False,
) -> None:
    """Write lines of the audit trail to the output. The export is itself a line of the trail."""
    from connector.journal import Journal
    from connector.journal.audit import operator_act
    from connector.journal.audit.reading import read_lines
    from connector.settings import load_settings

    if as_json and as_csv:
        raise SettingsError("one form at a time", name="--json", found="--json and --csv", allowed="one of them")
    begin, end = _instant("--since", since), _instant("--until", until)
    settings = load_settings(config)
    asked = {"since": since, "until": until, "delivery": "" if delivery is None else str(delivery)}
    about = ", ".join(f"{name}={value}" for name, value in asked.items() if value)
    with _reached(), _pipe():
        journal = Journal.open(settings.journal)
        try:
            why = " ".join(part for part in (reason, f"({about})" if about else "") if part)
            journal.transact(lambda tx: operator_act(tx, "audit.export", delivery_id=delivery, reason=why))
            write = _json() if as_json else _csv() if as_csv else _text()
            for line in read_lines(journal, since=begin, until=end, delivery_id=delivery):
                write(line)
            sys.stdout.flush()
        finally:
            journal.close()


@contextmanager
def _reached() -> Iterator[None]:
    """A store that does not answer is no broken chain: each has its exit code."""
    from connector.journal import JournalError
    from connector.journal.audit.entry import DamagedLine

    try:
        yield
    except DamagedLine as error:
        error_console().print(f"[red]error:[/red] {error.message} (connector audit verify)", highlight=False)
        raise typer.Exit(BROKEN) from error
    except JournalError as error:
        error_console().print(f"[red]error:[/red] {error.message}", highlight=False)
        raise typer.Exit(UNREACHABLE) from error


@contextmanager
def _pipe() -> Iterator[None]:
    """Whoever reads may have read enough (`| head`)."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _instant(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"{name} is no date", name=name, found=text, allowed="2026-11-02, 2026-11-02T08:30"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _json() -> Callable[[AuditLine], None]:
    """The sealed text itself with `mac` added last: taking it off again gives what the seal was made of."""
    return lambda line: print(f'{line.text[:-1]},"mac":"{line.mac}"}}')


def _csv() -> Callable[[AuditLine], None]:
    from connector.journal.audit import AuditEntry

    names = [field.name for field in fields(AuditEntry)]
    writer = csv.writer(sys.stdout, delimiter=";", lineterminator="\n")
    writer.writerow(["n", *names, "mac"])

    def write(line: AuditLine) -> None:
        writer.writerow([line.number, *(_cell(getattr(line.entry, name)) for name in names), line.mac])

    return write


def _cell(value: object) -> str:
    text = " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    # a spreadsheet would run a cell that begins so, and some of these texts come from outside
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _text() -> Callable[[AuditLine], None]:
    def write(line: AuditLine) -> None:
        entry = line.entry
        code = f" ({entry.code})" if entry.code else ""
        what = f"{entry.transaction} {entry.outcome}{code}"
        about = " ".join((entry.operator or entry.name_id, *entry.unique_ids, entry.reason))
        print(f"{line.number} {entry.at:%Y-%m-%d %H:%M:%S} {what} {about}".rstrip())

    return write
