"""Folders: what tells one from a submission set, and its own identifiers (dmp-interface c.1; no DMP source uses them).

Also the identity of any registry object, whatever its kind.
"""

from __future__ import annotations

from dataclasses import replace

from connector.rules import names
from connector.rules.forms import read_cx
from connector.rules.model import Provided, RegistryObject

LAST_UPDATE = "lastUpdateTime"

_UNIQUE_IDS = (names.DOC_UNIQUE_ID, names.SET_UNIQUE_ID, names.FOLDER_UNIQUE_ID)
_PATIENT_IDS = (names.DOC_PATIENT_ID, names.SET_PATIENT_ID, names.FOLDER_PATIENT_ID)


def is_folder(item: RegistryObject) -> bool:
    """A RegistryPackage that says it is a folder, by its node or by its own identifiers."""
    if item.kind != "RegistryPackage":
        return False
    return any(found.node == names.FOLDER_NODE for found in item.classifications) or bool(
        item.identifier(names.FOLDER_UNIQUE_ID)
    )


def with_node(item: RegistryObject, provided: Provided) -> RegistryObject:
    """The object with the classifications that stand beside it in the list put back inside it."""
    beside = tuple(found for found in provided.classifications if found.classified_object == item.id)
    if not beside or item.kind != "RegistryPackage":
        return item
    return replace(item, classifications=(*beside, *item.classifications))


def unique_id_of(item: RegistryObject) -> str:
    """uniqueId of an entry, a set or a folder; "" for an association."""
    return next((value for value in map(item.identifier, _UNIQUE_IDS) if value), "")


def patient_of(item: RegistryObject) -> tuple[str, str]:
    """(id, domain OID) of the patient of an entry, a set or a folder; ("", "") for an association."""
    cx = read_cx(next((value for value in map(item.identifier, _PATIENT_IDS) if value), ""))
    return cx.value, cx.oid
