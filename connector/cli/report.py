"""`connector report feeding`: what reached the DMP and what did not, by unit, document type and cause."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from connector.base.errors import SettingsError
from connector.cli.output import console, print_json
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.watch.feeding import FeedingReport

app = typer.Typer(no_args_is_help=True, help="Reports for the hospital.")

Day = Annotated[str, typer.Option(help="A day (2026-11-01) or a moment (2026-11-01T08:00), local time.")]


@app.callback()
def _reports() -> None:
    """Keeps `feeding` a sub-command: more reports will stand beside it."""


@app.command()
def feeding(
    config: Config,
    since: Day = "",
    until: Annotated[str, typer.Option(help="Last day (included) or moment, local time.")] = "",
    shadow: Annotated[bool, typer.Option("--shadow", help="What the shadow mode would have sent.")] = False,
    numbers: Annotated[int, typer.Option(min=1, help="How many delivery numbers to list for each cause.")] = 50,
    as_json: AsJson = False,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a CSV file (;, UTF-8).")] = None,
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a page to read or print.")] = None,
) -> None:
    """Count by unit, document type and cause what was sent, waits, was refused; no identity is ever in it."""
    from connector.base.clock import utc_now
    from connector.cli import report_forms, report_missing, report_page
    from connector.flows.letters.mandatory import load_rules, missing_documents
    from connector.journal import JournalReader
    from connector.settings import load_settings
    from connector.watch.feeding_rows import feeding_report

    first, last = _moment(since, "--since", last=False), _moment(until, "--until", last=True)
    settings = load_settings(config)
    store, letters, now = settings.journal, settings.letters, utc_now()
    path = store.url.path
    if path is not None and not path.exists():
        raise SettingsError("no journal here", name="journal.store", found=str(path), allowed="a journal that ran once")
    reader = JournalReader(store)
    try:
        report = feeding_report(reader, made_at=now, since=first, until=last, shadow=shadow, numbers=numbers)
        missing = missing_documents(
            reader, load_rules(letters.mandatory), letters.due_classes, now=now, since=first, until=last
        )
    finally:
        reader.close()
    if csv is not None:
        csv.write_text(report_forms.as_csv(report, report_missing.csv_rows(missing)), encoding="utf-8-sig", newline="")
    if html is not None:
        html.write_text(report_page.as_html(report, str(config), report_missing.as_html(missing)), encoding="utf-8")
    if as_json:
        print_json(report_forms.as_json(report, str(config)) | {"missing": missing.as_dict()})
    elif csv is None and html is None:
        _say(report, str(config))
        if missing.lines:
            console().print(report_missing.as_table(missing))
        for note in report_missing.notes(missing):
            console().print(note, highlight=False, markup=False)


def _moment(text: str, name: str, *, last: bool) -> datetime | None:
    """Aware; a bare day begins at its midnight, or ends at the next one when it is the `last`. Raises SettingsError."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError("not a date", name=name, found=text, allowed="2026-11-01 or 2026-11-01T08:00") from error
    if last and len(text) <= len("2026-11-01"):
        moment += timedelta(days=1)
    # a time without zone is the machine's own
    return moment.astimezone()


def _say(report: FeedingReport, config: str) -> None:
    from connector.cli.report_forms import columns, line_cells, period
    from connector.watch.feeding_words import FATE_WORDS, advice, commands

    console().print(period(report), highlight=False)
    fates = columns(report)
    table = _table("unité", "type de document", "reçus", *(FATE_WORDS[fate] for fate in fates))
    table.add_column("taux", justify="right", no_wrap=True)
    for line in report.lines:
        table.add_row(*line_cells(line, fates))
    table.add_section()
    table.add_row("Total", "", *line_cells(report.total(), fates)[2:])
    console().print(table)
    if report.causes:
        causes = _table("sort", "code", "motif", "combien", "numéros", "que faire")
        for cause, tally in report.causes:
            listed = " ".join(map(str, tally.numbers[:10])) + (" …" if tally.count > 10 else "")
            what = "\n".join((advice(cause).text, *commands(cause, tally.numbers, tally.count, config)))
            causes.add_row(FATE_WORDS[cause.fate], cause.code, cause.reason, str(tally.count), listed, what)
        console().print(causes)
    if report.other_mode:
        other = "réels" if report.shadow else "du mode ombre (--shadow)"
        console().print(f"{report.other_mode} envois {other} ne sont pas comptés ici.", highlight=False)


def _table(*names: str) -> Table:
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold")
    return table
