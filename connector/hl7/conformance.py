"""Offline conformance check of one message, for integrators: everything that is wrong, at once.

'error' means the message breaks a required point of PAM-FR or of the volet, 'warning' that it departs from them or
from HL7; a receiver may still accept it. Four readers speak in turn: our splitter, the structure walk, the French
rows, and hl7apy for the published definitions. Bounded: a hostile message costs no more than a large honest one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice

from connector.base.finding import Finding
from connector.hl7.ack import AckError
from connector.hl7.definitions import check_segment, without_payload
from connector.hl7.er7 import Er7Error, Limits, Message, parse
from connector.hl7.grammar import slots_of, walk
from connector.hl7.identity import read_identity
from connector.hl7.profile_rules import check_profile
from connector.hl7.structure import DOCUMENT_EVENTS, LPS_NAMESPACE, check_header, check_segments
from connector.hl7.volet import document_notes

LIMITS = Limits(max_segments=1_000, max_fields=500, max_repetitions=500, max_components=5_000)
"""Tighter than the listener's: a real message has fewer than a hundred segments."""

MAX_DEFINED = 20_000
"""Characters given to hl7apy, payloads not counted; a real message has a third of that."""

MAX_FINDINGS = 500


def check_message(raw: bytes) -> list[Finding]:
    """Findings of an ADT, ORU, MDM, ACK or ZAM, at most MAX_FINDINGS; [] when nothing is wrong.

    Never raises on content: a message that cannot be read is one error. `found` never holds an identity.
    """
    try:
        message = parse(raw, LIMITS)
    except Er7Error as error:
        where = error.location or "message"
        return [Finding("ER7", "error", where, "illisible", "un message ER7", error.message, code=error.err_code)]
    return list(islice(_findings(message), MAX_FINDINGS))


def _findings(message: Message) -> Iterator[Finding]:
    if message.charset_flag:
        yield Finding("ER7-CHARSET", "warning", "MSH-18", message.charset_flag, "le jeu déclaré", "jeu de caractères")
    yield from _reception(message)
    yield from _structure(message)
    yield from check_profile(message)
    yield from _definitions(message)


def _definitions(message: Message) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    left = MAX_DEFINED
    for segment in message.segments:
        seen[segment.name] += 1
        left -= len(without_payload(segment))
        if left < 0:
            where, expected = f"{segment.name}[{seen[segment.name]}]", f"au plus {MAX_DEFINED} caractères"
            yield Finding("HL7-DEF", "info", where, "message trop long", expected, "suite non vérifiée par hl7apy")
            return
        yield from check_segment(segment, seen[segment.name], message.header.version)


def _reception(message: Message) -> Iterator[Finding]:
    """What our own listener would answer, and beyond: a fault of MSH or a missing segment hides nothing else."""
    header = message.header
    if header.type == "ZAM":
        return
    told: list[AckError] = []
    for refusal in (check_header(header), check_segments(header, message.names())):
        if refusal is not None:
            told += refusal.errors
    pid = message.first("PID")
    if pid is not None and header.type != "ACK":
        verdict = read_identity(pid, environment="test", today=date.min).qualification
        for sentence in verdict.reasons + verdict.warnings:
            code, _, text = sentence.partition(": ")
            yield Finding(code, "info", "PID", "non qualifiée", "qualifiée", text, reference="hl7v2-interface §2.3")
    if header.type in DOCUMENT_EVENTS and header.profile_namespace.strip() != LPS_NAMESPACE:
        notes = document_notes(message, environment="test", today=date.min)
        told += notes.errors
        yield from notes.findings
    yield from (_refused(error) for error in told)


def _refused(error: AckError) -> Finding:
    text = error.app_text or error.text
    code = f"{error.code}/{error.app_code}" if error.app_code else error.code
    return Finding(f"ACK-{error.code}", "error", error.location, "refusé", "accepté", text, code=code)


def _structure(message: Message) -> Iterator[Finding]:
    slots = slots_of(message.header)
    if slots is None:
        return
    for misfit in walk(slots, message.names()):
        if misfit.missing:
            found, sentence = "absent", f"segment {misfit.name} absent"
        else:
            found, sentence = f"segment n° {misfit.position}", f"segment {misfit.name} inattendu à cette place"
        yield Finding(
            "STRUCTURE",
            "error" if misfit.missing else "warning",
            misfit.name,
            found,
            "l'ordre du profil",
            sentence,
            code="100",
            reference="hl7v2-interface §2.1, §3.1",
        )
