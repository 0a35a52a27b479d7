"""Rule about labels: what people read beside a code is not what another code of the same list means."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.cda.checks.events import valued
from connector.cda.checks.headercodes import listed
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.places import place
from connector.cda.nodes import attribute
from connector.codes.valueset import load

_MARKS: Final = frozenset("-'’().,/")


def contradicted(document: Document) -> Iterator[Fault]:
    """Other words for the same thing are no matter: only the label of another code is."""
    for name, node in (*listed(document), *valued(document)):
        code, display = attribute(node, "code"), plain(attribute(node, "displayName"))
        held = load(name)
        if not display or code not in held or _means(name, code, display):
            continue
        others = [concept.code for concept in held if plain(concept.display) == display]
        if others:
            yield _fault(node, others[0], code)


def plain(text: str) -> str:
    """Without case, accents nor punctuation."""
    spelt = unicodedata.normalize("NFD", text.casefold())
    kept = "".join(" " if char in _MARKS else char for char in spelt if not unicodedata.combining(char))
    return " ".join(kept.split())


def _means(name: str, code: str, display: str) -> bool:
    return any(plain(concept.display) == display for concept in load(name) if concept.code == code)


def _fault(node: etree._Element, other: str, code: str) -> Fault:
    text = "Le libellé est celui d'un autre code de la même liste : l'un des deux est faux"
    return Fault(place(node, "displayName"), f"le libellé de {other}", f"le libellé de {code}", text)
