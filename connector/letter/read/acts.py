"""Acts, requests, encounters and devices as plain data (cda-lettre-de-liaison §2.1, §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.letter.build import wording
from connector.letter.build.acts import STATUS_WORDS
from connector.letter.build.plan import STAGES
from connector.letter.model import Code
from connector.letter.read.cursor import Cursor
from connector.letter.read.narrative import plain, same
from connector.letter.read.remarks import affirmed, technical
from connector.letter.read.story import Story, referred
from connector.letter.read.values import PLANNED, Plain, code, identifier, is_made_up, period, said

_DEVICE_SYSTEMS: Final = {
    "1.2.250.1.213.2.68": "emdn",
    "1.2.250.1.213.2.65": "cladimed",
    "1.2.250.1.215.200.2.1": "lpp",
}


def done(section: Cursor) -> Iterator[Plain]:
    """Acts that were done."""
    return (_procedure(entry, "completed") for entry in affirmed(section.each("entry/procedure")))


def plan_of_care(section: Cursor) -> Plain | None:
    """What is to come: acts, requests, encounters, and the text around their tables."""
    found: Plain = {
        "procedures": [_procedure(entry, "active") for entry in affirmed(section.each("entry/procedure"), *PLANNED)],
        "requests": [_request(entry) for entry in affirmed(section.each("entry/observation"), "GOL", *PLANNED)],
        "encounters": [
            _encounter(entry) for entry in affirmed(section.each("entry/encounter"), "EVN", "ARQ", "PMRS", "PRMS")
        ],
    }
    found["text"] = _around(section, coded=any(found.values()))
    return said(found)


def _around(section: Cursor, *, coded: bool) -> str | None:
    """The text of the section; where entries say what the tables say, only what stands outside of the tables."""
    told = section.at("text")
    if told.element is None:
        return None
    whole = section.reading.whole
    if not coded:
        told.take()
        return plain(told.element, title=section.at("title").peek_text()) or None
    tables = set(told.element.iter("{*}table"))
    text = plain(told.element, without=whole | tables)
    for part in told.element:
        if isinstance(part.tag, str) and part not in tables and not any(inner in tables for inner in part.iter()):
            whole.add(part)
    section.reading.taken.add((told.element, "text()"))
    return text or None


def _procedure(entry: Cursor, usual: str) -> Plain:
    story = Story(entry)
    status = entry.at("statusCode").attribute("code")
    technical(entry)
    known = code(entry.at("code"))
    texts = (referred(entry.at("text")), referred(entry.at("code/originalText")))
    start, end = period(entry.at("effectiveTime"))
    story.told.append(STATUS_WORDS.get(status or "", ""))
    found: Plain = {
        "code": known,
        "text": (text := _unlike(texts, known)),
        "status": status if status != usual else None,
        "start": start,
        "end": end,
        "priority": code(entry.at("priorityCode")),
    }
    story.settle()
    story.hear(texts, text)
    return said(found) or {}


def _request(entry: Cursor) -> Plain:
    story = Story(entry)
    status = entry.at("statusCode").attribute("code")
    technical(entry)
    known = entry.at("code")
    told = referred(entry.at("text"))
    value = entry.at("value")
    label = known.peek("displayName")
    if known.settle("code", "ORG-064"):
        known.take()
    if told is None or same(value.peek_text(), told):
        told = told or value.text() or label
        value.text()
    story.told.append(STATUS_WORDS.get(status or "", ""))
    story.settle()
    start, _ = period(entry.at("effectiveTime"))
    return said({"text": told, "status": status, "date": start}) or {}


def _encounter(entry: Cursor) -> Plain:
    story = Story(entry)
    stage = _stage(entry)
    technical(entry, STAGES[stage][2])
    story.told.append(STAGES[stage][3])
    kind = code(entry.at("code"))
    start, _ = period(entry.at("effectiveTime"))
    found: Plain = {
        "text": referred(entry.at("text")) or (kind or {}).get("display"),
        "type": kind,
        "stage": stage,
        "date": start,
        "priority": code(entry.at("priorityCode")),
    }
    story.settle()
    return said(found) or {}


def _stage(entry: Cursor) -> str:
    """A promise has no mood that both the schema and the suites accept: some write a request under way instead."""
    match entry.peek("moodCode"):
        case "EVN":
            return "done"
        case "PMRS" | "PRMS":
            return "booked"
    return "booked" if entry.at("statusCode").peek("code") == "active" else "to_request"


def devices(section: Cursor) -> Iterator[Plain]:
    """Each device of the section."""
    for entry in affirmed(section.each("entry/supply"), "EVN", *PLANNED):
        yield _device(entry)


def _device(entry: Cursor) -> Plain:
    story = Story(entry)
    entry.at("statusCode").settle("code", "completed")
    supply = entry.at("id")
    made_up = is_made_up(supply)
    if made_up:
        supply.take()
    role = entry.at("participant/participantRole")
    known = role.at("playingDevice/code")
    codes: Plain = {}
    for item in (known, *known.each("translation")):
        field = _DEVICE_SYSTEMS.get(item.peek("codeSystem"))
        if field and field not in codes and item.peek("code"):
            codes[field] = code(item)
    texts = (referred(known.at("originalText")), referred(entry.at("text")))
    labels = [codes[name]["display"] for name in ("emdn", "cladimed", "lpp") if codes.get(name, {}).get("display")]
    start, end = period(entry.at("effectiveTime"))
    planned = entry.peek("moodCode") in PLANNED
    found: Plain = {
        **codes,
        "text": (text := next((text for text in texts if text and not (labels and text == labels[0])), None)),
        "supply_id": None if made_up else identifier(supply),
        "udi": role.at("id").attribute("extension"),
        "start": start,
        "end": end,
        "planned": planned or None,
    }
    if found["udi"] and (domain := role.at("id").attribute("root")):
        found["udi_domain"] = {"root": domain}
    if planned:
        story.told.append("à poser ou à fournir")
    story.told += [wording.code(Code.model_construct(**{"display": None, **item})) for item in codes.values()]
    story.settle()
    story.hear(texts, text)
    return said(found) or {}


def _unlike(texts: tuple[str | None, ...], known: Plain | None) -> str | None:
    """The first text that is not the label of the code."""
    label = (known or {}).get("display")
    return next((text for text in texts if text and text != label), None)
