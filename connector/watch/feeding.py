"""How well the DMP is fed, by unit, document type and cause, from the rows that drive the work (field-notes A.4).

A delivery counts once, with its fate of today; a document resubmitted after a refusal is a new delivery. What is
counted is bounded by the causes a hospital has, never by its number of documents: rows are read page by page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

Fate = Literal[
    "sent", "would-send", "waiting", "refused-rules", "refused-kit", "refused-dmp", "settled", "not-for-dmp", "door"
]
FATES: Final[tuple[Fate, ...]] = (
    "sent", "would-send", "waiting", "refused-rules", "refused-kit", "refused-dmp", "settled", "not-for-dmp", "door",
)  # fmt: skip
LEFT: Final[frozenset[Fate]] = frozenset({"sent", "would-send"})
OUTSIDE: Final[frozenset[Fate]] = frozenset({"not-for-dmp", "door"})
"""Never accepted for the DMP: outside the feeding rate. A refused message comes back corrected and counts then."""

MAX_ROWS: Final = 5_000
"""Units times types kept apart; a sender that makes units up does not fill the memory."""

MAX_REASONS: Final = 50
"""Sentences kept apart under one code: some name a host or a size."""

OTHERS: Final = "(autres)"
OTHER_REASONS: Final = "autres motifs sous ce code"


@dataclass(frozen=True, slots=True)
class Fact:
    """What became of one document. `number` is its delivery, or its message when it never became one.

    unit    PV1-3.1, "" when not known
    type    OBX-3.1, "" when not known
    state   state of the delivery, "" when there is none
    reason  French sentence, without identity
    """

    unit: str
    type: str
    fate: Fate
    state: str = ""
    code: str = ""
    reason: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """Why documents did not leave: one fate, one code, one sentence."""

    fate: Fate
    state: str
    code: str
    reason: str


@dataclass(slots=True)
class CauseTally:
    """How many documents one cause stopped, and the numbers of the first ones."""

    count: int = 0
    numbers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One unit and one document type: how many documents by fate, and by cause for those that did not leave."""

    unit: str
    type: str
    counts: Counter[Fate]
    causes: Counter[Cause]

    @property
    def received(self) -> int:
        return sum(self.counts.values())

    @property
    def for_dmp(self) -> int:
        """Documents accepted for the DMP."""
        return self.received - sum(self.counts[fate] for fate in OUTSIDE)

    @property
    def left(self) -> int:
        """Documents sent, or that would have gone."""
        return sum(self.counts[fate] for fate in LEFT)

    @property
    def rate(self) -> float | None:
        """Share of the documents accepted for the DMP that left, 0 to 1; None when there was none."""
        return self.left / self.for_dmp if self.for_dmp else None


@dataclass(frozen=True, slots=True)
class FeedingReport:
    """The report of a period: `since` (included) and `until` (excluded) are aware or None; lines by unit, then type."""

    made_at: datetime
    since: datetime | None
    until: datetime | None
    shadow: bool
    lines: tuple[Line, ...]
    causes: tuple[tuple[Cause, CauseTally], ...]
    other_mode: int
    """Deliveries of the period left out because they are of the other mode (real when `shadow`, and the reverse)."""

    def total(self) -> Line:
        """All lines as one."""
        counts: Counter[Fate] = Counter()
        causes: Counter[Cause] = Counter()
        for line in self.lines:
            counts.update(line.counts)
            causes.update(line.causes)
        return Line("", "", counts, causes)


class Tally:
    """Facts in, a report out; `numbers` is how many numbers of each cause are kept."""

    def __init__(self, numbers: int) -> None:
        self._numbers = numbers
        self._lines: dict[tuple[str, str], Line] = {}
        self._causes: dict[Cause, CauseTally] = {}
        self._reasons: Counter[tuple[Fate, str, str]] = Counter()
        self.other_mode = 0

    def add_all(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.add(fact)

    def add(self, fact: Fact) -> None:
        line = self._line(fact.unit, fact.type)
        line.counts[fact.fate] += 1
        if fact.fate in LEFT:
            return
        cause = self._cause(fact)
        line.causes[cause] += 1
        tally = self._causes[cause]
        tally.count += 1
        if fact.number and len(tally.numbers) < self._numbers:
            tally.numbers.append(fact.number)

    def _line(self, unit: str, type_: str) -> Line:
        key = (unit, type_)
        if key not in self._lines and len(self._lines) >= MAX_ROWS:
            key = (OTHERS, OTHERS)
        return self._lines.setdefault(key, Line(*key, Counter(), Counter()))

    def _cause(self, fact: Fact) -> Cause:
        cause = Cause(fact.fate, fact.state, fact.code, fact.reason)
        if cause in self._causes:
            return cause
        family = (fact.fate, fact.state, fact.code)
        if self._reasons[family] >= MAX_REASONS:
            cause = Cause(*family, OTHER_REASONS)
        else:
            self._reasons[family] += 1
        self._causes.setdefault(cause, CauseTally())
        return cause

    def report(
        self, *, made_at: datetime, since: datetime | None, until: datetime | None, shadow: bool
    ) -> FeedingReport:
        lines = tuple(self._lines[key] for key in sorted(self._lines))
        causes = sorted(self._causes.items(), key=_most_first)
        return FeedingReport(made_at, since, until, shadow, lines, tuple(causes), self.other_mode)


def _most_first(item: tuple[Cause, CauseTally]) -> tuple[int, int, str, str]:
    cause, tally = item
    return FATES.index(cause.fate), -tally.count, cause.code, cause.reason
