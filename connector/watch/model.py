"""What is seen, what is wrong, and what is said of it. Nothing here can hold an identity or a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Severity = Literal["warning", "critical"]
NoticeKind = Literal["raised", "worse", "reminder", "cleared"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many, and since when the oldest of them (aware, UTC)."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class DestinationSeen:
    """One destination. `open` while its breaker lets nothing but a probe through; `since` is aware.

    `answered`: whether it has answered this process since; a breaker closed by a restart proves nothing.
    """

    open: bool
    since: datetime
    answered: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """Room under the journal, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Offset of our clock from `source`, in seconds (positive: ours is late), and the limit of signing."""

    source: str
    seconds: float
    limit: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything `evaluate` looks at, gathered at `now` (aware) on the machine `node` ("" when there is but one).

    engine, store   French words for what stops them, "" when all is well
    configuration   held deliveries per reason code, those an administrator must mend
    queues          oldest delivery per destination that could start; `unreachable`: how many wait for its answer
    followers       what the audit repository has not received yet
    nodes           machines that hold a lease
    lost            "machine/role" whose process let its lease run out, with the end of it
    missing         those told as lost that have not come back, though their row is gone
    blind           families of causes ("dead", "destination"…) this process could not look at: it ends none of them
    """

    now: datetime
    node: str = ""
    destinations: Mapping[str, DestinationSeen] = field(default_factory=dict)
    unreachable: Mapping[str, int] = field(default_factory=dict)
    engine: str = ""
    store: str = ""
    disk: Disk | None = None
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    drift: Drift | None = None
    dead: Mapping[str, Waiting] = field(default_factory=dict)
    configuration: Mapping[str, Waiting] = field(default_factory=dict)
    routing_failures: Waiting | None = None
    queues: Mapping[str, datetime] = field(default_factory=dict)
    followers: Mapping[str, Waiting] = field(default_factory=dict)
    lost: Mapping[str, datetime] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    blind: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """One cause that holds. Two of one cause and level are the same one, whatever their words.

    level     rises when it gets worse: told again then, and only then
    doubtful  nothing tells whether it is over: raises nothing, but ends nothing either
    """

    cause: str
    severity: Severity = field(compare=False)
    title: str = field(compare=False)
    text: str = field(compare=False)
    advice: str = field(compare=False)
    level: int = 0
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What leaves, in French, through every channel. `at` and `since` are aware, UTC."""

    kind: NoticeKind
    cause: str
    severity: Severity
    title: str
    text: str
    advice: str
    since: datetime
    at: datetime
