"""Suites ready to run in this process: compiled by SaxonC, with the documents they look things up in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor

from connector.base.ns import q
from connector.kit.catalogue import TERMINOLOGIES, terminology_files
from connector.kit.schema import Assertion
from connector.kit.sources import KitError, Sources
from connector.kit.stylesheet import DOCUMENTS, OURS, Compiled

_FINDING: Final = q(OURS, "finding")
_VALUE: Final = q(OURS, "value")
_PROCESSORS: Final[list[Any]] = []


def new_processor() -> Any:
    """A SaxonC processor, kept until the process ends.

    Freed by another thread than its own, as Python's collector of cycles may do, it ends the process (code 99).
    """
    _PROCESSORS.append(PySaxonProcessor(license=False))
    return _PROCESSORS[-1]


@dataclass(frozen=True, slots=True)
class Failure:
    """An assertion that failed at `place`; `message` alternates the kit's words with values of the document."""

    assertion: Assertion
    place: str
    message: tuple[str, ...]

    @property
    def text(self) -> str:
        """The message as the kit words it, white space collapsed. May name a person: not for a log."""
        return " ".join("".join(self.message).split())


class SuiteStopped(KitError):
    """A suite met an error of its own and gave no verdict; `context` has `path`."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One compiled suite. Not thread-safe: SaxonC binds it to the thread that made it."""

    name: str
    compiled: Compiled
    executable: Any

    def run(self, document: Any) -> tuple[Failure, ...]:
        """Failures in `document`, a node of the same processor, in the suite's order. Raises SuiteStopped."""
        try:
            answer = self.executable.transform_to_string(xdm_node=document)
        except PySaxonApiError as error:
            raise SuiteStopped(f"the suite {self.name} stopped", path=self.compiled.path) from error
        return tuple(_failure(node, self.compiled) for node in etree.fromstring(answer.encode()).iter(_FINDING))


def _failure(node: etree._Element, compiled: Compiled) -> Failure:
    pieces = [node.text or ""]
    for value in node.iter(_VALUE):
        pieces += [value.text or "", value.tail or ""]
    return Failure(compiled.assertions[int(node.get("n", ""))], node.get("at", ""), tuple(pieces))


@dataclass(slots=True)
class Engine:
    """A SaxonC processor with the value sets it has parsed so far. One thread only."""

    sources: Sources
    processor: Any = field(default_factory=new_processor)
    _documents: dict[str, Any] = field(default_factory=dict)

    def load(self, compiled: Compiled) -> Suite:
        """Compiles a stylesheet and gives it its documents. Raises KitError when SaxonC refuses it."""
        compiler = self.processor.new_xslt30_processor()
        try:
            executable = compiler.compile_stylesheet(stylesheet_text=compiled.text)
        except PySaxonApiError as error:
            raise KitError(f"the suite {compiled.name} does not compile", path=compiled.path) from error
        make = self.processor.make_string_value
        documents = self.processor.make_map({make(name): node for name, node in self._documents_of(compiled)})
        executable.set_parameter(DOCUMENTS, documents)
        return Suite(compiled.name, compiled, executable)

    def parse(self, text: str) -> Any:
        """A document as a node that suites of this processor can judge."""
        return self.processor.parse_xml(xml_text=text)

    def _documents_of(self, compiled: Compiled) -> Iterator[tuple[str, Any]]:
        """Documents by the name their expressions use. One that is missing stops the suite if ever it is asked for."""
        for name in compiled.documents:
            path = self.sources.beside(compiled.path, name)
            if self.sources.has(path):
                yield name, self._document(path)
        if compiled.name == TERMINOLOGIES:
            for path in terminology_files(self.sources):
                yield f"../terminologie/{path.rpartition('/')[2]}", self._document(path)

    def _document(self, path: str) -> Any:
        if path not in self._documents:
            root = _notations(self.sources.parse(path)) if path.endswith(".rdf") else self.sources.parse(path)
            self._documents[path] = self.parse(etree.tostring(root, encoding="unicode"))
        return self._documents[path]


def _notations(terminology: etree._Element) -> etree._Element:
    """What the suite looks at in a terminology, a twentieth of it."""
    skos = "http://www.w3.org/2004/02/skos/core#"
    root = etree.Element("notations", nsmap={"skos": skos})
    for node in terminology.iter(q(skos, "notation")):
        etree.SubElement(root, q(skos, "notation")).text = node.text
    return root
