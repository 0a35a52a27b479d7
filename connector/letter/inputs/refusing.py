"""What the readers of files share: how a file is refused, and the bounds of one."""

from __future__ import annotations

from typing import Any, Final

from connector.letter.errors import LetterError, fault

SIZE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one file, the PDF in base64 included."""

DEPTH_LIMIT: Final = 30

VALUES_LIMIT: Final = 100_000
"""Texts, lists and groups of one file: a letter of three hundred treatments has some ten thousand."""

WHERE: Final = "(fichier)"


def refusal(text: str, expected: str, found: str) -> LetterError:
    """The file as a whole is refused."""
    return LetterError([fault(WHERE, text, expected, found)])


def too_deep() -> LetterError:
    return refusal("le fichier est trop imbriqué", f"{DEPTH_LIMIT} niveaux au plus", "davantage")


def too_many() -> LetterError:
    return refusal("le fichier contient trop de valeurs", f"{VALUES_LIMIT} au plus", "davantage")


def text_of(content: bytes) -> str:
    """The text of a file in UTF-8. Raises LetterError."""
    if len(content) > SIZE_LIMIT:
        raise refusal("le fichier est trop grand", f"{SIZE_LIMIT} octets au plus", f"{len(content)} octets")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refusal("le fichier n'est pas en UTF-8", "un texte en UTF-8", "autre codage") from None


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A group from its fields. Raises LetterError for a field given twice."""
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise refusal("un champ est donné deux fois dans le même groupe", "chaque champ une fois", "doublon")
        data[key] = value
    return data


def record(data: object) -> dict[str, Any]:
    """The file, when it is one group of fields. Raises LetterError."""
    if not isinstance(data, dict):
        raise refusal("le fichier ne décrit pas une lettre", "un groupe de champs", "liste ou texte")
    return data
