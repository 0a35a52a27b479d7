"""Which causes are known, told and over: the table `alert`, and the one step that decides what is told.

The step is pure and runs inside a transaction: of several processes that see the same change, one tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from connector.journal.model import stamp, unstamp
from connector.watch.config import AlertsConfig
from connector.watch.model import Condition, Notice, NoticeKind, Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """One row. Times are aware, UTC.

    since     when the cause appeared
    seen_at   when a process last saw it
    cleared_at  when it ended, None while it lasts
    level     the worst one told; `told` when the last notice about it left, None when none did yet
    """

    cause: str
    severity: Severity
    title: str
    text: str
    advice: str
    since: datetime
    seen_at: datetime
    cleared_at: datetime | None = None
    level: int = 0
    told: datetime | None = None

    @property
    def active(self) -> bool:
        return self.cleared_at is None


Step = tuple[Alert | None, Notice | None]
"""The row as it is now (None: no row) and what is to be told."""


def seen(alert: Alert | None, condition: Condition, now: datetime, config: AlertsConfig) -> Step:
    """A cause that holds now: told once it lasted `raise_seconds`, again only when it got worse or as a reminder."""
    if alert is None or not alert.active:
        alert = Alert(condition.cause, condition.severity, "", "", "", since=now, seen_at=now)
    worse = condition.level > alert.level or alert.told is None
    severity = condition.severity if worse else alert.severity
    alert = replace(
        alert, severity=severity, title=condition.title, text=condition.text, advice=condition.advice, seen_at=now
    )
    kind = _kind(alert, condition.level, now, config)
    if kind is None:
        return alert, None
    alert = replace(alert, told=now, level=max(alert.level, condition.level))
    return alert, _notice(alert, kind, now)


def _kind(alert: Alert, level: int, now: datetime, config: AlertsConfig) -> NoticeKind | None:
    if alert.told is None:
        return "raised" if _passed(now - alert.since, config.raise_seconds) else None
    if level > alert.level:
        return "worse"
    if config.remind_seconds and _passed(now - alert.told, config.remind_seconds):
        return "reminder"
    return None


def gone(alert: Alert, now: datetime, config: AlertsConfig) -> Step:
    """A cause this process no longer sees: over when nobody saw it for `clear_seconds`; untold, it never was."""
    age = now - alert.seen_at
    # A clock set back must not keep a cause alive for ever.
    if timedelta(0) <= age < timedelta(seconds=config.clear_seconds):
        return alert, None
    if alert.told is None:
        return None, None
    alert = replace(alert, cleared_at=now)
    return alert, _notice(alert, "cleared", now)


def _passed(time: timedelta, seconds: float) -> bool:
    return time < timedelta(0) or time >= timedelta(seconds=seconds)


def _notice(alert: Alert, kind: NoticeKind, now: datetime) -> Notice:
    return Notice(kind, alert.cause, alert.severity, alert.title, alert.text, alert.advice, alert.since, now)


@dataclass(frozen=True, slots=True)
class Turn:
    """One look at everything: rows to write or to drop, notices to tell."""

    changed: tuple[Alert, ...]
    dropped: tuple[str, ...]
    notices: tuple[Notice, ...]


def turn(
    alerts: Mapping[str, Alert],
    conditions: Iterable[Condition],
    absent: Collection[str],
    now: datetime,
    config: AlertsConfig,
) -> Turn:
    """All alerts brought up to `now`.

    `absent` are the causes that this process has watched long enough to say that they are over: after a restart
    nothing is over before it had the time to show itself again.
    """
    changed: list[Alert] = []
    dropped: list[str] = []
    notices: list[Notice] = []
    held = {condition.cause: condition for condition in conditions if not condition.doubtful}
    steps: list[tuple[str, Step]] = [
        (cause, seen(alerts.get(cause), held[cause], now, config)) for cause in sorted(held)
    ]
    steps += [
        (cause, gone(alerts[cause], now, config))
        for cause in sorted(absent)
        if cause not in held and cause in alerts and alerts[cause].active
    ]
    for cause, (alert, notice) in steps:
        if alert is None:
            dropped.append(cause)
        elif alert != alerts.get(cause):
            changed.append(alert)
        if notice is not None:
            notices.append(notice)
    return Turn(tuple(changed), tuple(dropped), tuple(notices))


# -- the table ---------------------------------------------------------------------------------------------------------


class Sql(Protocol):
    def execute(self, sql: str, params: Any = ...) -> Any: ...


_COLUMNS: Final = "cause, severity, level, title, text, advice, since, seen_at, cleared_at, told"
READ: Final = f"SELECT {_COLUMNS} FROM alert ORDER BY cause"
_PUT: Final = (
    f"INSERT INTO alert ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (cause) DO UPDATE SET"
    " severity = excluded.severity, level = excluded.level, title = excluded.title, text = excluded.text,"
    " advice = excluded.advice, since = excluded.since, seen_at = excluded.seen_at, cleared_at = excluded.cleared_at,"
    " told = excluded.told"
)


def read(rows: Iterable[Any]) -> dict[str, Alert]:
    """The rows of `READ`, by cause."""
    return {row["cause"]: _from_row(row) for row in rows}


def write(tx: Sql, done: Turn) -> None:
    """Writes what a turn changed."""
    for alert in done.changed:
        tx.execute(
            _PUT,
            (
                alert.cause,
                alert.severity,
                alert.level,
                alert.title,
                alert.text,
                alert.advice,
                stamp(alert.since),
                stamp(alert.seen_at),
                _optional(alert.cleared_at),
                _optional(alert.told),
            ),
        )
    for cause in done.dropped:
        tx.execute("DELETE FROM alert WHERE cause = ?", (cause,))


def _optional(moment: datetime | None) -> str:
    return stamp(moment) if moment else ""


def _from_row(row: Any) -> Alert:
    return Alert(
        row["cause"],
        row["severity"],
        row["title"],
        row["text"],
        row["advice"],
        unstamp(row["since"]),
        unstamp(row["seen_at"]),
        unstamp(row["cleared_at"]) if row["cleared_at"] else None,
        row["level"],
        unstamp(row["told"]) if row["told"] else None,
    )
