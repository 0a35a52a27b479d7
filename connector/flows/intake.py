"""From a frame to an acknowledgement: checked, stored, then answered (design rule 5).

Only what the sender can mend is checked here (hl7v2-interface §1.3, §3.2, §5); qualification, opposition, rights
and the DMP's own answer come after AA, by worklist and ZAM.
"""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Literal

from connector.base.clock import Clock, UuidFactory
from connector.base.errors import ConnectorError
from connector.base.finding import Finding
from connector.base.logs import logger
from connector.flows.config import IntakeConfig
from connector.flows.document_check import check_document
from connector.flows.french import error_of
from connector.hl7.ack import AckCode, AckError, build_accept, build_ack, build_ack_unreadable
from connector.hl7.er7 import Er7Error, check_readable, parse_header, segment_names
from connector.hl7.model import Header
from connector.hl7.structure import check_header, check_segments, route
from connector.journal import Incoming, Journal, JournalError, key_of

DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the intake decided: the ACK code and the errors that go with it."""

    code: AckCode
    errors: tuple[AckError, ...] = ()

    @property
    def accepted(self) -> bool:
        return self.code == "AA"


ACCEPT = Verdict("AA")


class Intake:
    """Handles one frame at a time; `handle` is what the MLLP listener calls.

    A frame that is itself an acknowledgement is stored and never answered (no ACK for an ACK).
    """

    def __init__(
        self,
        journal: Journal,
        config: IntakeConfig,
        *,
        clock: Clock,
        uuid_factory: UuidFactory,
        executor: Executor,
    ) -> None:
        self._journal = journal
        self._config = config
        self._clock = clock
        # our MSH-10: this start of the process, then a count
        self._prefix = uuid_factory().hex[:10]
        self._count = count(1)
        self._executor = executor
        self._log = logger("intake")

    async def handle(self, raw: bytes, peer: str) -> bytes | None:
        """The ACK bytes for `raw`, durable before they are returned; None when no answer is due."""
        now = self._clock()
        try:
            header = parse_header(raw)
        except Er7Error as error:
            return await self._refuse_unreadable(raw, peer, error, now)
        kind = route(
            header, a08_as_a31=f"{header.sending_application}|{header.sending_facility}" in self._config.a08_as_a31
        )
        if kind == "ack":
            await self._store(raw, peer, header, kind, ACCEPT, b"", now)
            return None
        if kind == DOCUMENT:
            verdict = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._judge_document, raw, header
            )
        else:
            verdict = self._judge_adt(raw, header)
        if verdict.accepted:
            ack = build_accept(header, now=now, control_id=self._control_id())
        else:
            ack = build_ack(header, verdict.code, verdict.errors, now=now, control_id=self._control_id())
        return await self._store(raw, peer, header, kind, verdict, ack, now)

    def _judge_adt(self, raw: bytes, header: Header) -> Verdict:
        refusal = check_header(header)
        if refusal is None:
            try:
                names = segment_names(raw)
                refusal = check_segments(header, names)
                if refusal is None:
                    # what the router could not read, only the sender can mend
                    check_readable(raw, names)
            except Er7Error as error:
                return Verdict("AE", (error_of(error),))
        return ACCEPT if refusal is None else Verdict(refusal.code, refusal.errors)

    def _judge_document(self, raw: bytes, header: Header) -> Verdict:
        refusal = check_header(header)
        if refusal is not None:
            return Verdict(refusal.code, refusal.errors)
        try:
            code, errors = check_document(raw, self._config, today=self._clock().date())
        except Er7Error as error:
            return Verdict("AE", (error_of(error),))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not leave the sender without an answer
            self._log.error("document check failed", error=type(error).__name__)
            return Verdict(
                "AR", (AckError("", "207", app_code="906", app_text="Erreur interne, à renvoyer plus tard"),)
            )
        return Verdict(code, errors)

    async def _store(
        self, raw: bytes, peer: str, header: Header, kind: str, verdict: Verdict, ack: bytes, now: datetime
    ) -> bytes | None:
        incoming = Incoming(
            raw=raw,
            peer=peer,
            key=idempotence_key(header, raw),
            type=header.type,
            event=header.event,
            control_id=header.control_id,
            sender=f"{header.sending_application}|{header.sending_facility}",
            received_at=now,
            verdict="accepted" if verdict.accepted else "refused",
            ack=ack,
            findings=tuple(as_finding(error) for error in verdict.errors) if verdict.errors else (),
            route=kind,
        )
        try:
            stored = await self._journal.accept(incoming)
        except JournalError:
            # nothing is durable: the sender keeps the message and tries again
            busy = AckError(
                "", "207", "Application error", app_code="906", app_text="Stockage indisponible, à renvoyer"
            )
            return build_ack(header, "AR", (busy,), now=now, control_id=self._control_id())
        return stored.ack or None

    async def refuse_oversized(self, head: bytes, peer: str, limit: int) -> bytes:
        """The AR for a frame above `limit`. Its beginning is kept with the refusal; the rest was never held."""
        error = AckError("", "199", f"message trop volumineux, {limit} octets au plus")
        return await self._refuse_raw(head, peer, error, "oversized", "AR", self._clock())

    async def _refuse_unreadable(self, raw: bytes, peer: str, error: Er7Error, now: datetime) -> bytes:
        return await self._refuse_raw(raw, peer, error_of(error), "unreadable", "AE", now)

    async def _refuse_raw(
        self, raw: bytes, peer: str, error: AckError, kind: str, code: Literal["AE", "AR"], now: datetime
    ) -> bytes:
        ack = build_ack_unreadable(raw, error, now=now, control_id=self._control_id(), code=code)
        incoming = Incoming(
            raw=raw,
            peer=peer,
            key=f"{kind}:{hashlib.sha256(raw).hexdigest()}",
            type="",
            event="",
            control_id="",
            sender="",
            received_at=now,
            verdict="refused",
            ack=ack,
            findings=(as_finding(error),),
            route=kind,
        )
        try:
            await self._journal.accept(incoming)
        except JournalError as failure:
            raise ConnectorError("a refused message could not be stored", peer=peer) from failure
        return ack

    def _control_id(self) -> str:
        return f"{self._prefix}{next(self._count):010x}"


def idempotence_key(header: Header, raw: bytes) -> str:
    """MSH-3, MSH-4, MSH-10, MSH-7 and the content hash (hl7v2-interface §2.6: MSH-10 alone is not unique)."""
    digest = hashlib.sha256(raw).hexdigest()
    return key_of(header.control_id, header.sending_application, header.sending_facility, header.time, digest)


def as_finding(error: AckError) -> Finding:
    """The journal's form of an acknowledgement error."""
    return Finding(
        rule=f"ACK-{error.app_code or error.code}",
        severity="error",
        field=error.location.replace("^", "-", 1),
        found="",
        expected="",
        text=error.app_text or error.text,
        code=error.code,
        reference="hl7v2-interface §5",
    )
