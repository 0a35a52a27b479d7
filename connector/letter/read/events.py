"""The status of the document and the events of a stay as plain data (cda-lettre-de-liaison §2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.letter.build.events import KINDS, Kind
from connector.letter.build.section import FR_ENTRY
from connector.letter.read import people
from connector.letter.read.cursor import Cursor
from connector.letter.read.narrative import same
from connector.letter.read.remarks import affirmed, comment, has_template, technical
from connector.letter.read.story import Facts, Story, referred
from connector.letter.read.values import Plain, code, period, said

_CODED: Final = frozenset({"mode_of_entry", "mode_of_exit"})
_ANSWERED: Final = frozenset({"micro_organism_search", "transfusion", "blood_derivatives"})


def status(section: Cursor) -> Plain | None:
    """The status of the document."""
    for entry in _observations(section):
        if has_template(entry, f"{FR_ENTRY}.48.16") or entry.at("code").peek("code") == "GEN-065":
            technical(entry)
            entry.at("code").take()
            story = Story(entry)
            value = code(entry.at("value"))
            story.hear([_more_than_the_codes(entry)], None)
            # The builder gives it the date of the document; the model holds no other.
            document = section.reading.cursor(section.reading.document)
            entry.at("effectiveTime").settle("value", document.at("effectiveTime").peek("value"))
            story.settle()
            return value
    return None


def events(section: Cursor, header: Plain) -> Plain:
    """Each event found, by the name of its field."""
    found: Plain = {}
    for kind in KINDS:
        for entry in _observations(section):
            if has_template(entry, f"{FR_ENTRY}.48.{kind.arc}") or entry.at("code").peek("code") == kind.code:
                found[kind.field] = _event(entry, kind, header)
                break
    return found


def _observations(section: Cursor) -> Iterator[Cursor]:
    return affirmed(section.each("entry/observation"))


def _event(entry: Cursor, kind: Kind, header: Plain) -> Plain | None:
    technical(entry)
    if entry.at("code").settle("code", kind.code):
        entry.at("code").take()
    story = Story(entry)
    remark = comment(entry)
    found: Plain = {**_value(entry, kind), "comment": remark}
    if "text" not in found:
        extra = _more_than_the_codes(entry)
        if remark is None:
            found["comment"] = remark = extra
        Story(entry).hear([extra], remark)
    date, _ = period(entry.at("effectiveTime"), "when")
    author = people.author(entry.at("author"))
    found["date"] = date if date != _usual_date(kind, header) else None
    # The synthesis always has an author: the document's, unless it says otherwise (§2.1).
    usual = kind.field == "medical_synthesis" and author in header["authors"][:1]
    found["author"] = None if usual else author
    story.settle()
    return said({name: value for name, value in found.items() if value is not None}) or None


def _usual_date(kind: Kind, header: Plain) -> object:
    """Entry and exit have the dates of the stay, anything else that of the document: as the builder fills them."""
    stay = header["stay"] or {}
    dates = {"mode_of_entry": stay.get("admission"), "mode_of_exit": stay.get("discharge")}
    return dates.get(kind.field) or header["effective_time"]


def _value(entry: Cursor, kind: Kind) -> Plain:
    value = entry.at("value")
    if kind.field in _CODED:
        return {"value": code(value)}
    if kind.field in _ANSWERED:
        answer = value.attribute("value") if value.peek("value") in ("true", "false") else None
        return {"value": None if answer is None else answer == "true"}
    told = referred(entry.at("text"))
    if told and (not value.peek_text() or same(told, value.peek_text())):
        # The narrative keeps the lines that white space in a value cannot tell from the layout of the file.
        value.text()
        return {"text": told}
    if told:
        entry.at("text").keep("texte du récit, autre que la valeur codée", told)
    return {"text": value.text()}


def _more_than_the_codes(entry: Cursor) -> str | None:
    """What the narrative adds to a coded answer: another date, a precision."""
    told = referred(entry.at("text"))
    if told is None:
        return None
    facts = Facts(entry)
    return ", ".join(part for part in told.split(", ") if not facts.hold(part)) or None
