"""Who is who: the identity server's memory of identifiers per domain (hl7v2-interface §2.7, ihe-rules D.7).

A person is a set of identifiers. Feeds are kept in one append-only file and read again at start; the patients of the
world are added to them at each question, so that a test may add one at any time. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from connector.simulator.directory import DomainId, Patient
from connector.simulator.jsonl import JsonLines
from connector.simulator.world import World

INS_NAMESPACE = "ASIP-SANTE-INS-NIR"

Case = Literal["found", "no-cross-reference", "unknown-id", "unknown-query-domain", "unknown-wanted-domain"]


@dataclass(frozen=True, slots=True)
class Domain:
    """An assigning authority: HD of CX-4 in v2 (namespace and/or universal id), `universal_id` as root in v3."""

    namespace: str
    universal_id: str
    universal_id_type: str = "ISO"


@dataclass(frozen=True, slots=True, repr=False)
class CrossReferences:
    """The answer to one PIX query. `unknown_wanted` numbers the wanted domains that are unknown, from 1."""

    case: Case
    identifiers: tuple[DomainId, ...] = ()
    unknown_wanted: tuple[int, ...] = ()


_Key = tuple[Domain, str]


class IdentityBook:
    """Persons and their identifiers. `domains` are the known ones besides those of the world's patients.

    `follow_merged`: a query by an id merged away (A40) answers the survivor; False answers "no cross-reference"
    (ihe-rules D-112).
    """

    def __init__(self, file: Path, world: World, domains: Iterable[Domain] = (), *, follow_merged: bool = True) -> None:
        self._file = JsonLines(file)
        self._world = world
        self._lock = threading.RLock()
        self._domains = list(dict.fromkeys(domains))
        self._persons: dict[int, list[DomainId]] = {}
        self._owner: dict[_Key, int] = {}
        self._merged: set[_Key] = set()
        self._absorbed: tuple[Patient, ...] = ()
        self.follow_merged = follow_merged
        self._absorb_world()
        self._replay()

    # -- questions --------------------------------------------------------------------------------------------

    def domain(self, namespace: str, universal_id: str) -> Domain | None:
        """The known domain of an HD: by universal id when given, else by namespace."""
        with self._lock:
            self._absorb_world()
            for known in self._domains:
                if universal_id == known.universal_id if universal_id else namespace and namespace == known.namespace:
                    return known
        return None

    def cross_reference(self, value: str, asked: tuple[str, str], wanted: Sequence[tuple[str, str]]) -> CrossReferences:
        """Identifiers of the same person; a domain is (namespace, universal id), no `wanted` means all others."""
        with self._lock:
            domain = self.domain(*asked)
            if domain is None:
                return CrossReferences("unknown-query-domain")
            targets = [self.domain(*item) for item in wanted]
            unknown = tuple(number for number, item in enumerate(targets, start=1) if item is None)
            if unknown:
                return CrossReferences("unknown-wanted-domain", unknown_wanted=unknown)
            key = (domain, value)
            person = self._owner.get(key)
            if person is None:
                return CrossReferences("unknown-id")
            if key in self._merged and not self.follow_merged:
                return CrossReferences("no-cross-reference")
            found = tuple(
                item
                for item in self._persons[person]
                if self._key(item) != key and (not targets or self._key(item)[0] in targets)
            )
            return CrossReferences("found" if found else "no-cross-reference", found)

    # -- feeds ------------------------------------------------------------------------------------------------

    def add_domain(self, domain: Domain) -> None:
        """One more known domain, for this run."""
        with self._lock:
            if domain not in self._domains:
                self._domains.append(domain)

    def feed(self, identifiers: Sequence[DomainId]) -> None:
        """These identifiers are one person's (A01, A04, A08…). Saying it twice changes nothing (D-111)."""
        with self._lock:
            before = {key: self._owner.get(key) for key in map(self._key, identifiers)}
            self._feed(identifiers)
            if any(before[key] != self._owner[key] for key in before):
                self._file.append({"op": "feed", "ids": [asdict(item) for item in identifiers]})

    def merge(self, survivor: DomainId, gone: DomainId) -> None:
        """A40: everything known under `gone` is the survivor's; `gone` itself is no longer given out."""
        with self._lock:
            self._merge(survivor, gone)
            self._file.append({"op": "merge", "survivor": asdict(survivor), "gone": asdict(gone)})

    def _feed(self, identifiers: Sequence[DomainId]) -> int:
        keys = [self._key(item) for item in identifiers]
        owners = list(dict.fromkeys(self._owner[key] for key in keys if key in self._owner))
        person = owners[0] if owners else len(self._persons) + 1
        held = self._persons.setdefault(person, [])
        for other in owners[1:]:
            # Two persons linked by this message become one; the number stays for old owners.
            held.extend(self._persons[other])
            self._persons[other] = []
            self._owner.update({key: person for key, owner in self._owner.items() if owner == other})
        for key, item in zip(keys, identifiers, strict=True):
            if key not in self._owner:
                held.append(item)
                self._owner[key] = person
        return person

    def _merge(self, survivor: DomainId, gone: DomainId) -> None:
        key = self._key(gone)
        self._feed((survivor, gone))
        person = self._owner[key]
        self._persons[person] = [item for item in self._persons[person] if self._key(item) != key]
        self._merged.add(key)

    # -- world and file ---------------------------------------------------------------------------------------

    def _absorb_world(self) -> None:
        patients = self._world.patients()
        if patients == self._absorbed:
            return
        self._absorbed = patients
        for patient in patients:
            ins = DomainId(patient.ins, INS_NAMESPACE, patient.oid, "ISO", "INS")
            self._feed((ins, *patient.identifiers))

    def _key(self, item: DomainId) -> _Key:
        known = next((d for d in self._domains if d.universal_id == item.universal_id and item.universal_id), None)
        known = known or next((d for d in self._domains if d.namespace == item.namespace and item.namespace), None)
        if known is None:
            known = Domain(item.namespace, item.universal_id, item.universal_id_type)
            self._domains.append(known)
        return known, item.value

    def _replay(self) -> None:
        for data in self._file.read():
            if data["op"] == "merge":
                self._merge(DomainId(**data["survivor"]), DomainId(**data["gone"]))
            else:
                self._feed(tuple(DomainId(**item) for item in data["ids"]))
