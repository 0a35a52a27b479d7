"""The run: sources in, letters out, one writer, in order, within bounds, stopped without harm at any time."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from connector.base.clock import Clock
from connector.flows.letters.export.crew import Crew
from connector.flows.letters.export.ledger import Ledger
from connector.flows.letters.export.model import ACCEPTED, Failure, Item, Made, Ready, Task
from connector.flows.letters.export.targets import Letter, Target

AHEAD: Final = 4
"""Letters in hand for each worker: enough for none to wait, few enough for the memory."""

TOGETHER: Final = 32
"""Letters delivered at once, at most: their commits are one."""

_PAUSE: Final = 0.1
_SETTLE_EVERY: Final = 1.0

Step = Callable[[str], AbstractContextManager[None]]


def _untimed(_step: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(slots=True)
class Progress:
    """What the run has done, for whoever shows it.

    seen     sources read
    already  of them, those accepted in a former run, or the same letter twice
    set_aside, delivered  of the others
    waiting  why nothing moves just now, "" when it does
    seconds  wall clock of the workers by step
    """

    seen: int = 0
    already: int = 0
    set_aside: int = 0
    delivered: int = 0
    waiting: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


class _Abandoned(BaseException):
    """A stop came while a source was read: nothing of it was in hand yet."""


@dataclass(slots=True)
class Stop:
    """Asks the run to end after the letters in hand; `unreachable` when it ends because nothing moves any more."""

    event: threading.Event = field(default_factory=threading.Event)
    unreachable: bool = False
    _reading: bool = False

    @property
    def asked(self) -> bool:
        return self.event.is_set()

    def ask(self) -> None:
        """From a signal handler of the thread that runs: a source that keeps it waiting is waited for no longer."""
        self.event.set()
        if self._reading:
            self._reading = False
            raise _Abandoned

    def next_of(self, items: Iterator[Item]) -> Item | None:
        """The next item, None at the end or once a stop is asked."""
        try:
            self._reading = True
            item = None if self.asked else next(items, None)
            self._reading = False
        except _Abandoned:
            return None
        except BaseException:
            self._reading = False
            raise
        return item


@dataclass(slots=True)
class _InHand:
    item: Item
    task: Task
    future: Future[Made]


class _Calm:
    """Tells when nothing has changed for `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: object = None
        self._at = time.monotonic()

    def since(self, what: object) -> bool:
        if what != self._last:
            self._last, self._at = what, time.monotonic()
        return time.monotonic() - self._at > self._patience


class Export:
    """One run. `changed` is called after each thing done, from the thread of `run`.

    aside     folder of what was set aside
    patience  time without room and without a letter that ends, after which the run gives up
    """

    def __init__(
        self,
        ledger: Ledger,
        crew: Crew,
        target: Target,
        *,
        aside: Path,
        workers: int,
        clock: Clock,
        stop: Stop,
        patience: timedelta,
        changed: Callable[[Progress], None] = lambda _: None,
        step: Step = _untimed,
    ) -> None:
        self._ledger = ledger
        self._crew = crew
        self._target = target
        self._aside = aside
        self._ahead = max(2, AHEAD * workers)
        self._clock = clock
        self._stop = stop
        self._patience = patience.total_seconds()
        self._changed = changed
        self._step = step
        self._in_hand: deque[_InHand] = deque()
        self._progress = Progress()
        self._settled = 0.0

    def run(self, items: Iterator[Item]) -> Progress:
        """Until the sources end or a stop is asked; then the letters in hand are delivered, unless there is no room."""
        while (item := self._stop.next_of(items)) is not None:
            self._progress.seen += 1
            self._take(item)
            while len(self._in_hand) >= self._ahead and not self._gave_up:
                self._deliver()
            self._changed(self._progress)
        while self._in_hand and not self._gave_up:
            self._deliver()
        for left in self._in_hand:
            left.future.cancel()
        return self._progress

    def finish(self, *, wait: bool) -> None:
        """Writes down what became of the letters; with `wait`, once all of them have ended or the run gives up."""
        calm = _Calm(self._patience)
        while not self._target.settle(self._ledger, last=True) and wait and not self._stop.asked:
            self._progress.waiting = "le pipeline termine les envois"
            if calm.since(self._ledger.counts()):
                self._give_up()
            self._changed(self._progress)
            self._stop.event.wait(_PAUSE * 2)
        self._progress.waiting = ""
        self._changed(self._progress)

    # -- in ------------------------------------------------------------------------------------------------------

    def _take(self, item: Item) -> None:
        known = self._ledger.find(item.digest)
        if (known is not None and known.state in (*ACCEPTED, "refused")) or self._is_in_hand(item.digest):
            self._progress.already += 1
            return
        changed = None if item.kind in ("row", "unusable") else self._ledger.accepted_under(item.ref)
        at = self._ledger.begin(item.digest, item.ref, self._clock())
        if changed is not None:
            self._set_aside(item, _changed_since())
            return
        task = Task(item, at)
        self._in_hand.append(_InHand(item, task, self._crew.make(task)))

    def _is_in_hand(self, digest: str) -> bool:
        return any(one.item.digest == digest for one in self._in_hand)

    # -- out -----------------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """The letters at the head that are made, in their order; waits for the first one, and for room."""
        room = self._room()
        if not room:
            return
        letters: list[tuple[_InHand, Ready]] = []
        with self._step("waiting for workers"):
            self._in_hand[0].future.exception()
        while self._in_hand and len(letters) < min(TOGETHER, room) and self._in_hand[0].future.done():
            one = self._in_hand.popleft()
            made = one.future.result()
            if isinstance(made, Failure):
                self._set_aside(one.item, made)
                continue
            for step, seconds in made.seconds.items():
                self._progress.seconds[step] = self._progress.seconds.get(step, 0.0) + seconds
            letters.append((one, made))
        if letters:
            self._put(letters)
        if time.monotonic() - self._settled > _SETTLE_EVERY:
            self._target.settle(self._ledger, last=False)
            self._settled = time.monotonic()
        self._changed(self._progress)

    def _put(self, letters: list[tuple[_InHand, Ready]]) -> None:
        with self._step("handing over"):
            answers = self._target.put([Letter(one.item.digest, made, one.task.at) for one, made in letters])
        for (one, made), answer in zip(letters, answers, strict=True):
            if isinstance(answer, Failure):
                self._set_aside(one.item, answer)
                continue
            self._ledger.accepted(one.item.digest, made, answer.state, answer.message_id, answer.code, answer.reason)
            self._progress.delivered += 1
            _aside_of(self._aside, one.item).unlink(missing_ok=True)

    def _room(self) -> int:
        """Waits for room; 0 when the run is to end first."""
        calm = _Calm(self._patience)
        while True:
            room = self._target.room()
            if room and room != "unreachable":
                self._progress.waiting = ""
                return room
            self._progress.waiting = "le DMP ne répond pas" if room else "la file du DMP est pleine"
            self._target.settle(self._ledger, last=False)
            if calm.since(self._ledger.counts()):
                self._give_up()
            if self._gave_up:
                return 0
            self._changed(self._progress)
            time.sleep(_PAUSE)

    @property
    def _gave_up(self) -> bool:
        return self._stop.unreachable or (self._stop.asked and bool(self._progress.waiting))

    def _give_up(self) -> None:
        self._stop.unreachable = True
        self._stop.event.set()

    def _set_aside(self, item: Item, failure: Failure) -> None:
        self._ledger.set_aside(item.digest, failure)
        self._progress.set_aside += 1
        write_aside(self._aside, item, failure)


def write_aside(folder: Path, item: Item, failure: Failure) -> None:
    """One file for one letter set aside: where it comes from and why, never what it says."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = {
        "source": item.ref,
        "étape": failure.step,
        "code": failure.code,
        "motif": failure.reason,
        "détails": list(failure.details),
    }
    path = _aside_of(folder, item)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(said, file, ensure_ascii=False, indent=1)


def _aside_of(folder: Path, item: Item) -> Path:
    """By its reference: what is set aside again, corrected or not, takes the place of what was."""
    return folder / f"{hashlib.sha256(item.ref.encode()).hexdigest()[:16]}.json"


def _changed_since() -> Failure:
    reason = (
        "la source a changé depuis que sa lettre a été acceptée : une nouvelle version se remet par letters replace"
    )
    return Failure("remise", "source", reason)
