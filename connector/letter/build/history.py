"""Medical history: a table to read, one concern each (cda-lettre-de-liaison §3, Problem list)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connector.letter.build import wording
from connector.letter.build.concerns import STATUS_WORDS, concern, problem
from connector.letter.build.narrative import Row, said, table
from connector.letter.build.place import Place
from connector.letter.build.remarks import comment
from connector.letter.build.section import FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.values import coded
from connector.letter.build.xml import Xml
from connector.letter.model import Problem

_HEADING: Final = Heading(
    "11348-0", "Antécédents médicaux", "Antécédents médicaux", (f"{PCC}.3.8", f"{FR_SECTION}.134")
)
_ARCS: Final = ("4.5.2", "39")
_OBSERVATION: Final = (f"{PCC}.4.5", f"{FR_ENTRY}.37")
_COLUMNS: Final = ("Problème", "Code", "Nature", "Suivi", "Début", "Fin", "Commentaire")


def medical_history(place: Place, items: Sequence[Problem]) -> Section:
    numbered = [(place.at(number), item) for number, item in enumerate(items, 1)]
    narrative = table(_COLUMNS, [_row(*pair) for pair in numbered])
    return Section(_HEADING, place, narrative, tuple(_entry(*pair) for pair in numbered))


def _row(place: Place, item: Problem) -> Row:
    return {
        "Problème": [said(place.at("text"), item.label), wording.denied(item.absent)],
        "Code": wording.code(item.code) if item.code else None,
        "Nature": wording.label(item.type),
        "Suivi": STATUS_WORDS[item.status],
        "Début": wording.day(item.start, place.clock),
        "Fin": wording.day(item.end, place.clock),
        "Commentaire": said(place.at("comment"), item.comment),
    }


def _entry(place: Place, item: Problem) -> Xml:
    observed = problem(
        place,
        _OBSERVATION,
        coded("code", item.type),
        place.at("text"),
        item.code,
        (item.start, item.end),
        comment(place.at("comment"), item.comment),
        absent=item.absent,
    )
    return concern(place, _ARCS, item.status, item.start, item.end, observed)
