"""An independent reading of one segment, by hl7apy, as a flat table of leaf values."""

from __future__ import annotations

import re
from collections import Counter

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_segment

from connector.hl7.er7 import Segment

Leaves = dict[tuple[int, int, int, int], str]
"""(field, repetition, component, sub-component) to value, empty ones left out."""


def hl7apy_leaves(segment: Segment, version: str) -> Leaves:
    d = segment.delimiters
    signs = {
        "FIELD": d.field,
        "COMPONENT": d.component,
        "REPETITION": d.repetition,
        "ESCAPE": d.escape,
        "SUBCOMPONENT": d.subcomponent,
        "SEGMENT": "\r",
    }
    # hl7apy knows PRT from version 2.7 on.
    parsed = parse_segment(
        segment.text,
        version="2.7" if segment.name == "PRT" else version,
        encoding_chars=signs,
        validation_level=VALIDATION_LEVEL.TOLERANT,
    )
    leaves: Leaves = {}
    seen: Counter[int] = Counter()
    for field in parsed.children:
        number = int(field.name.rsplit("_", 1)[1])
        seen[number] += 1
        for order, component in enumerate(field.children, 1):
            for rank, leaf in enumerate(component.children, 1):
                value = leaf.to_er7().strip()
                if value:
                    at = (number, seen[number], _position(component.name, order), _position(leaf.name, rank))
                    leaves[at] = value
    return {at: value for at, value in leaves.items() if segment.name != "MSH" or at[0] > 2}


def our_leaves(segment: Segment) -> Leaves:
    leaves: Leaves = {}
    for number in range(3 if segment.name == "MSH" else 1, len(segment.fields())):
        for rep in range(1, len(segment.reps(number)) + 1):
            for comp, text in enumerate(segment.comps(number, rep), 1):
                for sub in range(1, text.count(segment.delimiters.subcomponent) + 2):
                    value = segment.get(number, rep, comp, sub)
                    if value:
                        leaves[number, rep, comp, sub] = value
    return leaves


def _position(name: str, order: int) -> int:
    """`CX_4` is component 4; an unnamed one (Z segments, primitive types) counts by its order."""
    match = re.fullmatch(r".+_(\d+)", name)
    return int(match[1]) if match else order
