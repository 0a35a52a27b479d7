"""Rules about what a PDF does, or lets a reader do (ISO 19005-1, 6.5, 6.6 and 6.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.render.pdfa.model import Fault, File, get

_FORBIDDEN: Final = frozenset(
    # the last four are of later versions of PDF
    {"/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/SetState", "/NOP"}
    | {"/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView"}
)
_MOVES: Final = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_KINDS: Final = """
    Text Link FreeText Line Square Circle Highlight Underline Squiggly StrikeOut Stamp Ink Popup Widget PrinterMark
    TrapNet"""
_ANNOTATIONS: Final = frozenset(f"/{name}" for name in _KINDS.split())


def javascript(file: File) -> Iterator[Fault]:
    named = get(file.catalog, "/Names", "/JavaScript") is not None
    if named or any("/JS" in one or get(one, "/S") == "/JavaScript" for one in file.dictionaries):
        yield Fault("JavaScript", "aucun programme", "Le PDF contient un programme")


def actions(file: File) -> Iterator[Fault]:
    found = {str(get(one, "/S")) for one in file.dictionaries if get(one, "/Type") != "/StructElem"} & _FORBIDDEN
    moves = {str(get(one, "/N")) for one in file.dictionaries if get(one, "/S") == "/Named"} - _MOVES
    for name in sorted(found | moves):
        yield Fault(name.lstrip("/")[:40], "aucune action que changer de page", "Le PDF déclenche une action")


def triggers(file: File) -> Iterator[Fault]:
    if any("/AA" in one for one in file.dictionaries):
        yield Fault("AA", "aucun déclencheur", "Le PDF réagit de lui-même à ce que fait son lecteur")


def annotation_types(file: File) -> Iterator[Fault]:
    kinds = {str(get(one, "/Subtype")) for one in file.dictionaries if get(one, "/Type") == "/Annot" or _annotates(one)}
    for kind in sorted(kinds - _ANNOTATIONS):
        yield Fault(kind.lstrip("/")[:40], "une annotation de PDF/A-1", "Le PDF a une annotation d'un type interdit")


def forms(file: File) -> Iterator[Fault]:
    for key in ("/XFA", "/NeedAppearances"):
        if get(file.catalog, "/AcroForm", key):
            yield Fault(key[1:], "un formulaire figé", "Le PDF a un formulaire dont l'aspect peut changer")


def _annotates(one: object) -> bool:
    """An annotation without its optional type has a rectangle and a subtype that nothing else has."""
    return get(one, "/Rect") is not None and get(one, "/Subtype") is not None and get(one, "/Type") is None
