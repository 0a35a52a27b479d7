"""Rules about the numbers of medicines and the codes of terminologies: written as they are made, their keys right.

Nobody ships the lists; a digit typed wrong shows all the same. The terminologies suite looks up what the kit has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from connector.base.ns import HL7V3, q
from connector.cda.checks import numbers
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place

_CODED: Final = tuple(q(HL7V3, name) for name in ("code", "translation", "value"))


def medicines(document: Document) -> Iterator[Fault]:
    return _misshapen(document, numbers.SYSTEMS)


def terms(document: Document) -> Iterator[Fault]:
    return _misshapen(document, numbers.TERMS)


def _misshapen(document: Document, systems: Mapping[str, tuple[str, Callable[[str], bool], str]]) -> Iterator[Fault]:
    for node in document.clinical.iter(*_CODED):
        known = systems.get(node.get("codeSystem", ""))
        if known is None or not (code := node.get("code", "")):
            continue
        name, is_one, expected = known
        if not is_one(code):
            yield Fault(place(node, "code"), f"{len(code)} caractères", expected, f"Ce code n'est pas un code {name}")
