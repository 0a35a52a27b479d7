"""Acts, done or to be done: the procedure entry (cda-lettre-de-liaison §2.1, Acte) and surgical history (§3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from connector.letter.build import wording
from connector.letter.build.narrative import Row, said, table
from connector.letter.build.place import Place
from connector.letter.build.section import CCD, FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.values import coded, maybe_coded, moment_or_period, templates
from connector.letter.build.xml import Xml, element
from connector.letter.model import Procedure

STATUS_WORDS: Final[dict[str, str]] = {
    "completed": "fait",
    "active": "en attente",
    "aborted": "interrompu",
    "cancelled": "annulé",
}
COLUMNS: Final = ("Acte", "Code", "État", "Date", "Fin", "Priorité")

_HEADING: Final = Heading(
    "47519-4",
    "Historique des actes",
    "Antécédents chirurgicaux",
    (f"{CCD}.12", f"{PCC}.3.11", f"{PCC}.3.12", f"{FR_SECTION}.136"),
)
_CCD_OF_MOOD: Final = {"EVN": f"{CCD}.29", "INT": f"{CCD}.25"}


def surgical_history(place: Place, items: Sequence[Procedure]) -> Section:
    numbered = [(place.at(number), item) for number, item in enumerate(items, 1)]
    narrative = table(COLUMNS, [act_row(*pair, "EVN") for pair in numbered])
    return Section(_HEADING, place, narrative, tuple(act(*pair, "EVN") for pair in numbered))


def act_row(place: Place, item: Procedure, mood: Literal["EVN", "INT"]) -> Row:
    return {
        "Acte": said(place.at("text"), item.label),
        "Code": wording.code(item.code) if item.code else None,
        "État": STATUS_WORDS[_status(item, mood)],
        "Date": wording.day(item.start, place.clock),
        "Fin": wording.day(item.end, place.clock),
        "Priorité": wording.label(item.priority),
    }


def act(place: Place, item: Procedure, mood: Literal["EVN", "INT"]) -> Xml:
    """`mood` is EVN for what was done, INT for what is to be done."""
    told = place.at("text")
    return element(
        "procedure",
        templates(_CCD_OF_MOOD[mood], f"{PCC}.4.19", f"{FR_ENTRY}.62"),
        place.id(),
        maybe_coded("code", item.code, told.original()),
        told.text(),
        element("statusCode", code=_status(item, mood)),
        moment_or_period(item.start, item.end),
        coded("priorityCode", item.priority) if item.priority else None,
        classCode="PROC",
        moodCode=mood,
    )


def _status(item: Procedure, mood: Literal["EVN", "INT"]) -> str:
    return item.status or ("completed" if mood == "EVN" else "active")
