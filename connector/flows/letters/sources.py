"""From files to sources: a letter's data, a CDA, or a file with its header; each alone or with what goes with it.

A data file is the letter itself, or `letter` beside `stay`, `key` and `hidden`: what the pipeline is told, which no
document holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from connector.flows.letters.model import HIDDEN, Hidden, Source
from connector.letter.errors import Fault, LetterError, fault
from connector.letter.inputs import enclose, read_data
from connector.letter.model.body import EXTENSIONS

DATA: Final = (".json", ".yaml", ".yml")
CDA: Final = (".xml",)
ENCLOSED: Final = tuple(EXTENSIONS)
_NAME: Final = re.compile("[a-z][a-z0-9_]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_WITH: Final = frozenset({"letter", "stay", "key", "hidden"})


@dataclass(frozen=True, slots=True, repr=False)
class NamedFile:
    """A file's name and its bytes."""

    name: str
    content: bytes


def kind_of(name: str) -> str:
    """'data', 'cda', 'enclosed' (it needs a header), or "" for a file that is no letter."""
    suffix = PurePath(name).suffix.lower()
    if suffix in DATA:
        return "data"
    if suffix in CDA:
        return "cda"
    return "enclosed" if suffix in ENCLOSED else ""


def source_of(file: NamedFile, header: NamedFile | None = None) -> Source:
    """The letter of a file, and of its header where it is a PDF, a text or an image.

    Raises LetterError with every fault.
    """
    match kind_of(file.name):
        case "cda":
            return Source(cda=file.content)
        case "data":
            return _told(read_data(file.content, file.name), None)
        case "enclosed" if header is not None:
            return _told(read_data(header.content, header.name), file)
        case "enclosed":
            wanted = f"{PurePath(file.name).suffix}.json ou {PurePath(file.name).suffix}.yaml, du même nom"
            raise LetterError([fault("(fichier)", "l'en-tête du fichier manque", wanted, "absent")])
    allowed = ", ".join((*DATA, *CDA, *ENCLOSED))
    raise LetterError([fault("(fichier)", "le type de fichier n'est pas reconnu", allowed, "autre extension")])


def source_of_data(data: Mapping[str, Any]) -> Source:
    """The same for data already read."""
    return _told(data, None)


def _told(data: Mapping[str, Any], file: NamedFile | None) -> Source:
    letter, beside = _parts(data)
    if broken := [*_broken(letter, ""), *_broken({name: beside[name] for name in beside if name != "letter"}, "")]:
        raise LetterError(broken)
    # a field left empty in a template says nothing
    said = {name: value for name, value in letter.items() if value is not None}
    whole = enclose(file.content, file.name, said) if file is not None else said
    return Source(
        data=whole,
        key=_text(beside, "key"),
        stay=_text(beside, "stay"),
        hidden=_hidden(beside.get("hidden", [])),
    )


def _parts(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    letter = data.get("letter")
    if not isinstance(letter, Mapping):
        return data, {}
    unknown = [name for name in data if name not in _WITH]
    if unknown:
        expected = ", ".join(sorted(_WITH))
        raise LetterError([_strange("(fichier)", "un champ voisin de letter n'existe pas", expected)])
    return letter, data


def _text(beside: Mapping[str, Any], name: str) -> str:
    value = beside.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 300:
        raise LetterError([_strange(name, "un texte est attendu", "un texte de 300 caractères au plus")])
    return value.strip()


def _hidden(value: object) -> frozenset[Hidden]:
    if not isinstance(value, list) or any(item not in HIDDEN for item in value):
        raise LetterError([_strange("hidden", "la visibilité demandée n'existe pas", ", ".join(HIDDEN))])
    return frozenset(value)


def _broken(value: object, path: str) -> Iterator[Fault]:
    """Texts that no UTF-8 can write: an escape (\\ud800) may stand for half a character."""
    match value:
        case str() if not value.isascii() and _SURROGATE.search(value):
            text = "le texte contient la moitié d'un caractère"
            yield fault(path or "(fichier)", text, "du texte Unicode", "un code de substitution isolé")
        case Mapping():
            for name, item in value.items():
                if _NAME.fullmatch(str(name)) is None:
                    # no field of ours: it is not repeated, whatever it says
                    yield from _broken(str(name), path)
                    yield from _broken(item, path)
                else:
                    yield from _broken(item, f"{path}.{name}" if path else str(name))
        case list() | tuple():
            for place, item in enumerate(value):
                yield from _broken(item, f"{path}[{place}]")


def _strange(path: str, text: str, expected: str) -> Fault:
    return fault(path, text, expected, "autre chose")
