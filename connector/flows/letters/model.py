"""A letter as it is handed in, and what became of the handing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from connector.hl7.model import Action
from connector.letter.errors import Fault

Hidden = Literal["MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX", "CONNEXION_SECRETE"]
HIDDEN: Final[tuple[Hidden, ...]] = ("MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX", "CONNEXION_SECRETE")
"""Switches of the volet a letter may ask for (hl7v2-interface §3.6)."""


@dataclass(frozen=True, slots=True, repr=False)
class Source:
    """A letter: plain data (`data`), or a CDA already made (`cda`).

    key     what names this letter for ever where it comes from: the same key is the same document; "" takes its content
    caller  whose keys these are: two callers may number their letters alike; "" for the hospital's own entries
    stay    the stay as admissions call it, `number` or `number@authority`; "" is found by what the letter says
    hidden  from whom the document is hidden
    """

    data: Mapping[str, Any] | None = None
    cda: bytes = b""
    key: str = ""
    stay: str = ""
    hidden: frozenset[Hidden] = frozenset()
    caller: str = ""

    @property
    def digest(self) -> str:
        """Hex SHA-256 of what was handed in."""
        if self.data is None:
            return hashlib.sha256(self.cda).hexdigest()
        text = json.dumps(self.data, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """Hex SHA-256 of the key, else of the content: a file's name may be a person's, and is not kept."""
        key = f"{self.caller}:{self.key}" if self.caller else self.key
        named = f"key:{key}" if self.key else f"content:{self.digest}"
        return hashlib.sha256(named.encode()).hexdigest()

    def without_caller(self) -> Source:
        """The same letter under its bare key, as keys were kept before they carried their caller's name."""
        return replace(self, caller="")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for the deletion of a document, through which entry, and why ("" when nobody said).

    operator  the operating-system user, or the name of the calling application
    entry     as the journal names where messages come from: letters:command, letters:dpi
    """

    operator: str
    entry: str
    reason: str = ""


Verdict = Literal["accepted", "known", "refused", "unavailable"]
"""'known': handed in before, nothing new was stored; 'unavailable': nothing was stored, to be handed in again."""


@dataclass(frozen=True, slots=True)
class LetterReceipt:
    """What became of a letter at the door; how it ends in the DMP is asked by its `unique_id`.

    message_id  of the journal, 0 when there is none
    findings    every reason of a refusal, French, without identity
    conflict    the past of the document forbids it: the same request will never be taken
    """

    verdict: Verdict
    unique_id: str = ""
    action: Action = "create"
    message_id: int = 0
    findings: tuple[Fault, ...] = ()
    conflict: bool = False

    @property
    def accepted(self) -> bool:
        return self.verdict in ("accepted", "known")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "verdict": self.verdict,
            "unique_id": self.unique_id,
            "action": self.action,
            "message_id": self.message_id,
            "findings": [finding.as_dict() for finding in self.findings],
        }
