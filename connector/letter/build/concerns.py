"""What lasts, a problem or an allergy: the act that follows it (cda-lettre-de-liaison §2.1, §3)."""

from __future__ import annotations

from typing import Final

from connector.letter.build.place import Place
from connector.letter.build.section import CCD, FR_ENTRY, PCC
from connector.letter.build.values import coded, interval, templates, time
from connector.letter.build.xml import Content, Xml, element
from connector.letter.model import Code
from connector.letter.model.clinical import ENDED, ConcernStatus

STATUS_WORDS: Final[dict[str, str]] = {
    "active": "en cours",
    "suspended": "suspendu",
    "aborted": "arrêté",
    "completed": "terminé",
}


def concern(
    place: Place, arcs: tuple[str, str], status: ConcernStatus, start: str | None, end: str | None, observed: Xml
) -> Xml:
    """The act around one observation; it has an end if, and only if, it is over.

    `arcs` end the IHE and the French template.
    """
    pcc, french = arcs
    return element(
        "act",
        templates(f"{CCD}.27", f"{PCC}.4.5.1", f"{PCC}.{pcc}", f"{FR_ENTRY}.{french}"),
        place.at("concern").id(),
        element("code", nullFlavor="NA"),
        element("statusCode", code=status),
        interval("effectiveTime", time("low", start), time("high", end) if status in ENDED else None),
        related("SUBJ", observed),
        classCode="ACT",
        moodCode="EVN",
    )


def related(kind: str, entry: Xml, *, inverted: bool = False) -> Xml:
    return element("entryRelationship", entry, typeCode=kind, inversionInd="true" if inverted else "false")


def problem(
    place: Place,
    specific: tuple[str, ...],
    kind: Xml,
    said: Place,
    code: Code | None,
    when: tuple[str | None, str | None],
    *more: Content,
    absent: bool = False,
) -> Xml:
    """The observation of a problem, an allergy or a reaction.

    `kind` says what it is, `said` where a reader finds it, `code` what it is in codes, `when` its start and its end;
    `absent` denies it.
    """
    start, end = when
    return element(
        "observation",
        templates(f"{CCD}.28", *specific),
        place.id(),
        kind,
        said.text(),
        element("statusCode", code="completed"),
        interval("effectiveTime", time("low", start), time("high", end) if end else None),
        _value(code, said.original()),
        *more,
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if absent else "false",
    )


def _value(code: Code | None, original: Xml) -> Xml:
    # Without a code the value has no attribute but its type (IHE PCC, problem and allergy entries).
    return coded("value", code, original, xsi_type="CD") if code else element("value", original, xsi_type="CD")
