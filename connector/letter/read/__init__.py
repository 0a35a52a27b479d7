"""From CDA to a letter as plain data: `read`; `header_only` when only whose and which document it is matters."""

from connector.letter.read.cursor import Kept
from connector.letter.read.head import LetterHead, header_only
from connector.letter.read.reader import ReadLetter, read

__all__ = ["Kept", "LetterHead", "ReadLetter", "header_only", "read"]
