"""The simple observation, frame of the document's status and of the events of a stay (cda-lettre-de-liaison §2.1)."""

from __future__ import annotations

from typing import Final

from connector.letter.build.place import Place
from connector.letter.build.section import FR_ENTRY, PCC
from connector.letter.build.systems import TA_ASIP
from connector.letter.build.values import fixed, templates, time
from connector.letter.build.xml import Content, Xml, element

FRAME: Final = (f"{PCC}.4.13", f"{FR_ENTRY}.48")


def observation(
    place: Place, specific: tuple[str, ...], code: str, display: str, date: str, value: Xml, *more: Content
) -> Xml:
    """What was observed on `date` (ISO 8601); `code` is of TA_ASIP, the narrative stands at `place`."""
    return element(
        "observation",
        templates(*FRAME, *specific),
        place.id(),
        fixed("code", code, TA_ASIP, display),
        place.text(),
        element("statusCode", code="completed"),
        time("effectiveTime", date),
        value,
        *more,
        classCode="OBS",
        moodCode="EVN",
    )
