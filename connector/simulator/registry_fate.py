"""What became of one document: the record that tests count doubles with, for feeds, replacements and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from connector.rules import names
from connector.simulator.registry_store import RegistryStore
from connector.simulator.world import World


@dataclass(frozen=True, slots=True)
class Fate:
    """`unique_id` is the document's; "" and 0 everywhere when it was never accepted.

    accepted     accepted ITI-41 that carried it: more than one is a document twice in a record
    operations   accepted ITI-57 on it by right of d.2 (TD3.3a to TD3.3d): more than one TD3.3c is a deletion sent twice
    status       availabilityStatus of its last version
    version      VersionInfo of its last version; each change of metadata adds one
    entry_uuid   of its last version, `lid` being stable
    replaced_by  uniqueId of the document that replaced it (RPLC, XFRM_RPLC)
    replaces     uniqueId of the document it replaced
    """

    unique_id: str
    accepted: int
    operations: Mapping[str, int]
    status: str = ""
    version: int = 0
    entry_uuid: str = ""
    lid: str = ""
    replaced_by: str = ""
    replaces: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "operations": dict(self.operations)}


def fate_of(unique_id: str, store: RegistryStore, world: World) -> Fate:
    """The fate of a document, at this moment."""
    with store.lock:
        accepted, operations = world.accepted(unique_id), world.operations(unique_id)
        versions = store.by_unique_id(unique_id)
        if not versions:
            return Fate(unique_id, accepted, operations)
        last = versions[-1].item
        ids = frozenset(entry.item.id for entry in versions)
        replacements = [link for link in store.links_of(ids) if link.association_type in names.DEPRECATING]
        return Fate(
            unique_id=unique_id,
            accepted=accepted,
            operations=operations,
            status=last.status,
            version=int(last.version),
            entry_uuid=last.id,
            lid=last.lid,
            replaced_by=_named(store, [link.source for link in replacements if link.target in ids]),
            replaces=_named(store, [link.target for link in replacements if link.source in ids]),
        )


def _named(store: RegistryStore, ids: list[str]) -> str:
    """uniqueId of the last of these entries, "" without one."""
    found = [entry for entry in map(store.entry, ids) if entry is not None]
    return found[-1].unique_id if found else ""
