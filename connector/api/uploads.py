"""The body of a request, never held beyond its limit, and what a letter is made of in it."""

from __future__ import annotations

import email.policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Final

from starlette.requests import Request

from connector.flows.letters.model import Source
from connector.flows.letters.sources import NamedFile, kind_of, source_of
from connector.letter.errors import LetterError, fault

_NAMES: Final = {
    "application/json": "letter.json",
    "application/yaml": "letter.yaml",
    "application/xml": "letter.xml",
    "text/xml": "letter.xml",
}
"""Media type of a whole body, and the file it stands for."""


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
    # the parser of the mail standard reads MIME parts; a form is one of them
    raw = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + content
    message = BytesParser(policy=email.policy.HTTP).parsebytes(raw)
    parts = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        assert isinstance(part, EmailMessage)
        name = str(part.get_param("name", "", header="content-disposition"))
        payload = part.get_payload(decode=True)
        parts[name] = NamedFile(_file_name(part), payload if isinstance(payload, bytes) else b"")
    if "file" not in parts:
        raise LetterError([fault("file", "la partie file manque", "un fichier nommé file", "absent")])
    header = parts.get("header")
    if header is not None and kind_of(header.name) != "data":
        raise LetterError([fault("header", "l'en-tête n'est pas en JSON ou en YAML", ".json, .yaml", "autre")])
    return source_of(parts["file"], header)


def _file_name(part: EmailMessage) -> str:
    """The name given to the part; without one, the media type stands for it. Only its extension is used."""
    given = part.get_filename() or ""
    return given if kind_of(given) else _NAMES.get(part.get_content_type(), given)
