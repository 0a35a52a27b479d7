"""The patient: INS, traits, IPP, contacts (cda-lettre-de-liaison §1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from connector.letter.model.base import COMPLETED, Broken, Plain, Short
from connector.letter.model.contact import Address, Telecom
from connector.letter.model.identifiers import Identifier, Ins, Insee
from connector.letter.model.people import Guardian
from connector.letter.model.text import Line
from connector.letter.model.times import Day, When, is_before

_NAMES: Final[dict[str, Any]] = {**COMPLETED, "type": ["array", "string"]}
"""The list of given names may also be one text (Patient._one_name_each)."""


class BirthPlace(Short):
    """Le lieu de naissance."""

    SHORT = "insee"

    insee: Insee
    """Code INSEE (COG) de la commune ou du pays, 5 caractères."""
    label: Line | None = None
    """Nom de la commune ou du pays."""


class Patient(Plain):
    """Le patient, tel que l'identité qualifiée le décrit."""

    ins: Annotated[Ins, Field(json_schema_extra=COMPLETED)]
    """Matricule INS (15 caractères) et son OID."""
    ipp: Identifier | None = None
    """IPP : OID de l'établissement et numéro."""
    birth_family: Annotated[Line, Field(json_schema_extra=COMPLETED)]
    """Nom de naissance."""
    birth_given_names: Annotated[tuple[Line, ...], Field(min_length=1, json_schema_extra=_NAMES)]
    """Prénoms de naissance, dans l'ordre ; un texte séparé par des espaces est accepté."""
    first_birth_given: Annotated[Line, Field(json_schema_extra=COMPLETED)]
    """Premier prénom de naissance ; le premier de la liste si absent."""
    used_family: Line | None = None
    """Nom utilisé."""
    used_given: Line | None = None
    """Prénom utilisé."""
    sex: Annotated[Literal["F", "M", "UN"], Field(json_schema_extra=COMPLETED)]
    """F féminin, M masculin, UN inconnu (liste J143)."""
    birth_date: Annotated[Day, Field(json_schema_extra=COMPLETED)]
    """Date de naissance, AAAA-MM-JJ."""
    birth_place: Annotated[BirthPlace, Field(json_schema_extra=COMPLETED)]
    """Lieu de naissance : code INSEE et libellé."""
    death: When | None = None
    """Date (et heure) de décès."""
    addresses: tuple[Address, ...] = ()
    """Adresses."""
    telecoms: tuple[Telecom, ...] = ()
    """Téléphones, messageries (Mon espace santé : INS@patient.mssante.fr)."""
    guardians: tuple[Guardian, ...] = ()
    """Représentants légaux."""

    @model_validator(mode="before")
    @classmethod
    def _first_given(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("first_birth_given"):
            return value
        names = value.get("birth_given_names")
        words = names.split() if isinstance(names, str) else names
        if isinstance(words, list | tuple) and words and isinstance(words[0], str) and words[0].split():
            return {**value, "first_birth_given": words[0].split()[0]}
        return value

    @field_validator("birth_given_names", mode="before")
    @classmethod
    def _one_name_each(cls, value: Any) -> Any:
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            # CDA writes the list as one text (§1.1): a blank always separates two names.
            return [word for item in value for word in item.split()]
        return value

    def broken(self) -> Iterator[Broken]:
        joined = " ".join(self.birth_given_names)
        if joined != self.first_birth_given and not joined.startswith(f"{self.first_birth_given} "):
            yield Broken(
                "first_birth_given",
                "le premier prénom de naissance n'ouvre pas la liste des prénoms",
                "le début de birth_given_names",
                "autre prénom",
            )
        if self.ipp is not None and self.ipp.extension is None:
            yield Broken("ipp.extension", "le numéro du patient manque", "OID^numéro", "absent")
        if self.death and is_before(self.death, self.birth_date):
            yield Broken("death", "le décès précède la naissance", "une date postérieure à la naissance", "avant")
