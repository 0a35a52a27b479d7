"""The DMP as the target of an export: letters go to the desk, thus to the same pipeline as any message.

Back-pressure is read where the work is counted: no letter is handed over while the journal already holds enough
deliveries for the DMP, or while the DMP does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from connector.flows.destinations import DMP
from connector.flows.letters.desk import LetterDesk
from connector.flows.letters.export.known import known
from connector.flows.letters.export.ledger import Entry, Ledger
from connector.flows.letters.export.model import Failure, Ready, State
from connector.flows.letters.export.targets import Letter, Room, Taken
from connector.flows.letters.export.verdicts import KnownVerdicts
from connector.flows.letters.model import LetterReceipt, Source
from connector.flows.routing_codes import PUBLICATION
from connector.journal import Journal, JournalReader, Tx
from connector.journal.db.connection import Dialect
from connector.letter.errors import LetterError
from connector.patients.letters import Made, accepted_as, first_handed, remember_made

DEPTH: Final = 200
"""Deliveries the journal may hold for the DMP before the export waits."""

_SILENT: Final = 5
"""Deliveries waiting for another try at which the DMP is held for silent, as a breaker holds it."""

_OPEN: Final = (
    "SELECT state, count(*) AS n FROM delivery WHERE state <> 'done'"
    " AND state IN ('queued', 'running', 'sending', 'retry') AND destination = ? GROUP BY state"
)
_UNROUTED: Final[dict[Dialect, str]] = {
    "sqlite": "SELECT count(*) AS n FROM message WHERE id > (SELECT position FROM routing) AND routed = 0",
    "postgresql": "SELECT count(*) AS n FROM message WHERE routed = 0",
}
_BEHIND: Final = (
    "EXISTS (SELECT 1 FROM delivery b WHERE b.patient_id = d.patient_id AND b.lane = d.lane AND b.id < d.id"
    " AND b.state = 'dead')"
)
"""An earlier delivery of the patient was given up: where dead letters stop, this one goes when a person has acted."""
_ENDS: Final[dict[str, State]] = {"done": "sent", "held": "held", "refused": "refused", "dead": "refused"}
_WAITS_BEHIND: Final = "un envoi précédent du même patient est abandonné : le traiter d'abord (connector queue)"
_LOST: Final = "Message accepté mais non traité : à reprendre (connector worklist)"


class Backlog:
    """How much waits for the DMP, counted in the journal.

    breaker  whether the DMP answers, told by the engine when it is ours; None reads it from the journal
    """

    def __init__(self, journal: JournalReader, depth: int = DEPTH, breaker: Callable[[], bool] | None = None) -> None:
        self._journal = journal
        self._depth = depth
        self._breaker = breaker

    def room(self) -> Room:
        # before the deliveries: a message routed between the two counts twice, never not at all
        unrouted = int(self._journal.query(_UNROUTED[self._journal.config.url.dialect])[0]["n"])
        waiting = {row["state"]: int(row["n"]) for row in self._journal.query(_OPEN, (DMP,))}
        silent = self._breaker() if self._breaker is not None else waiting.get("retry", 0) >= _SILENT
        if silent:
            return "unreachable"
        return max(0, self._depth - sum(waiting.values()) - unrouted)


class Loop(Protocol):
    """Runs a coroutine where the intake lives, and waits for it."""

    def __call__(self, work: Coroutine[Any, Any, list[Taken | Failure]]) -> list[Taken | Failure]: ...


@dataclass(frozen=True, slots=True)
class Door:
    """The way into the pipeline: the desk, the intake it hands to, and the loop they live in."""

    desk: LetterDesk
    hand: Callable[[bytes], Awaitable[bytes | None]]
    loop: Loop


class DmpTarget:
    """`verdicts` hears of each letter before it is handed over; None when the engine is another process's."""

    def __init__(self, journal: Journal, door: Door, backlog: Backlog, verdicts: KnownVerdicts | None) -> None:
        self._journal = journal
        self._door = door
        self._backlog = backlog
        self._verdicts = verdicts

    def room(self) -> Room:
        return self._backlog.room()

    def put(self, letters: Sequence[Letter]) -> Sequence[Taken | Failure]:
        return self._door.loop(self._put(letters))

    async def _put(self, letters: Sequence[Letter]) -> list[Taken | Failure]:
        """Several patients at once, the letters of one patient one after the other."""
        lanes: dict[str, list[int]] = {}
        for place, letter in enumerate(letters):
            lanes.setdefault(letter.ready.patient, []).append(place)
        answers: dict[int, Taken | Failure] = {}

        async def lane(places: list[int]) -> None:
            for place in places:
                answers[place] = await self._one(letters[place])

        await asyncio.gather(*map(lane, lanes.values()))
        return [answers[place] for place in range(len(letters))]

    async def _one(self, letter: Letter) -> Taken | Failure:
        ready = letter.ready
        before = known(self._journal, ready)
        if before != "new":
            return Taken("handed") if before == "same" else before
        if self._verdicts is not None:
            self._verdicts.remember(ready.cda, ready.verdict)
        try:
            prepared = self._door.desk.prepare(Source(cda=ready.cda, stay=ready.stay, hidden=ready.hidden))
        except LetterError as error:
            first = error.faults[0]
            return _failed(ready, first.path, first.text)
        if isinstance(prepared, LetterReceipt):
            return self._taken(ready, prepared)
        receipt = self._door.desk.receipt(prepared, await self._door.hand(prepared.message))
        if receipt.accepted and ready.source:
            self._journal.post(partial(_remember, letter=letter, message_id=receipt.message_id))
        return self._taken(ready, receipt)

    def _taken(self, ready: Ready, receipt: LetterReceipt) -> Taken | Failure:
        if receipt.accepted:
            return Taken("handed", receipt.message_id)
        first = receipt.findings[0] if receipt.findings else None
        return _failed(ready, first.path if first else "remise", first.text if first else "refusé sans motif")

    # -- what became of them -----------------------------------------------------------------------------------------

    def settle(self, ledger: Ledger, *, last: bool) -> bool:
        """Reads the journal for each letter that has not ended; with `last`, also for those held or refused."""
        wanted: tuple[State, ...] = ("handed", "held", "refused") if last else ("handed",)
        ended = True
        page: list[Entry] = []
        for entry in ledger.entries(*wanted):
            page.append(entry)
            if len(page) == 200:
                ended &= self._settle(ledger, page)
                page = []
        return self._settle(ledger, page) and ended

    def _settle(self, ledger: Ledger, page: Sequence[Entry]) -> bool:
        if not page:
            return True
        marks = ", ".join("?" * len(page))
        rows = self._journal.query(
            f"SELECT document_id, state, reason_code, reason, {_BEHIND} AS behind FROM delivery d"
            f" WHERE document_id IN ({marks}) AND document_id <> '' AND kind = ? ORDER BY id",
            (*(entry.document_id for entry in page), PUBLICATION),
        )
        found = {row["document_id"]: row for row in rows}
        lost = {
            row["message_id"]
            for row in self._journal.query(
                f"SELECT message_id FROM routing_failure WHERE message_id IN ({marks})",
                tuple(entry.message_id for entry in page),
            )
        }
        ended = True
        for entry in page:
            row = found.get(entry.document_id)
            if row is None and entry.message_id in lost:
                ledger.ended(entry.number, "refused", "routing", _LOST)
            elif row is not None and row["state"] in _ENDS:
                state = _ENDS[row["state"]]
                if (state, row["reason_code"], row["reason"]) != (entry.state, entry.code, entry.reason):
                    ledger.ended(entry.number, state, row["reason_code"], "" if state == "sent" else row["reason"])
            elif row is not None and row["behind"] and self._journal.config.dead_letter == "stop":
                ledger.ended(entry.number, "held", "predecessor.dead", _WAITS_BEHIND)
            else:
                ended = False
                if row is not None and (row["reason_code"], row["reason"]) != (entry.code, entry.reason):
                    ledger.ended(entry.number, "handed", row["reason_code"], row["reason"])
        return ended


def _remember(tx: Tx, letter: Letter, message_id: int) -> None:
    """In the journal too, so that the same data handed in otherwise are known for the same document."""
    ready = letter.ready
    remember_made(tx, Made(ready.source, ready.source_digest, ready.document_id, first_handed(letter.at)))
    accepted_as(tx, ready.source, message_id)


def _failed(ready: Ready, code: str, reason: str) -> Failure:
    return Failure("remise", code, reason, unit=ready.unit, type=ready.type)
