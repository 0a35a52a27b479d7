"""The feeding report as one page: nothing loaded from elsewhere, made to be read and to be printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from connector.cli.report_forms import FORMULA, columns, line_cells, most_first, period, typed
from connector.watch.feeding import CauseTally, FeedingReport, Line
from connector.watch.feeding_words import FATE_WORDS, UNKNOWN, advice, commands

STYLE: Final = """
:root { color-scheme: light; }
body { font: 1rem/1.4 system-ui, sans-serif; color: #1b1b1f; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } p.small { color: #555; font-size: .875rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: #f2f2f5; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot td { font-weight: 600; } code { font-size: .8rem; overflow-wrap: anywhere; }
@media print {
  body { margin: 0; max-width: none; font-size: 9pt; } thead { display: table-header-group; }
  tr { break-inside: avoid; } th { background: none; border-bottom: 2px solid #000; }
}
"""


def as_html(report: FeedingReport, config: str, more: Iterable[str] = ()) -> str:
    """The whole page; `config` is the settings file named in the commands. Every word from outside is escaped.

    `more` is HTML of other rooms, put before the details.
    """
    parts = [
        '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Alimentation du DMP</title>',
        f"<style>{STYLE}</style></head><body>",
        f"<h1>{escape(period(report))}</h1>",
        f'<p class="small">Établi le {report.made_at.astimezone():%d/%m/%Y à %H:%M}. {FORMULA} Les documents non'
        " destinés au DMP et les messages refusés à l'entrée n'y comptent pas. Aucune identité ne figure ici.</p>",
        *_lines(report),
        *_causes(report, config),
        *more,
        *_details(report),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _lines(report: FeedingReport) -> Iterable[str]:
    fates = columns(report)
    yield "<h2>Par unité et type de document</h2><table>"
    yield head(("Unité", "Type de document"), ("Reçus", *(FATE_WORDS[fate].capitalize() for fate in fates), "Taux"))
    yield "<tbody>"
    for line in report.lines:
        cells = line_cells(line, fates)
        yield row(cells[:2], cells[2:])
    yield "</tbody><tfoot>"
    yield row(("Total", ""), line_cells(report.total(), fates)[2:])
    yield "</tfoot></table>"


def _causes(report: FeedingReport, config: str) -> Iterable[str]:
    if not report.causes:
        return
    yield "<h2>Pourquoi des documents ne sont pas partis</h2><table>"
    yield "<thead><tr><th>Sort</th><th>Code</th><th>Motif</th>"
    yield '<th class="n">Combien</th><th>Numéros</th><th>Que faire</th></tr></thead><tbody>'
    for cause, tally in report.causes:
        act = "".join(
            f"<br><code>{escape(line)}</code>" for line in commands(cause, tally.numbers, tally.count, config)
        )
        words = (FATE_WORDS[cause.fate], cause.code, cause.reason)
        cells = "".join(f"<td>{escape(word)}</td>" for word in words)
        numbers = escape(_numbers(tally, "livraisons" if cause.state else "messages"))
        yield (
            f'<tr>{cells}<td class="n">{tally.count}</td><td>{numbers}</td>'
            f"<td>{escape(advice(cause).text)}{act}</td></tr>"
        )
    yield "</tbody></table>"


def _numbers(tally: CauseTally, kind: str) -> str:
    more = tally.count - len(tally.numbers)
    listed = " ".join(map(str, tally.numbers))
    return f"{kind} : {listed}" + (f" et {more} autres" if more else "") if listed else ""


def _details(report: FeedingReport) -> Iterable[str]:
    concerned = [line for line in report.lines if line.causes]
    if not concerned:
        return
    yield "<h2>Motifs par unité et type de document</h2><table>"
    yield head(("Unité", "Type de document", "Sort", "Motif"), ("Combien",))
    yield "<tbody>"
    for line in concerned:
        yield from _detail(line)
    yield "</tbody></table>"


def _detail(line: Line) -> Iterable[str]:
    for cause, count in most_first(line.causes):
        told = f"{cause.code} : {cause.reason}" if cause.code else cause.reason
        yield row((line.unit or UNKNOWN, typed(line.type), FATE_WORDS[cause.fate], told), (str(count),))


def head(words: Sequence[str], numbers: Sequence[str]) -> str:
    """The head of a table: words to the left, numbers to the right; all escaped."""
    cells = [f"<th>{escape(word)}</th>" for word in words] + [f'<th class="n">{escape(n)}</th>' for n in numbers]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def row(words: Sequence[str], numbers: Sequence[str]) -> str:
    """One row under such a head."""
    cells = [f"<td>{escape(word)}</td>" for word in words] + [f'<td class="n">{escape(n)}</td>' for n in numbers]
    return f"<tr>{''.join(cells)}</tr>"
