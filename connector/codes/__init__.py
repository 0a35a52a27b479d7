"""Floor 1: code lists and OIDs, as versioned data."""

from connector.codes.config import CodesConfig
from connector.codes.deduce import class_code, content_type, format_code
from connector.codes.origins import shipped, use_folder
from connector.codes.valueset import Association, Concept, ValueSet, load, load_association

__all__ = [
    "Association",
    "CodesConfig",
    "Concept",
    "ValueSet",
    "class_code",
    "content_type",
    "format_code",
    "load",
    "load_association",
    "shipped",
    "use_folder",
]
