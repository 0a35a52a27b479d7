"""The body of a request, never held beyond its limit, and what a letter is made of in it."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from connector.api.forms import Part, read_form
from connector.flows.letters.model import Source
from connector.flows.letters.sources import NamedFile, kind_of, source_of
from connector.letter.errors import LetterError, fault
from connector.letter.inputs import from_json

_NAMES: Final = {
    "application/json": "letter.json",
    "application/yaml": "letter.yaml",
    "application/xml": "letter.xml",
    "text/xml": "letter.xml",
}
"""Media type of a whole body, and the file it stands for."""

REASON: Final = 500
"""Characters of the reason of a deletion."""
_REASON_BODY: Final = 8 * 1024


class TooLarge(Exception):
    """More than `limit` bytes were sent; the rest was not read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class WrongMedia(Exception):
    """A body of another media type."""


async def body_of(request: Request, limit: int) -> bytes:
    """Raises TooLarge, as soon as it is known."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(limit)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(limit)
        parts.append(part)
    return b"".join(parts)


def read_upload(content: bytes, content_type: str) -> Source:
    """The letter of a body: JSON or YAML data, a CDA, or multipart/form-data with `file` and `header`.

    Raises LetterError with every fault, WrongMedia for another media type.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _of_parts(content, content_type)
    if kind not in _NAMES:
        raise WrongMedia(kind)
    return source_of(NamedFile(_NAMES[kind], content))


def _of_parts(content: bytes, content_type: str) -> Source:
    parts = {name: NamedFile(_file_name(part), part.content) for name, part in read_form(content, content_type).items()}
    if "file" not in parts:
        raise LetterError([fault("file", "la partie file manque", "un fichier nommé file", "absent")])
    header = parts.get("header")
    if header is not None and kind_of(header.name) != "data":
        raise LetterError([fault("header", "l'en-tête n'est pas en JSON ou en YAML", ".json, .yaml", "autre")])
    return source_of(parts["file"], header)


def _file_name(part: Part) -> str:
    """The name given to the part; without one, the media type stands for it. Only its extension is used."""
    return part.file_name if kind_of(part.file_name) else _NAMES.get(part.media_type, part.file_name)


def read_deletion(content: bytes, content_type: str, header: str) -> tuple[bytes, str]:
    """(CDA, reason) of a deletion: a body in JSON says the reason, any other one is the CDA; `header` is the reason
    beside a CDA (percent-encoded UTF-8). Both may be empty.

    Raises LetterError.
    """
    said: object = unquote(header)
    if content_type.partition(";")[0].strip().lower() == "application/json":
        if len(content) > _REASON_BODY:
            raise LetterError([fault("(requête)", "le corps est trop grand", f"{_REASON_BODY} octets au plus")])
        data = from_json(content) if content else {}
        if set(data) - {"reason"}:
            raise LetterError([fault("(requête)", "un champ n'existe pas", "reason", "autre chose")])
        content, said = b"", data.get("reason", "")
    if not isinstance(said, str) or len(said) > REASON or not said.isprintable():
        raise LetterError([fault("reason", "le motif n'est pas un texte d'une ligne", f"{REASON} caractères au plus")])
    return content, said.strip()
