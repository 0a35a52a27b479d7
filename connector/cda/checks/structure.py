"""Rules about the document as a whole: its kind, its models, its versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.cda.checks.model import Document, Fault
from connector.cda.nodes import child, children

_TYPE_ID: Final = ("2.16.840.1.113883.1.3", "POCD_HD000040")


def type_id(document: Document) -> Iterator[Fault]:
    """Any other typeId switches the kit's header rules off with a mere warning (cda-kit-calibration)."""
    found = child(document.clinical, "typeId")
    pair = None if found is None else (found.get("root", ""), found.get("extension", ""))
    if pair != _TYPE_ID or len(list(children(document.clinical, "typeId"))) != 1:
        shown = "aucun" if pair is None else "^".join(pair)
        yield Fault("/ClinicalDocument/typeId", shown, "^".join(_TYPE_ID), "Le typeId n'est pas celui d'un CDA R2")
