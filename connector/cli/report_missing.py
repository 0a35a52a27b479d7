"""What the feeding report says of documents that should have been deposited and were not."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from rich.table import Table

from connector.cli.report_forms import harmless
from connector.cli.report_page import head, row
from connector.flows.letters.mandatory import MissingReport, Rule
from connector.watch.feeding_words import UNKNOWN

TITLE: Final = "Documents à déposer, par unité : séjours terminés sans le document"
_LEFT_OUT: Final = "Retiré de la liste par l'établissement"
_UNCOUNTED: Final = "À déposer aussi, sans qu'aucun message n'annonce le document : ce qui manque ne se compte pas"


def as_table(report: MissingReport) -> Table:
    """For a terminal."""
    table = Table(title=TITLE)
    for name in ("unité", "document", "séjours terminés", "sans document"):
        table.add_column(name, overflow="fold")
    for line in report.lines:
        table.add_row(line.unit or UNKNOWN, line.title, str(line.closed), str(line.missing))
    return table


def notes(report: MissingReport) -> Iterable[str]:
    """What cannot be counted, what could not be verified, what the site took out."""
    if report.not_counted:
        yield f"{_UNCOUNTED} : {' ; '.join(map(_told, report.not_counted))}."
    for rule in report.dropped:
        yield f"{_LEFT_OUT} : {rule.title}."


def as_html(report: MissingReport) -> Iterable[str]:
    """A part of the page; every word from outside is escaped."""
    yield f"<h2>{escape(TITLE)}</h2><table>"
    yield head(("Unité", "Document"), ("Séjours terminés", "Sans document"))
    yield "<tbody>"
    for line in report.lines:
        yield row((line.unit or UNKNOWN, line.title), (str(line.closed), str(line.missing)))
    yield "</tbody></table>"
    for note in notes(report):
        yield f'<p class="small">{escape(note)}</p>'


def csv_rows(report: MissingReport) -> Iterable[tuple[str, ...]]:
    """Rows of the report's CSV: unit, type, label, fate, code, reason, count, received, rate."""
    for line in report.lines:
        kinds = " ou ".join(line.types)
        cells = (line.unit, kinds, line.title, "non déposés", "", "séjour terminé sans le document")
        yield (*map(harmless, cells), str(line.missing), str(line.closed), "")


def _told(rule: Rule) -> str:
    beside = [rule.condition] + ([f"incertain : {rule.uncertain}"] if rule.uncertain else [])
    said = " ; ".join(part for part in beside if part)
    return f"{rule.title} ({said})" if said else rule.title
