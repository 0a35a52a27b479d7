"""The files of the agency's distribution, read where they are, with its known defects made good in memory.

Nothing is ever written into the folder. Defects known from cda-kit-calibration: includes that differ from their file by
letter case, a value set of the header suite that is in no distribution, a value set under another name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from connector.base.errors import ConnectorError, SettingsError
from connector.base.xmlsafe import parse_xml

SVS: Final = "urn:ihe:iti:svs:2008"

_RENAMED: Final = {"jdv_specimentype_cisis.xml": "jdv_hl7_specimentype_cisis.xml"}
_VOCABULARY: Final = re.compile(r"voc-([0-9.]+)-dynamic\.xml")
_READ: Final = frozenset({".sch", ".xml", ".rdf", ".xsd"})
_FILE_CAP: Final = 256 * 1024 * 1024


class KitError(ConnectorError):
    """Something of the distribution cannot be used; `context` has `path`, inside the distribution."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A defect made good: `path` was asked for, `how` says what was given."""

    path: str
    how: str


class Sources:
    """Files of one distribution by their path inside it, "/" between names. Raises SettingsError when it is none."""

    def __init__(self, root: Path) -> None:
        self.root = _find_root(root)
        self._files = {path.lower(): path for path in _walk(self.root)}
        self._exact = frozenset(self._files.values())
        self._repairs: dict[str, Repair] = {}
        self._value_sets: dict[str, str] | None = None

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What had to be made good in the files read so far."""
        return tuple(self._repairs[path] for path in sorted(self._repairs))

    def digest(self) -> str:
        """SHA-256 in hexadecimal of every schematron, schema, value set and terminology, names included."""
        total = hashlib.sha256()
        for path in sorted(self._exact):
            total.update(path.encode() + b"\0" + hashlib.sha256((self.root / path).read_bytes()).digest())
        return total.hexdigest()

    def under(self, folder: str, suffix: str) -> tuple[str, ...]:
        """Paths directly in `folder` that end with `suffix`, sorted."""
        return tuple(sorted(p for p in self._exact if os.path.dirname(p) == folder and p.endswith(suffix)))

    def beside(self, path: str, reference: str) -> str:
        """The path that `reference` means, written in the file `path`."""
        return os.path.normpath(os.path.join(os.path.dirname(path), reference)).replace(os.sep, "/")

    def has(self, path: str) -> bool:
        return path.lower() in self._files or self._substitute(path) is not None

    def read(self, path: str) -> bytes:
        """Bytes of a file, or of what replaces it. Raises KitError when nothing does."""
        if path in self._exact:
            return (self.root / path).read_bytes()
        same = self._files.get(path.lower())
        if same is not None:
            self._repairs[path] = Repair(path, f"{same} (letter case)")
            return (self.root / same).read_bytes()
        substitute = self._substitute(path)
        if substitute is None:
            raise KitError("a file of the kit is missing", path=path)
        self._repairs[path] = Repair(path, substitute[0])
        return substitute[1]

    def parse(self, path: str) -> etree._Element:
        """Root of an XML file. Raises KitError when it is missing, empty or not well-formed."""
        try:
            return parse_xml(self.read(path), cap=_FILE_CAP, huge=True, what=path)
        except KitError:
            raise
        except ConnectorError as error:
            raise KitError("a file of the kit is not readable", path=path) from error

    def _substitute(self, path: str) -> tuple[str, bytes] | None:
        folder, name = os.path.split(path.lower())
        renamed = self._files.get(os.path.join(folder, _RENAMED.get(name, "")))
        if name in _RENAMED and renamed is not None:
            return renamed, (self.root / renamed).read_bytes()
        vocabulary = _VOCABULARY.fullmatch(name)
        published = self._by_oid().get(vocabulary[1]) if vocabulary else None
        return None if vocabulary is None or published is None else (published, self._vocabulary(published))

    def _by_oid(self) -> dict[str, str]:
        """Published value sets by OID; read once, and only when one is missing elsewhere."""
        if self._value_sets is None:
            self._value_sets = {}
            for path in self.under("jeuxDeValeurs", ".xml"):
                found = re.search(rb'<ValueSet\b[^>]*?\bid="([0-9.]+)"', self.read(path)[:4096])
                if found:
                    self._value_sets[found[1].decode()] = path
        return self._value_sets

    def _vocabulary(self, path: str) -> bytes:
        """A published value set in the form the header suite reads."""
        root = etree.Element("valueSets")
        concepts = etree.SubElement(etree.SubElement(root, "valueSet"), "conceptList")
        for concept in self.parse(path).iter(f"{{{SVS}}}Concept"):
            kept = {name: concept.get(name, "") for name in ("code", "codeSystem", "displayName")}
            etree.SubElement(concepts, "concept", kept)
        return etree.tostring(root)


def _find_root(folder: Path) -> Path:
    """The folder itself, or the only one in it that holds a distribution (an archive unpacked one level down)."""
    if not folder.is_dir():
        raise _not_a_kit(folder)
    for candidate in (folder, *sorted(child for child in folder.iterdir() if child.is_dir())):
        if (candidate / "schematrons" / "profils").is_dir() and (candidate / "infrastructure" / "cda").is_dir():
            return candidate
    raise _not_a_kit(folder)


def _not_a_kit(folder: Path) -> SettingsError:
    return SettingsError(
        "no CDA kit of the agency in this folder",
        name="gate.kit",
        found=str(folder),
        allowed="the folder of testContenuCDA, with schematrons/ and infrastructure/ inside",
    )


def _walk(root: Path) -> Iterator[str]:
    for folder in ("schematrons", "jeuxDeValeurs", "infrastructure"):
        for path in (root / folder).rglob("*"):
            if path.suffix.lower() in _READ and path.is_file():
                yield path.relative_to(root).as_posix()
