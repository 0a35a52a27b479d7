"""The simulator's own reader of ebRIM: received XML into the neutral model of the rules (design rule 10).

Raises RegistryRefusal (XDSRepositoryMetadataError…) when the shape itself cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from connector.base.ns import LCM, RIM, XDSB, XOP, q
from connector.rules.model import Classification, Document, ExternalIdentifier, Provided, RegistryObject, Slot
from connector.simulator.model import RegistryErrorItem, RegistryRefusal

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_provide_and_register(body: etree._Element) -> Provided:
    """The body of an ITI-41. Raises RegistryRefusal when it is not one."""
    if body.tag != q(XDSB, "ProvideAndRegisterDocumentSetRequest"):
        raise _unreadable("ProvideAndRegisterDocumentSetRequest", str(body.tag))
    documents = tuple(_document(item) for item in body.findall(q(XDSB, "Document")))
    return read_submit_objects(_only(body, q(LCM, "SubmitObjectsRequest")), documents)


def read_submit_objects(submit: etree._Element, documents: tuple[Document, ...] = ()) -> Provided:
    """A SubmitObjectsRequest: inside an ITI-41, or the whole body of an ITI-57. Raises RegistryRefusal otherwise."""
    if submit.tag != q(LCM, "SubmitObjectsRequest"):
        raise _unreadable("SubmitObjectsRequest", str(submit.tag))
    return read_list(_only(submit, q(RIM, "RegistryObjectList")), documents)


def read_list(objects: etree._Element, documents: tuple[Document, ...] = ()) -> Provided:
    """A RegistryObjectList."""
    return Provided(
        objects=tuple(read_objects(objects)),
        classifications=tuple(_classification(item) for item in objects.findall(q(RIM, "Classification"))),
        documents=documents,
        order=tuple(_name(child) for child in _elements(objects)),
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
        slots=read_slots(element),
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
        children=tuple(_name(child) for child in _elements(element)),
    )


def _classification(element: etree._Element) -> Classification:
    return Classification(
        id=element.get("id", ""),
        scheme=element.get("classificationScheme", ""),
        node=element.get("classificationNode", ""),
        classified_object=element.get("classifiedObject", ""),
        representation=element.get("nodeRepresentation"),
        name=_text(element, "Name"),
        slots=read_slots(element),
    )


def read_slots(element: etree._Element) -> tuple[Slot, ...]:
    """The slots directly under `element`, in order, values trimmed."""
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


def _document(element: etree._Element) -> Document:
    include = element.find(q(XOP, "Include"))
    cid = "" if include is None else content_id(include)
    inline = include is None and bool("".join(str(text) for text in element.itertext()).strip())
    return Document(element.get("id", ""), cid, inline)


def content_id(include: etree._Element) -> str:
    """The Content-ID that an xop:Include names, percent-decoded; "" when it names none."""
    href = include.get("href", "")
    return unquote(href.removeprefix("cid:")) if href.startswith("cid:") else ""


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return (child for child in parent if isinstance(child.tag, str))


def _name(element: etree._Element) -> str:
    """The local name of an ebRIM element; another one keeps its namespace, "{}" when it has none."""
    name = etree.QName(element)
    return name.localname if name.namespace == RIM else f"{{{name.namespace or ''}}}{name.localname}"


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise _unreadable(f"exactly one {etree.QName(tag).localname}", str(len(found)))
    return found[0]


def _unreadable(expected: str, found: str) -> RegistryRefusal:
    text = f"D-46: unreadable request, found {found}, expected {expected} (ihe-rules D.2)"
    return RegistryRefusal((RegistryErrorItem("XDSRepositoryMetadataError", text),))
