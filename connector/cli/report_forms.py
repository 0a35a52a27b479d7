"""The feeding report as JSON, as CSV, and as the cells its tables share."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from connector.watch.feeding import FATES, Cause, CauseTally, Fate, FeedingReport, Line
from connector.watch.feeding_words import FATE_WORDS, UNKNOWN, advice, commands, type_label

FORMULA: Final = "Le taux est la part des documents acceptés pour le DMP qui sont partis."


def columns(report: FeedingReport) -> tuple[Fate, ...]:
    """The fates worth a column: those met, and always what left."""
    met = report.total().counts
    left: Fate = "would-send" if report.shadow else "sent"
    return tuple(fate for fate in FATES if met[fate] or fate == left)


def line_cells(line: Line, fates: Sequence[Fate]) -> list[str]:
    """Unit, type with its label, received, one count per fate, rate."""
    counts = (str(line.counts[fate]) for fate in fates)
    return [line.unit or UNKNOWN, typed(line.type), str(line.received), *counts, percent(line.rate)]


def typed(code: str) -> str:
    """A document type and its label."""
    label = type_label(code)
    return f"{code} {label}" if label else code or UNKNOWN


def percent(rate: float | None) -> str:
    """A share as French people read it; "-" when nothing was to be sent. Only all is 100 %."""
    if rate is None:
        return "-"
    shown = min(round(rate * 100, 1), 99.9) if rate < 1 else 100.0
    return f"{shown:.1f} %".replace(".", ",")


def period(report: FeedingReport) -> str:
    """The title: which mode, from when to when (local time)."""
    mode = "Alimentation du DMP, mode ombre" if report.shadow else "Alimentation du DMP"
    return f"{mode} : {_bound('depuis le', report.since)}{_bound('avant le', report.until)}".rstrip(" :") + "."


def _bound(word: str, moment: datetime | None) -> str:
    return f"{word} {moment.astimezone():%d/%m/%Y %H:%M} " if moment else ""


def as_json(report: FeedingReport, config: str) -> dict[str, Any]:
    """camelCase; times are ISO 8601, UTC; a rate is 0 to 1 or null."""
    return {
        "madeAt": report.made_at.isoformat(),
        "since": report.since.isoformat() if report.since else None,
        "until": report.until.isoformat() if report.until else None,
        "shadow": report.shadow,
        "otherMode": report.other_mode,
        "total": _line(report.total()),
        "lines": [
            {
                "unit": line.unit,
                "type": line.type,
                "label": type_label(line.type),
                **_line(line),
                "causes": [{**_cause(cause), "count": count} for cause, count in most_first(line.causes)],
            }
            for line in report.lines
        ],
        "causes": [_told(cause, tally, config) for cause, tally in report.causes],
    }


def _line(line: Line) -> dict[str, Any]:
    counts = {fate: line.counts[fate] for fate in FATES}
    return {"received": line.received, "forDmp": line.for_dmp, "left": line.left, "rate": line.rate, "counts": counts}


def _cause(cause: Cause) -> dict[str, str]:
    return {"fate": cause.fate, "state": cause.state, "code": cause.code, "reason": cause.reason}


def _told(cause: Cause, tally: CauseTally, config: str) -> dict[str, Any]:
    return {
        **_cause(cause),
        "count": tally.count,
        "numbers": tally.numbers,
        "numbersAre": "deliveries" if cause.state else "messages",
        "advice": advice(cause).text,
        "commands": list(commands(cause, tally.numbers, tally.count, config)),
    }


def most_first(causes: Counter[Cause]) -> list[tuple[Cause, int]]:
    return sorted(causes.items(), key=lambda item: (FATES.index(item[0].fate), -item[1], item[0].code, item[0].reason))


_HEAD: Final = ("unité", "type", "libellé", "sort", "code", "motif", "nombre", "reçus", "taux")


def as_csv(report: FeedingReport, more: Iterable[Sequence[str]] = ()) -> str:
    """One row per unit, type, fate and cause, as a French spreadsheet reads it; then the rows of `more`."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_HEAD)
    for line in report.lines:
        about = (line.unit, line.type, type_label(line.type))
        rest = (line.received, percent(line.rate))
        left = [(Cause(fate, "", "", ""), line.counts[fate]) for fate in FATES[:2] if line.counts[fate]]
        for cause, count in (*left, *most_first(line.causes)):
            told = (*about, FATE_WORDS[cause.fate], cause.code, cause.reason)
            writer.writerow((*map(harmless, told), count, *rest))
    writer.writerows(more)
    return out.getvalue()


def harmless(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula is text: units and reasons come from outside."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
