"""The events of a stay: six always told, four when they happened (cda-lettre-de-liaison §2, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from connector.letter.build import wording
from connector.letter.build.narrative import lines, pairs, said, separated
from connector.letter.build.observation import observation
from connector.letter.build.people import author
from connector.letter.build.place import Place
from connector.letter.build.remarks import comment
from connector.letter.build.section import FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.values import coded
from connector.letter.build.xml import Content, Xml, element
from connector.letter.model import AnyAuthor, DischargeLetter, EntryMode, ExitMode, FlagEvent, TextEvent

Event: TypeAlias = EntryMode | ExitMode | TextEvent | FlagEvent

_HEADING: Final = Heading(
    "42545-4",
    "Evènements observés",
    "Synthèse médicale du séjour",
    (f"{PCC}.1.21.2.9", "1.3.6.1.4.1.19376.1.7.3.1.1.13.7", f"{FR_SECTION}.163", f"{FR_SECTION}.163.1"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One event: `field` of the letter, the last arc of its template, its code and label."""

    field: str
    arc: int
    code: str
    label: str


KINDS: Final = (
    Kind("mode_of_entry", 6, "ORG-070", "Modalité d'entrée"),
    Kind("mode_of_exit", 7, "ORG-074", "Modalité de sortie"),
    Kind("medical_synthesis", 9, "MED-142", "Synthèse médicale"),
    Kind("adverse_event", 3, "MED-143", "Evènements indésirables survenus pendant l'hospitalisation"),
    Kind("micro_organism_search", 8, "MED-309", "Recherche de microorganismes multi-résistants ou émergents effectuée"),
    Kind("micro_organisms_found", 5, "MED-144", "Identification de micro-organismes multirésistants"),
    Kind("transfusion", 10, "MED-145", "Transfusion de produits sanguins"),
    Kind("transfusion_accident", 1, "MED-146", "Accidents transfusionnels"),
    Kind("blood_derivatives", 2, "MED-147", "Administration de dérivés du sang"),
    Kind(
        "blood_derivatives_event",
        4,
        "MED-148",
        "Evènements indésirables suite à l'administration de dérivés du sang",
    ),
)


def events(letter: DischargeLetter, place: Place) -> Section:
    """The section of the events, one row and one entry each."""
    told = list(_told(letter))
    rows = [(kind.label, _cell(place.at(kind.field), event)) for kind, event in told]
    entries = [_entry(letter, kind, event, place.at(kind.field)) for kind, event in told]
    return Section(_HEADING, place, pairs(rows), tuple(entries))


def _told(letter: DischargeLetter) -> Iterator[tuple[Kind, Event]]:
    for kind in KINDS:
        event = getattr(letter, kind.field)
        if event is not None:
            yield kind, event


def _cell(place: Place, event: Event) -> Content:
    by = f" ({wording.author(event.author)})" if event.author else None
    match event:
        case TextEvent():
            date = f"{wording.day(event.date, place.clock)} : " if event.date else None
            return [date, place.content(lines(event.text)), by]
        case FlagEvent():
            answer = wording.dated(event.date, place.clock, wording.yes(event.value))
        case _:
            answer = wording.dated(event.date, place.clock, wording.label(event.value))
    return separated([[place.content(answer), by], said(place.at("comment"), event.comment)])


def _entry(letter: DischargeLetter, kind: Kind, event: Event, place: Place) -> Xml:
    return observation(
        place,
        (f"{FR_ENTRY}.48.{kind.arc}",),
        kind.code,
        kind.label,
        event.date or _usual_date(letter, kind),
        _value(event),
        _author(letter, kind, event),
        None if isinstance(event, TextEvent) else comment(place.at("comment"), event.comment),
    )


def _usual_date(letter: DischargeLetter, kind: Kind) -> str:
    """Entry and exit have the dates of the stay, anything else that of the document."""
    dates = {"mode_of_entry": letter.stay.admission, "mode_of_exit": letter.stay.discharge}
    return dates.get(kind.field) or letter.effective_time


def _value(event: Event) -> Xml:
    match event:
        case TextEvent():
            return element("value", event.text, xsi_type="ST")
        case FlagEvent():
            return element("value", xsi_type="BL", value="true" if event.value else "false")
    return coded("value", event.value, xsi_type="CE")


def _author(letter: DischargeLetter, kind: Kind, event: Event) -> Xml | None:
    """The event's own author; the synthesis always has one (§2.1)."""
    known: AnyAuthor | None = event.author
    if known is None and kind.field == "medical_synthesis":
        known = letter.authors[0]
    return author(known) if known else None
