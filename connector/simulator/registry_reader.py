"""The simulator's own reader of ebRIM: received XML into generic, frozen objects (design rule 10).

Nothing is interpreted here beyond the shape of ebRIM 3.0: slots stay lists of text, codes stay classifications, so that
the rules (registry_rules) can see what was really sent: doubled slots, wrong order, missing names.
Raises RegistryRefusal (XDSRepositoryMetadataError…) when the shape itself cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from connector.base.ns import LCM, RIM, XDSB, XOP, q
from connector.simulator.model import RegistryErrorItem, RegistryRefusal

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


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
class ReceivedDocument:
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
    documents: tuple[ReceivedDocument, ...]
    order: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[RegistryObject, ...]:
        return tuple(item for item in self.objects if item.kind == kind)

    def node_of(self, item: RegistryObject) -> tuple[str, ...]:
        """Classification nodes that say what a RegistryPackage is (inside it, or beside it in the list)."""
        inside = tuple(c.node for c in item.classifications if c.node)
        return inside + tuple(c.node for c in self.classifications if c.node and c.classified_object == item.id)


def read_provide_and_register(body: etree._Element) -> Provided:
    """The body of an ITI-41. Raises RegistryRefusal when it is not one."""
    if body.tag != q(XDSB, "ProvideAndRegisterDocumentSetRequest"):
        raise _unreadable("ProvideAndRegisterDocumentSetRequest", str(body.tag))
    submit = _only(body, q(LCM, "SubmitObjectsRequest"))
    documents = tuple(_document(item) for item in body.findall(q(XDSB, "Document")))
    objects = _only(submit, q(RIM, "RegistryObjectList"))
    return Provided(
        objects=tuple(read_objects(objects)),
        classifications=tuple(_classification(item) for item in objects.findall(q(RIM, "Classification"))),
        documents=documents,
        order=tuple(etree.QName(child).localname for child in _elements(objects)),
    )


def read_objects(container: etree._Element) -> Iterator[RegistryObject]:
    """The registry objects directly under `container` (a RegistryObjectList), in order."""
    kinds = {"ExtrinsicObject", "RegistryPackage", "Association", "ObjectRef"}
    for child in _elements(container):
        name = etree.QName(child)
        if name.namespace == RIM and name.localname in kinds:
            yield _object(child, name.localname)


def _object(element: etree._Element, kind: str) -> RegistryObject:
    version = element.find(q(RIM, "VersionInfo"))
    return RegistryObject(
        kind=kind,
        id=element.get("id", ""),
        lid=element.get("lid", ""),
        status=element.get("status", ""),
        object_type=element.get("objectType", ""),
        mime_type=element.get("mimeType", ""),
        opaque=element.get("isOpaque", ""),
        home=element.get("home", ""),
        name=_text(element, "Name"),
        description=_text(element, "Description"),
        version=version.get("versionName", "") if version is not None else "",
        slots=_slots(element),
        classifications=tuple(_classification(item) for item in element.findall(q(RIM, "Classification"))),
        identifiers=tuple(
            ExternalIdentifier(
                id=item.get("id", ""),
                scheme=item.get("identificationScheme", ""),
                value=item.get("value", ""),
                registry_object=item.get("registryObject", ""),
                name=_text(item, "Name"),
            )
            for item in element.findall(q(RIM, "ExternalIdentifier"))
        ),
        source=element.get("sourceObject", ""),
        target=element.get("targetObject", ""),
        association_type=element.get("associationType", ""),
        children=tuple(etree.QName(child).localname for child in _elements(element)),
    )


def _classification(element: etree._Element) -> Classification:
    return Classification(
        id=element.get("id", ""),
        scheme=element.get("classificationScheme", ""),
        node=element.get("classificationNode", ""),
        classified_object=element.get("classifiedObject", ""),
        representation=element.get("nodeRepresentation"),
        name=_text(element, "Name"),
        slots=_slots(element),
    )


def _slots(element: etree._Element) -> tuple[Slot, ...]:
    return tuple(
        Slot(
            name=item.get("name", ""),
            values=tuple(
                (value.text or "").strip() for value in item.iterfind(f"{q(RIM, 'ValueList')}/{q(RIM, 'Value')}")
            ),
            value_lists=len(item.findall(q(RIM, "ValueList"))),
        )
        for item in element.findall(q(RIM, "Slot"))
    )


def _text(element: etree._Element, local: str) -> str | None:
    """The first LocalizedString of Name or Description; None when the element is absent or has none."""
    found = element.find(f"{q(RIM, local)}/{q(RIM, 'LocalizedString')}")
    return None if found is None else found.get("value", "")


def _document(element: etree._Element) -> ReceivedDocument:
    include = element.find(q(XOP, "Include"))
    href = include.get("href", "") if include is not None else ""
    cid = unquote(href.removeprefix("cid:")) if href.startswith("cid:") else ""
    inline = include is None and bool("".join(str(text) for text in element.itertext()).strip())
    return ReceivedDocument(element.get("id", ""), cid, inline)


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return (child for child in parent if isinstance(child.tag, str))


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise _unreadable(f"exactly one {etree.QName(tag).localname}", str(len(found)))
    return found[0]


def _unreadable(expected: str, found: str) -> RegistryRefusal:
    text = f"D-46: unreadable request, found {found}, expected {expected} (ihe-rules D.2)"
    return RegistryRefusal((RegistryErrorItem("XDSRepositoryMetadataError", text),))
