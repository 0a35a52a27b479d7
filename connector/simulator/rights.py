"""Who may call what: the functional rights of dmp-interface d.2, [526] for certificates, [606] for AIR.

The server decides, the client only reads the answer. Texts are the simulator's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from lxml import etree

from connector.base.ns import QUERY, RIM, q
from connector.rules import names
from connector.simulator.model import SimFault, VerifiedAssertion
from connector.simulator.world import World

DENIED = "DMPAccessDeniedByRightsService"

STRUCTURE_CERTIFICATE = "INDIRECTE"
AIR = "INDIRECTE_RENFORCEE"

G15 = "1.2.250.1.71.1.2.7"
"""TRE_G15, health professions; anyone else acts for the structure in AIR (column PE of [606])."""

DOCTOR = "10"

_CHANGES = frozenset({"TD3.3a", "TD3.3b", "TD3.3c", "TD3.3d"})
_CERTIFICATE = frozenset({"TD0.2", "TD2.1", "TD3.1b", "TD3.3c"})
_EMERGENCY = frozenset({"TD0.2", "TD3.1", "TD3.1b", "TD3.2", "TD3.3c"})
# (mode, purpose) -> transactions allowed. ITI-18 is split by returnType: a list of metadata or a bare reference.
_ALLOWED: dict[tuple[str, str], frozenset[str]] = {
    (STRUCTURE_CERTIFICATE, "normal"): _CERTIFICATE,
    (STRUCTURE_CERTIFICATE, "centre_15"): _CERTIFICATE,
    (AIR, "normal"): frozenset({"TD0.2", "TD0.3", "TD3.1", "TD3.1b", "TD3.2"}) | _CHANGES,
    (AIR, "centre_15"): _EMERGENCY,
    (AIR, "bris_de_glace"): _EMERGENCY,
}
# d.2 gives a doctor the archiving in emergency too; the column may be a slip, it is kept as printed.
_DOCTORS_IN_EMERGENCY = frozenset({"TD3.3d"})
# An establishment's staff in AIR finds references and deletes what is its structure's, it reads nothing ([606] PE).
_STAFF = frozenset({"TD0.2", "TD0.3", "TD3.1b", "TD3.3c"})
# EX_3.3-1060 says that deleting needs none; that the other changes need one is read from it.
_NEEDS_AUTHORIZATION = frozenset({"TD3.1", "TD3.2", "TD3.3a", "TD3.3b", "TD3.3d"})


@dataclass(frozen=True, slots=True)
class Rights:
    """Judges one call. `lifetime` of an authorisation is a simulator parameter (d.1, uncertain)."""

    world: World
    lifetime: timedelta

    def check(self, assertion: VerifiedAssertion, right: str) -> None:
        """Raises SimFault DMPAccessDeniedByRightsService unless `assertion` holds `right` (a TD of d.2)."""
        allowed = _ALLOWED.get((assertion.mode, assertion.purpose), frozenset())
        if assertion.mode == AIR and not is_professional(assertion):
            allowed = allowed & _STAFF
        elif assertion.mode == AIR and assertion.purpose != "normal" and is_doctor(assertion):
            allowed = allowed | _DOCTORS_IN_EMERGENCY
        if right not in allowed:
            raise denied(f"la transaction {right} n'est pas ouverte au mode {assertion.mode} ({assertion.purpose})")
        patient = self.world.patient(assertion.resource_ins)
        if patient is None:
            return
        if assertion.purpose == "bris_de_glace" and patient.opposed_bris_de_glace:
            raise denied("le patient s'oppose au mode bris de glace")
        if assertion.purpose == "centre_15" and patient.opposed_centre_15:
            raise denied("le patient s'oppose à l'accès de la régulation médicale")
        if right in _NEEDS_AUTHORIZATION:
            self._check_authorization(assertion)

    def _check_authorization(self, assertion: VerifiedAssertion) -> None:
        status = self.status(assertion)
        # Emergency modes need no authorisation, but a blocked professional never gets in (PDSM NB1).
        if status == "INTERDIT":
            raise denied("le patient a bloqué cet accès")
        if assertion.purpose == "normal" and status != "VALIDE":
            raise denied(f"autorisation de consultation absente ou expirée ({status})")

    def status(self, assertion: VerifiedAssertion) -> str:
        """Authorisation status of the caller on the record named by resource-id."""
        return self.world.authorization_status(assertion.resource_ins, holder(assertion), self.lifetime)


def is_professional(assertion: VerifiedAssertion) -> bool:
    return any(role.system == G15 for role in assertion.roles)


def is_doctor(assertion: VerifiedAssertion) -> bool:
    return any(role.system == G15 and role.code == DOCTOR for role in assertion.roles)


def holder(assertion: VerifiedAssertion) -> str:
    """Who owns the authorisation: the professional, or the structure for its staff and its certificate ([606])."""
    return assertion.name_id if is_professional(assertion) else assertion.structure


def rights_of(transaction: str, body: etree._Element) -> tuple[str, ...]:
    """The rights (rows of d.2) a request asks for, unverified: what it really changes is judged with the registry."""
    if transaction == "ITI-18":
        option = body.find(q(QUERY, "ResponseOption"))
        return ("TD3.1b" if option is not None and option.get("returnType") == "ObjectRef" else "TD3.1",)
    if transaction == "ITI-57":
        return tuple(dict.fromkeys(_changes(body))) or ("TD3.3a",)
    return ({"ITI-41": "TD2.1", "ITI-43": "TD3.2"}.get(transaction, transaction),)


def _changes(body: etree._Element) -> Iterator[str]:
    for link in body.iter(q(RIM, "Association")):
        if link.get("associationType") == names.UPDATE_STATUS:
            slots = link.iterfind(f"{q(RIM, 'Slot')}[@name='NewStatus']/{q(RIM, 'ValueList')}/{q(RIM, 'Value')}")
            yield from (status_right((value.text or "").strip()) for value in slots)


def status_right(new_status: str) -> str:
    """TD3.3c deletes; TD3.3d archives, and brings back from the archives."""
    return "TD3.3c" if new_status == names.DELETED else "TD3.3d"


def denied(text: str) -> SimFault:
    return SimFault("Sender", DENIED, f"Accès refusé par le service de gestion des droits : {text}")
