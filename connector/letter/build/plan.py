"""Plan of care: acts, requests and encounters to come (cda-lettre-de-liaison §2.1, Plan-de-soins)."""

from __future__ import annotations

from typing import Final

from connector.letter.build import acts, wording
from connector.letter.build.narrative import Row, lines, paragraph, said, table
from connector.letter.build.place import Place
from connector.letter.build.section import CCD, FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.systems import TA_ASIP
from connector.letter.build.values import coded, fixed, templates, time
from connector.letter.build.xml import Content, Xml, element
from connector.letter.model import PlannedEncounter, PlanOfCare, Request

_HEADING: Final = Heading(
    "18776-5", "Plan de soins", "Suites à donner", (f"{CCD}.10", f"{PCC}.3.36", f"{FR_SECTION}.158")
)
STAGES: Final = {
    "to_request": ("ARQ", f"{CCD}.25", "new", "rendez-vous à prendre"),
    "booked": ("ARQ", f"{CCD}.25", "active", "rendez-vous pris"),
    "done": ("EVN", f"{CCD}.21", "completed", "faite"),
}
"""Mood, CCD template, status and words of each stage of an encounter.

A promise has no mood of its own: the suites want PMRS, the schema only knows PRMS, so a status tells it from a wish.
"""

CAPTIONS: Final = ("Actes à réaliser", "Examens et suivis demandés", "Consultations et rendez-vous")

_REQUEST_COLUMNS: Final = ("Demande", "État", "Date")
_ENCOUNTER_COLUMNS: Final = ("Rencontre", "Type", "État", "Date", "Priorité")


def plan_of_care(place: Place, plan: PlanOfCare) -> Section:
    todo = [(place.at("act", number), item) for number, item in enumerate(plan.procedures, 1)]
    asked = [(place.at("request", number), item) for number, item in enumerate(plan.requests, 1)]
    met = [(place.at("encounter", number), item) for number, item in enumerate(plan.encounters, 1)]
    narrative: list[Content] = [
        paragraph(place.at("text").content(lines(plan.text))) if plan.text else None,
        table(acts.COLUMNS, [acts.act_row(*pair, "INT") for pair in todo], CAPTIONS[0]) if todo else None,
        table(_REQUEST_COLUMNS, [_request_row(*pair) for pair in asked], CAPTIONS[1]) if asked else None,
        table(_ENCOUNTER_COLUMNS, [_encounter_row(*pair) for pair in met], CAPTIONS[2]) if met else None,
    ]
    entries = (
        *(acts.act(*pair, "INT") for pair in todo),
        *(_request(*pair) for pair in asked),
        *(_encounter(*pair) for pair in met),
    )
    return Section(_HEADING, place, narrative, entries)


def _request_row(place: Place, item: Request) -> Row:
    return {
        "Demande": said(place.at("text"), item.text),
        "État": acts.STATUS_WORDS[item.status],
        "Date": wording.day(item.date, place.clock),
    }


def _request(place: Place, item: Request) -> Xml:
    return element(
        "observation",
        templates(f"{CCD}.25", f"{PCC}.1.20.3.1", f"{FR_ENTRY}.27"),
        place.id(),
        fixed("code", "ORG-064", TA_ASIP, "Demande d'examen ou de suivi"),
        place.at("text").text(),
        element("statusCode", code=item.status),
        time("effectiveTime", item.date),
        element("value", item.text, xsi_type="ST"),
        classCode="OBS",
        moodCode="INT",
    )


def _encounter_row(place: Place, item: PlannedEncounter) -> Row:
    return {
        "Rencontre": said(place.at("text"), item.text),
        "Type": wording.label(item.type),
        "État": STAGES[item.stage][3],
        "Date": wording.day(item.date, place.clock),
        "Priorité": wording.label(item.priority),
    }


def _encounter(place: Place, item: PlannedEncounter) -> Xml:
    mood, ccd, status, _ = STAGES[item.stage]
    return element(
        "encounter",
        templates(ccd, f"{PCC}.4.14", f"{FR_ENTRY}.58"),
        place.id(),
        coded("code", item.type),
        place.at("text").text(),
        element("statusCode", code=status),
        time("effectiveTime", item.date),
        coded("priorityCode", item.priority) if item.priority else None,
        classCode="ENC",
        moodCode=mood,
    )
