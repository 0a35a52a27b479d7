"""Judges documents in this process: our structural checks, the CDA schema, the suites. One thread only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from lxml import etree

from connector.base.errors import SettingsError
from connector.base.finding import Finding
from connector.cda.checks import check_tree, parse_document
from connector.cda.header import clinical_document
from connector.cda.nodes import child, instance_ids
from connector.ins.model import Environment
from connector.kit.cache import Cache
from connector.kit.catalogue import ALWAYS, TERMINOLOGIES, XSD, read_catalogue
from connector.kit.findings import kit_finding, schema_findings
from connector.kit.reading import read_schema
from connector.kit.sources import KitError, Sources
from connector.kit.stylesheet import Compiled, compile_schema
from connector.kit.suites import Engine, Suite, SuiteStopped
from connector.kit.verdict import STRUCTURE, CdaVerdict

_LETTERS: Final = "CI-SIS_LDL-"
"""Document suites ready from the start begin so; the others are at the first document that asks for them."""

_BODY_SHOWN: Final = 1000
"""Characters of a level-1 body that suites see."""


class Judge:
    """The kit in `folder`, ready. Raises SettingsError when it is no kit, KitError when it cannot be used."""

    def __init__(
        self,
        folder: Path,
        *,
        weight: Literal["refuse", "warn"],
        terminologies: bool,
        max_bytes: int,
        cache: Path | None,
        environment: Environment = "test",
    ) -> None:
        self._weight = weight
        self._max_bytes = max_bytes
        self._environment = environment
        self.sources = Sources(folder)
        self.digest = self.sources.digest()
        self.catalogue = read_catalogue(self.sources, terminologies=terminologies)
        self._cache = Cache(cache, self.digest)
        self._schema = _load_schema(self.sources)
        self.engine = Engine(self.sources)
        self._suites: dict[str, Suite | KitError] = {}
        letters = (name for name in self.catalogue.documents if name.startswith(_LETTERS))
        for name in (*ALWAYS, *letters, *((TERMINOLOGIES,) if terminologies else ())):
            if isinstance(found := self.suite(name), KitError) and name in ALWAYS:
                raise found

    def suite(self, name: str) -> Suite | KitError:
        """The suite `name` ready to run, or why it cannot."""
        if name not in self._suites:
            try:
                self._suites[name] = self.engine.load(self._compiled(name))
            except KitError as error:
                self._suites[name] = error
        return self._suites[name]

    def judge(self, content: bytes, now: datetime | None = None) -> CdaVerdict:
        """What is wrong with a document at the moment `now` (none: its dates may be any); never raises on a bad one."""
        root, unreadable = parse_document(content, self._max_bytes)
        if root is None:
            return CdaVerdict(unreadable, (STRUCTURE,), self.kit)
        clinical = clinical_document(root)
        findings = [*check_tree(root, None, self._environment, now), *schema_findings(self._schema, clinical)]
        ran = [STRUCTURE, "XSD"]
        names = self.catalogue.asked_by(instance_ids(clinical, "templateId"))
        document = self.engine.parse(_for_suites(clinical))
        for name in names:
            found, done = self._run(name, document)
            findings += found
            ran.append(name if done else f"{name} (non exécutée)")
        return CdaVerdict(tuple(findings), tuple(ran), self.kit)

    @property
    def kit(self) -> str:
        """Name of the distribution in timelines."""
        return f"kit {self.digest[:12]}"

    def _run(self, name: str, document: object) -> tuple[Sequence[Finding], bool]:
        suite = self.suite(name)
        if isinstance(suite, KitError):
            return (_not_run(name, "inutilisable dans ce kit", "warning"),), False
        try:
            return [kit_finding(failure, self._weight) for failure in suite.run(document)], True
        except SuiteStopped:
            severity: Literal["error", "warning"] = "error" if self._weight == "refuse" else "warning"
            return (_not_run(name, "arrêtée par une erreur du kit", severity),), False

    def _compiled(self, name: str) -> Compiled:
        kept = self._cache.load(name)
        if kept is None:
            kept = compile_schema(read_schema(self.sources, self.catalogue.paths[name], name))
            self._cache.keep(kept)
        return kept

    def compile_all(self) -> Iterator[tuple[str, Suite | KitError]]:
        """Every suite of the distribution, one after the other."""
        for name in self.catalogue.paths:
            yield name, self.suite(name)


def _for_suites(clinical: etree._Element) -> str:
    """The document as suites are given it; `clinical` is changed.

    A level-1 body is cut short: no suite reads into it, our own checks did, and Saxon takes 15 ms for each megabyte.
    """
    text = child(clinical, "component/nonXMLBody/text")
    if text is not None and text.text is not None:
        text.text = text.text[:_BODY_SHOWN]
    return etree.tostring(clinical, encoding="unicode", with_tail=False)


def _load_schema(sources: Sources) -> etree.XMLSchema:
    try:
        return etree.XMLSchema(etree.parse(sources.root / XSD))
    except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise SettingsError(
            "the CDA schema of the kit cannot be read", name="gate.kit", found=XSD, allowed="the whole distribution"
        ) from error


def _not_run(name: str, why: str, severity: Literal["error", "warning"]) -> Finding:
    text = f"La suite {name} n'a pas pu juger ce document : {why}"
    return Finding(f"KIT-{name}/run", severity, "/ClinicalDocument", "", "une suite exécutée", text, "", name)
