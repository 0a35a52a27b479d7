"""Kinds of deliveries and reason codes of what waits: the words routing, gates and flows share.

A code is stable and in English: the worklist, the reports and the operator guide cite it.
"""

from __future__ import annotations

from typing import Final

ADMISSION, CONSULTATION, PUBLICATION, ZAM = "admission", "consultation", "publication", "zam"

NOT_QUALIFIED: Final = "identity.not-qualified"
NO_CROSS_REFERENCE: Final = "identity.no-cross-reference"
INS_DIFFERS: Final = "identity.ins-differs"
CONSENT_UNKNOWN: Final = "consent.unknown"
BLOCKED: Final = "patient.blocked"
CANCELLED_STAY: Final = "stay.cancelled"
DMP_CLOSED: Final = "dmp.closed"
DMP_ABSENT: Final = "dmp.absent"
PREDECESSOR_WAITING: Final = "predecessor.waiting"
PREDECESSOR_UNKNOWN: Final = "predecessor.unknown"
DELETION_UNKNOWN: Final = "deletion.unknown"
FEEDING_OFF: Final = "feeding.off"

WAITS: Final = (
    NOT_QUALIFIED,
    NO_CROSS_REFERENCE,
    INS_DIFFERS,
    CONSENT_UNKNOWN,
    BLOCKED,
    CANCELLED_STAY,
    DMP_CLOSED,
    DMP_ABSENT,
    PREDECESSOR_WAITING,
    PREDECESSOR_UNKNOWN,
    FEEDING_OFF,
)
"""Everything a document may wait for before it ever left: an opposition ends each of these waits."""

NOT_SERVED: Final = "action.not-served"
"""Replacements and deletions of the first two releases, which did not serve them."""

CANCELLED_PUBLISHED: Final = "stay.cancelled-published"
MOVED_PUBLISHED: Final = "patient.moved-published"
"""Notices: documents already in the DMP concern a stay that was cancelled, or a patient that was put right."""

OPPOSITION_UNATTACHED: Final = "opposition.unattached"
"""Notice: a patient opposes, and the message does not tell which one."""
