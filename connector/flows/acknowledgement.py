"""The business acknowledgement of a document: one Z01 per request that wants one (hl7v2-interface §4).

Nothing is sent here: a ZAM is a delivery of its own, in a lane of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connector.flows.destinations import zam_destination
from connector.flows.routing_codes import PUBLICATION, ZAM
from connector.journal import Job, Tx
from connector.patients.answers import take_answers

APPLICATION = "applicationErrorCondition"
"""Table of our own refusals (900 to 906)."""

DMP_CODES = "DMP_ERROR_CODE"
"""Table of the DMP's own words, verbatim."""

OWN_CODES = frozenset({"900", "901", "902", "903", "904", "905", "906"})

_ENDED = frozenset({"done", "refused", "dead"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the Z01 says: success, or a code with its label in one of the two tables."""

    success: bool
    code: str = ""
    label: str = ""
    table: str = ""


YES = Verdict(True)


@dataclass(frozen=True, slots=True)
class Answer:
    """A Z01 to give: to which request, of which sender, with which MSH-10 of ours, dated when."""

    message_id: int | None
    sender: str
    control_id: str
    event_time: datetime


def acknowledge(tx: Tx, job: Job, verdict: Verdict, answer: Answer | None, control_ids: Iterable[str]) -> None:
    """Z01 for the request of `job` (None when it asked for none) and for each later one of the same document.

    One Z01 per request: the last of its documents sends it, negative if any of them failed. `control_ids` gives the
    MSH-10 of the later ones.
    """
    fresh = iter(control_ids)
    event_time = answer.event_time if answer is not None else tx.now
    for message_id, sender in take_answers(tx, job.delivery_id):
        give(tx, job, verdict, Answer(message_id, sender, next(fresh), event_time))
    if answer is None:
        return
    others = tx.execute(
        "SELECT state, reason, reason_code FROM delivery WHERE message_id = ? AND kind = ? AND id <> ? ORDER BY id",
        (job.message_id, PUBLICATION, job.delivery_id),
    ).fetchall()
    if any(row["state"] not in _ENDED for row in others):
        return
    failed = next((row for row in others if row["state"] != "done"), None)
    if verdict.success and failed is not None:
        verdict = _of_the_other(failed["reason_code"], failed["reason"])
    give(tx, job, verdict, answer)


def _of_the_other(code: str, reason: str) -> Verdict:
    """What the Z01 says when this document went and another one of the message did not."""
    if not code:
        code, table = "906", APPLICATION
    else:
        table = APPLICATION if code in OWN_CODES else DMP_CODES
    return Verdict(False, code, f"Un autre document du même message : {reason}", table)


def give(tx: Tx, job: Job, verdict: Verdict, answer: Answer) -> None:
    """Queues one Z01."""
    tx.deliver(
        ZAM,
        job.patient_id,
        zam_payload(verdict, answer),
        message_id=answer.message_id,
        stay=job.stay,
        document_id=job.document_id,
        # a sender that is down delays neither the patient's next document nor another sender's answer
        lane=zam_destination(answer.sender),
        destination=zam_destination(answer.sender),
    )


def zam_payload(verdict: Verdict, answer: Answer) -> dict[str, object]:
    """What the ZAM flow builds the message from."""
    return {
        "event": "Z01",
        "success": verdict.success,
        "code": verdict.code,
        "label": verdict.label,
        "table": verdict.table,
        "control_id": answer.control_id,
        "event_time": answer.event_time.isoformat(),
        "sender": answer.sender,
    }


def told(tx: Tx, message_id: int | None) -> bool:
    """Whether a ZAM was already queued for this request."""
    row = tx.execute("SELECT 1 FROM delivery WHERE message_id = ? AND kind = ? LIMIT 1", (message_id, ZAM)).fetchone()
    return row is not None
