"""The task that looks every N seconds, tells what changed, and brings the notices to their channels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from connector.base.clock import Clock, UuidFactory
from connector.base.logs import logger
from connector.journal import Journal, JournalError, Tx
from connector.journal.db.failures import where
from connector.watch import french, ledger, outbox
from connector.watch.channels import Channel, NotTaken
from connector.watch.config import AlertsConfig
from connector.watch.evaluate import evaluate, place_of
from connector.watch.gather import STORE_SECONDS
from connector.watch.ledger import Alert, Turn
from connector.watch.limited import Limited, Silent
from connector.watch.model import Condition, Notice, Snapshot

_OFF_SECONDS: Final = 60.0
_LEVELS: Final = {"warning": "warning", "critical": "error"}


class Watcher:
    """One per process. `look` is one round; `start` repeats it in a thread of its own until `stop`.

    Not a task of the event loop: an alert must leave when the loop itself hangs, and mail may block.
    """

    def __init__(
        self,
        journal: Journal,
        gather: Callable[[], Snapshot],
        channels: Sequence[Channel],
        config: AlertsConfig,
        *,
        clock: Clock,
        uuid_factory: UuidFactory,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._gather = gather
        self._channels = {channel.name: channel for channel in channels}
        self._config = config
        self._clock = clock
        self._uuid = uuid_factory
        self._monotonic = monotonic
        self._rows = Limited(lambda: ledger.read(journal.query(ledger.READ)), STORE_SECONDS)
        self._round: _Round | None = None
        self._settled = Limited(lambda: self._apply(self._round), STORE_SECONDS)
        self._gone_since: dict[str, float] = {}
        self._known: dict[str, Alert] = {}
        self._unwritten: dict[str, Alert] = {}
        self._unsent: list[tuple[Channel, Notice, str]] = []
        self._told_without_journal: set[tuple[str, str, datetime]] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = logger("alerts")

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Ends after the round under way, or leaves it behind after `seconds`: what it had to send is kept."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)
        self._rows.close()
        self._settled.close()

    def configure(self, channels: Sequence[Channel], config: AlertsConfig) -> None:
        """New settings from the next round on."""
        self._channels, self._config = {channel.name: channel for channel in channels}, config

    def _run(self) -> None:
        # switched off, it still asks now and then whether new settings switched it on
        while not self._stop.wait(self._config.every_seconds or _OFF_SECONDS):
            try:
                if self._config.every_seconds:
                    self.look()
            except Exception as error:  # noqa: BLE001 - the watch outlives every failure, and says so
                self._log.error("alerts not evaluated", error=type(error).__name__, where=where(error))

    # -- one round ---------------------------------------------------------------------------------------------------

    def look(self) -> list[Notice]:
        """One round: gives the notices it told."""
        snapshot = self._gather()
        conditions = evaluate(snapshot, self._config.thresholds)
        told = self._settle(snapshot, conditions)
        for notice in told:
            self._say(notice)
        self._bring(snapshot)
        return told

    def _settle(self, snapshot: Snapshot, conditions: set[Condition]) -> list[Notice]:
        if not snapshot.store:
            try:
                done = self._in_journal(snapshot, conditions)
            except (Silent, JournalError):
                return self._without_journal(snapshot, conditions)
            return [] if done is None else list(done.notices)
        return self._without_journal(snapshot, conditions)

    def _in_journal(self, snapshot: Snapshot, conditions: set[Condition]) -> Turn | None:
        """The turn as one transaction; nothing is written while nothing is wrong."""
        self._known = self._rows()
        absent = self._absent(snapshot, conditions)
        certain = any(not condition.doubtful for condition in conditions)
        if not certain and not absent and not self._unwritten:
            return None
        round_ = _Round(
            self._config, snapshot, conditions, absent, dict(self._unwritten), tuple(self._channels), self._uuid
        )
        self._round = round_
        try:
            settled, done = self._settled()
            if settled is not round_:
                raise Silent("an earlier round is only through now")
        except BaseException:
            round_.abandoned = True
            raise
        self._unwritten.clear()
        return done

    def _apply(self, round_: _Round | None) -> tuple[_Round | None, Turn | None]:
        return round_, self._journal.transact(round_.apply) if round_ else None

    def _absent(self, snapshot: Snapshot, conditions: set[Condition]) -> set[str]:
        """Active causes this process judges and has not seen for `clear_seconds` by its own steady clock."""
        present = {condition.cause for condition in conditions}
        now = self._monotonic()
        absent: set[str] = set()
        for cause, alert in (self._known | self._unwritten).items():
            if not alert.active or cause in present or not _judges(snapshot, cause):
                self._gone_since.pop(cause, None)
            elif now - self._gone_since.setdefault(cause, now) >= self._config.clear_seconds:
                absent.add(cause)
        return absent

    def _without_journal(self, snapshot: Snapshot, conditions: set[Condition]) -> list[Notice]:
        """The journal itself is in trouble: what only this process sees is told from memory, and written later."""
        own = {condition for condition in conditions if place_of(condition.cause) == snapshot.node}
        known = self._known | self._unwritten
        absent = {cause for cause in self._absent(snapshot, conditions) if place_of(cause) == snapshot.node}
        done = ledger.turn(known, own, absent, snapshot.now, self._config)
        self._unwritten |= {alert.cause: alert for alert in done.changed}
        for cause in done.dropped:
            self._unwritten.pop(cause, None)
        for notice in done.notices:
            self._told_without_journal.add(_identity(notice))
            key = str(self._uuid())
            self._unsent += [(channel, notice, key) for channel in self._channels.values()]
        return list(done.notices)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _say(self, notice: Notice) -> None:
        say = self._log.info if notice.kind == "cleared" else getattr(self._log, _LEVELS[notice.severity])
        say(
            "alert",
            kind=notice.kind,
            cause=notice.cause,
            severity=notice.severity,
            since=notice.since.isoformat(),
            text=french.subject(notice),
            advice=notice.advice,
        )

    def _bring(self, snapshot: Snapshot) -> None:
        self._unsent = [parcel for parcel in self._unsent if not self._direct(snapshot, *parcel)]
        if snapshot.store:
            return
        try:
            for parcel in outbox.waiting(self._journal, self._clock()):
                self._deliver(parcel)
        except JournalError as error:
            self._log.warning("alerts wait for the journal", cause=error.context.get("cause", ""))

    def _direct(self, snapshot: Snapshot, channel: Channel, notice: Notice, key: str) -> bool:
        """True when nothing more is to be done with it."""
        try:
            channel.deliver(notice, key)
        except NotTaken as error:
            self._log.warning("alert not taken", channel=channel.name, cause=error.context.get("cause", ""))
            return snapshot.now - notice.at >= timedelta(seconds=self._config.give_up_seconds)
        return True

    def _deliver(self, parcel: outbox.Parcel) -> None:
        notice = parcel.notice
        channel: Channel | None = self._channels.get(parcel.channel)
        if _identity(notice) in self._told_without_journal:
            # the transaction that was thought lost came through after all
            channel = None
        give_up = timedelta(seconds=self._config.give_up_seconds)
        result = outbox.send(self._journal, parcel, channel, self._clock(), give_up)
        if result in ("again", "dropped") and channel is not None:
            self._log.warning("alert not taken", channel=parcel.channel, cause=notice.cause, result=result)


class _Round:
    """One turn of the ledger as a transaction that may be run again, and does nothing once given up."""

    def __init__(
        self,
        config: AlertsConfig,
        snapshot: Snapshot,
        conditions: set[Condition],
        absent: set[str],
        unwritten: dict[str, Alert],
        channels: tuple[str, ...],
        uuid_factory: UuidFactory,
    ) -> None:
        self._config = config
        self._snapshot = snapshot
        self._conditions = conditions
        self._absent = absent
        self._unwritten = unwritten
        self._channels = channels
        self._uuid = uuid_factory
        self.abandoned = False

    def apply(self, tx: Tx) -> Turn | None:
        if self.abandoned:
            return None
        lock(tx)
        alerts = ledger.read(tx.execute(ledger.READ).fetchall()) | self._unwritten
        done = ledger.turn(alerts, self._conditions, self._absent, self._snapshot.now, self._config)
        ledger.write(tx, Turn(tuple(self._unwritten.values()), (), ()))
        ledger.write(tx, done)
        for notice in done.notices:
            outbox.put(tx, notice, self._channels, str(self._uuid()))
        return done


def lock(tx: Tx) -> None:
    """One process at a time decides what is told: the row is written first, the others wait for its commit."""
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ('alerts', '') ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )


def _identity(notice: Notice) -> tuple[str, str, datetime]:
    return notice.cause, notice.kind, notice.at


def _judges(snapshot: Snapshot, cause: str) -> bool:
    """Whether this process may say that `cause` is over: its own, a shared one it can see, or one of a node gone."""
    family = cause.partition("@")[0].partition(":")[0]
    if family in snapshot.blind:
        return False
    place = place_of(cause)
    return place in ("", snapshot.node) or place not in snapshot.nodes
