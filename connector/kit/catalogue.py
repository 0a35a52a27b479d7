"""The suites of a distribution: which there are, which always run, which a document asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connector.cda.model import InstanceId
from connector.kit.models import document_suites
from connector.kit.sources import Sources

XSD: Final = "infrastructure/cda/CDA_extended.xsd"
ALWAYS: Final = {
    "StructurationMinimale": "schematrons/profils/structurationMinimale/ASIP-STRUCT-MIN-StrucMin.sch",
    "IHE": "schematrons/profils/IHE.sch",
    "ModelesDeContenusCDA": "schematrons/profils/CI-SIS_ModelesDeContenusCDA.sch",
    "Modeles_ANS": "schematrons/profils/CI-SIS_Modeles_ANS.sch",
}
"""Suites every document is judged by, under their names in findings and timelines."""

TERMINOLOGIES: Final = "terminologies"
_TERMINOLOGIES: Final = "schematrons/profils/terminologies/schematron/terminologie.sch"
_TERMS: Final = "schematrons/profils/terminologies/terminologie"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`paths` gives the schema of each suite by name; `documents` those proper to one document model."""

    paths: dict[str, str]
    documents: tuple[str, ...]
    terminologies: bool

    def asked_by(self, templates: Iterable[InstanceId]) -> tuple[str, ...]:
        """Suites for a document that carries these templateIds, in the order they run."""
        last = (TERMINOLOGIES,) if self.terminologies else ()
        return (*ALWAYS, *document_suites(templates, self.documents), *last)


def read_catalogue(sources: Sources, *, terminologies: bool) -> Catalogue:
    documents = {os.path.basename(path).removesuffix(".sch"): path for path in sources.under("schematrons", ".sch")}
    paths = ALWAYS | documents | ({TERMINOLOGIES: _TERMINOLOGIES} if terminologies else {})
    return Catalogue(paths, tuple(documents), terminologies)


def terminology_files(sources: Sources) -> tuple[str, ...]:
    """Paths of the terminologies that the distribution holds; the suite skips those it does not."""
    return sources.under(_TERMS, ".rdf") + sources.under(_TERMS, ".xml")
