"""From a letter to the DMP by the same way as any message: made, wrapped, handed to the intake."""

from connector.flows.letters.desk import DeskSettings, LetterDesk, Prepared, entry_of
from connector.flows.letters.model import Asking, LetterReceipt, Source
from connector.flows.letters.wrapping import Wrapping, wrap

__all__ = [
    "Asking",
    "DeskSettings",
    "LetterDesk",
    "LetterReceipt",
    "Prepared",
    "Source",
    "Wrapping",
    "entry_of",
    "wrap",
]
