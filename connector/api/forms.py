"""multipart/form-data (RFC 7578), read flat: a part is never opened, so that nothing nests; bytes stay as they came."""

from __future__ import annotations

import email.policy
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Final

from connector.letter.errors import LetterError, fault

PARTS: Final = 20
"""Parts of one form."""
HEAD: Final = 8 * 1024
"""Bytes of the headers of one part, or of the request's Content-Type."""

_WRONG: Final = "le formulaire est illisible"


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """What a part holds; `file_name` is "" where none was given, `media_type` text/plain by default."""

    content: bytes
    file_name: str
    media_type: str


def read_form(content: bytes, content_type: str) -> Mapping[str, Part]:
    """The parts by their names, the last of two of one name. Raises LetterError."""
    boundary = _head(b"Content-Type: " + content_type.encode("latin-1", "replace")).get_boundary()
    if not boundary or len(boundary) > 70:
        raise _unreadable("une limite (boundary) de 70 caractères au plus", "autre chose")
    mark = b"--" + boundary.encode("ascii", "replace")
    # each mark begins a line; the line end before it is the mark's, not the content's
    _, *pieces = (b"\r\n" + content).split(b"\r\n" + mark, PARTS + 2)
    if len(pieces) > PARTS + 1:
        raise _unreadable(f"{PARTS} parties au plus", "davantage")
    if not pieces or not pieces[-1].startswith(b"--"):
        raise _unreadable("un formulaire entier", "sa fin manque")
    found = {}
    for piece in pieces[:-1]:
        name, part = _part(piece)
        found[name] = part
    return found


def _part(piece: bytes) -> tuple[str, Part]:
    told, empty_line, content = piece.partition(b"\r\n\r\n")
    if not empty_line or len(told) > HEAD:
        raise _unreadable(f"des en-têtes de {HEAD} octets au plus, puis une ligne vide", "autre chose")
    head = _head(told.lstrip(b" \t\r\n"))
    if head.get("content-transfer-encoding", "binary").strip().lower() not in ("binary", "8bit", "7bit"):
        raise _unreadable("des octets tels quels", "un codage (Content-Transfer-Encoding)")
    name = str(head.get_param("name", "", header="content-disposition"))
    return name, Part(content, head.get_filename() or "", head.get_content_type())


def _head(lines: bytes) -> EmailMessage:
    if len(lines) > HEAD + 20:
        raise _unreadable(f"{HEAD} octets d'en-têtes au plus", "davantage")
    message = BytesParser(policy=email.policy.HTTP).parsebytes(lines + b"\r\n\r\n", headersonly=True)
    assert isinstance(message, EmailMessage)
    return message


def _unreadable(expected: str, found: str) -> LetterError:
    return LetterError([fault("(requête)", _WRONG, expected, found)])
