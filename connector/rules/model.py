"""The neutral model of ebRIM 3.0 metadata that every rule reads.

Nothing is interpreted beyond the shape: slots stay lists of text, codes stay classifications, so that a rule sees what
was really written: doubled slots, wrong order, missing names. The simulator fills it from received bytes with its own
reader, the client from its own dataclasses: only the rules are shared, never the reading (design rule 10).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    name: str
    values: tuple[str, ...]
    value_lists: int = 1


@dataclass(frozen=True, slots=True)
class Classification:
    """`representation` is None when the attribute is absent ("" is what an author carries)."""

    id: str
    scheme: str
    node: str
    classified_object: str
    representation: str | None
    name: str | None
    slots: tuple[Slot, ...]

    def values(self, slot: str) -> tuple[str, ...]:
        return tuple(value for item in self.slots if item.name == slot for value in item.values)

    @property
    def system(self) -> str:
        return next(iter(self.values("codingScheme")), "")


@dataclass(frozen=True, slots=True)
class ExternalIdentifier:
    id: str
    scheme: str
    value: str
    registry_object: str
    name: str | None


@dataclass(frozen=True, slots=True)
class RegistryObject:
    """One ExtrinsicObject, RegistryPackage or Association. `children` are the local names of its content, in order.

    `source`, `target` and `association_type` are "" on anything but an Association.
    """

    kind: str
    id: str
    lid: str = ""
    status: str = ""
    object_type: str = ""
    mime_type: str = ""
    opaque: str = ""
    home: str = ""
    name: str | None = None
    description: str | None = None
    version: str = ""
    slots: tuple[Slot, ...] = ()
    classifications: tuple[Classification, ...] = ()
    identifiers: tuple[ExternalIdentifier, ...] = ()
    source: str = ""
    target: str = ""
    association_type: str = ""
    children: tuple[str, ...] = ()

    def values(self, slot: str) -> tuple[str, ...]:
        """Every value of every slot of that name, () when absent."""
        return tuple(value for item in self.slots if item.name == slot for value in item.values)

    def first(self, slot: str) -> str:
        return next(iter(self.values(slot)), "")

    def classified(self, scheme: str) -> tuple[Classification, ...]:
        return tuple(item for item in self.classifications if item.scheme == scheme)

    def codes(self, scheme: str) -> tuple[tuple[str, str], ...]:
        """(code, system) of each classification of `scheme`."""
        return tuple((item.representation or "", item.system) for item in self.classified(scheme))

    def identified(self, scheme: str) -> tuple[ExternalIdentifier, ...]:
        return tuple(item for item in self.identifiers if item.scheme == scheme)

    def identifier(self, scheme: str) -> str:
        return next((item.value for item in self.identifiers if item.scheme == scheme), "")


@dataclass(frozen=True, slots=True)
class Document:
    """One xds:Document: the Content-ID its xop:Include names (percent-decoded, "" without Include).

    `inline` is True when the element carries text of its own instead of an Include.
    """

    id: str
    cid: str
    inline: bool


@dataclass(frozen=True, slots=True)
class Provided:
    """Everything one ProvideAndRegisterDocumentSetRequest says. `order` is the order of RegistryObjectList."""

    objects: tuple[RegistryObject, ...]
    classifications: tuple[Classification, ...]
    documents: tuple[Document, ...]
    order: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[RegistryObject, ...]:
        return tuple(item for item in self.objects if item.kind == kind)

    def node_of(self, item: RegistryObject) -> tuple[str, ...]:
        """Classification nodes that say what a RegistryPackage is (inside it, or beside it in the list)."""
        inside = tuple(c.node for c in item.classifications if c.node)
        return inside + tuple(c.node for c in self.classifications if c.node and c.classified_object == item.id)
