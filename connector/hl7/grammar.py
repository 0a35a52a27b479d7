"""Our own structure walk: which segment may stand where (hl7v2-interface §2.1, §3.1, §4, §1.4).

A structure is a line of slots. The walk advances through the slots and never goes back; a segment that would jump
over a required one still to come is the misplaced one. It costs one step per segment and per slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.hl7.header import Header
from connector.hl7.structure import PAM_EVENTS, volet_of


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that takes the segments of `names`, any number of them when `many`."""

    names: frozenset[str]
    required: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Misfit:
    """A segment the structure does not expect. `position` counts from 1; `missing` means it should have been there."""

    position: int
    name: str
    missing: bool = False


def _slots(text: str) -> tuple[Slot, ...]:
    """`MSH! SFT* OBX,PRT,NTE+`: `!` required once, `*` any number, `+` at least one, nothing: optional."""
    made = []
    for word in text.split():
        bare = word.rstrip("!*+")
        mark = word[len(bare) :]
        made.append(Slot(frozenset(bare.split(",")), required=mark in ("!", "+"), many=mark in ("*", "+")))
    return tuple(made)


_ADT_TAIL = "ZFA ZFP ZFV ZFM ZFD ZFS* ROL* DB1* OBX* AL1* DG1* DRG PR1,ROL* GT1* IN1,IN2,IN3,ROL* ACC UB1 UB2 PDA"
_MOVEMENT = _slots(f"MSH! SFT* EVN! PID! PD1 ROL* NK1* PV1! PV2 ZBE! {_ADT_TAIL}")
_VISIT = _slots(f"MSH! SFT* EVN! PID! PD1 ROL* NK1* PV1! PV2 ZBE {_ADT_TAIL}")
_IDENTITY = _slots(f"MSH! SFT* EVN! PID! PD1 ROL* NK1* PV1 PV2 {_ADT_TAIL}")
_MERGE = _slots("MSH! SFT* EVN! PID! PD1 MRG!")
_BY_SEGMENTS = {"ZBE": _MOVEMENT, "PV1": _VISIT, "MRG": _MERGE, "PID": _IDENTITY}

_ORU = _slots("MSH! SFT* PID! PD1 NTE* NK1* PV1! PV2 ORC! OBR! NTE* TQ1,TQ2* CTD OBX,PRT,NTE+")
_MDM = _slots("MSH! SFT* EVN! PID! PV1! ORC! TQ1,TQ2* OBR! NTE* TXA! OBX,PRT,NTE+")
# Older volets: no common order in MDM 2.0, nothing promised for ORC in 1.2.
_ORU_OLD = _slots("MSH! SFT* PID! PD1 NTE* NK1* PV1! PV2 ORC OBR! NTE* TQ1,TQ2* CTD OBX,PRT,NTE+")
_MDM_OLD = _slots("MSH! SFT* EVN! PID! PV1! ORC TQ1,TQ2* OBR NTE* TXA! OBX,PRT,NTE+")
_ACK = _slots("MSH! SFT* UAC MSA! ERR*")
_ZAM = _slots("MSH! SFT* EVN! OBX! OBX ERR")


def slots_of(header: Header) -> tuple[Slot, ...] | None:
    """The structure of a message, None for one we do not know."""
    old = volet_of(header) != "2.1"
    match header.type:
        case "ACK":
            return _ACK
        case "ZAM":
            return _ZAM
        case "ORU":
            return _ORU_OLD if old else _ORU
        case "MDM":
            return _MDM_OLD if old else _MDM
        case "ADT":
            event = PAM_EVENTS.get(header.event)
            return _BY_SEGMENTS[event.segments[-1]] if event and event.segments else None
    return None


def walk(slots: Sequence[Slot], names: Sequence[str]) -> Iterator[Misfit]:
    """Misfits of a message: segments out of place in order, then required ones that never came."""
    filled = [0] * len(slots)
    to_come = Counter(names)
    current = 0
    for position, name in enumerate(names, start=1):
        to_come[name] -= 1
        place = next((i for i in range(current, len(slots)) if _takes(slots[i], name, filled[i])), None)
        if place is None:
            yield Misfit(position, name)
            continue
        filled[place] += 1
        if any(slots[i].required and not filled[i] and _awaited(slots[i], to_come) for i in range(current, place)):
            yield Misfit(position, name)
        else:
            current = place
    for slot, count in zip(slots, filled, strict=True):
        if slot.required and not count:
            yield Misfit(len(names) + 1, sorted(slot.names)[0], missing=True)


def _awaited(slot: Slot, to_come: Mapping[str, int]) -> bool:
    return any(to_come.get(name, 0) > 0 for name in slot.names)


def _takes(slot: Slot, name: str, count: int) -> bool:
    return name in slot.names and (slot.many or not count)
