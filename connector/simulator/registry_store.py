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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lxml import etree

from connector.base.xmlsafe import parse_xml
from connector.rules.case import patient_id, unique_id
from connector.rules.forms import read_cx
from connector.rules.model import RegistryObject
from connector.simulator.jsonl import JsonLines
from connector.simulator.registry_reader import read_objects
from connector.simulator.registry_writer import object_list


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A registered DocumentEntry (server-side slots filled) and the file of its bytes."""

    item: RegistryObject
    file: Path

    @property
    def unique_id(self) -> str:
        return unique_id(self.item)

    @property
    def ins(self) -> str:
        return read_cx(patient_id(self.item)).value

    @property
    def hash(self) -> str:
        return self.item.first("hash").lower()

    @property
    def status(self) -> str:
        return self.item.status


class RegistryStore:
    """Entries, submission sets and associations under `folder`. Only one process may use a folder at a time."""

    def __init__(self, folder: Path) -> None:
        self._documents = folder / "documents"
        self._documents.mkdir(parents=True, exist_ok=True)
        self._journal = JsonLines(folder / "registry.jsonl")
        self.lock = threading.RLock()
        self._entries: dict[str, StoredEntry] = {}
        self._sets: dict[str, RegistryObject] = {}
        self._associations: dict[str, RegistryObject] = {}
        self._by_unique_id: dict[str, list[str]] = {}
        self._by_patient: dict[str, list[str]] = {}
        self._sets_by_patient: dict[str, list[str]] = {}
        self._links: dict[str, list[str]] = {}
        self._set_unique_ids: set[str] = set()
        for line in self._journal.read():
            self._apply(line)

    # -- questions --------------------------------------------------------------------------------------------

    def entry(self, entry_uuid: str) -> StoredEntry | None:
        with self.lock:
            return self._entries.get(entry_uuid)

    def by_unique_id(self, value: str) -> tuple[StoredEntry, ...]:
        with self.lock:
            return tuple(self._entries[key] for key in self._by_unique_id.get(value, ()))

    def entries_of(self, ins: str) -> tuple[StoredEntry, ...]:
        """Every entry of a matricule, in order of registration."""
        with self.lock:
            return tuple(self._entries[key] for key in self._by_patient.get(ins, ()))

    def sets_of(self, ins: str) -> tuple[RegistryObject, ...]:
        with self.lock:
            return tuple(self._sets[key] for key in self._sets_by_patient.get(ins, ()))

    def associations(self) -> tuple[RegistryObject, ...]:
        with self.lock:
            return tuple(self._associations.values())

    def links_of(self, ids: Iterable[str]) -> tuple[RegistryObject, ...]:
        """Associations that have one of `ids` at either end, each once."""
        with self.lock:
            found = dict.fromkeys(key for item in ids for key in self._links.get(item, ()))
            return tuple(self._associations[key] for key in found)

    def has_set(self, value: str) -> bool:
        with self.lock:
            return value in self._set_unique_ids

    def has_object(self, object_id: str) -> bool:
        with self.lock:
            return object_id in self._entries or object_id in self._sets or object_id in self._associations

    # -- changes ----------------------------------------------------------------------------------------------

    def commit(self, objects: Iterable[RegistryObject], files: Mapping[str, Path], status: Mapping[str, str]) -> None:
        """Registers `objects` and applies `status` (entryUUID -> new status), all or nothing, durable at return.

        `files` gives the bytes of each ExtrinsicObject by its id; they are linked or copied, never moved.
        """
        with self.lock:
            stored = {key: self._keep(key, path) for key, path in files.items()}
            line = {
                "objects": etree.tostring(object_list(objects), encoding="unicode"),
                "files": stored,
                "status": dict(status),
            }
            self._journal.append(line)
            self._apply(line)

    def set_status(self, entry_uuid: str, status: str) -> None:
        """Changes an entry's availabilityStatus. Raises KeyError for an unknown entry."""
        with self.lock:
            if entry_uuid not in self._entries:
                raise KeyError(entry_uuid)
            self.commit((), {}, {entry_uuid: status})

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
            if item.kind == "ExtrinsicObject":
                entry = StoredEntry(item, self._documents / line["files"][item.id])
                self._entries[item.id] = entry
                self._by_unique_id.setdefault(entry.unique_id, []).append(item.id)
                self._by_patient.setdefault(entry.ins, []).append(item.id)
            elif item.kind == "RegistryPackage":
                self._sets[item.id] = item
                self._set_unique_ids.add(unique_id(item))
                self._sets_by_patient.setdefault(read_cx(patient_id(item)).value, []).append(item.id)
            else:
                self._associations[item.id] = item
                for end in (item.source, item.target):
                    self._links.setdefault(end, []).append(item.id)
        for key, status in line["status"].items():
            entry = self._entries[key]
            self._entries[key] = replace(entry, item=replace(entry.item, status=status))
