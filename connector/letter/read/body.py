"""The sections of a letter, found by template or by code, wherever they stand (cda-lettre-de-liaison §2, §3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from connector.base.ns import HL7V3, q
from connector.letter.build.section import FR_SECTION, PCC
from connector.letter.read import acts, concerns, events, treatments
from connector.letter.read.cursor import Cursor
from connector.letter.read.narrative import blocks, plain
from connector.letter.read.values import Plain

_SECTIONS: Final = {
    "33557-0": ("status", f"{FR_SECTION}.35"),
    "42349-1": ("reason", f"{PCC}.3.1"),
    "42545-4": ("events", f"{PCC}.1.21.2.9"),
    "18610-6": ("stopped", f"{PCC}.3.21"),
    "10183-2": ("at_discharge", f"{PCC}.3.22"),
    "30954-2": ("examinations", f"{PCC}.3.27"),
    "18776-5": ("plan", f"{PCC}.3.36"),
    "46264-8": ("devices", f"{PCC}.1.5.3.5"),
    "48765-2": ("allergies", f"{PCC}.3.13"),
    "42346-7": ("at_admission", f"{PCC}.3.20"),
    "11348-0": ("history", f"{PCC}.3.8"),
    "47519-4": ("surgery", f"{PCC}.3.11"),
    "55112-7": ("comment", "1.3.6.1.4.1.19376.1.4.1.2.16"),
}
"""LOINC code of a section: its name here, and the template of all its versions."""

Found = dict[str, list[Cursor]]


def sections(document: Cursor) -> Found:
    """Sections by name, nested ones included; those of another kind are left to be listed."""
    found: Found = {}
    for element in [] if document.element is None else document.element.iter(q(HL7V3, "section")):
        section = Cursor(element, document.reading)
        templates = {item.peek("root") for item in section.each("templateId")}
        for loinc, (name, template) in _SECTIONS.items():
            if section.at("code").peek("code") == loinc or template in templates:
                found.setdefault(name, []).append(section)
                for part in ("id", "code", "title"):
                    section.at(part).take()
                break
    return found


def discharge(found: Found, header: Plain) -> Plain:
    """The body of an LDL-SES."""
    told: Plain = {}
    for section in found.get("events", ()):
        told = {**events.events(section, header), **told}
        if "medical_synthesis" not in told and not section.at("entry") and (text := _prose([section])):
            told["medical_synthesis"] = {"text": text}
    return {
        "status": next((value for section in found.get("status", ()) if (value := events.status(section))), None),
        "reason": _prose(found.get("reason", ())),
        **told,
        "treatments_stopped": _items(found.get("stopped", ()), treatments.treatments),
        **_treated(found.get("at_discharge", ()), "treatments_at_discharge", "no_treatment_at_discharge"),
        "examinations": _prose(found.get("examinations", ())),
        "plan_of_care": next((plan for section in found.get("plan", ()) if (plan := acts.plan_of_care(section))), None),
        "devices": _items(found.get("devices", ()), acts.devices),
        **_allergic(found.get("allergies", ())),
    }


def admission(found: Found) -> Plain:
    """The body of an LDL-EES."""
    return {
        "reason": _prose(found.get("reason", ())),
        **_treated(found.get("at_admission", ()), "treatments_at_admission", "no_treatment_at_admission"),
        **_allergic(found.get("allergies", ())),
        "medical_history": _items(found.get("history", ()), concerns.problems),
        "surgical_history": _items(found.get("surgery", ()), acts.done),
        "comment": _prose(found.get("comment", ())),
    }


def _treated(found: Iterable[Cursor], listed: str, absent: str) -> Plain:
    nothing = next((told for section in found if (told := treatments.no_treatment(section))), None)
    return {listed: _items(found, treatments.treatments) if nothing is None else None, absent: nothing}


def _allergic(found: Iterable[Cursor]) -> Plain:
    nothing = next((told for section in found if (told := concerns.no_allergy(section))), None)
    items = _items(found, concerns.allergies) if nothing is None else None
    for section in found:
        for item in items or ():
            # A lone entry that says nothing by itself: the whole narrative is what it says.
            if not item.get("text") and not item.get("agent") and (text := _prose([section])):
                item["text"] = text
    return {"allergies": items, "no_allergy": nothing}


def _items(found: Iterable[Cursor], entries: Callable[[Cursor], Iterator[Plain]]) -> list[Plain]:
    """Entries of the sections; where a section has none, what its narrative says, a row or a block each."""
    items: list[Plain] = []
    for section in found:
        coded = list(entries(section))
        items += coded
        narrative = section.at("text")
        if not coded and not section.at("entry") and narrative.element is not None:
            items += [{"text": text} for text in blocks(narrative.element, section.at("title").peek_text())]
            narrative.take()
    return items


def _prose(found: Iterable[Cursor]) -> str | None:
    """The narrative of the sections as text."""
    texts = []
    for section in found:
        node = section.at("text")
        if node.element is not None and (text := plain(node.element, title=section.at("title").peek_text())):
            node.take()
            texts.append(text)
    return "\n".join(texts) or None
