"""Plain data to a letter and back: the one door of the model, whose refusals are in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from connector.letter.errors import LetterError, faults_of
from connector.letter.model import LETTER, Letter


def letter_of(data: Mapping[str, Any]) -> Letter:
    """The letter that `data` (as read from JSON, YAML…) describes.

    Raises LetterError with every fault, each with its path.
    """
    try:
        return LETTER.validate_python(dict(data))
    except ValidationError as refused:
        faults = faults_of(refused)
    # Raised apart: the cause would carry the letter's values into a traceback.
    raise LetterError(faults)


def data_of(letter: Letter) -> dict[str, Any]:
    """Plain data of a letter, without what is absent; `letter_of` gives the same letter back."""
    return {"kind": letter.kind, **letter.data()}
