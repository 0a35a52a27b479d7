"""Who may call what: the functional rights of dmp-interface d.2, [526] for certificates, [606] for AIR.

The server decides, the client only reads the answer. Texts are the simulator's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from connector.simulator.model import SimFault, VerifiedAssertion
from connector.simulator.world import World

DENIED = "DMPAccessDeniedByRightsService"

STRUCTURE_CERTIFICATE = "INDIRECTE"
AIR = "INDIRECTE_RENFORCEE"

G15 = "1.2.250.1.71.1.2.7"
"""TRE_G15, health professions; anyone else acts for the structure in AIR (column PE of [606])."""

# (mode, purpose) -> transactions allowed. ITI-18 is split by returnType: a list of metadata or a bare reference.
_ALLOWED: dict[tuple[str, str], frozenset[str]] = {
    (STRUCTURE_CERTIFICATE, "normal"): frozenset({"TD0.2", "TD2.1", "TD3.1b"}),
    (STRUCTURE_CERTIFICATE, "centre_15"): frozenset({"TD0.2", "TD2.1", "TD3.1b"}),
    (AIR, "normal"): frozenset({"TD0.2", "TD0.3", "TD3.1", "TD3.1b", "TD3.2"}),
    (AIR, "centre_15"): frozenset({"TD0.2", "TD3.1", "TD3.1b", "TD3.2"}),
    (AIR, "bris_de_glace"): frozenset({"TD0.2", "TD3.1", "TD3.1b", "TD3.2"}),
}
# An establishment's staff in AIR finds references but reads no document ([606] column PE).
_STAFF = frozenset({"TD0.2", "TD0.3", "TD3.1b"})
_NEEDS_AUTHORIZATION = frozenset({"TD3.1", "TD3.2"})


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


def holder(assertion: VerifiedAssertion) -> str:
    """Who owns the authorisation: the professional, or the structure for its staff and its certificate ([606])."""
    return assertion.name_id if is_professional(assertion) else assertion.structure


def right_of(transaction: str, return_type: str = "") -> str:
    """The right (row of d.2) a transaction asks for; `return_type` is ITI-18's ResponseOption/@returnType."""
    if transaction == "ITI-18":
        return "TD3.1b" if return_type == "ObjectRef" else "TD3.1"
    return {"ITI-41": "TD2.1", "ITI-43": "TD3.2"}.get(transaction, transaction)


def denied(text: str) -> SimFault:
    return SimFault("Sender", DENIED, f"Accès refusé par le service de gestion des droits : {text}")
