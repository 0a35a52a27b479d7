"""The registry's memory: document files, and one journal where each submission is one line.

The line is the commit: document files are written first, then one line is appended and synced. A crash in between
leaves orphan files and no trace in the registry (ihe-rules D-49); a half-written last line is cut off at the next
start. Reading the journal again gives the same state. Thread-safe through `lock`, which callers hold across
"judge the state, then commit".
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lxml import etree

from connector.base.xmlsafe import parse_xml
from connector.rules.model import RegistryObject, Slot
from connector.simulator.folders import LAST_UPDATE, is_folder, patient_of, unique_id_of
from connector.simulator.jsonl import JsonLines
from connector.simulator.registry_reader import read_objects
from connector.simulator.registry_writer import object_list

Key = tuple[str, str]
"""A patient: (id, domain OID)."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One version of a registered DocumentEntry (server-side slots filled) and the file of its bytes."""

    item: RegistryObject
    file: Path

    @property
    def unique_id(self) -> str:
        return unique_id_of(self.item)

    @property
    def patient(self) -> Key:
        """(id, domain OID) of the patient."""
        return patient_of(self.item)

    @property
    def ins(self) -> str:
        return self.patient[0]

    @property
    def hash(self) -> str:
        return self.item.first("hash").lower()

    @property
    def status(self) -> str:
        return self.item.status


@dataclass(frozen=True, slots=True)
class Change:
    """One accepted request: what it adds, and what it changes of what was there. Ids are registry ids.

    objects   new objects, complete
    files     bytes of each new ExtrinsicObject; linked or copied, never moved
    status    entry or folder -> new availabilityStatus
    touched   folder -> new lastUpdateTime, DTM digits in UTC
    """

    objects: tuple[RegistryObject, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)
    touched: Mapping[str, str] = field(default_factory=dict)


