"""The part of the registry one caller looks at: a patient's record as the VIHF opens it, or a whole IHE domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from connector.rules.case import is_signature
from connector.rules.model import RegistryObject
from connector.simulator.folders import is_folder, patient_of
from connector.simulator.registry_store import Key, RegistryStore


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query may find.

    patient          (id, domain OID) whose record is looked at; None in an affinity domain without VIHF
    sees             may the caller see this entry (rights of the VIHF); always true without one
    hides_signatures lists leave out the signature of each set, as the DMP's do (c.8)
    """

    store: RegistryStore
    patient: Key | None
    sees: Callable[[RegistryObject], bool]
    hides_signatures: bool

    # -- lists ------------------------------------------------------------------------------------------------

    def documents(self) -> Iterator[RegistryObject]:
        """Every entry a list may show, in order of registration, all versions."""
        found = self.store.entries() if self.patient is None else self.store.entries_of(*self.patient)
        for entry in found:
            if self.sees(entry.item) and not (self.hides_signatures and is_signature(entry.item)):
                yield entry.item

    def sets(self) -> Iterator[RegistryObject]:
        return (item for item in self._packages() if not is_folder(item))

    def folders(self) -> Iterator[RegistryObject]:
        return (item for item in self._packages() if is_folder(item))

    def _packages(self) -> Iterable[RegistryObject]:
        return self.store.packages() if self.patient is None else self.store.packages_of(*self.patient)

    # -- by name ----------------------------------------------------------------------------------------------

    def document(self, entry_uuid: str) -> RegistryObject | None:
        entry = self.store.entry(entry_uuid)
        return entry.item if entry is not None and self._reaches(entry.item) and self.sees(entry.item) else None

    def package(self, package_id: str) -> RegistryObject | None:
        item = self.store.package(package_id)
        return item if item is not None and self._reaches(item) else None

    def object(self, object_id: str) -> RegistryObject | None:
        """An entry, set, folder or association that the caller may see; None otherwise."""
        found = self.document(object_id) or self.package(object_id)
        if found is not None:
            return found
        link = self.store.association(object_id)
        return link if link is not None and self._both_ends(link) else None

    def links(self, ids: Iterable[str]) -> list[RegistryObject]:
        """Associations that have one of `ids` at an end, both ends being visible to the caller."""
        return [link for link in self.store.links_of(ids) if self._both_ends(link)]

    def _both_ends(self, link: RegistryObject) -> bool:
        return self.object(link.source) is not None and self.object(link.target) is not None

    def _reaches(self, item: RegistryObject) -> bool:
        return self.patient is None or patient_of(item) == self.patient
