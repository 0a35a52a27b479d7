"""The events of a stay (cda-lettre-de-liaison §2.1): six always told, four when they happened."""

from __future__ import annotations

from connector.letter.model.base import Short
from connector.letter.model.codes import ModeOfEntry, ModeOfExit
from connector.letter.model.people import AnyAuthor
from connector.letter.model.text import Flag, Prose
from connector.letter.model.times import When


class _Event(Short):
    date: When | None = None
    """Date de l'événement ; celle du document si absente."""
    author: AnyAuthor | None = None
    """Auteur, quand ce n'est pas celui du document."""


class _CodedEvent(_Event):
    SHORT = "value"

    comment: Prose | None = None
    """Précision en clair, lue à côté du libellé."""


class EntryMode(_CodedEvent):
    """La modalité d'entrée ; le code seul suffit."""

    value: ModeOfEntry
    """183452005 en urgence, 8715000 programmée, 107724000 transfert, GEN-092.06.07 autre."""


class ExitMode(_CodedEvent):
    """La modalité de sortie ; le code seul suffit."""

    value: ModeOfExit
    """160849004 domicile, 109 SSR, 127 HAD, 500 EHPAD, GEN-092.06.01 autre établissement, GEN-092.06.03 autre."""


class TextEvent(_Event):
    """Un événement décrit en clair ; le texte seul suffit."""

    text: Prose
    """Le texte."""


class FlagEvent(_Event):
    """Un événement qui a eu lieu ou non ; oui ou non suffit."""

    SHORT = "value"
    SHORT_TYPES = (bool, str)

    value: Flag
    """Oui ou non."""
    comment: Prose | None = None
    """Précision en clair."""
