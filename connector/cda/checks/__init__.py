"""Structural checks of our own on a CDA document: what the agency's schemas and suites do not see.

`check_document` is the whole of it; each rule is a row of `rules.CHECKS` (cda-lettre-de-liaison §7).
"""

from connector.cda.checks.run import DEFAULT_MAX_BYTES, check_document, check_tree, parse_document

__all__ = ["DEFAULT_MAX_BYTES", "check_document", "check_tree", "parse_document"]
