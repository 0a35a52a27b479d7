"""What became of the letters of an export: counted from its ledger, as a page, as a CSV and in the terminal."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from connector.cli.report_forms import harmless
from connector.cli.report_page import STYLE, head, row
from connector.flows.letters.export.ledger import Entry, Ledger
from connector.flows.letters.export.model import State
from connector.flows.letters.export.targets import file_of
from connector.watch.feeding import MAX_REASONS, MAX_ROWS, OTHER_REASONS, OTHERS, Fate
from connector.watch.feeding import Cause as FeedingCause
from connector.watch.feeding_words import UNKNOWN, advice, common, origin

Outcome = Literal["sent", "held", "refused", "under-way", "left"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("sent", "held", "refused", "under-way", "left")

_OF_STATE: Final[dict[State, Outcome]] = {
    "sent": "sent",
    "written": "sent",
    "held": "held",
    "refused": "refused",
    "set-aside": "refused",
    "handed": "under-way",
    "begun": "left",
}
_WORDS: Final[dict[Outcome, str]] = {
    "sent": "envoyées",
    "held": "en attente",
    "refused": "refusées",
    "under-way": "en cours d'envoi",
    "left": "non traitées",
}
_SHOWN: Final = 10
"""References named under one cause."""

_PLACE: Final = re.compile(r"\[[0-9]+\]")
"""The third treatment and the fourth have one fault, not two."""

_ASIDE: Final = "Corriger la source, puis relancer : la commande est à la fin du rapport."
_UNDER_WAY: Final = "Rien à faire : le connecteur s'en occupe."
_LEFT: Final = "L'export s'est arrêté avant : le relancer, la commande est à la fin du rapport."

_NOT_ASKED: Final = " Ni le serveur d'identités ni le DMP n'ont été interrogés."

_HEADER: Final = ("source", "document", "unité", "type", "sort", "étape", "code", "motif", "remarques", "fichier")


class Cause(NamedTuple):
    """Why letters did not go: what stopped them, and at which step."""

    outcome: Outcome
    step: str
    code: str
    reason: str


@dataclass(slots=True)
class Tally:
    """How many letters one cause stopped, and where the first ones come from."""

    count: int = 0
    refs: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """`units` counts by unit ("" when not known), `causes` is most frequent first; both add up to `counts`."""

    made_at: datetime
    target: Literal["dmp", "folder"]
    rehearsed: bool
    counts: Counter[Outcome]
    units: dict[str, Counter[Outcome]]
    causes: tuple[tuple[Cause, Tally], ...]
    unread: int = 0
    already: int = 0

    @property
    def total(self) -> int:
        """Letters of the ledger; sources a stopped run did not come to are `unread`.

        `already`: sources this run read and had nothing to do for, accepted before or the same letter twice.
        """
        return sum(self.counts.values())

    @property
    def all_well(self) -> bool:
        """Every letter is sent, or in the hands of a connector at work."""
        return self.counts["sent"] + self.counts["under-way"] == self.total and not self.unread

    def word(self, outcome: Outcome) -> str:
        """As people read it."""
        if self.rehearsed:
            return {"sent": "partiraient", "held": "attendraient", "refused": "seraient refusées"}.get(
                outcome, _WORDS[outcome]
            )
        return "écrites" if outcome == "sent" and self.target == "folder" else _WORDS[outcome]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: camelCase, times in UTC."""
        return {
            "madeAt": self.made_at.isoformat(),
            "target": self.target,
            "rehearsed": self.rehearsed,
            "total": self.total,
            "unread": self.unread,
            "already": self.already,
            "counts": {outcome: self.counts[outcome] for outcome in OUTCOMES},
            "units": [
                {"unit": unit, **{outcome: counts[outcome] for outcome in OUTCOMES}}
                for unit, counts in self.units.items()
            ],
            "causes": [
                {**cause._asdict(), "count": tally.count, "sources": tally.refs, "advice": to_do(cause)}
                for cause, tally in self.causes
            ],
        }


def report_of(
    ledger: Ledger,
    *,
    made_at: datetime,
    target: Literal["dmp", "folder"],
    rehearsed: bool,
    unread: int = 0,
    already: int = 0,
) -> Report:
    """Counts the ledger row by row: what is kept is bounded by the causes a hospital has."""
    counts: Counter[Outcome] = Counter()
    units: dict[str, Counter[Outcome]] = {}
    causes: dict[Cause, Tally] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for entry in ledger.entries():
        outcome = _OF_STATE[entry.state]
        counts[outcome] += 1
        unit = entry.unit if entry.unit in units or len(units) < MAX_ROWS else OTHERS
        units.setdefault(unit, Counter())[outcome] += 1
        if outcome == "sent":
            continue
        cause = Cause(outcome, entry.step, _PLACE.sub("[]", entry.code), common(entry.reason))
        if cause not in causes:
            if reasons[cause.step, cause.code] >= MAX_REASONS:
                cause = cause._replace(reason=OTHER_REASONS)
            reasons[cause.step, cause.code] += 1
        tally = causes.setdefault(cause, Tally())
        tally.count += 1
        if len(tally.refs) < _SHOWN:
            tally.refs.append(entry.ref)
    ordered = sorted(causes.items(), key=lambda item: (OUTCOMES.index(item[0].outcome), -item[1].count, item[0]))
    return Report(made_at, target, rehearsed, counts, dict(sorted(units.items())), tuple(ordered), unread, already)


