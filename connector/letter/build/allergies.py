"""Allergies and hypersensitivities: a table to read, one concern each (cda-lettre-de-liaison §2.1, Allergies)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connector.letter.build import wording
from connector.letter.build.concerns import STATUS_WORDS, concern, problem, related
from connector.letter.build.narrative import Row, lines, paragraph, said, separated, table
from connector.letter.build.place import Place
from connector.letter.build.remarks import comment
from connector.letter.build.section import CCD, FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.systems import ACT_CODE, LOINC, SNOMED_CT
from connector.letter.build.values import coded, fixed, maybe_coded, templates
from connector.letter.build.xml import Content, Xml, element
from connector.letter.model import Agent, Allergy, Code, NoAllergy, Reaction

_TEMPLATES: Final = (f"{CCD}.2", f"{PCC}.3.13", f"{FR_SECTION}.137")
IN_STAY: Final = Heading(
    "48765-2", "Allergies et hypersensibilités", "Allergies identifiées pendant le séjour", _TEMPLATES
)
KNOWN: Final = Heading(
    "48765-2", "Allergies et hypersensibilités", "Allergies et hypersensibilités connues", _TEMPLATES
)

_ARCS: Final = ("4.5.3", "40")
_OBSERVATION: Final = (f"{CCD}.18", f"{PCC}.4.5", f"{PCC}.4.6", f"{FR_ENTRY}.41")
_REACTION: Final = (f"{CCD}.54", f"{PCC}.4.5", f"{FR_ENTRY}.37")
_ABSENT_TYPES: Final = {
    "no-known-medication-allergies": ("416098002", "allergie médicamenteuse"),
    "no-known-food-allergies": ("414285001", "allergie alimentaire"),
    "no-known-environmental-allergies": ("419199007", "allergie à une substance"),
}
_COLUMNS: Final = (
    "Allergie",
    "Type",
    "Agent",
    "Réactions",
    "Gravité",
    "Statut",
    "Suivi",
    "Début",
    "Fin",
    "Commentaire",
)


def allergies(heading: Heading, place: Place, items: Sequence[Allergy], absence: NoAllergy | None) -> Section:
    """The allergies, or the statement that none is known."""
    if absence is not None:
        place_of = place.at("none")
        narrative = paragraph(place_of.content(lines(absence.text or wording.label(absence.code))))
        return Section(heading, place, narrative, (_absent(place_of, absence.code),))
    numbered = [(place.at(number), item) for number, item in enumerate(items, 1)]
    narrative = table(_COLUMNS, [_row(*pair) for pair in numbered])
    return Section(heading, place, narrative, tuple(_entry(*pair) for pair in numbered))


def _row(place: Place, item: Allergy) -> Row:
    return {
        "Allergie": said(place.at("text"), item.text),
        "Type": wording.label(item.type),
        "Agent": _agent_cell(place.at("agent"), item.agent) if item.agent else None,
        "Réactions": separated(_reaction_cell(*pair) for pair in _reactions(place, item)),
        "Gravité": said(place.at("severity"), wording.label(item.severity)),
        "Statut": said(place.at("status"), wording.label(item.clinical_status)),
        "Suivi": STATUS_WORDS[item.status],
        "Début": wording.day(item.start, place.clock),
        "Fin": wording.day(item.end, place.clock),
        "Commentaire": said(place.at("comment"), item.comment),
    }


def _reactions(place: Place, item: Allergy) -> list[tuple[Place, Reaction]]:
    return [(place.at("reaction", number), reaction) for number, reaction in enumerate(item.reactions, 1)]


def _agent_cell(place: Place, agent: Agent) -> Content:
    return [place.content(agent.name), f" – {wording.code(agent.code)}" if agent.code else None]


def _reaction_cell(place: Place, reaction: Reaction) -> Content:
    return [
        place.content(reaction.text),
        f" – {wording.code(reaction.code)}" if reaction.code else None,
        f", {wording.day(reaction.start, place.clock)}" if reaction.start else None,
        wording.denied(reaction.absent),
    ]


def _entry(place: Place, item: Allergy) -> Xml:
    told = place.at("text" if item.text else "agent")
    observed = problem(
        place,
        _OBSERVATION,
        coded("code", item.type),
        told,
        None,
        (item.start, item.end),
        _agent(place.at("agent"), item.agent) if item.agent else None,
        [related("MFST", _reaction(*pair)) for pair in _reactions(place, item)],
        _severity(place.at("severity"), item.severity) if item.severity else None,
        _status(place.at("status"), item.clinical_status) if item.clinical_status else None,
        comment(place.at("comment"), item.comment),
    )
    return concern(place, _ARCS, item.status, item.start, item.end, observed)


def _agent(place: Place, agent: Agent) -> Xml:
    return element(
        "participant",
        element(
            "participantRole",
            element(
                "playingEntity",
                maybe_coded("code", agent.code, place.original()),
                element("name", agent.name),
                classCode="MMAT",
            ),
            classCode="MANU",
        ),
        typeCode="CSM",
    )


def _reaction(place: Place, reaction: Reaction) -> Xml:
    kind = fixed("code", "418799008", SNOMED_CT, "symptôme rapporté par le patient ou le répondant")
    return problem(place, _REACTION, kind, place, reaction.code, (reaction.start, None), absent=reaction.absent)


def _severity(place: Place, value: Code) -> Xml:
    observed = element(
        "observation",
        templates(f"{CCD}.55", f"{PCC}.4.1", f"{FR_ENTRY}.29"),
        fixed("code", "SEV", ACT_CODE, "Sévérité"),
        place.text(),
        element("statusCode", code="completed"),
        coded("value", value, xsi_type="CD"),
        classCode="OBS",
        moodCode="EVN",
    )
    return related("SUBJ", observed, inverted=True)


def _status(place: Place, value: Code) -> Xml:
    observed = element(
        "observation",
        templates(f"{CCD}.57", f"{CCD}.50", f"{PCC}.4.1.1", f"{FR_ENTRY}.30"),
        fixed("code", "33999-4", LOINC, "Statut"),
        place.text(),
        element("statusCode", code="completed"),
        coded("value", value, xsi_type="CE"),
        classCode="OBS",
        moodCode="EVN",
    )
    return related("REFR", observed)


def _absent(place: Place, code: Code) -> Xml:
    """A concern that is over, whose value says that no allergy is known, or that nobody knows."""
    kind, display = _ABSENT_TYPES.get(code.code, ("609328004", "allergie"))
    observed = problem(place, _OBSERVATION, fixed("code", kind, SNOMED_CT, display), place, code, (None, None))
    return concern(place, _ARCS, "completed", None, None, observed)
