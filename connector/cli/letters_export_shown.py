"""What a person sees of an export: the bar while it works, then what became of the letters, readable at 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from connector.cli.output import console, error_console, print_json

if TYPE_CHECKING:
    from connector.cli.letters_export_order import Order
    from connector.cli.letters_export_report import Report
    from connector.flows.letters.export.files import Ignored
    from connector.flows.letters.export.model import OrderRefused
    from connector.flows.letters.export.run import Progress


@contextmanager
def shown(total: int, as_json: bool) -> Iterator[Callable[[Progress], None]]:
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


def say(order: Order, report: Report, ignored: Ignored) -> None:
    """The causes, the counts, where the report is, and the command that goes on."""
    from connector.cli.letters_export_report import files_of, goes_on, sentence

    page, table = files_of(order.out, order.dry_run)
    if order.as_json:
        beside = {"count": ignored.count, "suffixes": sorted(ignored.suffixes), "strange": ignored.strange}
        files = {"reportHtml": str(page), "reportCsv": str(table), "again": order.again}
        print_json({**report.as_dict(), "ignored": beside, **files})
        return
    told = (sentence(report), *_ignored(ignored))
    for line in (*_causes(report), *(part for one in told for part in _fold(one)), f"Rapport : {page} et {table}"):
        typer.echo(_plain(line))
    if not report.all_well:
        typer.echo(f"Pour {goes_on(report)} : {order.again}")


def _causes(report: Report) -> Iterator[str]:
    """One block for each cause; what people copy stands alone on its line, nothing is cut inside a word."""
    from connector.cli.letters_export_report import to_do

    for cause, tally in report.causes:
        yield f"{tally.count} {report.word(cause.outcome)}" + (f", étape « {cause.step} »" if cause.step else "")
        if cause.code:
            yield f"  code : {cause.code}"
        if cause.reason:
            yield from _fold(f"motif : {cause.reason}", "  ")
        yield from (f"  source : {ref}" for ref in tally.refs[:3])
        if tally.count > 3:
            yield f"  … et {tally.count - 3} autres, nommées dans le rapport CSV"
        yield from _fold(f"que faire : {to_do(cause)}", "  ")
        yield ""


def _fold(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        max(40, console().width),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _ignored(ignored: Ignored) -> Iterator[str]:
    if not ignored.count:
        return
    suffixes = [suffix or "sans extension" for suffix in sorted(ignored.suffixes)]
    yield f"{ignored.count} fichiers ignorés ({', '.join((*suffixes, *ignored.strange))})"


def say_refused(order: Order, refused: OrderRefused) -> None:
    """Why an export did not begin, on stderr, with the commands that would."""
    from connector.flows.letters.export.model import AlreadyExported

    lines = [f"export refusé : {refused.message}"]
    for label, name in (("option", "name"), ("trouvé", "found"), ("attendu", "allowed")):
        if refused.context.get(name):
            lines.append(f"  {label} : {refused.context[name]}")
    if isinstance(refused, AlreadyExported):
        lines += ["Pour le reprendre (aucune lettre ne part deux fois) :", f"  {order.again}"]
        lines += ["Pour un autre export, dans un dossier à lui :", f"  {order.elsewhere()}"]
    for line in lines:
        typer.echo(_plain(line), err=True)


def _plain(line: str) -> str:
    """Without what would drive a terminal: names of files and servers' words come from outside."""
    return "".join(one if one.isprintable() else "�" for one in line)
