"""What an accepted request changes in the registry: ids, versions, statuses, folders (ihe-rules D-49 to D-51, D-71).

Nothing is judged here: the request was found good, and the store's lock is held until its change is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connector.base.clock import Clock, UuidFactory
from connector.base.hl7time import utc_digits
from connector.rules import names
from connector.rules.model import RegistryObject, Slot
from connector.rules.shape import is_kept
from connector.simulator.folders import LAST_UPDATE, is_folder
from connector.simulator.registry_store import Change, RegistryStore

_SERVER_SLOTS = frozenset({"hash", "size", "repositoryUniqueId"})


@dataclass(frozen=True, slots=True)
class Bytes:
    """The content of one entry: file, SHA-1 (lower-case hex) and size in bytes, all computed by the simulator."""

    path: Path
    sha1: str
    size: int


@dataclass(frozen=True, slots=True)
class Registrar:
    """Turns what was sent into what is kept: registry ids, lids, versions, statuses, the server's own slots."""

    store: RegistryStore
    new_uuid: UuidFactory
    clock: Clock

    def submission(
        self, objects: Sequence[RegistryObject], contents: Mapping[str, Bytes]
    ) -> tuple[Change, dict[str, str]]:
        """An ITI-41, `contents` keyed by the ids of the message, and message id -> registry id."""
        ids = {item.id: self._registry_id(item.id) for item in objects}
        final = [self._final(item, ids, contents.get(item.id)) for item in objects]
        replaced = {
            item.target: item.source
            for item in final
            if item.association_type in names.DEPRECATING and self.store.entry(item.target) is not None
        }
        memberships = [link for old, new in replaced.items() for link in self._folder_links(old, new)]
        change = Change(
            objects=(*final, *memberships),
            files={ids[key]: content.path for key, content in contents.items()},
            status=dict.fromkeys(replaced, names.DEPRECATED),
            touched=self._touched((*final, *memberships)),
        )
        return change, ids

    def update(
        self,
        objects: Sequence[RegistryObject],
        *,
        previous: Mapping[str, RegistryObject],
        statuses: Mapping[str, str],
        without_links: Collection[str] = (),
    ) -> Change:
        """An ITI-57. `previous` gives, by message id, the version that an entry or folder succeeds; `statuses` the new
        status by registry id; `without_links` the message ids whose associations stay with the old version (D-71).
        """
        ids = {item.id: self._registry_id(item.id) for item in objects}
        final = [self._final(item, ids, None) for item in objects]
        final = [self._successor(item, previous, ids) for item in final]
        followed = ((old.id, ids[key]) for key, old in previous.items() if key not in without_links)
        links = [link for old, new in followed for link in self._links_of_next(old, new)]
        files = {ids[key]: self._file(old.id) for key, old in previous.items() if old.kind == "ExtrinsicObject"}
        return Change(
            objects=(*final, *links),
            files=files,
            status={old.id: names.DEPRECATED for old in previous.values()} | dict(statuses),
            touched=self._touched((*final, *links)),
        )

    # -- objects ----------------------------------------------------------------------------------------------

    def _final(self, item: RegistryObject, ids: Mapping[str, str], content: Bytes | None) -> RegistryObject:
        """The object as the registry keeps it: real ids, lid, version, status, and the server's own slots."""
        identifier = ids[item.id]
        slots = tuple(slot for slot in item.slots if is_kept(slot))
        if content is not None:
            slots = (*_not_servers(slots), *_server_slots(content))
        if is_folder(item):
            kept = tuple(slot for slot in slots if slot.name != LAST_UPDATE)
            slots = (*kept, Slot(LAST_UPDATE, (self._now(),)))
        return replace(
            item,
            id=identifier,
            lid=identifier,
            status=names.APPROVED,
            version="1" if item.kind == "ExtrinsicObject" or is_folder(item) else item.version,
            opaque="false" if item.kind == "ExtrinsicObject" else "",
            slots=slots,
            classifications=tuple(
                replace(found, id=self._new_id(), classified_object=identifier) for found in item.classifications
            ),
            identifiers=tuple(
                replace(found, id=self._new_id(), registry_object=identifier) for found in item.identifiers
            ),
            source=ids.get(item.source, item.source),
            target=ids.get(item.target, item.target),
        )

    def _successor(
        self, item: RegistryObject, previous: Mapping[str, RegistryObject], ids: Mapping[str, str]
    ) -> RegistryObject:
        """The next version of what `previous` holds for this object: same lid, VersionInfo + 1, same content."""
        old = next((found for key, found in previous.items() if ids[key] == item.id), None)
        if old is None:
            return item
        servers = tuple(slot for slot in old.slots if slot.name in _SERVER_SLOTS)
        return replace(
            item,
            lid=old.lid,
            version=str(int(old.version) + 1),
            status=old.status,
            slots=(*_not_servers(item.slots), *servers),
        )

    def _registry_id(self, value: str) -> str:
        return value if value.startswith("urn:uuid:") else self._new_id()

    def _new_id(self) -> str:
        return f"urn:uuid:{self.new_uuid()}"

    def _now(self) -> str:
        return utc_digits(self.clock())

    def _file(self, entry_uuid: str) -> Path:
        entry = self.store.entry(entry_uuid)
        assert entry is not None
        return entry.file

    # -- links ------------------------------------------------------------------------------------------------

    def _folder_links(self, old: str, new: str) -> Iterator[RegistryObject]:
        """The folders of a replaced document hold the new one too (D-50)."""
        for link in self.store.links_of([old]):
            holder = self.store.package(link.source)
            if link.association_type == names.HAS_MEMBER and holder is not None and is_folder(holder):
                yield self._copy(link, {old: new})

    def _links_of_next(self, old: str, new: str) -> Iterator[RegistryObject]:
        """Relations follow the new version; how it came (the set's own HasMember, status changes) does not (D-71)."""
        for link in self.store.links_of([old]):
            holder = self.store.package(link.source)
            from_set = link.association_type == names.HAS_MEMBER and holder is not None and not is_folder(holder)
            if not from_set and link.association_type != names.UPDATE_STATUS:
                yield self._copy(link, {old: new})

    def _copy(self, link: RegistryObject, ends: Mapping[str, str]) -> RegistryObject:
        identifier = self._new_id()
        source, target = (ends.get(end, end) for end in (link.source, link.target))
        return replace(link, id=identifier, lid=identifier, source=source, target=target)

    def _touched(self, objects: Sequence[RegistryObject]) -> dict[str, str]:
        """Folders that were there and get a member: their lastUpdateTime moves (D-51)."""
        holders = [item.source for item in objects if item.association_type == names.HAS_MEMBER]
        found = [package for package in map(self.store.package, holders) if package is not None]
        return {package.id: self._now() for package in found if is_folder(package)}


def _not_servers(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    return tuple(slot for slot in slots if slot.name not in _SERVER_SLOTS)


def _server_slots(content: Bytes) -> tuple[Slot, ...]:
    return (
        Slot("hash", (content.sha1,)),
        Slot("size", (str(content.size),)),
        Slot("repositoryUniqueId", (names.REPOSITORY_ID,)),
    )
