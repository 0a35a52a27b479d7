"""PDF/A-1b as numbered rules (ISO 19005-1): what a PDF says to be, and what it must not hold.

`check_pdfa` judges a PDF, `check_carried` the one that a CDA carries. Not a full validator: glyph widths, colour
operators and character maps are not looked at.
"""

from connector.render.pdfa.carried import check_carried
from connector.render.pdfa.run import Limits, check_pdfa

__all__ = ["Limits", "check_carried", "check_pdfa"]
