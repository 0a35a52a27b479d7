"""Professionals, structures, devices, relatives (cda-lettre-de-liaison §1.2 to §1.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag

from connector.letter.model.base import COMPLETED, Broken, Plain
from connector.letter.model.codes import (
    EncounterParticipationType,
    FunctionCode,
    ParticipationType,
    PracticeSetting,
    Relation,
    Specialty,
)
from connector.letter.model.contact import Address, Telecom
from connector.letter.model.identifiers import Finess, OtherId, Rpps
from connector.letter.model.text import Line
from connector.letter.model.times import Moment, When, reversed_period

Prefix = Literal["M", "MME"]
Suffix = Literal["DR", "MC", "MG", "PC", "PG", "PR"]

INFORMANT_CLASSES: Final = {
    "emergency_contact": "ECON",
    "trusted_person": "NOK",
    "contact": "CON",
    "caregiver": "CAREGIVER",
    "patient": "PAT",
}
"""classCode of relatedEntity for each role of an informant (cda-lettre-de-liaison §1.5)."""


class Organization(Plain):
    """Une structure de soins."""

    finess: Finess | None = None
    """Numéro FINESS (9 caractères)."""
    other_id: OtherId | None = None
    """Autre identifiant national, préfixe compris (2 SIREN, 3 SIRET, 4 RPPS et rang), à défaut de FINESS."""
    name: Line | None = None
    """Nom de la structure ou du service."""
    practice_setting: PracticeSetting | None = None
    """Cadre d'exercice (liste J04)."""
    addresses: tuple[Address, ...] = ()
    """Adresses."""
    telecoms: tuple[Telecom, ...] = ()
    """Coordonnées."""

    @property
    def id(self) -> str:
        """Struct_IdNat: `1<FINESS>`, else the other identifier, "" when there is none."""
        return f"1{self.finess}" if self.finess else self.other_id or ""

    def broken(self) -> Iterator[Broken]:
        if self.finess and self.other_id:
            yield Broken("other_id", "la structure a deux identifiants", "finess, ou other_id", "les deux")
        if not (self.id or self.name):
            yield Broken("", "la structure n'est pas désignée", "finess, other_id ou name", "vide")


class _Participant(Plain):
    """Someone or something that takes part, by its national identifier."""

    rpps: Rpps | None = None
    """Numéro RPPS (11 chiffres)."""
    other_id: OtherId | None = None
    """Autre identifiant national, préfixe compris (3 FINESS/interne, 0 ADELI…), à défaut de RPPS."""
    specialty: Specialty | None = None
    """Profession et spécialité (liste J01), par exemple G15_10/SM26."""
    organization: Organization | None = None
    """Structure pour laquelle la personne agit."""
    addresses: tuple[Address, ...] = ()
    """Adresses."""
    telecoms: tuple[Telecom, ...] = ()
    """Coordonnées."""

    @property
    def id(self) -> str:
        """PS_IdNat: `8<RPPS>`, else the other identifier, "" when there is none."""
        return f"8{self.rpps}" if self.rpps else self.other_id or ""

    def broken(self) -> Iterator[Broken]:
        if self.rpps and self.other_id:
            yield Broken("other_id", "la personne a deux identifiants", "rpps, ou other_id", "les deux")


class UnidentifiedProfessional(_Participant):
    """Un professionnel dont le numéro n'est pas toujours connu."""

    family: Line
    """Nom d'exercice."""
    given: Line | None = None
    """Prénom d'exercice."""
    prefix: Prefix | None = None
    """Civilité : M ou MME."""
    suffix: Suffix | None = None
    """Titre : DR, PR…"""


class Professional(UnidentifiedProfessional):
    """Un professionnel, avec son numéro."""

    def broken(self) -> Iterator[Broken]:
        yield from super().broken()
        yield from _unidentified(self.id)


class Signatory(Professional):
    """Un professionnel et l'heure de son acte."""

    time: Annotated[Moment, Field(json_schema_extra=COMPLETED)]
    """Date et heure, avec fuseau ; celles du document si absentes."""


class Author(Signatory):
    """Un auteur."""

    function: FunctionCode | None = None
    """Rôle fonctionnel (liste J47)."""


class DeviceAuthor(_Participant):
    """Un logiciel ou un appareil auteur."""

    time: Annotated[Moment, Field(json_schema_extra=COMPLETED)]
    """Date et heure, avec fuseau ; celles du document si absentes."""
    model: Line
    """Modèle."""
    software: Line
    """Logiciel et version."""
    function: FunctionCode | None = None
    """Rôle fonctionnel (liste J47)."""

    def broken(self) -> Iterator[Broken]:
        yield from super().broken()
        yield from _unidentified(self.id)


def _kind_of_author(value: Any) -> str:
    if isinstance(value, dict):
        return "@device" if "software" in value or "model" in value else "@person"
    return "@device" if isinstance(value, DeviceAuthor) else "@person"


AnyAuthor = Annotated[
    Annotated[Author, Tag("@person")] | Annotated[DeviceAuthor, Tag("@device")], Discriminator(_kind_of_author)
]
"""A person, or a device when `model` or `software` is given."""


class Participation(Plain):
    """Un professionnel lié au document : médecin adresseur, prescripteur, consultant…"""

    type: ParticipationType
    """Nature du lien (liste J144) : REFB adresseur, REF prescripteur, INF informé…"""
    function: FunctionCode | None = None
    """Rôle fonctionnel (liste J47) : CORRE correspondant…"""
    role: Literal["PROV", "AGNT"] = "PROV"
    """PROV professionnel de santé, AGNT autre intervenant."""
    start: When | None = None
    """Début de la participation."""
    end: When | None = None
    """Fin de la participation."""
    person: UnidentifiedProfessional | None = None
    """La personne."""
    organization: Organization | None = None
    """La structure, quand ce n'est pas une personne."""

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.start, self.end):
            yield broken
        if (self.person is None) == (self.organization is None):
            yield Broken("person", "le participant est mal désigné", "person, ou organization", "aucun ou les deux")


class EncounterParticipation(Plain):
    """Un professionnel de la prise en charge."""

    type: EncounterParticipationType
    """Rôle (liste J140) : ADM admission, ATND soins, DIS sortie…"""
    start: When | None = None
    """Début."""
    end: When | None = None
    """Fin."""
    person: Professional
    """La personne."""

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.start, self.end):
            yield broken
        if self.type.code == "RESP":
            # The list J140 has it, the schema of the CDA has not: responsibleParty says it.
            yield Broken("type", "le responsable se donne à part", "stay.responsible", "RESP")


class _Relative(Plain):
    family: Line
    """Nom."""
    given: Line | None = None
    """Prénom."""
    prefix: Prefix | None = None
    """Civilité : M ou MME."""
    addresses: tuple[Address, ...] = ()
    """Adresses."""
    telecoms: tuple[Telecom, ...] = ()
    """Coordonnées."""


class Informant(_Relative):
    """Un proche : personne à prévenir, personne de confiance, aidant…"""

    role: Literal["emergency_contact", "trusted_person", "contact", "caregiver", "patient"]
    """emergency_contact à prévenir, trusted_person personne de confiance, caregiver aidant, contact, patient."""
    relation: Relation | None = None
    """Lien avec le patient (liste J11) : SIS sœur, HUSB époux…"""


class Guardian(_Relative):
    """Le représentant légal du patient."""


def _unidentified(identifier: str) -> Iterator[Broken]:
    if not identifier:
        yield Broken("rpps", "le numéro RPPS manque", "rpps (11 chiffres), ou other_id", "absent")
