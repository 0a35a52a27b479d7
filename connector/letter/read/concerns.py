"""Problems and allergies as plain data: a concern around observations (cda-lettre-de-liaison §2.1, §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.letter.build.concerns import STATUS_WORDS
from connector.letter.build.section import PCC
from connector.letter.read.cursor import Cursor
from connector.letter.read.remarks import affirmed, affirms, comment, has_template, technical
from connector.letter.read.story import Story, referred, same_place
from connector.letter.read.values import ABSENT, Plain, code, said, time

_SEVERITY: Final = f"{PCC}.4.1"
_STATUS: Final = f"{PCC}.4.1.1"
_REACTION_KIND: Final = "418799008"


def problems(section: Cursor) -> Iterator[Plain]:
    """Each problem of the section, whether or not a concern follows it."""
    for act, observation in _observed(section):
        story = Story(observation)
        technical(observation)
        value = observation.at("value")
        absent = _is_absent(observation)
        texts = (referred(value.at("originalText")), referred(observation.at("text")))
        kind = code(observation.at("code"))
        found: Plain = {"code": code(value), "absent": absent, "type": kind, **_lasting(act, observation, story)}
        found["text"] = _text(texts, kind, found["code"], None)
        found["comment"] = comment(observation) or comment(act) or story.column("commentaire", "commentaires")
        story.settle()
        story.hear(texts, found["text"])
        yield said(found) or {}


def allergies(section: Cursor) -> Iterator[Plain]:
    """Each allergy of the section."""
    for act, observation in _observed(section):
        if observation.at("value").peek("codeSystem") != ABSENT and affirms(observation):
            yield _allergy(act, observation)


def no_allergy(section: Cursor) -> Plain | None:
    """The statement that no allergy is known, or that nobody knows."""
    for act, observation in _observed(section):
        if observation.at("value").peek("codeSystem") == ABSENT and affirms(observation):
            for node in (act, observation):
                technical(node)
            observation.at("code").take()
            value = observation.at("value")
            found = code(value)
            texts = (referred(value.at("originalText")), referred(observation.at("text")))
            text = _text(texts, None, found, None)
            Story(observation).hear(texts, text)
            return said({"code": found, "text": text})
    return None


def _observed(section: Cursor) -> Iterator[tuple[Cursor, Cursor]]:
    """Each observation with the concern around it; an observation without concern is its own."""
    for act in affirmed(section.each("entry/act")):
        for observation in act.each("entryRelationship/observation"):
            yield act, observation
    for observation in section.each("entry/observation"):
        yield Cursor(None, section.reading), observation


def _allergy(act: Cursor, observation: Cursor) -> Plain:
    story = Story(observation)
    technical(observation)
    kind = code(observation.at("code"))
    value = observation.at("value")
    agent = _agent(observation)
    texts = (referred(value.at("originalText")), referred(observation.at("text")))
    found: Plain = {
        "type": kind,
        "agent": agent,
        "reactions": [*_reactions(observation, story)],
        "severity": _coded_side(observation, _SEVERITY, "SEV"),
        "clinical_status": _coded_side(observation, _STATUS, "33999-4"),
        **_lasting(act, observation, story),
    }
    found["text"] = _text(texts, kind, None, agent)
    if found["text"] is None and agent and texts[0] == agent["name"] and not _is_the_agent(observation):
        found["text"] = texts[0]
    found["comment"] = comment(observation) or comment(act) or story.column("commentaire", "commentaires")
    story.settle()
    story.hear(texts, found["text"])
    return said(found) or {}


def _is_absent(observation: Cursor) -> bool | None:
    return observation.attribute("negationInd") == "true" or None


def _agent(observation: Cursor) -> Plain | None:
    for participant in observation.each("participant"):
        entity = participant.at("participantRole/playingEntity")
        original = referred(entity.at("code/originalText"))
        name = entity.at("name").text() or original
        if name:
            Story(entity).hear([original], name)
            return said({"name": name, "code": code(entity.at("code"))})
    return None


def _is_the_agent(observation: Cursor) -> bool:
    """True when the text of the allergy is that of its agent, not words of its own."""
    agent = observation.at("participant/participantRole/playingEntity/code/originalText")
    return not agent.at("reference") or same_place(observation.at("text"), agent)


def _reactions(observation: Cursor, story: Story) -> Iterator[Plain]:
    for link in observation.each("entryRelationship"):
        reaction = link.at("observation")
        if link.peek("typeCode") != "MFST" or not reaction:
            continue
        technical(reaction)
        if reaction.at("code").settle("code", _REACTION_KIND):
            for name in ("codeSystem", "displayName"):
                reaction.at("code").attribute(name)
        value = reaction.at("value")
        found = code(value)
        texts = (referred(value.at("originalText")), referred(reaction.at("text")))
        start = time(reaction.at("effectiveTime/low")) or time(reaction.at("effectiveTime"))
        text = next((text for text in texts if text), None) or (found or {}).get("display")
        Story(reaction).hear(texts, text)
        yield said({"text": text, "code": found, "start": start, "absent": _is_absent(reaction)}) or {}


def _coded_side(observation: Cursor, template: str, kind: str) -> Plain | None:
    """The coded value of an observation tied to this one: severity, status."""
    for side in observation.each("entryRelationship/observation"):
        if has_template(side, template) or side.at("code").peek("code") == kind:
            technical(side)
            side.at("code").take()
            found = code(side.at("value"))
            text = referred(side.at("text"))
            if found is not None and text and not found.get("display"):
                found["display"] = text
            Story(side).hear([text], (found or {}).get("display"))
            return found
    return None


def _lasting(act: Cursor, observation: Cursor, story: Story) -> Plain:
    """Dates and follow-up. The concern repeats the dates of what it follows; others of its own stay to be listed."""
    technical(act)
    start = time(observation.at("effectiveTime/low")) or time(observation.at("effectiveTime"))
    end = time(observation.at("effectiveTime/high"))
    concern = act.at("effectiveTime")
    for name, known in (("low", start), ("high", end)):
        bound = concern.at(name)
        if bound and bound.peek("value") in (observation.at(f"effectiveTime/{name}").peek("value"), ""):
            bound.take()
        elif known is None and name == "low":
            start = time(bound)
        elif known is None:
            end = time(bound)
    status = act.at("statusCode").attribute("code")
    story.told.append(STATUS_WORDS.get(status or "", ""))
    usual = "completed" if end else "active"
    return {"start": start, "end": end, "concern": status if status != usual else None}


def _text(texts: tuple[str | None, ...], kind: Plain | None, told: Plain | None, agent: Plain | None) -> str | None:
    """The first text that says more than the label of the code, the agent's name or, beside one of them, the kind."""
    labels = [label for label in ((told or {}).get("display"), (agent or {}).get("name")) if label]
    kinds = [str((kind or {}).get("display", "")).casefold()] if labels else []
    return next((text for text in texts if text and text not in labels and text.casefold() not in kinds), None)