class RegistryStore:
    """Entries, submission sets, folders and associations under `folder`. Only one process may use a folder at a time.

    Entries and folders have versions: one lid, one id per version (ITI-57).
    """

    def __init__(self, folder: Path) -> None:
        self._documents = folder / "documents"
        self._documents.mkdir(parents=True, exist_ok=True)
        self._journal = JsonLines(folder / "registry.jsonl")
        self.lock = threading.RLock()
        self._entries: dict[str, StoredEntry] = {}
        self._packages: dict[str, RegistryObject] = {}
        self._associations: dict[str, RegistryObject] = {}
        self._by_unique_id: dict[str, list[str]] = {}
        self._by_lid: dict[str, list[str]] = {}
        self._by_patient: dict[Key, list[str]] = {}
        self._links: dict[str, list[str]] = {}
        for line in self._journal.read():
            self._apply(line)

    # -- questions --------------------------------------------------------------------------------------------

    def entry(self, entry_uuid: str) -> StoredEntry | None:
        with self.lock:
            return self._entries.get(entry_uuid)

    def package(self, package_id: str) -> RegistryObject | None:
        """A submission set or a folder."""
        with self.lock:
            return self._packages.get(package_id)

    def by_unique_id(self, value: str) -> tuple[StoredEntry, ...]:
        """Every version of every entry of this uniqueId, in order of registration."""
        with self.lock:
            found = self._by_unique_id.get(value, ())
            return tuple(self._entries[key] for key in found if key in self._entries)

    def packages_by_unique_id(self, value: str) -> tuple[RegistryObject, ...]:
        with self.lock:
            found = self._by_unique_id.get(value, ())
            return tuple(self._packages[key] for key in found if key in self._packages)

    def versions(self, lid: str) -> tuple[RegistryObject, ...]:
        """Every version of one entry or folder, the oldest first."""
        with self.lock:
            return tuple(self._item(key) for key in self._by_lid.get(lid, ()))

    def latest(self, item: RegistryObject) -> bool:
        """`item` is the last version of its logical object."""
        return self.versions(item.lid)[-1:] == (item,)

    def entries_of(self, ins: str, oid: str = "") -> tuple[StoredEntry, ...]:
        """Every entry of a patient (in the domain `oid`, or in any), in order of registration."""
        with self.lock:
            return tuple(self._entries[key] for key in self._of(ins, oid) if key in self._entries)

    def packages_of(self, ins: str, oid: str = "") -> tuple[RegistryObject, ...]:
        """Every submission set and folder of a patient, in order of registration."""
        with self.lock:
            return tuple(self._packages[key] for key in self._of(ins, oid) if key in self._packages)

    def sets_of(self, ins: str, oid: str = "") -> tuple[RegistryObject, ...]:
        return tuple(item for item in self.packages_of(ins, oid) if not is_folder(item))

    def entries(self) -> tuple[StoredEntry, ...]:
        with self.lock:
            return tuple(self._entries.values())

    def packages(self) -> tuple[RegistryObject, ...]:
        with self.lock:
            return tuple(self._packages.values())

    def association(self, association_id: str) -> RegistryObject | None:
        with self.lock:
            return self._associations.get(association_id)

    def associations(self) -> tuple[RegistryObject, ...]:
        with self.lock:
            return tuple(self._associations.values())

    def links_of(self, ids: Iterable[str]) -> tuple[RegistryObject, ...]:
        """Associations that have one of `ids` at either end, each once."""
        with self.lock:
            found = dict.fromkeys(key for item in ids for key in self._links.get(item, ()))
            return tuple(self._associations[key] for key in found)

    def has_set(self, value: str) -> bool:
        """A submission set of this uniqueId was accepted."""
        return any(not is_folder(item) for item in self.packages_by_unique_id(value))

    def has_object(self, object_id: str) -> bool:
        with self.lock:
            return object_id in self._entries or object_id in self._packages or object_id in self._associations

    def _of(self, ins: str, oid: str) -> Iterator[str]:
        if oid:
            yield from self._by_patient.get((ins, oid), ())
            return
        for (value, _), ids in self._by_patient.items():
            if value == ins:
                yield from ids

    def _item(self, key: str) -> RegistryObject:
        return self._entries[key].item if key in self._entries else self._packages[key]

    # -- changes ----------------------------------------------------------------------------------------------

    def commit(self, change: Change) -> None:
        """Registers a change, all or nothing, durable at return."""
        with self.lock:
            stored = {key: self._keep(key, path) for key, path in change.files.items()}
            line = {
                "objects": etree.tostring(object_list(change.objects), encoding="unicode"),
                "files": stored,
                "status": dict(change.status),
                "touched": dict(change.touched),
            }
            self._journal.append(line)
            self._apply(line)

    def set_status(self, entry_uuid: str, status: str) -> None:
        """Changes an entry's availabilityStatus. Raises KeyError for an unknown entry."""
        with self.lock:
            if entry_uuid not in self._entries:
                raise KeyError(entry_uuid)
            self.commit(Change((), status={entry_uuid: status}))

    # -- files ------------------------------------------------------------------------------------------------

    def _keep(self, entry_uuid: str, source: Path) -> str:
        name = entry_uuid.removeprefix("urn:uuid:") + ".bin"
        target = self._documents / name
        # A crash before the journal line may have left this name behind.
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            # Another file system: copy the bytes.
            shutil.copyfile(source, target)
        return name

    def _apply(self, line: Mapping[str, Any]) -> None:
        for item in read_objects(parse_xml(line["objects"].encode(), what="registry journal")):
            if item.kind == "Association":
                self._associations[item.id] = item
                for end in (item.source, item.target):
                    self._links.setdefault(end, []).append(item.id)
                continue
            if item.kind == "ExtrinsicObject":
                self._entries[item.id] = StoredEntry(item, self._documents / line["files"][item.id])
            else:
                self._packages[item.id] = item
            self._by_unique_id.setdefault(unique_id_of(item), []).append(item.id)
            self._by_lid.setdefault(item.lid, []).append(item.id)
            self._by_patient.setdefault(patient_of(item), []).append(item.id)
        for key, status in line["status"].items():
            self._replace(key, replace(self._item(key), status=status))
        # A journal of an earlier release knows no folder.
        for key, moment in line.get("touched", {}).items():
            item = self._item(key)
            others = tuple(slot for slot in item.slots if slot.name != LAST_UPDATE)
            self._replace(key, replace(item, slots=(*others, Slot(LAST_UPDATE, (moment,)))))

    def _replace(self, key: str, item: RegistryObject) -> None:
        if key in self._entries:
            self._entries[key] = replace(self._entries[key], item=item)
        else:
            self._packages[key] = item
