"""`connector retention`: let go of what is old, see how large the store becomes, give emptied pages back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from connector.base.errors import ConnectorError
from connector.cli.output import console, print_json
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from datetime import datetime

    from connector.journal.retention.forecast import Forecast
    from connector.journal.retention.keeper import Tally
    from connector.journal.retention.sizes import Sizes
    from connector.settings import Settings

app = typer.Typer(no_args_is_help=True, help="How long things are kept, and what that weighs.")
Days = Annotated[int | None, typer.Option(min=0, help="Try this duration instead of the setting; 0 for ever.")]


@app.command()
def run(
    config: Config,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, remove nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove now what is older than its duration, in small steps; a running connector goes on meanwhile."""
    from connector.base.clock import utc_now
    from connector.flows.retention import keeper_of, rules_of
    from connector.journal import Journal, JournalReader
    from connector.journal.retention.preview import preview
    from connector.settings import load_settings

    settings = load_settings(config)
    if dry_run:
        reader = JournalReader(settings.journal)
        try:
            _say(preview(reader, rules_of(settings.retention), utc_now()), dry_run, as_json)
        finally:
            reader.close()
        return
    journal = Journal.open(settings.journal)
    try:
        keeper = keeper_of(journal, settings.retention, settings.consultation.output_folder, utc_now)
        if as_json:
            tally = keeper.round()
        else:
            with console().status("") as status:
                tally = keeper.round(lambda so_far: status.update(_words(so_far)))
    finally:
        journal.close()
    _say(tally, dry_run, as_json)


def _words(tally: Tally) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in tally.removed.items() if count)
    return f"{counts or 'nothing'}; {_size(tally.freed)} of content"


def _say(tally: Tally, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"dryRun": dry_run, "removed": tally.removed, "freedBytes": tally.freed, "steps": tally.steps})
    else:
        console().print(f"{'would remove' if dry_run else 'removed'}: {_words(tally)}", highlight=False)


@app.command()
def forecast(
    config: Config,
    content_days: Days = None,
    attachment_days: Days = None,
    trace_days: Days = None,
    disk_free: Annotated[
        int | None, typer.Option(min=0, help="Bytes free on the database server's disk, where we cannot look.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What the store weighs, how fast it grows, how large it becomes and when the disk is full."""
    from connector.base.clock import utc_now
    from connector.flows.received import size_of_received
    from connector.flows.retention import rules_of
    from connector.journal import JournalReader
    from connector.journal.retention.forecast import forecast as foresee
    from connector.journal.retention.sizes import measure
    from connector.settings import load_settings

    settings, now = load_settings(config), utc_now()
    given = {"content_days": content_days, "attachment_days": attachment_days, "trace_days": trace_days}
    proposed = replace(settings.retention, **{name: days for name, days in given.items() if days is not None})
    reader = JournalReader(settings.journal)
    try:
        sizes = measure(reader, rules_of(settings.retention), now)
    finally:
        reader.close()
    room = disk_free if disk_free is not None else _disk_free(settings)
    plans = {"current": foresee(sizes, settings.retention, now, room)}
    if proposed != settings.retention:
        plans["proposed"] = foresee(sizes, proposed, now, room)
    files, _ = size_of_received(settings.consultation.output_folder, now)
    if as_json:
        print_json(_as_dict(sizes, plans, room, files, now))
    else:
        _tables(sizes, plans, room, files)


def _disk_free(settings: Settings) -> int | None:
    if settings.journal.url.path is None:
        return None
    return shutil.disk_usage(settings.journal.path.parent).free


def _as_dict(sizes: Sizes, plans: dict[str, Forecast], room: int | None, files: int, now: datetime) -> dict[str, Any]:
    return {
        "at": now.isoformat(timespec="seconds"),
        "databaseBytes": sizes.database,
        "freeInsideBytes": sizes.free,
        "diskFreeBytes": room,
        "receivedFilesBytes": files,
        "messages": sizes.messages,
        "messagesPerDay": round(sizes.messages_per_day, 1),
        "measuredOverDays": round(sizes.window_days, 2),
        "rowsKeptForUnfinishedWork": sizes.kept,
        **{name: plan.as_dict() for name, plan in plans.items()},
    }


def _tables(sizes: Sizes, plans: dict[str, Forecast], room: int | None, files: int) -> None:
    say = console()
    say.print(
        f"database {_size(sizes.database)}, of which {_size(sizes.free)} emptied and used again first;"
        f" disk free {_size(room)}; received files {_size(files)}",
        highlight=False,
    )
    say.print(
        f"{sizes.messages} messages, {sizes.messages_per_day:.0f} a day over {sizes.window_days:.1f} days;"
        f" {sizes.kept} old rows kept for unfinished work",
        highlight=False,
    )
    for name, plan in plans.items():
        table = Table(title=f"{name} settings", title_justify="left")
        for column in ("part", "now", "a day", "kept", "in the end"):
            table.add_column(column, justify="left" if column == "part" else "right")
        for part in plan.parts:
            kept = "audit.days" if part.name == "audit" else f"{part.days} days" if part.days else "for ever"
            end = "grows" if part.steady is None else "-" if part.name == "audit" else _size(part.steady)
            table.add_row(part.name, _size(part.bytes), _size(part.per_day), kept, end)
        say.print(table)
        full = "not within ten years" if plan.full_on is None else plan.full_on.isoformat()
        end = "grows without end" if plan.steady is None else _size(plan.steady)
        say.print(f"in the end {end}; in one year {_size(plan.year)}; disk full: {full if room is not None else '?'}")


@app.command()
def compact(config: Config, as_json: AsJson = False) -> None:
    """Give emptied pages of a SQLite file back to the disk; only while the connector is stopped."""
    from connector.journal.retention.compact import compact as shrink
    from connector.settings import load_settings

    settings = load_settings(config)
    if settings.journal.url.path is None:
        raise ConnectorError(
            "PostgreSQL gives room back by itself (autovacuum)",
            field="journal.store",
            found="postgresql",
            expected="a SQLite file",
        )
    done = shrink(settings.journal)
    if as_json:
        print_json({"beforeBytes": done.before, "afterBytes": done.after})
    else:
        console().print(f"{_size(done.before)} before, {_size(done.after)} after", highlight=False)


def _size(count: float | None) -> str:
    if count is None:
        return "unknown"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"
