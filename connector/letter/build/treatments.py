"""Treatments: a table to read, one substanceAdministration each (cda-lettre-de-liaison §2.1, Traitement)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connector.letter.build import wording
from connector.letter.build.narrative import Row, lines, paragraph, said, separated, table, worded
from connector.letter.build.place import Place
from connector.letter.build.remarks import comment, instruction
from connector.letter.build.section import CCD, FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.systems import ACT_CODE
from connector.letter.build.values import (
    coded,
    dose,
    fixed,
    interval,
    maximum,
    maybe_coded,
    of_quantity,
    templates,
    time,
)
from connector.letter.build.xml import Xml, element
from connector.letter.model import NoTreatment, Timing, Treatment

STOPPED: Final = Heading(
    "18610-6", "Traitements administrés", "Traitements arrêtés durant le séjour", (f"{PCC}.3.21", f"{FR_SECTION}.145")
)
AT_DISCHARGE: Final = Heading(
    "10183-2", "Traitements à la sortie", "Traitements à la sortie", (f"{PCC}.3.22", f"{FR_SECTION}.146")
)
AT_ADMISSION: Final = Heading(
    "42346-7", "Traitements à l'admission", "Traitements à l'admission", (f"{PCC}.3.20", f"{FR_SECTION}.144")
)

_TEMPLATES: Final = (f"{FR_ENTRY}.42", f"{CCD}.24", f"{PCC}.4.7")
_DOSING: Final = {
    "normal": f"{PCC}.4.7.1",
    "tapered": f"{PCC}.4.8",
    "split": f"{PCC}.4.9",
    "conditional": f"{PCC}.4.10",
    "combined": f"{PCC}.4.11",
}
DOSING_WORDS: Final = {
    "normal": "",
    "tapered": "doses progressives",
    "split": "doses fractionnées",
    "conditional": "doses conditionnelles",
    "combined": "doses combinées",
}
_COLUMNS: Final = (
    "Médicament",
    "Codes",
    "Prise",
    "Début",
    "Fin",
    "Durée",
    "Dose",
    "Fréquence",
    "Voie",
    "Rythme",
    "Dose maximale",
    "Mode",
    "Posologie",
    "Commentaire",
)


def treatments(heading: Heading, place: Place, items: Sequence[Treatment], absence: NoTreatment | None) -> Section:
    """The treatments, or the statement that there is none."""
    if absence is not None:
        place_of = place.at("none")
        narrative = paragraph(place_of.content(lines(absence.text or wording.label(absence.code))))
        return Section(heading, place, narrative, (_absent(place_of, absence),))
    numbered = [(place.at(number), item) for number, item in enumerate(items, 1)]
    narrative = table(_COLUMNS, [_row(*pair) for pair in numbered])
    return Section(heading, place, narrative, tuple(_entry(*pair) for pair in numbered))


def _row(place: Place, item: Treatment) -> Row:
    return {
        "Médicament": separated([said(place.at("name"), item.name), said(place.at("text"), item.text)]),
        "Codes": separated(wording.codes((item.cis, item.cip, item.ucd, item.atc))),
        "Prise": "à venir" if item.planned else None,
        "Début": wording.day(item.start, place.clock),
        "Fin": wording.day(item.end, place.clock),
        "Durée": wording.quantity(item.duration) if item.duration else None,
        "Dose": worded(place.at("dose"), item.dose.text, wording.dose(item.dose)) if item.dose else None,
        "Fréquence": worded(place.at("timing"), item.timing.text, wording.timing(item.timing)) if item.timing else None,
        "Voie": wording.code(item.route) if item.route else None,
        "Rythme": worded(place.at("rate"), item.rate.text, wording.dose(item.rate)) if item.rate else None,
        "Dose maximale": worded(place.at("max"), item.max_dose.text, wording.maximum(item.max_dose))
        if item.max_dose
        else None,
        "Mode": DOSING_WORDS[item.dosing_mode],
        "Posologie": said(place.at("dosing"), item.dosing),
        "Commentaire": said(place.at("comment"), item.comment),
    }


def _entry(place: Place, item: Treatment) -> Xml:
    return element(
        "substanceAdministration",
        templates(*_TEMPLATES, _DOSING[item.dosing_mode]),
        place.id(),
        fixed("code", "DRUG", ACT_CODE, "Médicament"),
        place.at("text" if item.text else "name").text(),
        element("statusCode", code="completed"),
        _duration(item),
        _timing(item.timing) if item.timing else None,
        coded("routeCode", item.route) if item.route else None,
        dose("doseQuantity", item.dose, _original(place.at("dose"), item.dose.text)) if item.dose else None,
        dose("rateQuantity", item.rate, _original(place.at("rate"), item.rate.text)) if item.rate else None,
        maximum("maxDoseQuantity", item.max_dose, _original(place.at("max"), item.max_dose.text))
        if item.max_dose
        else None,
        _consumable(_material(place, item)),
        instruction(place.at("dosing"), item.dosing),
        comment(place.at("comment"), item.comment),
        classCode="SBADM",
        moodCode="INT" if item.planned else "EVN",
    )


def _original(place: Place, text: str | None) -> Xml | None:
    return place.original() if text else None


def _duration(item: Treatment) -> Xml:
    """Both bounds, known or not; a width when only the duration is known."""
    if item.duration is not None:
        low = time("low", item.start) if item.start else None
        return interval("effectiveTime", low, of_quantity("width", item.duration), xsi_type="IVL_TS")
    return interval("effectiveTime", time("low", item.start), time("high", item.end), xsi_type="IVL_TS")


def _timing(value: Timing) -> Xml:
    """Every so often, or at a moment of the day; a rhythm given in words is in the narrative only."""
    if value.event is not None:
        return element("effectiveTime", element("event", code=value.event), xsi_type="EIVL_TS", operator="A")
    if value.every is None:
        return element("effectiveTime", xsi_type="PIVL_TS", operator="A", nullFlavor="UNK")
    return element("effectiveTime", of_quantity("period", value.every), xsi_type="PIVL_TS", operator="A")


def _consumable(material: Xml) -> Xml:
    return element(
        "consumable",
        element("manufacturedProduct", templates(f"{FR_ENTRY}.43", f"{CCD}.53", f"{PCC}.4.7.2"), material),
    )


def _material(place: Place, item: Treatment) -> Xml:
    """The medicine: CIS, then its other codes as translations (§2.1)."""
    others = [coded("translation", code) for code in (item.cip, item.ucd, item.atc) if code]
    original = place.at("name" if item.name else "text").original()
    return element(
        "manufacturedMaterial",
        maybe_coded("code", item.cis, original, *others),
        element("name", item.name) if item.name else element("name", nullFlavor="NA"),
    )


def _absent(place: Place, absence: NoTreatment) -> Xml:
    """An entry whose code says that there is no treatment, or no information."""
    nothing = element("manufacturedMaterial", element("code", nullFlavor="NA"), element("name", nullFlavor="NA"))
    return element(
        "substanceAdministration",
        templates(*_TEMPLATES, _DOSING["normal"]),
        place.id(),
        coded("code", absence.code),
        place.text(),
        element("statusCode", code="completed"),
        interval("effectiveTime", time("low", None, "NA"), time("high", None, "NA"), xsi_type="IVL_TS"),
        _consumable(nothing),
        classCode="SBADM",
        moodCode="EVN",
    )
