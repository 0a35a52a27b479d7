"""Sample letters as plain data, to change one thing of."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from connector.letter.errors import Fault, LetterError
from connector.letter.inputs import Facts, complete, enclose, read_data
from connector.letter.plain import letter_of

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "lettres"
MADE = Facts(id="2.25.1001", set_id="2.25.1000")
PDF = b"%PDF-1.4\n%%EOF\n"

Data = dict[str, Any]


def sample(name: str) -> Data:
    """Complete data of a sample file."""
    return complete(read_data((SAMPLES / name).read_bytes(), name), MADE)


def discharge() -> Data:
    return sample("discharge.json")


def admission() -> Data:
    return sample("admission.yaml")


def unstructured() -> Data:
    header = read_data((SAMPLES / "header.yaml").read_bytes(), "header.yaml")
    return complete(enclose(PDF, "lettre.pdf", header), MADE)


def changed(data: Data, path: str, value: Any) -> Data:
    """A copy with one value replaced, or taken out when it is `...`; the path is made of names and places."""
    copy = deepcopy(data)
    target: Any = copy
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        target = target[step]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return copy


def faults(data: Data) -> tuple[Fault, ...]:
    """The faults of data that are no letter; () when they are one."""
    try:
        letter_of(data)
    except LetterError as refused:
        return refused.faults
    return ()
