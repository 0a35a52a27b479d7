"""What one transaction can do. A Tx lives inside `Journal.transact` and never outlives it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.journal import documents, heads, links, messages
from connector.journal.db.connection import Connection, Cursor, Params
from connector.journal.db.failures import Busy
from connector.journal.deliveries import About, Delivery, Line, LineRow, from_row, line_row, load, move, write_lines
from connector.journal.lifecycle import CREATED, DELIVERY, Event, InHand, LifecycleError, State
from connector.journal.model import DeadLetter, JournalError, LineWritten, stamp
from connector.journal.retention.reading import refuse_purged

if TYPE_CHECKING:
    from connector.journal.audit.entry import AuditEntry
    from connector.journal.messages import MessageEvent

_INSERT = (
    "INSERT INTO delivery (kind, patient_id, lane, state, due, run, unsettled, attempts, message_id, stay,"
    " document_id, reason, reason_code, since, created_at, updated_at, payload, destination)"
    " VALUES (?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)


class Tx:
    """The journal as seen from inside one transaction, on the writer thread.

    `now` is one aware instant for the whole transaction.
    """

    __slots__ = (
        "_connection",
        "_dead_letter",
        "_locked",
        "_touched",
        "_wait",
        "audits",
        "lines",
        "moved",
        "now",
        "rows",
    )

    def __init__(self, connection: Connection, now: datetime, dead_letter: DeadLetter, *, wait: bool = True) -> None:
        self._connection = connection
        self._dead_letter: DeadLetter = dead_letter
        self._touched: set[heads.Lane] = set()
        self._locked: frozenset[int] = frozenset()
        self._wait = wait
        self.audits: list[AuditEntry] = []
        self.lines: list[LineWritten] = []
        self.rows: list[LineRow] = []
        self.moved = False
        self.now = now

    # -- plain SQL -----------------------------------------------------------------------------------------

    def execute(self, sql: str, params: Params = ()) -> Cursor:
        """Any statement on the room's own tables; deliveries move by the methods below only."""
        return self._connection.execute(sql, params)

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """What fails inside is undone alone, and the exception goes on."""
        self._connection.execute(f"SAVEPOINT {name}")
        kept = [(mine, len(mine)) for mine in (self.lines, self.audits, self.rows)]
        locked = self._locked
        try:
            yield
        except BaseException:
            # Locks taken since are given up with the rest.
            self._locked = locked
            for mine, length in kept:
                del mine[length:]
            # A full disk makes SQLite roll everything back by itself: then there is nothing to undo.
            if self._connection.in_transaction:
                self._connection.execute(f"ROLLBACK TO {name}")
                self._connection.execute(f"RELEASE {name}")
            raise
        self._connection.execute(f"RELEASE {name}")

    def lock(self, patient_id: int) -> None:
        """Nobody else reads to move, or moves, deliveries of this patient until the commit.

        Nothing to do on SQLite, where one process writes. Elsewhere the first work of a batch waits for its
        turn, the others give way (Busy) and are done again after the commit: two batches never wait for each other.
        """
        if self._connection.dialect == "sqlite" or patient_id in self._locked:
            return
        if self._wait:
            self.execute("SELECT pg_advisory_xact_lock(?)", (patient_id,))
        elif not self.execute("SELECT pg_try_advisory_xact_lock(?)", (patient_id,)).fetchone()[0]:
            raise Busy
        self._locked |= {patient_id}

    # -- patients ------------------------------------------------------------------------------------------

    def find_patient(self, ids: Sequence[links.PatientId]) -> int | None:
        """Patient of the first known identifier (domain, value), None when none is known."""
        return next(iter(links.owners(self._connection, ids).values()), None)

    def resolve_patient(self, ids: Sequence[links.PatientId]) -> int:
        """Finds the patient of these identifiers or creates one, and links the identifiers not yet known.

        When they belong to two patients the first one given wins, and the conflict is noted: merging is
        for an A40, never a guess. No identifier at all makes a new patient.
        """
        known = links.owners(self._connection, ids)
        owners = list(dict.fromkeys(known.values()))
        patient_id = owners[0] if owners else links.create(self._connection, self.now)
        links.link(self._connection, patient_id, [one for one in ids if one not in known])
        if len(owners) > 1:
            self._note_conflict(patient_id, owners[1:])
        return patient_id

    def _note_conflict(self, patient_id: int, others: Sequence[int]) -> None:
        data = {"other_patients": sorted(others)}
        known = self.execute(
            "SELECT 1 FROM timeline WHERE patient_id = ? AND event = 'identity-conflict' AND data = ? LIMIT 1",
            (patient_id, json.dumps(data)),
        ).fetchone()
        noted = known is not None or any(row[1] == "identity-conflict" and row[5] == patient_id for row in self.rows)
        if not noted:
            text = "Identifiants de deux patients dans un même message : rapprochement à vérifier"
            self.note("identity-conflict", text, patient_id=patient_id, data=data)

    def canonical(self, patient_id: int) -> int:
        """The surviving patient after merges. Raises JournalError when the patient is unknown."""
        return links.canonical(self._connection, patient_id)

    def _canonical_locked(self, patient_id: int) -> int:
        """The surviving patient, locked: a merge that was under way is over when this returns."""
        if self._connection.dialect == "sqlite":
            return self.canonical(patient_id)
        if patient_id in self._locked:
            return patient_id
        while True:
            root = self.canonical(patient_id)
            self.lock(root)
            if self.canonical(patient_id) == root:
                return root

    def merge_patients(self, survivor: int, gone: int) -> None:
        """Everything of `gone` now belongs to `survivor`, waiting deliveries keeping their order by id."""
        for patient_id in sorted((survivor, gone)):
            self._canonical_locked(patient_id)
        survivor, gone = self.canonical(survivor), self.canonical(gone)
        if survivor == gone:
            return
        lanes = self.execute("SELECT DISTINCT lane FROM delivery WHERE patient_id = ?", (gone,)).fetchall()
        links.merge(self._connection, survivor, gone)
        self._locked -= {gone}
        self._touched.update((survivor, row["lane"]) for row in lanes)
        self.note("merge", "Patients fusionnés", patient_id=survivor, data={"gone": gone})

    # -- deliveries ----------------------------------------------------------------------------------------

    def deliver(
        self,
        kind: str,
        patient_id: int,
        payload: dict[str, Any],
        *,
        message_id: int | None = None,
        stay: str = "",
        document_id: str = "",
        document: documents.Submission | None = None,
        state: State = "queued",
        reason: str = "",
        reason_code: str = "",
        due: datetime | None = None,
        lane: str = "",
        destination: str = "",
    ) -> int:
        """Adds a delivery (queued, held or refused) and gives its id, which is its place in the patient's order.

        `due` (aware) delays the first start. Deliveries of one patient in different lanes do not wait for
        each other. `destination` names who will be spoken to. `document` is what the delivery
        carries: its life begins, or begins again, with it. Raises LifecycleError for any other initial state.
        """
        if state not in DELIVERY.initial:
            raise LifecycleError("", f"create {state}")
        if document is not None:
            document_id = document.unique_id
        patient_id, now = self._canonical_locked(patient_id), stamp(self.now)
        delivery_id: int = self.execute(
            _INSERT,
            (
                kind,
                patient_id,
                lane,
                state,
                stamp(due or self.now),
                message_id,
                stay,
                document_id,
                reason,
                reason_code,
                now,
                now,
                now,
                json.dumps(payload, ensure_ascii=False),
                destination,
            ),
        ).fetchone()[0]
        line = Line("create", f"{CREATED} : {reason}" if reason else CREATED, "", state)
        keys = About(patient_id, delivery_id, message_id, stay, document_id)
        data: dict[str, Any] = {"kind": kind, "reason_code": reason_code}
        if document is not None:
            data["document"] = documents.attach(self._connection, document, patient_id, delivery_id, state)
        self.rows.append(line_row(self.now, line, keys, data))
        self.lines.append(
            LineWritten(
                "create", "", state, kind, destination, reason_code, self.now, delivery_id, patient_id, self.now
            )
        )
        if state == "queued":
            self._touched.add((patient_id, lane))
        return delivery_id

    def delivery(self, delivery_id: int) -> Delivery:
        """The delivery as it is now, its patient locked. Raises LifecycleError when there is none."""
        delivery = load(self._connection, delivery_id)
        if self._connection.dialect == "sqlite":
            return delivery
        if delivery.patient_id in self._locked:
            return delivery
        self._canonical_locked(delivery.patient_id)
        return load(self._connection, delivery_id)

    def document(self, submission: documents.Submission) -> documents.DocumentState | None:
        """What became of this document, asked for this action before; None when it never was."""
        return documents.state_of(self._connection, submission)

    def move(self, delivery: Delivery, event: Event, **changes: Any) -> Delivery:
        """One move of the life cycle table (see `deliveries.move` for `text`, `data` and the other changes)."""
        moved, row = move(self._connection, delivery, event, self.now, **changes)
        self.rows.append(row)
        self._touched.add((moved.patient_id, moved.lane))
        self.lines.append(
            LineWritten(
                event, delivery.state, moved.state, moved.kind, moved.destination, moved.reason_code, self.now,
                moved.id, moved.patient_id, moved.since,
            )
        )  # fmt: skip
        return moved

    def release(
        self, patient_id: int, kinds: Collection[str] = (), reason_codes: Collection[str] = (), reason: str = ""
    ) -> int:
        """Held deliveries of the patient go back to the queue, at their own place. Gives how many.

        Empty `kinds` or `reason_codes` means all of them.
        """
        chosen = self._select(patient_id, ("held",), kinds, reason_codes)
        for delivery in chosen:
            self.move(delivery, "release", reason=reason, reason_code="")
        return len(chosen)

    def hold(
        self,
        patient_id: int,
        kinds: Collection[str],
        reason_code: str,
        reason: str,
        *,
        stay: str = "",
        document_id: str = "",
    ) -> int:
        """Deliveries not yet started (queued, retry) wait for a release. Gives how many.

        Empty `kinds` means all; `stay` and `document_id` narrow the choice when given.
        """
        chosen = [
            delivery
            for delivery in self._select(patient_id, ("queued", "retry"), kinds, ())
            if (not stay or delivery.stay == stay) and (not document_id or delivery.document_id == document_id)
        ]
        for delivery in chosen:
            self.move(delivery, "hold", reason=reason, reason_code=reason_code)
        return len(chosen)

    def _select(
        self, patient_id: int, states: Collection[str], kinds: Collection[str], codes: Collection[str]
    ) -> list[Delivery]:
        patient_id = self._canonical_locked(patient_id)
        marks = ",".join("?" * len(states))
        rows = self.execute(
            f"SELECT * FROM delivery WHERE patient_id = ? AND state IN ({marks}) ORDER BY id",
            (patient_id, *states),
        ).fetchall()
        return [
            from_row(row)
            for row in rows
            if (not kinds or row["kind"] in kinds) and (not codes or row["reason_code"] in codes)
        ]

    def idle(self, delivery_id: int, event: Event) -> Delivery:
        """The delivery, about to be moved by `event` from outside. Raises InHand while a worker is on it."""
        delivery = self.delivery(delivery_id)
        if delivery.run:
            raise InHand(delivery.state, event, delivery_id=delivery_id, run=delivery.run)
        return delivery

    def requeue(self, delivery_id: int, reason: str, data: Mapping[str, Any] | None = None) -> Delivery:
        """Replays a delivery that waits, was refused or is dead: now, at its own place in the patient's order.

        `reason` says why, for the timeline. Raises LifecycleError when it is queued or done, InHand, and
        ContentPurged when the bytes of its message are no longer kept.
        """
        delivery = self.idle(delivery_id, "requeue")
        refuse_purged(self._connection, delivery.message_id)
        return self.move(
            delivery, "requeue", reason=reason, reason_code="", attempts=0, since=self.now, data=data
        )  # fmt: skip

    def settle(self, delivery_id: int, reason: str, data: Mapping[str, Any] | None = None) -> Delivery:
        """An operator closes a held, refused, dead or unknown delivery: nothing more will be sent.

        Raises LifecycleError in any other state, InHand while a worker is on it.
        """
        delivery = self.idle(delivery_id, "settle")
        return self.move(delivery, "settle", reason=reason, reason_code="settled", unsettled=False, data=data)

    def move_message(self, message_id: int, event: MessageEvent, **changes: Any) -> None:
        """One move of the message's life cycle. Raises LifecycleError."""
        self.rows.append(messages.move(self._connection, message_id, event, self.now, **changes))

    def reroute(self, message_id: int, reason: str) -> None:
        """Gives a message whose routing failed to the router once more.

        Raises JournalError when the routing of that message did not fail.
        """
        removed = self.execute("DELETE FROM routing_failure WHERE message_id = ?", (message_id,)).rowcount
        if not removed:
            raise JournalError("the routing of this message did not fail", field="message_id", found=message_id)
        self.move_message(message_id, "reroute", reason=reason)
        self.execute("UPDATE routing SET position = ? WHERE position > ?", (message_id - 1, message_id - 1))

    # -- timeline ------------------------------------------------------------------------------------------

    def note(
        self,
        event: str,
        text: str,
        *,
        patient_id: int | None = None,
        stay: str = "",
        document_id: str = "",
        message_id: int | None = None,
        delivery_id: int | None = None,
        data: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """One line of the timeline that is no move. `text` is French; `at` defaults to the transaction's now."""
        keys = About(patient_id, delivery_id, message_id, stay, document_id)
        self.rows.append(line_row(at or self.now, Line(event, text), keys, data))

    def audit(self, entry: AuditEntry) -> None:
        """One line of the audit chain, durable with this transaction."""
        self.audits.append(entry)

    # -- for the journal and its engine --------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        return self._connection

    def refresh_heads(self) -> None:
        """Recomputes the heads of the patients touched so far; the journal does it before each commit."""
        if self._touched:
            heads.refresh(self._connection, self._touched, self._dead_letter)
            self._touched.clear()
            self.moved = True

    def write_rows(self) -> None:
        """Writes the timeline lines gathered so far, together; the journal does it before each commit."""
        write_lines(self._connection, self.rows)
        self.rows.clear()
