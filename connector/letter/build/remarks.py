"""What is added in words to an entry: a comment, an instruction to the patient."""

from __future__ import annotations

from connector.letter.build.place import Place
from connector.letter.build.section import CCD, FR_ENTRY, PCC
from connector.letter.build.systems import IHE_ACT_CODE, LOINC
from connector.letter.build.values import fixed, templates
from connector.letter.build.xml import Xml, element


def comment(place: Place, text: str | None) -> Xml | None:
    """The comment whose narrative stands at `place`; nothing when there is none."""
    if not text:
        return None
    kind = templates(f"{CCD}.40", f"{PCC}.4.2", f"{FR_ENTRY}.32")
    return _remark(place, kind, fixed("code", "48767-8", LOINC, "Commentaire"), "EVN")


def instruction(place: Place, text: str | None) -> Xml | None:
    """How to take a treatment, in words; nothing when there is none."""
    if not text:
        return None
    kind = templates(f"{CCD}.49", f"{PCC}.4.3", f"{FR_ENTRY}.33")
    return _remark(place, kind, fixed("code", "PINSTRUCT", IHE_ACT_CODE, "Instructions au patient"), "INT")


def _remark(place: Place, kind: list[Xml], code: Xml, mood: str) -> Xml:
    act = element(
        "act",
        kind,
        place.id(),
        code,
        place.text(),
        element("statusCode", code="completed"),
        classCode="ACT",
        moodCode=mood,
    )
    return element("entryRelationship", act, typeCode="SUBJ", inversionInd="true")
