"""Create, replace or delete: what ORC-1, OBX-11 and the event say, as far as each version of the volet carries them
(hl7v2-interface §3.3, §3.4, §3.7, §7). When two of them disagree the message is refused on ORC-1 (§1.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.hl7.datatypes import text
from connector.hl7.er7 import Message, Segment
from connector.hl7.model import Action
from connector.hl7.notes import Notes
from connector.hl7.refusal import OTHER, application_error, missing_field
from connector.hl7.structure import Volet

ORDER: Mapping[str, Action] = {"NW": "create", "RO": "replace", "CA": "delete"}
STATUS: Mapping[str, Action] = {"F": "create", "C": "replace", "D": "delete"}
EVENT: Mapping[str, Action] = {"T02": "create", "T10": "replace", "T04": "delete"}

DISAGREEMENT = "ORC-1, OBX-11 et l'évènement ne demandent pas la même action"
_REFERENCE = "hl7v2-interface §3.7"


def read_action(
    message: Message, volet: Volet, documents: Sequence[tuple[int, Segment]], notes: Notes
) -> Action | None:
    """The action every carrier agrees on; None when `notes` received the refusal.

    `documents` are the document OBX with their occurrence. Two documents share one action.
    """
    votes: list[Action | None] = []
    orders = message.all("ORC")
    told = len(notes.errors)
    votes += _order_votes(orders, volet, notes)
    votes += [STATUS.get(status) for obx in documents if (status := result_status(*obx, notes))]
    # Volet 1.2 says the action in OBX-11 alone: its events are not held against it.
    if message.header.type == "MDM" and volet != "1.2":
        votes.append(EVENT.get(message.header.event))
    if len(notes.errors) > told:
        return None
    said = set(votes)
    if not said:
        # Without a document its absence is the fault, and is told elsewhere.
        if documents:
            notes.refuse(missing_field(f"OBX^{documents[0][0]}^11", "action demandée (OBX-11)"))
        return None
    if len(said) != 1 or None in said:
        where = "ORC^1^1" if orders else "OBX^1^11"
        notes.refuse(application_error(where, OTHER, DISAGREEMENT))
        return None
    return said.pop()


def _order_votes(orders: Sequence[Segment], volet: Volet, notes: Notes) -> list[Action | None]:
    """ORC-1 since 2.1; older versions write SC there, which says nothing, but a newer code among them still counts."""
    codes = [text(orc, 1).upper() for orc in orders]
    if volet != "2.1":
        return [ORDER[code] for code in codes if code in ORDER]
    for number, code in enumerate(codes, start=1):
        if not code:
            notes.refuse(missing_field(f"ORC^{number}^1", "action demandée (ORC-1)"))
    return [ORDER.get(code) for code in codes]


def result_status(number: int, obx: Segment, notes: Notes) -> str:
    """OBX-11, or OBX-10 when the sender lost a separator (§9.2-13); "" when neither says anything."""
    status = text(obx, 11).upper()
    if status:
        return status
    shifted = text(obx, 10).upper()
    found = f"OBX-10 = {shifted}" if shifted in STATUS else "vide"
    notes.warn("VOLET-OBX-11", f"OBX[{number}]-11", found, "F, C ou D", "OBX-11 absent", reference=_REFERENCE)
    return shifted if shifted in STATUS else ""
