"""After an unknown outcome: the registry is asked before anything is sent again (design rule 7).

Found is settled; absent is believed only when the server can no longer be working on what was sent; anything that
does not agree goes to a person. What was sent stays in doubt, durably, until one of these is known.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from connector.base.clock import Clock
from connector.base.errors import ConnectorError, ServerRefusal, SoapFault, TransportError
from connector.dmp.client import Stored
from connector.dmp.refusals import explain
from connector.flows.french import in_french
from connector.flows.outcomes import describe, first_error
from connector.ins.model import MatriculeIns
from connector.journal import Hold, Job, Unknown
from connector.trust.vihf import Caller

BUSY_UNTIL: Final = "busy_until"
"""Payload key, ISO time: until then the server may still be working on what was sent; "" when not yet known."""


class Registry(Protocol):
    """TD3.1b: what the registry has of a uniqueId, with hashes where the caller may read them."""

    def find_stored(self, ins: MatriculeIns, caller: Caller, unique_id: str) -> tuple[Stored, ...]: ...


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """The document in doubt: whose it is, who sent it, and its bytes."""

    ins: MatriculeIns
    caller: Caller
    unique_id: str
    content: bytes


Verdict = Literal["present", "absent"] | Hold | Unknown
"""What the registry says: the document is there, it is not, a person must look, or ask again later."""


class Settlement:
    """Asks the registry what became of a document. `grace` is how long a server may work on a lost request.

    The grace counts from the moment the answer was known to be lost, or from the first question after a stop of the
    connector: both are after the last byte left. A clock set forward in between shortens it by less than the limit of
    the clock watch, beyond which nothing is signed, not even the question.
    """

    def __init__(self, registry: Registry, grace: timedelta, clock: Clock) -> None:
        self._registry = registry
        self._grace = grace
        self._clock = clock

    def lost(self, job: Job) -> None:
        """The request left and no answer that settles it came back: the server may still be working on it."""
        job.doubt({BUSY_UNTIL: (self._clock() + self._grace).isoformat()})

    def answered(self, job: Job) -> None:
        """The server said that it failed, in words that do not exclude an effect: asked before any resend."""
        job.doubt({BUSY_UNTIL: self._clock().isoformat()})

    def verdict(self, job: Job, sent: Sent) -> Verdict:
        """Asks once. "absent" is final: the server is not working on the document any more."""
        asked_at = self._clock()
        verdict = self.ask(sent)
        if verdict != "absent":
            return verdict
        known = job.payload.get(BUSY_UNTIL, "")
        busy_until = datetime.fromisoformat(known) if known else asked_at + self._grace
        # A clock set back would make the wait endless.
        busy_until = min(busy_until, asked_at + self._grace)
        if asked_at >= busy_until:
            return "absent"
        if busy_until.isoformat() != known:
            job.doubt({BUSY_UNTIL: busy_until.isoformat()})
        return Unknown("Absent du registre, mais le serveur peut encore y travailler")

    def ask(self, sent: Sent) -> Verdict:
        """What the registry says now; "absent" does not exclude that the server is still working on the document."""
        try:
            found = self._registry.find_stored(sent.ins, sent.caller, sent.unique_id)
        except (ServerRefusal, SoapFault, TransportError) as error:
            return _unanswered(error)
        if len(found) > 1:
            text = f"Le registre connaît ce document {len(found)} fois sous le même identifiant : à vérifier"
            return Hold(text, "unknown.found-twice")
        own = hashlib.sha1(sent.content, usedforsecurity=False).hexdigest()
        if any(stored.hash not in ("", own) for stored in found):
            text = "Le registre a un autre contenu sous l'identifiant de ce document : à vérifier"
            return Hold(text, "unknown.other-content")
        return "present" if found else "absent"


def _unanswered(error: ConnectorError) -> Verdict:
    """A question without answer settles nothing: ask again later, or let a person make it possible."""
    if isinstance(error, TransportError):
        return Unknown(f"vérification impossible pour l'instant ({in_french(error)})", unreachable=True)
    server = first_error(error)
    explanation = explain(server)
    if explanation.klass in ("configuration", "operator"):
        return Hold(f"Vérification refusée : {describe(explanation, server)}", f"unknown.{server.code}")
    return Unknown(f"vérification impossible pour l'instant ({server.code})")
