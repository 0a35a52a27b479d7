"""The typed MSH, alone in its module: listeners and the simulator need it without the rest of the model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """MSH: what routes and answers a message. `structure` is MSH-9.3, `version` is MSH-12.1.

    Values are unescaped and trimmed. `version_full` is the whole MSH-12 and `addressing` the whole MSH-3, 4, 5, 6,
    their components joined by `^` whatever the delimiters of the message were: acknowledgements mirror them.
    """

    sending_application: str
    sending_facility: str
    receiving_application: str
    receiving_facility: str
    time: str
    type: str
    event: str
    structure: str
    control_id: str
    processing_id: str
    version: str
    version_full: str
    charset: str
    profile: str
    profile_namespace: str = ""
    addressing: tuple[str, str, str, str] | None = None

    def is_ack(self) -> bool:
        """True for an acknowledgement: it is never acknowledged in turn (hl7v2-interface §1.2)."""
        return self.type == "ACK"
