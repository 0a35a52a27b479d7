"""`connector letters export`: letters by the thousand, to the DMP or to a folder.

Exit codes: 0 all sent (or handed to a daemon at work), 1 some refused, held or not treated, 2 settings or arguments,
3 nothing moves any more: the DMP, or the identity server, does not answer.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from connector.base.errors import SettingsError
from connector.cli.output import console, error_console, print_json
from connector.cli.trace import AsJson

if TYPE_CHECKING:
    from connector.cli.letters_export_report import Report
    from connector.flows.letters.export.ledger import Ledger
    from connector.flows.letters.export.prepare import Making
    from connector.flows.letters.export.run import Progress, Stop
    from connector.flows.letters.export.targets import Target
    from connector.journal import Journal, JournalReader
    from connector.letter.inputs import CsvMapping
    from connector.settings import Settings

SOME_LEFT, UNREACHABLE = 1, 3
OUT: Final = Path("export-lettres")

To = Literal["dmp", "folder"]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked."""

    config: Path
    words: tuple[str, ...]
    to: To
    out: Path
    mapping: Path | None
    template: Path | None
    workers: int
    depth: int
    patience: float
    dry_run: bool
    resume: bool
    as_json: bool

    @property
    def again(self) -> str:
        """The command that goes on where this one stopped."""
        words = ["connector", "letters", "export", *self.words, "-c", str(self.config), "--to", self.to]
        words += ["--out", str(self.out), "--workers", str(self.workers)]
        for name, value in (("--mapping", self.mapping), ("--template", self.template)):
            words += [name, str(value)] if value is not None else []
        return shlex.join(words if self.dry_run else [*words, "--resume"])


def export(
    sources: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, CSV; or journal: its finished stays without a letter."),
    ],
    config: Annotated[Path, typer.Option("--config", "-c", exists=True, dir_okay=False, help="Settings file.")],
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
    ] = min(2, os.cpu_count() or 1),
    depth: Annotated[
        int, typer.Option(min=1, help="Documents the journal may hold for the DMP before the export waits.")
    ] = 200,
    patience: Annotated[
        float,
        typer.Option(min=0, help="Seconds without any letter that ends before giving up; what is handed over stays."),
    ] = 900.0,
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
    report, stop = _run(order)
    _say(order, report)
    if stop.unreachable:
        error_console().print(
            "[red]plus aucune lettre n'aboutit[/red] : ce qui est remis partira au prochain démarrage"
        )
        raise typer.Exit(UNREACHABLE)
    if not report.all_well or stop.asked:
        raise typer.Exit(SOME_LEFT)


def _run(order: Order) -> tuple[Report, Stop]:
    from connector.base.clock import utc_now
    from connector.base.logs import configure_logs
    from connector.cli import letters_export_report as reports
    from connector.codes import use_folder
    from connector.flows.letters.export.crew import Crew
    from connector.flows.letters.export.ledger import Ledger
    from connector.flows.letters.export.run import Export, Stop
    from connector.flows.letters.export.sources import JOURNAL, Ignored, Sources
    from connector.settings import load_settings

    settings = load_settings(order.config)
    # between two lines of progress, only what a person must hear
    configure_logs("error" if settings.log.level == "error" else "warning", settings.log.format)
    use_folder(settings.codes.folder)
    template = _template(order.template)
    sources = Sources(order.words, _mapping(order.mapping), order.out, settings.letters.max_bytes)
    stop, ignored = Stop(), Ignored()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="export-")))
        ledger = stack.enter_context(
            Ledger(folder if order.dry_run else order.out, order.to, resume=order.resume or order.dry_run)
        )
        target, journal, works = _target(order, settings, folder, stack)
        making = _making(settings, journal)
        crew = stack.enter_context(Crew(making, order.workers))
        total = sources.count()
        items = sources.read(ignored)
        if JOURNAL in order.words:
            from connector.flows.letters.export.stays import count_stays, stays

            total += count_stays(journal, settings.letters)
            items = chain(items, stays(journal, settings.letters, template))
        changed = stack.enter_context(_shown(total, order.as_json))
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
        report = reports.report_of(
            ledger,
            made_at=utc_now(),
            target=order.to,
            rehearsed=order.dry_run,
            unread=unread,
            already=progress.already,
        )
        _write(order, ledger, report)
    if ignored.count and not order.as_json:
        suffixes = ", ".join(sorted(ignored.suffixes))
        console().print(f"{ignored.count} fichiers ignorés ({suffixes})", highlight=False, markup=False)
    return report, stop


