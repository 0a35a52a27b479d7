"""Rules about the file itself (ISO 19005-1, 6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from connector.render.pdfa.model import Fault, File, get, items

_HEADER: Final = re.compile(rb"%PDF-1\.[0-4][\r\n]")
_COMMENT: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)%([\x80-\xff]{4})")
_LZW: Final = frozenset({"/LZWDecode", "/LZW"})


def header(file: File) -> Iterator[Fault]:
    if not _HEADER.match(file.content):
        found = re.match(rb"%PDF-\d\.\d", file.content)
        yield Fault(
            found[0].decode() if found else "un autre début", "%PDF-1.4 au premier octet", "L'en-tête n'est pas PDF 1.4"
        )


def binary_comment(file: File) -> Iterator[Fault]:
    if not _COMMENT.match(file.content[:1024]):
        yield Fault("absent", "un commentaire de 4 octets de plus de 127", "La deuxième ligne n'annonce pas du binaire")


def identifier(file: File) -> Iterator[Fault]:
    if len(items(get(file.trailer, "/ID"))) != 2:
        yield Fault("absent", "ID dans le trailer", "Le fichier n'a pas d'identifiant")


def encryption(file: File) -> Iterator[Fault]:
    if "/Encrypt" in file.trailer:
        yield Fault("Encrypt", "aucun chiffrement", "Le PDF est chiffré")


def nothing_after_the_end(file: File) -> Iterator[Fault]:
    if not re.search(rb"%%EOF(?:\r\n|\r|\n)?\Z", file.content[-1024:]):
        yield Fault("d'autres octets", "%%EOF à la fin", "Le fichier ne finit pas par %%EOF")


def cross_reference_table(file: File) -> Iterator[Fault]:
    """Compressed references and objects came with PDF 1.5."""
    kinds = {str(get(stream, "/Type")) for stream in file.streams} & {"/XRef", "/ObjStm"}
    # a stream of references is the trailer itself, and a stream of objects is reached from nowhere
    starts = re.findall(rb"startxref\s+(\d+)\s+%%EOF", file.content[-1024:])
    table = bool(starts) and file.content[int(starts[-1]) :][:16].lstrip().startswith(b"xref")
    if kinds or not table or re.search(rb"/Type\s*/ObjStm\b", file.content):
        yield Fault("références compressées", "une table xref", "Le fichier est d'une forme plus récente que PDF 1.4")


def external_streams(file: File) -> Iterator[Fault]:
    for key in ("/F", "/FFilter", "/FDecodeParms"):
        if any(key in stream for stream in file.streams):
            yield Fault(key[1:], "le contenu dans le fichier", "Un contenu du PDF est dans un autre fichier")


def lzw(file: File) -> Iterator[Fault]:
    if any(str(name) in _LZW for stream in file.streams for name in items(get(stream, "/Filter"))):
        yield Fault("LZWDecode", "une autre compression", "Un contenu du PDF est compressé par LZW")


def embedded_files(file: File) -> Iterator[Fault]:
    names = get(file.catalog, "/Names", "/EmbeddedFiles") is not None
    if names or any("/EF" in one for one in file.dictionaries):
        yield Fault("fichier joint", "aucun fichier joint", "Le PDF contient un fichier joint")


def optional_content(file: File) -> Iterator[Fault]:
    if "/OCProperties" in file.catalog:
        yield Fault("OCProperties", "aucun calque", "Le PDF a des calques, qui peuvent cacher du texte")
