"""Floor 4: a discharge or admission letter as plain data, to CDA R2 and back."""

from connector.letter.errors import Fault, LetterError
from connector.letter.plain import data_of, letter_of

__all__ = ["Fault", "LetterError", "data_of", "letter_of"]
