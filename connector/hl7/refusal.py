"""What we say when we refuse: the few shapes of ERR our readers produce (hl7v2-interface §1.4, §5).

`text` goes to ERR-3.2 and `app_text` to ERR-5.2; both are read by hospital staff, hence French, and never
quote an identity. Locations are ERL: segment^occurrence^field^repetition^component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector.base.errors import ConnectorError
from connector.base.finding import Finding
from connector.hl7.ack import AckError

SEGMENT_MISSING = "100"
FIELD_MISSING = "101"
DATA_TYPE = "102"
TABLE_VALUE = "103"
CARDINALITY = "198"
MESSAGE_TYPE = "200"
EVENT_CODE = "201"
PROCESSING_ID = "202"
VERSION_ID = "203"
APPLICATION = "207"

INS_ABSENT = "903"
TRAITS_INCOMPLETE = "905"
OTHER = "906"


@dataclass(frozen=True, slots=True)
class AckRefusal:
    """A negative answer: AE must not be resent uncorrected, AR may be once the cause is gone (§1.3)."""

    code: Literal["AE", "AR"]
    errors: tuple[AckError, ...]


class VoletRefusal(ConnectorError):
    """A document message refused before its acknowledgement: `ack_code` and `errors` are what the ACK must say.

    `findings` holds what else the reader saw; it never holds an identity.
    """

    def __init__(
        self, ack_code: Literal["AE", "AR"], errors: Sequence[AckError], findings: Sequence[Finding] = ()
    ) -> None:
        first = errors[0]
        super().__init__(f"refused {ack_code} {first.code} at {first.location or 'message'}", location=first.location)
        self.ack_code: Literal["AE", "AR"] = ack_code
        self.errors = tuple(errors)
        self.findings = tuple(findings)


def missing_segment(name: str) -> AckError:
    """ERR-3 100; the location names the segment that should have been there."""
    return AckError(f"{name}^1", SEGMENT_MISSING, f"segment {name} absent")


def missing_field(location: str, what: str) -> AckError:
    """ERR-3 101; `what` is the French name of the field."""
    return AckError(location, FIELD_MISSING, f"champ obligatoire absent : {what}")


def application_error(location: str, app_code: str, app_text: str) -> AckError:
    """ERR-3 207, detailed by ERR-5 (table 0533 of the volet)."""
    return AckError(location, APPLICATION, app_code=app_code, app_text=app_text)
