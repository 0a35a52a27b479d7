"""The agency's kit compiled plainly, by the compiler it ships (`schematrons/moteur`), to compare findings with."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from lxml import etree
from saxonche import PySaxonApiError

from connector.kit.sources import Sources
from connector.kit.suites import new_processor

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
STEPS = ("iso_dsdl_include.xsl", "iso_abstract_expand.xsl", "iso_svrl_for_xslt2.xsl")

Said = tuple[str, str]
"""A message without white space, and a place without its positions: the two compilers write them differently."""


STOPPED: list[Said] = [("the suite met an error of its own", "")]


class PlainKit:
    """A repaired copy of the distribution; suites are compiled at their first document."""

    def __init__(self, kit: Path, folder: Path, sources: Sources) -> None:
        self._folder = folder
        for name in ("schematrons", "jeuxDeValeurs"):
            shutil.copytree(kit / name, folder / name)
        for repair in sources.repairs:
            target = folder / repair.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(sources.read(repair.path))
        self._processor = new_processor()
        compiler = self._processor.new_xslt30_processor()
        engine = folder / "schematrons" / "moteur"
        self._steps = [compiler.compile_stylesheet(stylesheet_file=str(engine / name)) for name in STEPS]
        self._suites: dict[str, Any] = {}

    def said(self, path: str, document: str) -> list[Said]:
        """What the suite whose schema is at `path` says of a document, in its order."""
        node = self._processor.parse_xml(xml_text=document)
        try:
            report = etree.fromstring(self._suite(path).transform_to_string(xdm_node=node).encode())
        except PySaxonApiError:
            return STOPPED
        return [
            (squeezed(str(one.xpath("string(*[local-name()='text'])"))), bare(str(one.get("location"))))
            for one in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")
        ]

    def _suite(self, path: str) -> Any:
        if path not in self._suites:
            node = self._processor.parse_xml(xml_file_name=str(self._folder / path))
            for step in self._steps:
                node = step.transform_to_value(xdm_node=node).head
            # compiled where its schema is, so that value sets are found
            stylesheet = (self._folder / path).with_suffix(".xsl")
            stylesheet.write_text(str(node), encoding="utf-8")
            compiler = self._processor.new_xslt30_processor()
            self._suites[path] = compiler.compile_stylesheet(stylesheet_file=str(stylesheet))
        return self._suites[path]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def bare(place: str) -> str:
    return re.sub(r"\[\d+\]", "", re.sub(r"(?<=/)[\w-]+:", "", place))
