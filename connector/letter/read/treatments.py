"""Treatments of a section as plain data (cda-lettre-de-liaison §2.1, Traitement)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, get_args

from connector.codes.medicines import ATC, CIP, CIS, UCD, UCD_OF_GUIDES
from connector.letter.build import wording
from connector.letter.build.section import PCC
from connector.letter.build.treatments import DOSING_WORDS
from connector.letter.model import Code, Dose, MaximumDose, Quantity, Timing
from connector.letter.model.treatment import TimingEvent
from connector.letter.read.cursor import Cursor
from connector.letter.read.narrative import same
from connector.letter.read.remarks import affirmed, comment, has_template, instruction, technical
from connector.letter.read.story import Story, referred, same_place
from connector.letter.read.values import ABSENT, PLANNED, Plain, code, period, quantity, said

_MODES: Final = {
    f"{PCC}.4.8": "tapered",
    f"{PCC}.4.9": "split",
    f"{PCC}.4.10": "conditional",
    f"{PCC}.4.11": "combined",
}
_SYSTEMS: Final = {CIS: "cis", CIP: "cip", UCD: "ucd", UCD_OF_GUIDES: "ucd", ATC: "atc"}
_EVENTS: Final = frozenset(word for part in get_args(TimingEvent) for word in get_args(part))


def treatments(section: Cursor) -> Iterator[Plain]:
    """Each treatment of the section."""
    for entry in affirmed(section.each("entry/substanceAdministration"), "EVN", *PLANNED):
        if entry.at("code").peek("codeSystem") != ABSENT:
            yield treatment(entry)


def no_treatment(section: Cursor) -> Plain | None:
    """The statement that there is no treatment, or no information."""
    for entry in section.each("entry/substanceAdministration"):
        if entry.at("code").peek("codeSystem") == ABSENT:
            technical(entry)
            told = code(entry.at("code"))
            text = referred(entry.at("text"))
            return said({"code": told, "text": text if text != (told or {}).get("display") else None})
    return None


def treatment(entry: Cursor) -> Plain:
    """One substanceAdministration."""
    technical(entry)
    story = Story(entry)
    entry.at("code").settle("code", "DRUG")
    for item in ("displayName", "codeSystem"):
        entry.at("code").attribute(item)
    product = entry.at("consumable/manufacturedProduct/manufacturedMaterial")
    name = product.at("name").text()
    pointers = (entry.at("text"), product.at("code/originalText"))
    texts = tuple(map(referred, pointers))
    text = next((text for text in texts if text and text != name), None)
    if pointers[1] and not same_place(*pointers):
        # Two places: the treatment has a text of its own, be it the words of the name.
        text = texts[0] or text
    found: Plain = {
        **_codes(product.at("code")),
        "name": name,
        "text": text,
        "planned": entry.peek("moodCode") in PLANNED,
        "route": code(entry.at("routeCode")),
        "dosing_mode": _mode(entry),
        "dosing": instruction(entry),
        "comment": comment(entry),
    }
    found |= _when(entry)
    found |= _amounts(entry)
    story.hear(texts, text)
    _from_the_row(story, found)
    return {name: value for name, value in found.items() if value is not None}


def _mode(entry: Cursor) -> str | None:
    return next((mode for template, mode in _MODES.items() if has_template(entry, template)), None)


def _codes(node: Cursor) -> Plain:
    found: Plain = {}
    for item in (node, *node.each("translation")):
        field = _SYSTEMS.get(item.peek("codeSystem"))
        if field and field not in found and item.peek("code"):
            told = code(item) or {}
            # A system with two OIDs is one system of the model.
            found[field] = {**told, "system": UCD} if field == "ucd" else told
    return found


def _when(entry: Cursor) -> Plain:
    """The first effectiveTime is the duration of the treatment, the next one its rhythm; the type tells them apart."""
    found: Plain = {}
    for node in entry.each("effectiveTime"):
        every, event = node.at("period"), node.at("event")
        if every.peek("value") and "timing" not in found:
            found["timing"] = {"every": quantity(every)}
        elif event.peek("code") in _EVENTS and "timing" not in found:
            found["timing"] = {"event": event.attribute("code")}
        elif not every and not event and "start" not in found:
            found["start"], found["end"] = period(node)
            if found["end"] is None:
                found["duration"] = quantity(node.at("width"))
    return found


def _amounts(entry: Cursor) -> Plain:
    ratio = entry.at("maxDoseQuantity")
    top = ratio.at("numerator").peek("value")
    return {
        "dose": _dose(entry.at("doseQuantity")),
        "rate": _dose(entry.at("rateQuantity")),
        "max_dose": (
            said(
                {
                    **(quantity(ratio.at("numerator")) or {}),
                    "per": quantity(ratio.at("denominator")),
                    "text": referred(ratio.at("numerator/translation/originalText")),
                }
            )
            if top
            else None
        ),
    }


def _dose(node: Cursor) -> Plain | None:
    """So much, or from so much to so much; an interval with one bound, or two units, is no dose of the model."""
    if node.peek("value"):
        return quantity(node)
    low, high = node.at("low"), node.at("high")
    if not low.peek("value") or not high.peek("value") or low.peek("unit") != high.peek("unit"):
        return None
    high.attribute("unit")
    least, most = quantity(low) or {}, high.attribute("value")
    words = [referred(item.at("translation/originalText")) for item in (low, high)]
    texts = list(dict.fromkeys(text for text in words if text))
    return said({**least, "high": most if most != least["value"] else None, "text": " à ".join(texts)})


def _from_the_row(story: Story, found: Plain) -> None:
    """Adds what the table says in words. Figures in words (`1 comprimé`) are not repeated as text.

    What has no figure in the entry (`par la bouche`, without a coded route) is part of the dosing in words.
    """
    words = []
    for field, label, heads, figures in _COLUMNS:
        value = found.get(field)
        if value is None:
            text = story.column(*heads)
            if text and field == "timing":
                found["timing"] = {"text": text}
            elif text:
                words.append(f"{label} : {text}")
            continue
        said_so = figures(value)
        quoted = story.quoted(*heads)
        own = _own_words(story.column(*heads), said_so)
        # Words that are the figures, letter for letter, are the hospital's where they stand apart.
        value["text"] = value.get("text") or own or (quoted if quoted == said_so else None)
        found[field] = said(value)
        story.told.append(said_so)
    if found.get("duration"):
        story.told.append(wording.quantity(_quantity(found["duration"])))
    story.told += [wording.code(Code.model_construct(**_whole(found[name]))) for name in _CODED if found.get(name)]
    story.told.append(DOSING_WORDS[found.get("dosing_mode") or "normal"])
    if found["planned"]:
        story.told.append("à venir")
    found["comment"] = found.get("comment") or story.column("commentaire", "commentaires")
    found["dosing"] = found.get("dosing") or story.column("posologie", "mode d emploi")
    story.settle()
    if route := story.column("voie", "voie admin", "voie d administration"):
        words.append(f"Voie : {route}")
    if words:
        found["dosing"] = "\n".join([*([found["dosing"]] if found["dosing"] else []), *words])


_CODED: Final = ("cis", "cip", "ucd", "atc", "route")


def _own_words(text: str | None, figures: str) -> str | None:
    """The words of the hospital: without the figures that the builder adds to them."""
    if text is None or same(text, figures):
        return None
    return text.removesuffix(f" ({figures})")


def _whole(value: Plain) -> Plain:
    return {"system": None, "display": None, **value}


def _quantity(value: Plain) -> Quantity:
    return Quantity.model_construct(value=value.get("value", ""), unit=value.get("unit", ""))


def _dose_figures(value: Plain) -> str:
    dose = {"high": None, "unit": None, **value, "text": None}
    return wording.dose(Dose.model_construct(**dose))


def _max_figures(value: Plain) -> str:
    top = {"unit": "", **value, "text": None, "per": _quantity(value.get("per") or {})}
    return wording.maximum(MaximumDose.model_construct(**top))


def _timing_figures(value: Plain) -> str:
    every = _quantity(value["every"]) if value.get("every") else None
    return wording.timing(Timing.model_construct(every=every, event=value.get("event"), text=None))


_COLUMNS: Final[tuple[tuple[str, str, tuple[str, ...], Callable[[Plain], str]], ...]] = (
    ("dose", "Dose", ("dose",), _dose_figures),
    ("rate", "Rythme", ("rythme", "rythme admin", "rythme d administration"), _dose_figures),
    ("max_dose", "Dose maximale", ("dose maximale", "dose max"), _max_figures),
    ("timing", "Fréquence", ("frequence", "rythme des prises"), _timing_figures),
)
