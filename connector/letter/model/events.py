"""The events of a stay (cda-lettre-de-liaison §2.1): six always told, four when they happened."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from connector.letter.model.base import Plain
from connector.letter.model.codes import ModeOfEntry, ModeOfExit
from connector.letter.model.people import AnyAuthor
from connector.letter.model.text import Flag, Prose
from connector.letter.model.times import When


class _Event(Plain):
    """May be given as its value alone."""

    date: When | None = None
    """Date de l'événement ; celle du document si absente."""
    author: AnyAuthor | None = None
    """Auteur, quand ce n'est pas celui du document."""


class _CodedEvent(_Event):
    comment: Prose | None = None
    """Précision en clair, lue à côté du libellé."""

    @model_validator(mode="before")
    @classmethod
    def _from_code(cls, value: Any) -> Any:
        if isinstance(value, str) or (isinstance(value, dict) and "code" in value and "value" not in value):
            return {"value": value}
        return value


class EntryMode(_CodedEvent):
    """La modalité d'entrée."""

    value: ModeOfEntry
    """183452005 en urgence, 8715000 programmée, 107724000 transfert, GEN-092.06.07 autre."""


class ExitMode(_CodedEvent):
    """La modalité de sortie."""

    value: ModeOfExit
    """160849004 domicile, 109 SSR, 127 HAD, 500 EHPAD, GEN-092.06.01 autre établissement, GEN-092.06.03 autre."""


class TextEvent(_Event):
    """Un événement décrit en clair."""

    text: Prose
    """Le texte."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class FlagEvent(_Event):
    """Un événement qui a eu lieu ou non."""

    value: Flag
    """Oui ou non."""
    comment: Prose | None = None
    """Précision en clair."""

    @model_validator(mode="before")
    @classmethod
    def _from_flag(cls, value: Any) -> Any:
        return {"value": value} if isinstance(value, str | bool) else value
