"""Allergies, problems, acts, what is to come, devices (cda-lettre-de-liaison §2.1 and §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from connector.letter.model.base import Broken, Short
from connector.letter.model.codes import (
    SNOMED,
    AllergyStatus,
    AllergyType,
    Ccam,
    Cladimed,
    Code,
    Emdn,
    EncounterPriority,
    EncounterType,
    Icd10,
    Lpp,
    Priority,
    ProblemType,
    Severity,
)
from connector.letter.model.identifiers import DeviceIdentifier
from connector.letter.model.text import Flag, Line, Prose
from connector.letter.model.times import PartialDate, reversed_period

ConcernStatus = Literal["active", "suspended", "aborted", "completed"]
ActStatus = Literal["completed", "active", "aborted", "cancelled"]

ENDED = frozenset({"aborted", "completed"})
"""Concern statuses that go with an end, and only they."""


class Agent(Short):
    """L'agent responsable d'une allergie."""

    SHORT = "name"

    name: Line
    """Nom de l'agent : pénicilline, arachide…"""
    code: Code | None = None
    """Code de l'agent, avec son système (CIS, SNOMED CT…)."""

    def broken(self) -> Iterator[Broken]:
        yield from _incomplete(self.code)


class Reaction(Short):
    """La réaction observée."""

    text: Line
    """Réaction en clair : urticaire…"""
    code: Code | None = None
    """Code de la réaction, avec son système."""
    start: PartialDate | None = None
    """Date de la réaction."""
    absent: Flag = False
    """Oui si le document dit que cette réaction n'a pas eu lieu."""

    def broken(self) -> Iterator[Broken]:
        yield from _incomplete(self.code)


class _Concern(Short):
    """What lasts: a problem or an allergy, followed from a date to another."""

    start: PartialDate | None = None
    """Date de début."""
    end: PartialDate | None = None
    """Date de fin."""
    concern: ConcernStatus | None = None
    """Suivi : active, suspended, aborted ou completed ; completed si une fin est donnée, sinon active."""
    comment: Prose | None = None
    """Commentaire."""

    @property
    def status(self) -> ConcernStatus:
        """The status of the concern, told or deduced."""
        return self.concern or ("completed" if self.end else "active")

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.start, self.end):
            yield broken
        if self.end is not None and self.status not in ENDED:
            yield Broken("concern", "une date de fin est donnée pour ce qui dure", "completed ou aborted", self.status)


def _default_allergy() -> Code:
    return Code(code="609328004", system=SNOMED, display="allergie")


def _default_problem() -> Code:
    return Code(code="55607006", system=SNOMED, display="problème")


class Allergy(_Concern):
    """Une allergie ou une hypersensibilité ; le texte ou l'agent suffit."""

    text: Prose | None = None
    """L'allergie en clair ; obligatoire quand l'agent est absent."""
    type: AllergyType = Field(default_factory=_default_allergy)
    """Type : 416098002 médicamenteuse, 414285001 alimentaire, 609328004 allergie (par défaut)…"""
    agent: Agent | None = None
    """Agent responsable."""
    reactions: tuple[Reaction, ...] = ()
    """Réactions observées."""
    severity: Severity | None = None
    """Gravité : 255604002 léger, 6736007 modéré, 24484000 grave, 442452003 mortelle…"""
    clinical_status: AllergyStatus | None = None
    """Statut clinique : active, inactive ou resolved."""

    @property
    def label(self) -> str:
        """What a reader sees as the allergy."""
        return self.text or (self.agent.name if self.agent else "")

    def broken(self) -> Iterator[Broken]:
        yield from super().broken()
        if not self.label:
            yield Broken("text", "l'allergie n'est pas désignée", "text, ou agent", "absent")


class Problem(_Concern):
    """Un problème de santé ou un antécédent médical ; le texte ou un code avec son libellé suffit."""

    text: Prose | None = None
    """Le problème en clair."""
    code: Icd10 | None = None
    """Code CIM-10."""
    absent: Flag = False
    """Oui si le document dit que le patient n'a pas ce problème."""
    type: ProblemType = Field(default_factory=_default_problem)
    """Nature : 55607006 problème (par défaut), 64572001 maladie, 282291009 interprétation diagnostique…"""

    @property
    def label(self) -> str:
        """What a reader sees as the problem."""
        return self.text or (self.code.display if self.code else None) or ""

    def broken(self) -> Iterator[Broken]:
        yield from super().broken()
        if not self.label:
            yield Broken("text", "le problème n'est pas désigné", "text, ou code.display", "absent")


