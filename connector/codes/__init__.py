"""Floor 1: code lists and OIDs, as versioned data."""

from connector.codes.deduce import class_code, content_type, format_code
from connector.codes.valueset import Association, Concept, ValueSet, load, load_association, shipped

__all__ = [
    "Association",
    "Concept",
    "ValueSet",
    "class_code",
    "content_type",
    "format_code",
    "load",
    "load_association",
    "shipped",
]
