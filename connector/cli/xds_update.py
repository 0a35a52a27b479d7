"""The change that `connector xds update` sends, on the version the registry has now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.base.errors import SettingsError
from connector.cli.xds_metadata import changed
from connector.dmp.updates import deleted_status
from connector.xds import iti57
from connector.xds.model import DocumentEntry, Submission, SubmissionSet
from connector.xds.queries import GetDocuments
from connector.xds.query_params import STATUSES

if TYPE_CHECKING:
    from connector.dmp.domain_client import DomainClient


def change_of(
    client: DomainClient,
    made: SubmissionSet,
    unique_id: str,
    entry_uuid: str,
    status: str,
    original: str,
    attributes: Mapping[str, Any],
) -> tuple[Submission, str]:
    """The change and the entryUUID it is about. `status` "" means new `attributes`, for which the entry is read.

    A change of status needs the entryUUID and the patient alone: who may only look for references (the structure
    certificate, dmp-interface d.2) can make it. Raises SettingsError when there is not exactly one document.
    """
    if status and made.patient_id:
        target = entry_uuid or located(client, unique_id)
        return iti57.status_change(made, target, urn(original, client), urn(status, client)), target
    entry = current(client, unique_id, entry_uuid)
    made = replace(made, patient_id=made.patient_id or entry.patient_id)
    if status:
        return iti57.status_change(made, entry.entry_uuid, entry.status, urn(status, client)), entry.entry_uuid
    return iti57.new_version(made, changed(entry, attributes)), entry.entry_uuid


def urn(status: str, client: DomainClient) -> str:
    """The status a short name stands for in the domain."""
    if status.lower() == "deleted":
        return deleted_status(client.config.profile)
    return STATUSES.get(status.lower(), status)


def located(client: DomainClient, unique_id: str) -> str:
    """The entryUUID of the only document of this uniqueId, in its last version. Raises SettingsError."""
    found = client.query(GetDocuments(unique_ids=(unique_id,)), "ObjectRef")
    # Some registries answer full objects to an ObjectRef query.
    known = {*found.references, *(entry.entry_uuid for entry in found.entries)}
    return next(iter(known)) if len(known) == 1 else current(client, unique_id, "").entry_uuid


def current(client: DomainClient, unique_id: str, entry_uuid: str) -> DocumentEntry:
    """The last version the registry has. Raises SettingsError when there is no document, or several."""
    query = GetDocuments(unique_ids=(unique_id,)) if unique_id else GetDocuments(entry_uuids=(entry_uuid,))
    found = client.query(query).entries
    if not found or len({entry.logical_id for entry in found}) > 1:
        raise SettingsError(
            "not one document of this identifier",
            name=unique_id or entry_uuid,
            found=f"{len(found)} documents",
            allowed="exactly one",
        )
    return max(found, key=lambda entry: _number(entry.version))


def _number(version: str) -> tuple[int, ...]:
    """`2`, `1.1`: versions as registries number them; 0 for one that has no number."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else (0,)
