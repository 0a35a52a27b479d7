"""Treatments: what is taken, how, how much, from when to when (cda-lettre-de-liaison §2.1, Traitement)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from connector.letter.model.base import Broken, Plain, Short
from connector.letter.model.codes import AbsentAllergy, AbsentMedication, Atc, Cip, Cis, Route, Ucd
from connector.letter.model.text import Amount, Flag, Line, Prose
from connector.letter.model.times import PartialDate, reversed_period
from connector.letter.model.units import LASTING, TimeUnit, Unit

TimingEvent = (
    Literal["AC", "ACD", "ACM", "ACV", "C", "CD", "CM", "CV", "HS", "IC", "ICD", "ICM", "ICV"]
    | Literal["PC", "PCD", "PCM", "PCV", "WAKE"]
)
"""HL7 TimingEvent: M matin (petit-déjeuner), D midi (dîner), V soir; A before, P after, I between; HS au coucher."""


class Quantity(Plain):
    """Une durée : un nombre et une unité de temps."""

    value: Amount
    """Nombre, positif."""
    unit: TimeUnit
    """Unité de temps UCUM : min, h, d (jour), wk (semaine), mo (mois)…, ou son mot français."""

    def broken(self) -> Iterator[Broken]:
        if not Decimal(self.value):
            yield Broken("value", "la durée est nulle", "un nombre positif", "0")


def _lasting(unit: str | None) -> Iterator[Broken]:
    """Hours may be a dose (oxygen), days never are."""
    if unit in LASTING:
        yield Broken("unit", "une dose ne se compte pas en jours", "par exemple mg, comprimé, goutte, h", unit or "")


class Dose(Plain):
    """Une dose : un nombre, ou de tant à tant. Zéro en est une : 0 le matin, 1 à midi."""

    value: Amount
    """Nombre (le plus petit si la dose varie)."""
    high: Amount | None = None
    """Le plus grand, si la dose varie."""
    unit: Unit | None = None
    """Unité UCUM : {tbl} comprimé, mg, mL… ; absente pour un simple compte."""
    text: Line | None = None
    """Dose en clair, telle qu'elle sera lue : « 1 comprimé »."""

    def broken(self) -> Iterator[Broken]:
        if self.high is not None and Decimal(self.high) < Decimal(self.value):
            yield Broken("high", "la plus grande dose est sous la plus petite", "high ≥ value", "high < value")
        yield from _lasting(self.unit)


class MaximumDose(Plain):
    """Une dose à ne pas dépasser, par unité de temps."""

    value: Amount
    """Nombre, positif."""
    unit: Unit
    """Unité UCUM."""
    per: Quantity
    """Durée, par exemple 1 d (par jour)."""
    text: Line | None = None
    """En clair."""

    def broken(self) -> Iterator[Broken]:
        if not Decimal(self.value):
            yield Broken("value", "la dose maximale est nulle", "un nombre positif", "0")
        yield from _lasting(self.unit)


class Timing(Plain):
    """Un rythme : tous les combien, ou à quel moment de la journée."""

    every: Quantity | None = None
    """Intervalle entre deux prises : 1 d (une fois par jour), 8 h…"""
    event: TimingEvent | None = None
    """Moment de la journée (HL7 TimingEvent) : ACM avant le petit-déjeuner, PCV après le dîner, HS au coucher…"""
    text: Line | None = None
    """En clair : « 1 fois / jour »."""

    def broken(self) -> Iterator[Broken]:
        if self.every is not None and self.event is not None:
            yield Broken("event", "le rythme est donné deux fois", "every, ou event", "les deux")
        if self.every is None and self.event is None and self.text is None:
            yield Broken("", "le rythme est vide", "every, event ou text", "vide")


class Treatment(Short):
    """Un traitement ; le texte seul suffit."""

    text: Prose | None = None
    """Le traitement en clair, tel que prescrit ; seul obligatoire quand name est absent."""
    name: Line | None = None
    """Nom de spécialité ou dénomination."""
    cis: Cis | None = None
    """Code CIS de la spécialité (8 chiffres)."""
    cip: Cip | None = None
    """Code CIP de la présentation (13 chiffres)."""
    ucd: Ucd | None = None
    """Code UCD (7 ou 13 chiffres)."""
    atc: Atc | None = None
    """Classe ATC."""
    start: PartialDate | None = None
    """Début du traitement."""
    end: PartialDate | None = None
    """Fin du traitement."""
    duration: Quantity | None = None
    """Durée, à défaut de fin : 7 d…"""
    timing: Timing | None = None
    """Rythme des prises."""
    route: Route | None = None
    """Voie d'administration (EDQM), par exemple 20053000 voie orale."""
    dose: Dose | None = None
    """Dose à chaque prise."""
    rate: Dose | None = None
    """Rythme d'administration, par exemple 100 mg/d."""
    max_dose: MaximumDose | None = None
    """Dose maximale."""
    dosing_mode: Literal["normal", "tapered", "split", "conditional", "combined"] = "normal"
    """Mode d'administration : normal, doses progressives, fractionnées, conditionnelles ou combinées."""
    dosing: Prose | None = None
    """Posologie en clair ; obligatoire quand le mode n'est pas normal."""
    planned: Flag = False
    """Oui si le traitement est à venir, non s'il est pris ou l'a été."""
    comment: Prose | None = None
    """Commentaire, motif d'arrêt ou de modification."""

    @property
    def label(self) -> str:
        """What a reader sees as the medicine."""
        return self.name or self.text or ""

    def broken(self) -> Iterator[Broken]:
        if not self.label:
            yield Broken("text", "le traitement n'est pas désigné", "text, ou name", "absent")
        if broken := reversed_period(self.start, self.end):
            yield broken
        if self.end is not None and self.duration is not None:
            yield Broken("duration", "la durée est donnée deux fois", "end, ou duration", "les deux")
        if self.dosing_mode != "normal" and self.dosing is None:
            yield Broken("dosing", "la posologie en clair manque", "un texte, pour ce mode d'administration", "absent")


class Absence(Short):
    """Ce qui se dit quand il n'y a rien à lister, ou qu'on ne sait pas."""

    SHORT = "code"

    text: Prose | None = None
    """La même chose en clair ; le libellé du code par défaut."""


class NoTreatment(Absence):
    """Pas de traitement, ou pas d'information."""

    code: AbsentMedication
    """no-known-medications (pas de traitement connu) ou no-medication-info (pas d'information)."""


class NoAllergy(Absence):
    """Pas d'allergie, ou pas d'information."""

    code: AbsentAllergy
    """no-known-allergies (pas d'allergie connue), no-allergy-info (pas d'information)…"""
