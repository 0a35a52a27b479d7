"""Rules about what is drawn (ISO 19005-1, 6.2 and 6.4)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

from pypdf.generic import DictionaryObject, StreamObject

from connector.render.pdfa.model import Fault, File, dictionaries, get, items

_SPACES: Final = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}
_HEADER: Final = 128
"""Bytes of an ICC header."""
_PLAIN: Final = frozenset({"/Normal", "/Compatible"})


def output_intent(file: File) -> Iterator[Fault]:
    """Asked of every file: one whose colours are all calibrated could do without, and hardly any is."""
    if "/Encrypt" not in file.trailer and not list(_profiles(file)):
        yield Fault("absent", "un OutputIntent GTS_PDFA1 avec profil", "Le PDF ne dit pas de quelles couleurs il parle")


def profile(file: File) -> Iterator[Fault]:
    """The profile is one, of the number of colours it says."""
    for stream in _profiles(file):
        header = _first_bytes(stream)
        components = _SPACES.get(header[16:20])
        if header[36:40] != b"acsp" or components is None or components != get(stream, "/N"):
            yield Fault("un autre contenu", "un profil ICC gris, RVB ou CMJN", "Le profil de couleurs n'en est pas un")


def transparency(file: File) -> Iterator[Fault]:
    found = {what for one in file.dictionaries for what in _transparent(one)}
    for what in sorted(found):
        yield Fault(what, "aucune transparence", "Le PDF contient de la transparence")


def images(file: File) -> Iterator[Fault]:
    for key in ("/Alternates", "/OPI"):
        if any(key in stream for stream in file.streams):
            yield Fault(key[1:], "une seule image", "Une image du PDF en remplace une autre")
    if any(get(stream, "/Interpolate") for stream in file.streams if get(stream, "/Subtype") == "/Image"):
        yield Fault("Interpolate", "l'image telle qu'elle est", "Une image du PDF est interpolée")


def transfer_functions(file: File) -> Iterator[Fault]:
    for state in _states(file):
        if "/TR" in state or get(state, "/TR2") not in (None, "/Default"):
            yield Fault("TR", "aucune fonction de transfert", "Le PDF change ses couleurs à l'impression")
            return


def postscript(file: File) -> Iterator[Fault]:
    for stream in file.streams:
        if get(stream, "/Subtype") == "/PS" or get(stream, "/Subtype2") == "/PS":
            yield Fault("PostScript", "aucun programme", "Le PDF contient du PostScript")
            return


def _profiles(file: File) -> Iterator[StreamObject]:
    for intent in dictionaries(get(file.catalog, "/OutputIntents")):
        stream = get(intent, "/DestOutputProfile")
        if get(intent, "/S") == "/GTS_PDFA1" and isinstance(stream, StreamObject):
            yield stream


def _first_bytes(stream: StreamObject) -> bytes:
    """The header of a profile, without inflating the rest of it."""
    raw = stream._data
    filters = [str(name) for name in items(get(stream, "/Filter"))]
    if filters == ["/FlateDecode"]:
        return zlib.decompressobj().decompress(raw, _HEADER)
    return raw[:_HEADER] if not filters else b""


def _states(file: File) -> Iterator[DictionaryObject]:
    """Graphics states: by their type, which is optional, or by where they are."""
    for one in file.dictionaries:
        if get(one, "/Type") == "/ExtGState":
            yield one
        named = get(one, "/ExtGState")
        if isinstance(named, DictionaryObject):
            yield from (state for key in named if isinstance(state := get(named, key), DictionaryObject))


def _transparent(one: DictionaryObject) -> Iterator[str]:
    if get(one, "/Group", "/S") == "/Transparency":
        yield "groupe"
    if get(one, "/SMask") not in (None, "/None"):
        yield "SMask"
    if get(one, "/SMaskInData"):
        yield "SMaskInData"
    if get(one, "/Type") in (None, "/ExtGState"):
        if any(_less_than_one(get(one, key)) for key in ("/ca", "/CA")):
            yield "opacité"
        if "/BM" in one and not _PLAIN.issuperset(str(mode) for mode in items(get(one, "/BM"))):
            yield "mode de fusion"


def _less_than_one(value: Any) -> bool:
    return isinstance(value, (int, float)) and value != 1
