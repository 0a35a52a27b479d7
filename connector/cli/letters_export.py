"""`connector letters export`: letters by the thousand, to the DMP or to a folder.

Exit codes: 0 all sent (or handed to a daemon at work), 1 some refused, held or not treated, 2 settings or arguments,
3 nothing moves any more: the DMP, or the identity server, does not answer.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.letters_export_order import DEPTH, OUT, PATIENCE, WORKERS, Order, To
from connector.cli.output import error_console
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.cli.letters_export_report import Report
    from connector.flows.letters.export.files import Ignored
    from connector.flows.letters.export.ledger import Ledger
    from connector.flows.letters.export.run import Stop

SOME_LEFT, USAGE, UNREACHABLE = 1, 2, 3


def export(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, CSV; or journal: its finished stays without a letter."),
    ],
    config: Config,
    to: Annotated[To, typer.Option("--to", help="The DMP, through the connector; or a folder, as CDA.")] = "dmp",
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Folder of the run: its ledger, its report, its CDA.")
    ] = OUT,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", exists=True, dir_okay=False, help="Columns of the CSV (TOML or YAML).")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", exists=True, dir_okay=False, help="journal: what all the letters say (JSON, YAML)."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that make and check letters, about 300 MB each with a kit.")
    ] = WORKERS,
    depth: Annotated[
        int, typer.Option(min=1, help="Documents the journal may hold for the DMP before the export waits.")
    ] = DEPTH,
    patience: Annotated[
        float,
        typer.Option(min=0, help="Seconds without any letter that ends before giving up; what is handed over stays."),
    ] = PATIENCE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but hand over; only the report is kept.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of this folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make letters of many sources, check them, and send them or write them.

    Every letter goes through the gates of the connector: an opposition, an unknown consent, an identity that is not
    qualified stop it or make it wait. With a daemon at work on the journal, letters are only handed over; without one,
    the export does its work until the letters have ended. What was accepted once is never handed over again.
    """
    order = Order(
        config, tuple(sources), to, out, mapping, template, workers, depth, patience, dry_run, resume, as_json
    )
    from connector.cli.letters_export_shown import say, say_refused
    from connector.flows.letters.export.model import OrderRefused

    try:
        report, ignored, stop = _run(order)
    except OrderRefused as refused:
        if context.find_root().params.get("debug"):
            raise
        say_refused(order, refused)
        raise typer.Exit(USAGE) from None
    say(order, report, ignored)
    if stop.unreachable:
        error_console().print(
            "[red]plus aucune lettre n'aboutit[/red] : ce qui est remis partira au prochain démarrage"
        )
        raise typer.Exit(UNREACHABLE)
    if not report.all_well or stop.asked:
        raise typer.Exit(SOME_LEFT)


def _run(order: Order) -> tuple[Report, Ignored, Stop]:
    from connector.base.clock import utc_now
    from connector.base.logs import configure_logs
    from connector.cli import letters_export_parts as parts
    from connector.cli.letters_export_report import report_of
    from connector.cli.letters_export_shown import shown
    from connector.codes import use_folder
    from connector.flows.letters.export.crew import Crew
    from connector.flows.letters.export.files import Ignored
    from connector.flows.letters.export.ledger import Ledger
    from connector.flows.letters.export.run import Export, Stop
    from connector.flows.letters.export.sources import JOURNAL, Sources
    from connector.settings import load_settings

    settings = load_settings(order.config)
    # between two lines of progress, only what a person must hear
    configure_logs("error" if settings.log.level == "error" else "warning", settings.log.format)
    use_folder(settings.codes.folder)
    template = parts.template_of(order.template)
    sources = Sources(order.words, parts.mapping_of(order.mapping), order.out, settings.letters.max_bytes)
    stop, ignored = Stop(), Ignored()
    parts.check_out(order.out)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="export-")))
        ledger = stack.enter_context(
            Ledger(folder if order.dry_run else order.out, order.to, resume=order.resume or order.dry_run)
        )
        target, journal, works = parts.target_of(order, settings, folder, stack)
        making = parts.making_of(settings, journal)
        crew = stack.enter_context(Crew(making, order.workers))
        total = sources.count()
        items = sources.read(ignored)
        if JOURNAL in order.words:
            from connector.flows.letters.export.stays import count_stays, stays

            total += count_stays(journal, settings.letters)
            items = chain(items, stays(journal, settings.letters, template))
        changed = stack.enter_context(shown(total, order.as_json))
        stack.enter_context(_interruptible(stop))
        run = Export(
            ledger,
            crew,
            target,
            aside=(folder if order.dry_run else order.out) / "set-aside",
            workers=order.workers,
            clock=utc_now,
            stop=stop,
            patience=timedelta(seconds=order.patience),
            changed=changed,
        )
        progress = run.run(items)
        run.finish(wait=works)
        unread = max(0, total - progress.seen) if stop.asked else 0
        report = report_of(
            ledger,
            made_at=utc_now(),
            target=order.to,
            rehearsed=order.dry_run,
            unread=unread,
            already=progress.already,
        )
        _write(order, ledger, report)
    return report, ignored, stop


@contextmanager
def _interruptible(stop: Stop) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) lets the letters in hand end, a second one does not: both can be resumed."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in former:
            signal.signal(number, signal.default_int_handler)
        # not through sys.stderr, which the signal may have come in the middle of
        os.write(2, "arrêt demandé : fin des lettres en cours\n".encode())
        stop.ask()

    for number in former:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _write(order: Order, ledger: Ledger, report: Report) -> None:
    from connector.cli.letters_export_report import as_html, files_of, write_csv

    page, table = files_of(order.out, order.dry_run)
    page.write_text(as_html(report, order.again), encoding="utf-8")
    write_csv(ledger, report, table)