def to_do(cause: Cause) -> str:
    """What a person does about a cause."""
    match cause.outcome:
        case "under-way":
            return _UNDER_WAY
        case "left":
            return _LEFT
        case "refused" if cause.step != "envoi":
            return _ASIDE
        case outcome:
            fate: Fate = "waiting" if outcome == "held" else origin(cause.code, cause.reason)
            return advice(FeedingCause(fate, "held" if outcome == "held" else "refused", cause.code, cause.reason)).text


def files_of(out: Path, rehearsed: bool) -> tuple[Path, Path]:
    """The page and the table of a run in `out`."""
    name = "repetition" if rehearsed else "rapport"
    return out / f"{name}.html", out / f"{name}.csv"


# -- CSV -----------------------------------------------------------------------------------------------------------


def write_csv(ledger: Ledger, report: Report, path: Path) -> None:
    """One row per letter, as a French spreadsheet reads it, written as it is read."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(_HEADER)
        for entry in ledger.entries():
            writer.writerow(map(harmless, _cells(entry, report)))


def _cells(entry: Entry, report: Report) -> Iterable[str]:
    outcome = report.word(_OF_STATE[entry.state])
    file = f"lettres/{file_of(entry.document_id)}" if entry.state == "written" and not report.rehearsed else ""
    about = (entry.ref, entry.document_id, entry.unit, entry.type, outcome)
    return (*about, entry.step, entry.code, entry.reason, str(entry.warnings), file)


# -- page ----------------------------------------------------------------------------------------------------------


def as_html(report: Report, again: str) -> str:
    """The whole page; `again` is the command that goes on. Every word from outside is escaped."""
    title = f"Export de lettres vers {'le DMP' if report.target == 'dmp' else 'un dossier'}"
    if report.rehearsed:
        title = f"{title} : répétition, rien n'a été remis"
    parts = [
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>",
        f'<p class="small">Établi le {report.made_at.astimezone():%d/%m/%Y à %H:%M}. Aucune identité ne figure ici ;'
        " le nom d'une source est celui de son fichier.</p>",
        f"<p>{escape(sentence(report))}</p>",
        *_units(report),
        *_causes(report),
        f"<p>Pour {goes_on(report)} : <code>{escape(again)}</code></p>" if not report.all_well else "",
        "</body></html>\n",
    ]
    return "\n".join(parts)


def sentence(report: Report) -> str:
    """The counts in one line; they add up."""
    parts = ", ".join(
        f"{report.counts[outcome]} {report.word(outcome)}"
        for outcome in OUTCOMES
        if report.counts[outcome] or outcome == "sent"
    )
    unread = f" {report.unread} sources ne sont pas encore lues." if report.unread else ""
    already = f" {report.already} sources étaient déjà remises, ou en double." if report.already else ""
    asked = _NOT_ASKED if report.rehearsed and report.target == "dmp" else ""
    return f"{report.total} lettres : {parts}.{already}{unread}{asked}"


def goes_on(report: Report) -> str:
    """What the command that is given does: a rehearsal leaves nothing to go on with."""
    return "recommencer" if report.rehearsed else "reprendre"


def _shown(report: Report) -> list[Outcome]:
    return [outcome for outcome in OUTCOMES if report.counts[outcome] or outcome == "sent"]


def _units(report: Report) -> Iterable[str]:
    shown = _shown(report)
    yield "<h2>Par unité</h2><table>"
    yield head(("Unité",), ("Lettres", *(report.word(outcome).capitalize() for outcome in shown)))
    yield "<tbody>"
    for unit, counts in report.units.items():
        yield row((unit or UNKNOWN,), _numbers(counts, shown))
    yield "</tbody><tfoot>"
    yield row(("Total",), _numbers(report.counts, shown))
    yield "</tfoot></table>"


def _numbers(counts: Counter[Outcome], shown: Sequence[Outcome]) -> list[str]:
    return [str(sum(counts.values())), *(str(counts[outcome]) for outcome in shown)]


def _causes(report: Report) -> Iterable[str]:
    if not report.causes:
        return
    yield "<h2>Pourquoi des lettres ne sont pas parties</h2><table>"
    yield head(("Sort", "Étape", "Code", "Motif", "Sources", "Que faire"), ("Combien",))
    yield "<tbody>"
    for cause, tally in report.causes:
        more = f" et {tally.count - len(tally.refs)} autres" if tally.count > len(tally.refs) else ""
        words = (report.word(cause.outcome), cause.step, cause.code, cause.reason, " ".join(tally.refs) + more)
        yield row((*words, to_do(cause)), (str(tally.count),))
    yield "</tbody></table>"
