"""From a letter as plain data to CDA R2: `build`."""

from connector.letter.build.document import build

__all__ = ["build"]
