"""Notices: what a person must know of a message, without anything waiting for it.

A notice is a delivery born held in a lane of its own: it is on the worklist like what is stuck, but stands before
nothing and sends nothing. Settling it (`connector queue settle`) or releasing it means "taken note of".
"""

from __future__ import annotations

from typing import Final

from connector.journal import Done, Job, Outcome, Tx

NOTICE: Final = "notice"
"""Kind, and lane, of these deliveries."""

MAIL_NOT_SERVED: Final = "mail.not-served"
"""Recipients of the secure mail were asked for and nothing was mailed."""


def raise_notice(
    tx: Tx,
    *,
    message_id: int | None,
    patient_id: int,
    stay: str,
    document_id: str,
    code: str,
    text: str,
) -> int:
    """Puts a notice on the worklist and gives the number of its delivery.

    `code` is stable and in English (`mail.not-served`); `text` is one French sentence for hospital staff, without
    identity nor address. `message_id` None is for a notice no message caused; `stay` and `document_id` may be "".
    """
    return tx.deliver(
        NOTICE,
        patient_id,
        {"code": code},
        message_id=message_id,
        stay=stay,
        document_id=document_id,
        state="held",
        reason=text,
        reason_code=code,
        lane=NOTICE,
    )


class NoticeFlow:
    """Handler of the 'notice' deliveries: it is only called once a person has let one go."""

    def __call__(self, job: Job) -> Outcome:
        return Done("Pris en compte", unreachable=None)
