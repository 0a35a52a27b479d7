"""Rules about fonts (ISO 19005-1, 6.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pypdf.generic import DictionaryObject, StreamObject

from connector.render.pdfa.model import Fault, File, dictionaries, get

_PROGRAMS: Final = ("/FontFile", "/FontFile2", "/FontFile3")
_SHOWN: Final = 40


def embedded(file: File) -> Iterator[Fault]:
    names = {str(get(font, "/BaseFont") or "sans nom").lstrip("/") for font in _fonts(file) if not _is_embedded(font)}
    for name in sorted(names):
        yield Fault(name[:_SHOWN], "la police dans le fichier", "Une police du PDF n'est pas incorporée")


def _fonts(file: File) -> Iterator[DictionaryObject]:
    """Fonts by their type, or by where they are: some writers leave the type out."""
    for one in file.dictionaries:
        if get(one, "/Type") == "/Font" and not str(get(one, "/Subtype")).startswith("/CIDFont"):
            yield one
        named = get(one, "/Font")
        if isinstance(named, DictionaryObject):
            yield from (font for key in named if isinstance(font := get(named, key), DictionaryObject))


def _is_embedded(font: DictionaryObject) -> bool:
    if get(font, "/Subtype") == "/Type3":
        # its glyphs are drawings of the file
        return True
    if get(font, "/Subtype") == "/Type0":
        inner = dictionaries(get(font, "/DescendantFonts"))
        return bool(inner) and all(_has_program(one) for one in inner)
    return _has_program(font)


def _has_program(font: DictionaryObject) -> bool:
    return any(isinstance(get(font, "/FontDescriptor", key), StreamObject) for key in _PROGRAMS)
