"""The sections of each letter, in the order of the official models (cda-lettre-de-liaison §2, §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.letter.build import allergies, treatments, wording
from connector.letter.build.acts import surgical_history
from connector.letter.build.devices import devices
from connector.letter.build.events import events
from connector.letter.build.history import medical_history
from connector.letter.build.narrative import pairs
from connector.letter.build.observation import observation
from connector.letter.build.place import Place
from connector.letter.build.plan import plan_of_care
from connector.letter.build.section import FR_ENTRY, FR_SECTION, PCC, Heading, Section, prose
from connector.letter.build.values import coded
from connector.letter.model import AdmissionLetter, DischargeLetter

_STATUS: Final = Heading(
    "33557-0", "Etat d'achèvement", "Statut du document", (f"{FR_SECTION}.35", f"{FR_SECTION}.35.1")
)
_REASON: Final = Heading(
    "42349-1", "Raison de la recommandation", "Motif de l'hospitalisation", (f"{PCC}.3.1", f"{FR_SECTION}.127")
)
_EXAMINATIONS: Final = Heading(
    "30954-2",
    "Résultats d'examens",
    "Résultats d'examens et autres informations attendues",
    (f"{PCC}.3.27", f"{FR_SECTION}.150"),
)
_COMMENT: Final = Heading(
    "55112-7",
    "Commentaire",
    "Autres informations",
    ("2.16.840.1.113883.10.12.201", "1.3.6.1.4.1.19376.1.4.1.2.16", f"{FR_SECTION}.73"),
)


def discharge_sections(letter: DischargeLetter, place: Place) -> Iterator[Section]:
    """LDL-SES_2022.01."""
    yield _status(letter, place.at("status"))
    yield prose(_REASON, place.at("reason"), letter.reason)
    yield events(letter, place.at("events"))
    if letter.treatments_stopped:
        yield treatments.treatments(treatments.STOPPED, place.at("stopped"), letter.treatments_stopped, None)
    yield treatments.treatments(
        treatments.AT_DISCHARGE,
        place.at("discharge"),
        letter.treatments_at_discharge,
        letter.no_treatment_at_discharge,
    )
    if letter.examinations:
        yield prose(_EXAMINATIONS, place.at("examinations"), letter.examinations)
    if letter.plan_of_care:
        yield plan_of_care(place.at("plan"), letter.plan_of_care)
    if letter.devices:
        yield devices(place.at("devices"), letter.devices)
    if letter.allergies or letter.no_allergy:
        yield allergies.allergies(allergies.IN_STAY, place.at("allergies"), letter.allergies, letter.no_allergy)


def admission_sections(letter: AdmissionLetter, place: Place) -> Iterator[Section]:
    """LDL-EES_2022.01."""
    yield prose(_REASON, place.at("reason"), letter.reason)
    yield treatments.treatments(
        treatments.AT_ADMISSION,
        place.at("admission"),
        letter.treatments_at_admission,
        letter.no_treatment_at_admission,
    )
    yield allergies.allergies(allergies.KNOWN, place.at("allergies"), letter.allergies, letter.no_allergy)
    if letter.medical_history:
        yield medical_history(place.at("history"), letter.medical_history)
    if letter.surgical_history:
        yield surgical_history(place.at("surgery"), letter.surgical_history)
    yield prose(_COMMENT, place.at("comment"), letter.comment)


def _status(letter: DischargeLetter, place: Place) -> Section:
    told = place.at("value")
    entry = observation(
        told,
        (f"{FR_ENTRY}.48.16", f"{FR_ENTRY}.48.16.1"),
        "GEN-065",
        "Statut du document",
        letter.effective_time,
        coded("value", letter.status, xsi_type="CD"),
    )
    narrative = pairs([("Statut du document", told.content(wording.label(letter.status)))])
    return Section(_STATUS, place, narrative, (entry,))