class Procedure(Short):
    """Un acte, fait ou à faire ; le texte ou un code avec son libellé suffit."""

    text: Prose | None = None
    """L'acte en clair."""
    code: Ccam | None = None
    """Code CCAM."""
    status: ActStatus | None = None
    """completed, active, aborted ou cancelled ; par défaut completed s'il est passé, active s'il est à venir."""
    start: PartialDate | None = None
    """Date, ou début."""
    end: PartialDate | None = None
    """Fin."""
    priority: Priority | None = None
    """Priorité : UR urgent, R aux heures ouvrées…"""

    @property
    def label(self) -> str:
        """What a reader sees as the act."""
        return self.text or (self.code.display if self.code else None) or ""

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.start, self.end):
            yield broken
        if not self.label:
            yield Broken("text", "l'acte n'est pas désigné", "text, ou code.display", "absent")


class Request(Short):
    """Une demande d'examen ou de suivi."""

    text: Prose
    """La demande en clair."""
    status: ActStatus = "active"
    """active (par défaut), completed, aborted ou cancelled."""
    date: PartialDate | None = None
    """Date prévue."""


class PlannedEncounter(Short):
    """Une consultation ou un rendez-vous."""

    text: Prose
    """Avec qui, où, pourquoi."""
    type: EncounterType = Field(
        default_factory=lambda: Code(
            code="AMB", system="2.16.840.1.113883.5.4", display="Ambulatoire (hors établissement)"
        )
    )
    """Type (liste J142) ; AMB par défaut."""
    stage: Literal["to_request", "booked", "done"] = "to_request"
    """to_request rendez-vous à prendre (par défaut), booked rendez-vous pris, done déjà faite."""
    date: PartialDate | None = None
    """Date."""
    priority: EncounterPriority | None = None
    """Priorité : UR urgent, CS à recontacter (avec système et libellé)…"""


class PlanOfCare(Short):
    """Les suites à donner."""

    text: Prose | None = None
    """En clair."""
    procedures: tuple[Procedure, ...] = ()
    """Actes à réaliser."""
    requests: tuple[Request, ...] = ()
    """Examens et suivis demandés."""
    encounters: tuple[PlannedEncounter, ...] = ()
    """Consultations et rendez-vous."""

    def broken(self) -> Iterator[Broken]:
        if not (self.text or self.procedures or self.requests or self.encounters):
            yield Broken("text", "les suites à donner sont vides", "text, procedures, requests ou encounters", "vide")


class Device(Short):
    """Un dispositif médical ; le texte ou un code avec son libellé suffit."""

    text: Prose | None = None
    """Le dispositif en clair."""
    emdn: Emdn | None = None
    """Catégorie EMDN."""
    cladimed: Cladimed | None = None
    """Code CLADIMED."""
    lpp: Lpp | None = None
    """Code LPP (7 chiffres)."""
    udi: Line | None = None
    """UDI (identifiant et production), ou référence du catalogue."""
    udi_domain: DeviceIdentifier | None = None
    """Domaine de l'UDI (root), quand il est connu."""
    supply_id: DeviceIdentifier | None = None
    """Identifiant de la fourniture dans l'établissement."""
    start: PartialDate | None = None
    """Date de pose ou d'utilisation."""
    end: PartialDate | None = None
    """Date de retrait ou de fin."""
    planned: Flag = False
    """Oui si le dispositif est à poser ou à fournir."""

    @property
    def label(self) -> str:
        """What a reader sees as the device."""
        codes = (self.emdn, self.cladimed, self.lpp)
        return self.text or next((code.display for code in codes if code and code.display), None) or ""

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.start, self.end):
            yield broken
        if not self.label:
            yield Broken("text", "le dispositif n'est pas désigné", "text, ou le libellé d'un code", "absent")
        if self.udi_domain is not None and self.udi_domain.extension is not None:
            yield Broken("udi_domain.extension", "le domaine n'a pas de numéro", "un domaine seul", "présent")


def _incomplete(code: Code | None) -> Iterator[Broken]:
    if code is not None and not code.system:
        yield Broken("code.system", "le système du code manque", "un OID", "absent")