def _target(order: Order, settings: Settings, folder: Path, stack: ExitStack) -> tuple[Target, JournalReader, bool]:
    """Where letters go, the journal stays are read in, and whether its engine is ours."""
    from connector.assembly import open_desk
    from connector.base.clock import utc_now
    from connector.flows.letters.export.dmp import Backlog, DmpTarget, Door
    from connector.flows.letters.export.rehearsal import RehearsalTarget
    from connector.flows.letters.export.targets import FolderTarget, Nowhere
    from connector.flows.letters.export.verdicts import KnownVerdicts
    from connector.kit.gate import open_gate
    from connector.service.pipeline import Pipeline

    if order.to == "folder" or order.dry_run:
        journal = _read_only(settings, folder)
        stack.callback(journal.close)
        if order.to == "folder":
            return (Nowhere() if order.dry_run else FolderTarget(order.out)), journal, False
        desk = open_desk(settings, journal, _nobody, clock=utc_now)
        target = RehearsalTarget(journal, desk, settings.intake, settings.publication, lambda: utc_now().date())
        return target, journal, False
    verdicts = KnownVerdicts(lambda: open_gate(settings.gate))
    pipeline = stack.enter_context(Pipeline(settings, gate=lambda _: verdicts))
    backlog = Backlog(pipeline.journal, order.depth, (lambda: pipeline.silent) if pipeline.works else None)
    door = Door(pipeline.desk, pipeline.hand, pipeline.run)
    return (
        DmpTarget(pipeline.journal, door, backlog, verdicts if pipeline.works else None),
        pipeline.journal,
        pipeline.works,
    )


async def _nobody(_message: bytes) -> bytes | None:
    raise AssertionError("a rehearsal hands nothing over")


def _read_only(settings: Settings, folder: Path) -> Journal:
    """The site's journal; an empty one where none ever ran, so that letters that say everything can be made."""
    from connector.journal import Journal, JournalConfig
    from connector.patients.schema import SCHEMA

    path = settings.journal.url.path
    if path is not None and not path.exists():
        return Journal.open(JournalConfig(folder / "journal.sqlite"), schemas=(SCHEMA,))
    return Journal.open(settings.journal, schemas=(SCHEMA,))


def _making(settings: Settings, journal: JournalReader) -> Making:
    from connector.flows.letters.export.prepare import Making

    folder = settings.codes.folder
    return Making(
        settings.letters,
        settings.gate,
        journal.config,
        str(folder) if folder is not None else "",
        settings.intake.max_document_bytes,
    )


def _mapping(path: Path | None) -> CsvMapping | None:
    """Raises SettingsError with the first fault."""
    from connector.letter.errors import LetterError
    from connector.letter.inputs import read_mapping

    try:
        return None if path is None else read_mapping(path.read_bytes(), path.name)
    except LetterError as error:
        first = error.faults[0]
        raise SettingsError(
            first.text, name=f"--mapping {first.path}", found=first.found, allowed=first.expected
        ) from None


def _template(path: Path | None) -> Mapping[str, Any]:
    """Raises SettingsError with the first fault."""
    from connector.letter.errors import LetterError
    from connector.letter.inputs import read_data

    try:
        return {} if path is None else read_data(path.read_bytes(), path.name)
    except LetterError as error:
        first = error.faults[0]
        raise SettingsError(first.text, name="--template", found=first.found, allowed=first.expected) from None


# -- shown ---------------------------------------------------------------------------------------------------------


@contextmanager
def _shown(total: int, as_json: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar with the rate and the time left, on a terminal only."""
    bar = error_console()
    columns = (
        TextColumn("lettres"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(), TextColumn("{task.fields[said]}"),
    )  # fmt: skip
    with Bar(*columns, console=bar, disable=as_json or not bar.is_terminal) as shown:
        task = shown.add_task("lettres", total=total, rate="", said="")

        def changed(progress: Progress) -> None:
            speed = shown.tasks[0].speed
            said = f"{progress.set_aside} de côté" if progress.set_aside else ""
            shown.update(
                task,
                completed=progress.already + progress.set_aside + progress.delivered,
                rate=f"{speed:.1f}/s" if speed else "",
                said=" · ".join(filter(None, (said, progress.waiting))),
            )

        yield changed


@contextmanager
def _interruptible(stop: Stop) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) lets the letters in hand end, a second one ends at once: both can be resumed."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write("arrêt demandé : fin des lettres en cours\n")

    for number in former:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _write(order: Order, ledger: Ledger, report: Report) -> None:
    from connector.cli.letters_export_report import as_html, write_csv

    order.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    page, table = _files(order)
    page.write_text(as_html(report, order.again), encoding="utf-8")
    write_csv(ledger, report, table)


def _files(order: Order) -> tuple[Path, Path]:
    name = "repetition" if order.dry_run else "rapport"
    return order.out / f"{name}.html", order.out / f"{name}.csv"


def _say(order: Order, report: Report) -> None:
    from connector.cli.letters_export_report import sentence, to_do

    page, table = _files(order)
    if order.as_json:
        print_json({**report.as_dict(), "reportHtml": str(page), "reportCsv": str(table), "again": order.again})
        return
    if report.causes:
        causes = Table()
        for name in ("sort", "étape", "code", "motif", "combien", "sources", "que faire"):
            causes.add_column(name, overflow="fold")
        for cause, tally in report.causes:
            listed = " ".join(tally.refs[:3]) + (" …" if tally.count > 3 else "")
            words = (report.word(cause.outcome), cause.step, cause.code, cause.reason, str(tally.count), listed)
            causes.add_row(*map(escape, (*words, to_do(cause))))
        console().print(causes)
    console().print(sentence(report), highlight=False, markup=False)
    console().print(f"Rapport : {page} et {table}", highlight=False, markup=False)
    if not report.all_well:
        console().print(f"Pour reprendre : {order.again}", highlight=False, markup=False)
