"""The business acknowledgements back to the sender of a document: ZAM^Z01 of the DMP, ZAM^Z02 of the secure mail
(hl7v2-interface §4).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from connector.base.calls import CallRecord, OnCall, nobody, recorded
from connector.base.clock import Clock
from connector.base.errors import TransportError
from connector.flows.config import ZamConfig, ZamDestination
from connector.flows.french import in_french
from connector.hl7.ack import Ack, AckError, parse_ack
from connector.hl7.er7 import Er7Error, parse_header
from connector.hl7.header import Header
from connector.hl7.zam import ZamEvent, build_zam_z01, build_zam_z02
from connector.journal import Dead, Done, Hold, Job, Outcome, Refuse, Retry

Exchange = Callable[[ZamDestination, bytes], bytes]

NOT_READ = frozenset({"200", "201", "202", "203"})
"""ERR-3 of a receiver that does not read this type, event, mode or version: it will not tomorrow either (§1.3)."""


class ZamFlow:
    """Handler of the 'zam' deliveries. A resend carries the same MSH-10, so the receiver can know it again."""

    def __init__(self, config: ZamConfig, exchange: Exchange, *, clock: Clock, on_call: OnCall = nobody) -> None:
        self._config = config
        self._on_call = on_call
        self._exchange = exchange
        self._clock = clock

    def __call__(self, job: Job) -> Outcome:
        payload = job.payload
        destination = self._config.destination(payload["sender"])
        if destination is None:
            return Hold(
                "Aucune destination ZAM configurée pour cet émetteur (zam.destinations)",
                "configuration.zam",
                unreachable=None,
            )
        event: ZamEvent = payload.get("event", "Z01")  # deliveries of the first releases do not say it
        message = _build(event, parse_header(job.raw()), payload, self._clock())
        record = CallRecord(
            self._clock(),
            f"ZAM^{event}",
            f"mllp://{destination.host}:{destination.port}",
            message_id=payload["control_id"],
            unique_ids=(job.document_id,) if job.document_id else (),
        )
        # A repeated ZAM carries the same MSH-10: no `sending`, but never from an attempt another one replaced.
        job.confirm()
        try:
            with recorded(self._on_call, record) as call:
                ack = _read(self._exchange(destination, message))
                call.learn(**_said(ack, payload["control_id"]))
        except TransportError as error:
            return Retry(f"Émetteur injoignable pour le ZAM : {in_french(error)}", code="transport", unreachable=True)
        if ack is None:
            return Retry("Réponse illisible au ZAM", code="zam.ack")
        if ack.control_id != payload["control_id"]:
            return Retry("L'accusé reçu répond à un autre message", code="zam.ack")
        return _outcome(event, "positif" if payload["success"] else "négatif", ack)


def _build(event: ZamEvent, request: Header, payload: dict[str, Any], now: datetime) -> bytes:
    """The message a payload describes, dated `now`."""
    error = None if payload["success"] else _error(payload["code"], payload["label"], payload["table"])
    common: dict[str, Any] = {
        "success": payload["success"],
        "event_time": datetime.fromisoformat(payload["event_time"]),
        "error": error,
        "now": now,
        "control_id": payload["control_id"],
    }
    if event == "Z02":
        return build_zam_z02(request, address=payload["recipient"], recipient_id=payload["recipient_id"], **common)
    return build_zam_z01(request, **common)


def _outcome(event: ZamEvent, sign: str, ack: Ack) -> Outcome:
    """What the sender's acknowledgement means: AR is tried again, unless its cause is what MSH says (§1.3)."""
    match ack.code:
        case "AA" | "CA":
            return Done(f"ZAM^{event} {sign} remis à l'émetteur")
        case "AR" | "CR" if any(error.code in NOT_READ for error in ack.errors):
            return Refuse(f"L'émetteur ne lit pas les ZAM^{event} (AR)", "zam.not-read")
        case "AR" | "CR":
            return Retry("ZAM refusé provisoirement par l'émetteur (AR)", code="zam.AR")
        case "AE" | "CE":
            return Refuse("ZAM refusé par l'émetteur (AE)", "zam.AE")
        case other:
            return Dead(f"Accusé inattendu au ZAM : {other}", "zam.ack")


def _error(code: str, label: str, table: str) -> AckError:
    return AckError("", "207", "Application error", app_code=code, app_text=label[:250], app_table=table)


def _read(reply: bytes) -> Ack | None:
    try:
        return parse_ack(reply)
    except Er7Error:
        return None


def _said(ack: Ack | None, control_id: str) -> dict[str, Any]:
    """What the audit keeps of the reply: whose it is, and whether it says yes."""
    if ack is None:
        return {"outcome": "unknown", "code": "unreadable"}
    if ack.control_id != control_id:
        return {"outcome": "unknown", "code": "MSA-2", "relates_to": ack.control_id}
    return {"relates_to": ack.control_id} | ({} if ack.accepted else {"outcome": "refused", "code": ack.code})
