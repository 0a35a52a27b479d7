"""The identity step: is the INS of the message the one the identity server knows for this IPP?

PIX answers carry no traits, so only identifiers are compared (hl7v2-interface §2.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from connector.base.errors import ServerRefusal, SettingsError, TransportError
from connector.flows.french import in_french
from connector.hl7.model import Identifier
from connector.ins.model import MatriculeIns
from connector.pix.compare import Match, compare_ins
from connector.pix.model import Case, Domain, PixAnswer

Outcome = Literal["confirmed", "differs", "absent", "skipped"]


class PixClient(Protocol):
    """ITI-9 or ITI-45, whichever the site has."""

    def query(self, value: str, domain: Domain, wanted: Sequence[Domain]) -> PixAnswer: ...


@dataclass(frozen=True, slots=True)
class CrossReference:
    """What the identity server's answer means for this patient; `text` is French, without identity.

    `transient` is True when the server could not be reached or refused for a reason that may pass.
    `unreachable` is True when it did not answer, False when it did, None when it was not asked.
    """

    outcome: Outcome
    text: str
    transient: bool = False
    unreachable: bool | None = False


_CASES = {
    Case.NO_CROSS_REFERENCE: "patient connu du serveur d'identités, sans INS rapproché",
    Case.UNKNOWN_ID: "IPP inconnu du serveur d'identités",
    Case.UNKNOWN_QUERY_DOMAIN: "domaine de l'IPP inconnu du serveur d'identités",
    Case.UNKNOWN_WANTED_DOMAIN: "domaine INS inconnu du serveur d'identités",
}


def cross_reference(
    pix: PixClient | None, ipp: Identifier | None, ins: MatriculeIns | None, wanted: Sequence[Domain]
) -> CrossReference:
    """Asks the server for the identifiers of `ipp` and compares its INS with `ins`. Never raises for a server's no."""
    if pix is None:
        return CrossReference("skipped", "pas de serveur d'identités configuré", unreachable=None)
    if ipp is None:
        return CrossReference("absent", "aucun IPP pour interroger le serveur d'identités", unreachable=None)
    local = Domain(ipp.authority.namespace, ipp.authority.oid, ipp.authority.type)
    try:
        answer = pix.query(ipp.value, local, wanted)
    except TransportError as error:
        text = f"serveur d'identités injoignable : {in_french(error)}"
        return CrossReference("absent", text, transient=True, unreachable=True)
    except SettingsError as error:
        text = f"domaine de l'IPP sans OID configuré ({error.context.get('name', 'pix')})"
        return CrossReference("absent", text, unreachable=None)
    except ServerRefusal as error:
        return CrossReference("absent", f"le serveur d'identités a refusé la question ({error.code})", transient=True)
    if answer.case is not Case.FOUND and answer.case is not Case.SEVERAL:
        return CrossReference("absent", _CASES[answer.case])
    if ins is None:
        return CrossReference("absent", "le message n'a pas d'INS à comparer")
    match compare_ins(answer, ins):
        case Match.EQUAL:
            return CrossReference("confirmed", "INS confirmé par le serveur d'identités")
        case Match.DIFFERS:
            return CrossReference("differs", "l'INS du message et celui du serveur d'identités diffèrent")
        case Match.ABSENT:
            return CrossReference("absent", "le serveur d'identités n'a pas d'INS pour cet IPP")
