"""What a distribution holds, what had to be made good in it, and what of it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.kit.catalogue import ALWAYS, TERMINOLOGIES, Catalogue, read_catalogue, terminology_files
from connector.kit.reading import read_schema
from connector.kit.sources import KitError, Repair, Sources
from connector.kit.stylesheet import compile_schema


@dataclass(frozen=True, slots=True)
class SuiteSurvey:
    """`fault` says why the suite cannot be used, "" when it can; `missing` value sets stop it where they are asked."""

    name: str
    path: str
    assertions: int
    always: bool
    missing: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """One distribution; `terminologies` are the code systems it holds, by OID."""

    digest: str
    suites: tuple[SuiteSurvey, ...]
    repairs: tuple[Repair, ...]
    terminologies: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """False when a suite that every document needs cannot be used."""
        return not any(suite.fault for suite in self.suites if suite.always)


def survey(sources: Sources) -> Survey:
    """Reads and translates every suite, without SaxonC. Raises nothing of a suite that is broken."""
    catalogue = read_catalogue(sources, terminologies=True)
    suites = tuple(_surveys(sources, catalogue))
    systems = tuple(path.rpartition("/")[2].rpartition(".")[0] for path in terminology_files(sources))
    return Survey(sources.digest(), suites, sources.repairs, systems)


def _surveys(sources: Sources, catalogue: Catalogue) -> Iterator[SuiteSurvey]:
    for name, path in catalogue.paths.items():
        try:
            compiled = compile_schema(read_schema(sources, path, name))
        except KitError as error:
            yield SuiteSurvey(name, path, 0, name in ALWAYS, fault=f"{error.message}: {error.context.get('path', '')}")
            continue
        missing = tuple(document for document in compiled.documents if not _there(sources, path, document, name))
        yield SuiteSurvey(name, path, len(compiled.assertions), name in ALWAYS, missing)


def _there(sources: Sources, path: str, document: str, suite: str) -> bool:
    if suite == TERMINOLOGIES:
        return True
    found = sources.beside(path, document)
    if not sources.has(found):
        return False
    sources.read(found)
    return True
