"""From the options of a person to a stored query: `--status` is the status slot of whichever query is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector.base.errors import SettingsError
from connector.xds.model import DocumentEntry
from connector.xds.queries import (
    FindDocuments,
    FindDocumentsByReferenceId,
    GetAssociations,
    GetDocuments,
    Kind,
    StoredQuery,
)
from connector.xds.query_params import make_query, parameters, query_named

if TYPE_CHECKING:
    from connector.cli.xds_session import Patient

Friendly = Mapping[str, list[str] | None]
"""Values by the end of the slot's name, or by the whole name when it begins with `$`."""


def chosen(name: str, friendly: Friendly) -> type[StoredQuery]:
    """The query asked for; without a name, the one the other options mean."""
    if name:
        return query_named(name)
    if friendly.get("UniqueId") or friendly.get("EntryUUID"):
        return GetDocuments
    if friendly.get("$uuid"):
        return GetAssociations
    return FindDocumentsByReferenceId if friendly.get("ReferenceIdList") else FindDocuments


def asked(
    kind: type[StoredQuery], params: Mapping[str, Any], friendly: Friendly, patient: Patient | None, home: str = ""
) -> StoredQuery:
    """The query `kind`. Raises SettingsError: a parameter it has not, a value that cannot be read, one missing."""
    given = [
        (name, value) for name, values in params.items() for value in (values if isinstance(values, list) else [values])
    ]
    named = {name.lower().removeprefix("$") for name, _ in given}
    for suffix, values in friendly.items():
        slots = [slot for slot, _ in parameters(kind) if slot == suffix or slot.endswith(_tail(kind, suffix))]
        if values and not slots:
            raise SettingsError(
                f"{kind.__name__} has no such parameter", name=f"…{suffix}", found="one", allowed="none"
            )
        given += [(slot, value) for slot in slots for value in values or ()]
    if patient is not None:
        given += [
            (slot, patient.cx)
            for slot, type_ in parameters(kind)
            if type_ is Kind.PATIENT and slot.lower().removeprefix("$") not in named
        ]
    return make_query(kind, given, home)


def _tail(kind: type[StoredQuery], suffix: str) -> str:
    """`TimeFrom` means the creation of a document, not the act it is about."""
    return f"Creation{suffix}" if issubclass(kind, FindDocuments) and suffix.startswith("Time") else suffix


def unknown_entry(unique_id: str, repository_id: str) -> DocumentEntry:
    """An entry of which only the identifiers are known: nothing of its content can be verified."""
    return DocumentEntry(
        entry_uuid="",
        unique_id=unique_id,
        patient_id="",
        mime_type="",
        class_code=None,
        type_code=None,
        format_code=None,
        facility_type=None,
        practice_setting=None,
        confidentiality=(),
        creation_time="",
        language="",
        source_patient_id="",
        repository_id=repository_id,
    )
