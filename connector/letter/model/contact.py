"""Addresses and telecoms (cda-lettre-de-liaison §1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from connector.letter.model.base import Broken, Plain, Short, refusal
from connector.letter.model.text import Line

_URI = re.compile(r"(tel|fax|mailto|http|https|ftp|mllp):\S+")
_NUMBER = re.compile(r"\+?[0-9][0-9 .()-]{2,30}")

ADDRESS_PARTS: Final = (
    "house_number",
    "street_type",
    "street",
    "additional_locator",
    "unit",
    "post_box",
    "precinct",
    "county",
    "postal_code",
    "city",
    "state",
    "country",
)
"""Names of the parts of an address, in the order they are written."""


class Address(Plain):
    """Une adresse : en parties nommées, ou en lignes."""

    use: Literal["H", "HP", "HV", "WP", "TMP"] | None = None
    """Usage : H domicile, HP domicile principal, HV résidence secondaire, WP travail, TMP temporaire."""
    house_number: Line | None = None
    """Numéro dans la voie."""
    street_type: Line | None = None
    """Type de voie, s'il est séparé du nom."""
    street: Line | None = None
    """Nom de la voie."""
    additional_locator: Line | None = None
    """Complément de localisation."""
    unit: Line | None = None
    """Escalier, étage, appartement."""
    post_box: Line | None = None
    """Boîte postale."""
    precinct: Line | None = None
    """Lieu-dit."""
    county: Line | None = None
    """Code INSEE de la commune."""
    postal_code: Line | None = None
    """Code postal."""
    city: Line | None = None
    """Commune."""
    state: Line | None = None
    """Région ou état."""
    country: Line | None = None
    """Pays."""
    lines: Annotated[tuple[Line, ...], Field(max_length=7)] = ()
    """Adresse en lignes (7 au plus), au lieu des parties."""

    def broken(self) -> Iterator[Broken]:
        parts = any(getattr(self, name) for name in ADDRESS_PARTS)
        if parts and self.lines:
            yield Broken("lines", "l'adresse est donnée deux fois", "des lignes, ou des parties nommées", "les deux")
        if not parts and not self.lines:
            yield Broken("", "l'adresse est vide", "au moins une ligne ou une partie", "vide")


def _uri(value: str) -> str:
    if _URI.fullmatch(value):
        return value
    if _NUMBER.fullmatch(value):
        return "tel:" + re.sub(r"[ .()-]", "", value)
    if "@" in value and " " not in value:
        return f"mailto:{value}"
    raise refusal("les coordonnées ne sont pas lisibles", "un numéro de téléphone, une adresse électronique ou une URL")


class Telecom(Short):
    """Un téléphone, une télécopie, une adresse électronique ou une URL."""

    SHORT = "value"

    value: Annotated[Line, AfterValidator(_uri)]
    """Numéro (0144534551), adresse (nom@domaine) ou URL complète (tel:, fax:, mailto:, http:…)."""
    use: Literal["H", "HP", "HV", "WP", "DIR", "PUB", "EC", "MC", "PG"] | None = None
    """Usage : H domicile, WP travail, MC mobile, DIR direct, EC urgence…"""
