"""What a captured message would do today, told as plain values: answered, routed, and what would leave for the DMP.

Each message is rehearsed alone, before an empty journal that forgets it at once, by the parts of the pipeline
themselves: the intake answers, the router routes, the feed is prepared and the assertion made. No gate is asked (what
waits depends on other messages) and nothing is sent. The clock is the message's own (MSH-7) and identifiers are
counted: the same message gives the same bytes. What comes out holds identities, as the message does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

from connector.base.errors import ConnectorError
from connector.base.hl7time import parse_ts
from connector.flows.config import IntakeConfig
from connector.flows.intake import Intake
from connector.flows.rehearsal_departure import Departures
from connector.flows.routing_codes import PUBLICATION
from connector.hl7.ack import Ack, parse_ack
from connector.hl7.er7 import parse_header
from connector.journal import Journal, JournalConfig, StoredMessage, Tx
from connector.journal.db.connection import Row
from connector.journal.inbox import read as stored_message
from connector.patients.schema import SCHEMA as PATIENTS

Output = dict[str, Any]
"""Plain values that JSON can say."""

Router = Callable[[Tx, StoredMessage], None]

UNDATED: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The time of a message that does not say its own."""

_DELIVERIES: Final = (
    "SELECT kind, lane, destination, state, reason, reason_code, stay, document_id, payload FROM delivery ORDER BY id"
)
_STATES: Final = ("patient_state", "stay")
"""What the hospital said, as the connector keeps it; numbers of rows are not kept."""


class Moment:
    """The clock and the identifiers of one message, set again before each."""

    def __init__(self) -> None:
        self._now = UNDATED
        self._count = 0

    def begin(self, raw: bytes) -> None:
        self._count = 0
        try:
            self._now = parse_ts(parse_header(raw).time).astimezone(UTC)
        except (ConnectorError, OverflowError):
            self._now = UNDATED

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return self._now.date()

    def uuid(self) -> UUID:
        self._count += 1
        return UUID(int=self._count, version=4)


class Rehearsal:
    """Rehearses one message after another; use `open_rehearsal`. Not for several threads."""

    def __init__(
        self, journal: Journal, intake: IntakeConfig, router: Router, departures: Departures, moment: Moment
    ) -> None:
        self._journal = journal
        self._intake = intake
        self._router = router
        self._departures = departures
        self._moment = moment
        self._executor = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()
        self._executor.shutdown()

    def __call__(self, raw: bytes) -> Output:
        """The output of one message, never an exception for its content."""
        self._moment.begin(raw)
        ack = self._answer(raw)
        try:
            return {"ack": _ack(ack), **self._after(raw)}
        finally:
            self._journal.transact(_forget)

    def _answer(self, raw: bytes) -> bytes | None:
        intake = Intake(
            self._journal, self._intake, clock=self._moment.now, uuid_factory=self._moment.uuid, executor=self._executor
        )
        return self._runner.run(intake.handle(raw, "rehearsal"))

    def _after(self, raw: bytes) -> Output:
        (row,) = self._journal.query("SELECT * FROM message")
        message = stored_message(row)
        output: Output = {
            "message": {
                "type": message.type,
                "event": message.event,
                "route": message.route,
                "verdict": row["verdict"],
                "warnings": [finding.as_dict() for finding in message.findings],
            }
        }
        if row["verdict"] == "accepted":
            routed = self._route(message)
            output["routing"] = routed
            indexes = [d["payload"]["index"] for d in routed["deliveries"] if d["kind"] == PUBLICATION]
            output["documents"] = [self._departures.of(raw, index) for index in indexes]
        return output

    def _route(self, message: StoredMessage) -> Output:
        """What the router writes, read inside its transaction, which is then undone."""

        def route(tx: Tx) -> None:
            self._router(tx, message)
            raise _Undone(_written(tx))

        try:
            self._journal.transact(route)
        except _Undone as undone:
            return undone.output
        except Exception as error:  # noqa: BLE001 - what the engine would put on the worklist is told, not raised
            return {"failed": type(error).__name__, "deliveries": [], "lines": []}
        raise AssertionError("the routing was not undone")


class _Undone(Exception):
    """Carries what was written out of a transaction that must leave nothing."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self.output = output


def _written(tx: Tx) -> Output:
    lines = [{"event": row[1], "text": row[4], "data": json.loads(row[10])} for row in tx.rows]
    deliveries = [_named(row) for row in tx.execute(_DELIVERIES)]
    states = {table: [_named(row) for row in tx.execute(f"SELECT * FROM {table}")] for table in _STATES}
    return {
        "lines": lines,
        "deliveries": [{**delivery, "payload": _payload(delivery["payload"])} for delivery in deliveries],
        **states,
    }


def _payload(text: str) -> Output:
    """Without what only repeats the document: its metadata are compared already."""
    return {name: value for name, value in json.loads(text).items() if name != "chain"}


def _named(row: Row) -> Output:
    return {name: row[name] for name in row.keys() if name != "patient_id"}  # noqa: SIM118 - a row is no dict


def _forget(tx: Tx) -> None:
    tx.execute("DELETE FROM duplicate")
    tx.execute("DELETE FROM message")


def _ack(reply: bytes | None) -> Output | None:
    """None for a frame that is answered by nothing, itself an acknowledgement."""
    if reply is None:
        return None
    ack: Ack = parse_ack(reply)
    return {
        "code": ack.code,
        "errors": [
            {
                "location": error.location,
                "code": error.code,
                "text": error.text,
                "severity": error.severity,
                "appCode": error.app_code,
                "appText": error.app_text,
                "appTable": error.app_table,
            }
            for error in ack.errors
        ],
    }


@dataclass(frozen=True, slots=True)
class Parts:
    """What the settings make of the pipeline, for one rehearsal: `router` and `departures` of a given moment."""

    intake: IntakeConfig
    router: Callable[[Moment], Router]
    departures: Callable[[Moment], Departures]


@contextmanager
def open_rehearsal(parts: Parts) -> Iterator[Rehearsal]:
    """A rehearsal over a journal of its own, in a private folder that is removed at the end."""
    moment = Moment()
    with TemporaryDirectory(prefix="connector-rehearsal-") as folder:
        journal = Journal.open(JournalConfig(Path(folder) / "journal.db"), moment.now, schemas=(PATIENTS,))
        rehearsal = Rehearsal(journal, parts.intake, parts.router(moment), parts.departures(moment), moment)
        try:
            yield rehearsal
        finally:
            rehearsal.close()
            journal.close()
