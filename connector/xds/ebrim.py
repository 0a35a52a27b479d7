"""The ebRIM codec in one import: metadata values ⇄ registry objects."""

from __future__ import annotations

from connector.xds.reader import (
    RegistryObjects,
    read_association,
    read_entry,
    read_folder,
    read_objects,
    read_submission_set,
)
from connector.xds.writer import add_association, add_entry, add_submission, add_submission_set, has_member

__all__ = [
    "RegistryObjects",
    "add_association",
    "add_entry",
    "add_submission",
    "add_submission_set",
    "has_member",
    "read_association",
    "read_entry",
    "read_folder",
    "read_objects",
    "read_submission_set",
]
