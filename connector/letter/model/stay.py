"""The stay and the act the letter documents (cda-lettre-de-liaison §1.7, §1.8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from connector.letter.model.base import COMPLETED, Broken, Plain
from connector.letter.model.codes import Code, EncounterType, FacilityType, PracticeSetting
from connector.letter.model.contact import Address
from connector.letter.model.identifiers import Identifier
from connector.letter.model.people import EncounterParticipation, Professional
from connector.letter.model.text import Line
from connector.letter.model.times import When, reversed_period

ACT_CODE = "2.16.840.1.113883.5.4"


class Stay(Plain):
    """Le séjour."""

    admission: Annotated[When, Field(json_schema_extra=COMPLETED)]
    """Entrée : date, ou date et heure avec fuseau."""
    discharge: Annotated[When | None, Field(json_schema_extra=COMPLETED)] = None
    """Sortie (ou décès) : date, ou date et heure avec fuseau."""
    visit_number: Identifier | None = None
    """Numéro de venue ou de séjour : OID de l'établissement et numéro."""
    unit: Line | None = None
    """Service ou unité."""
    facility_type: Annotated[FacilityType, Field(json_schema_extra=COMPLETED)]
    """Secteur d'activité de l'établissement (liste J02), par exemple SA01."""
    practice_setting: Annotated[PracticeSetting, Field(json_schema_extra=COMPLETED)]
    """Cadre d'exercice (liste J04), par exemple ETABLISSEMENT."""
    encounter_type: EncounterType = Field(
        default_factory=lambda: Code(
            code="IMP", system=ACT_CODE, display="Hospitalisation (établissement, y compris HAD)"
        )
    )
    """Type de prise en charge (liste J142) ; IMP, hospitalisation, par défaut."""
    discharge_disposition: Code | None = None
    """Mode de sortie du PMSI, avec son système et son libellé."""
    responsible: Professional | None = None
    """Médecin responsable de la prise en charge."""
    participants: tuple[EncounterParticipation, ...] = ()
    """Professionnels de la prise en charge."""
    place: Line | None = None
    """Nom du lieu (site, pavillon)."""
    place_address: Address | None = None
    """Adresse du lieu."""

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.admission, self.discharge, "discharge"):
            yield broken
        disposition = self.discharge_disposition
        if disposition is not None and not (disposition.system and disposition.display):
            yield Broken("discharge_disposition", "le code est incomplet", "code, system et display", "code seul")


class DocumentedAct(Plain):
    """L'acte principal que le document rapporte, quand ce n'est pas l'hospitalisation elle-même."""

    id: Identifier | None = None
    """Identifiant de l'acte."""
    code: Code | None = None
    """Code de l'acte (CCAM, LOINC…), avec son système."""
    start: When
    """Début."""
    end: When | None = None
    """Fin."""
    performer: Professional
    """Exécutant ; le cadre d'exercice de sa structure (practice_setting) est celui du séjour s'il manque."""
    performed: When | None = None
    """Date de l'exécution, quand elle diffère du début et de la fin."""

    def broken(self) -> Iterator[Broken]:
        if broken := reversed_period(self.start, self.end):
            yield broken
        if self.code is not None and not self.code.system:
            yield Broken("code.system", "le système du code manque", "un OID", "absent")
