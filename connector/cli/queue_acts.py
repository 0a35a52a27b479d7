"""Acting on many deliveries from a terminal: asked before, small transactions, progress, what was refused and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.progress import Progress

from connector.base.errors import SettingsError
from connector.cli.output import console, error_console

if TYPE_CHECKING:
    from connector.journal import Journal, Tx
    from connector.journal.operator import Act
    from connector.journal.queue import Wanted

PAGE: Final = 50
"""Deliveries per transaction: a running connector waits a few milliseconds for the writer, not more."""
KEPT: Final = 200
"""Numbers and refusals kept for the report; all are counted."""

_DONE: Final[dict[str, str]] = {
    "retry": "remis en file",
    "hold": "mis en attente",
    "release": "libéré(s)",
    "settle": "réglé(s)",
    "reroute": "message(s) repris",
}
_CANNOT: Final[dict[str, str]] = {
    "retry": "ne peut pas être rejoué",
    "hold": "ne peut pas être mis en attente",
    "release": "ne peut pas être libéré",
    "settle": "ne peut pas être réglé",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the life cycle refused one delivery, or every one in these states (`delivery` is None)."""

    delivery: int | None
    state: str
    why: str


@dataclass(slots=True)
class Report:
    """What an act did. `done` and `refused` count everything, the lists keep the first ones."""

    act: str
    done: int = 0
    refused: int = 0
    unknown: int = 0
    deliveries: list[int] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, page: Sequence[int | Refusal | None]) -> None:
        for one in page:
            if one is None:
                self.unknown += 1
            elif isinstance(one, Refusal):
                self.refused += 1
                if self.refused <= KEPT:
                    self.refusals.append(one)
            else:
                self.done += 1
                if self.done <= KEPT:
                    self.deliveries.append(one)

    def as_json(self) -> dict[str, Any]:
        refusals = [{"delivery": one.delivery, "state": one.state, "reason": one.why} for one in self.refusals]
        return {
            "act": self.act,
            "done": self.done,
            "deliveries": self.deliveries,
            "refused": self.refused,
            "refusals": refusals,
            "unknown": self.unknown,
        }

    def say(self) -> None:
        if self.done:
            console().print(f"[green]{self.done} {_DONE[self.act]}[/green]", highlight=False)
        for one in self.refusals:
            name = "" if one.delivery is None else f"n° {one.delivery} : "
            error_console().print(f"{name}{one.why}", highlight=False, markup=False)
        if self.refused > len(self.refusals):
            error_console().print(f"… {self.refused} refus en tout", highlight=False)
        if self.unknown:
            error_console().print(f"{self.unknown} numéro(s) inconnu(s)", highlight=False)
        if not (self.done or self.refused or self.unknown):
            error_console().print("rien ne correspond")


def perform(
    journal: Journal,
    what: Act,
    wanted: Wanted | list[int],
    reason: str,
    operator: str,
    *,
    yes: bool,
    as_json: bool,
    unblock: bool,
) -> Report:
    """Acts on numbers, or on everything wanted, page after page. Raises SettingsError when nobody confirms."""
    from connector.journal.operator import allowed
    from connector.journal.queue import count

    report = Report(what)
    pages: Iterable[Sequence[int]]
    if isinstance(wanted, list):
        numbers = list(dict.fromkeys(wanted))
        total, pages = len(numbers), _slices(numbers)
    else:
        possible = tuple(state for state in wanted.states if state in allowed(what))
        if not possible:
            states, can = ", ".join(wanted.states), ", ".join(allowed(what))
            report.add([Refusal(None, states, f"{_CANNOT[what]} dans l'état {states} ; possible : {can}")])
            return report
        wanted = replace(wanted, states=possible)
        total, pages = count(journal, wanted), _pages(journal, wanted)
        _confirm(what, total, yes, as_json)
    with Progress(console=error_console(), transient=True, disable=as_json or total <= PAGE) as progress:
        task = progress.add_task(what, total=total)
        for page in pages:
            act = partial(_page, what=what, ids=page, reason=reason, operator=operator, unblock=unblock)
            report.add(journal.transact(act))
            progress.advance(task, len(page))
    return report


def reroute(journal: Journal, numbers: list[int], reason: str, operator: str) -> Report:
    """Gives messages whose routing failed to the router again; the others are refused."""
    report = Report("reroute")
    for page in _slices(list(dict.fromkeys(numbers))):
        report.add(journal.transact(partial(_reroute, ids=page, reason=reason, operator=operator)))
    return report


def _reroute(tx: Tx, ids: Sequence[int], reason: str, operator: str) -> list[int | Refusal | None]:
    return [_reroute_one(tx, number, reason, operator) for number in ids]


def _reroute_one(tx: Tx, number: int, reason: str, operator: str) -> int | Refusal:
    from connector.journal import JournalError
    from connector.journal.operator import reroute as again

    try:
        with tx.savepoint("act"):
            again(tx, number, reason, operator)
    except JournalError:
        return Refusal(number, "", "le traitement de ce message n'a pas échoué")
    return number


def _slices(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + PAGE] for start in range(0, len(numbers), PAGE))


def _pages(journal: Journal, wanted: Wanted) -> Iterator[Sequence[int]]:
    from connector.journal.queue import pages

    return ([entry.id for entry in page] for page in pages(journal, wanted, PAGE))


def _confirm(what: Act, total: int, yes: bool, as_json: bool) -> None:
    if yes or total <= 1:
        return
    if as_json or not sys.stdin.isatty():
        raise SettingsError(
            f"{what} concerns {total} deliveries: nobody to ask", name="--yes", found="", allowed="--yes, or a terminal"
        )
    if not typer.confirm(f"{what} : {total} travaux. Continuer ?", err=True):
        raise typer.Abort


def _page(
    tx: Tx, what: Act, ids: Sequence[int], reason: str, operator: str, unblock: bool
) -> list[int | Refusal | None]:
    """Each delivery on its own: one that is refused undoes nothing of its neighbours."""
    return [_one(tx, what, number, reason, operator, unblock) for number in ids]


def _one(tx: Tx, what: Act, number: int, reason: str, operator: str, unblock: bool) -> int | Refusal | None:
    from connector.journal.lifecycle import InHand, LifecycleError
    from connector.journal.operator import act, allowed
    from connector.patients.state import let_stay_pass
    from connector.patients.state import unblock as unblock_patient

    try:
        with tx.savepoint("act"):
            moved = act(tx, what, number, reason, operator)
            if unblock:
                unblock_patient(tx, moved.patient_id)
                let_stay_pass(tx, moved.stay)
                tx.note("suspension levée", reason, patient_id=moved.patient_id, delivery_id=number)
    except InHand as error:
        found = str(error.context["found"])
        return Refusal(number, found, f"{_CANNOT[what]} : un essai est en cours, à refaire quand il sera terminé")
    except LifecycleError as error:
        found = str(error.context["found"])
        if found == "absent":
            return None
        can = ", ".join(allowed(what))
        return Refusal(number, found, f"{_CANNOT[what]} dans l'état {found} ; possible : {can}")
    return number
