"""ITI-18: stored queries out, registry objects or references in (dmp-interface a.8, ihe-rules D.4 and D.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lxml import etree

from connector.base.hl7time import utc_digits
from connector.base.ns import QUERY, RIM, q
from connector.xds.constants import FIND_DOCUMENTS, GET_DOCUMENTS
from connector.xds.model import APPROVED, Code, QueryAnswer
from connector.xds.reader import RegistryObjects, read_objects
from connector.xds.responses import expect, read_errors, read_status
from connector.xds.slots import SLOT, VALUE, VALUE_LIST
from connector.xds.writer import REGISTRY_OBJECT_LIST

Profile = Literal["dmp", "ihe"]
ReturnType = Literal["LeafClass", "ObjectRef"]

_MAX_VALUE = 256
"""ebRIM's LongName: a longer list is spread over several Value elements, which still means OR."""


@dataclass(frozen=True, slots=True)
class FindDocuments:
    """Documents of one patient. `patient_id` is a CX, None lets the DMP take the INS of the VIHF (RG_3010).

    Time bounds are aware datetimes; the lower is inclusive, the upper exclusive (ihe-rules D-94).
    Each tuple of codes is an OR; each tuple inside `event_codes` is ANDed with the others (D-90).
    """

    patient_id: str | None
    statuses: tuple[str, ...] = (APPROVED,)
    type_codes: tuple[Code, ...] = ()
    class_codes: tuple[Code, ...] = ()
    event_codes: tuple[tuple[Code, ...], ...] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None
    service_start_from: datetime | None = None
    service_start_to: datetime | None = None

    def slots(self, profile: Profile) -> Iterator[tuple[str, list[str]]]:
        if self.patient_id is not None:
            yield "$XDSDocumentEntryPatientId", [quote(patient_cx(self.patient_id, profile))]
        yield "$XDSDocumentEntryStatus", quoted_list(self.statuses)
        for name, bound in (
            ("$XDSDocumentEntryCreationTimeFrom", self.created_from),
            ("$XDSDocumentEntryCreationTimeTo", self.created_to),
            ("$XDSDocumentEntryServiceStartTimeFrom", self.service_start_from),
            ("$XDSDocumentEntryServiceStartTimeTo", self.service_start_to),
        ):
            if bound is not None:
                yield name, [utc_digits(bound)]
        yield "$XDSDocumentEntryClassCode", quoted_list(coded(self.class_codes))
        yield "$XDSDocumentEntryTypeCode", quoted_list(coded(self.type_codes))
        for alternatives in self.event_codes:
            yield "$XDSDocumentEntryEventCodeList", quoted_list(coded(alternatives))

    @property
    def query_id(self) -> str:
        return FIND_DOCUMENTS


@dataclass(frozen=True, slots=True)
class GetDocuments:
    """Documents by uniqueId or by entryUUID: exactly one of the two (ihe-rules D-85)."""

    unique_ids: tuple[str, ...] = ()
    entry_uuids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.unique_ids) == bool(self.entry_uuids):
            raise ValueError("GetDocuments wants unique_ids or entry_uuids, not both")

    def slots(self, profile: Profile) -> Iterator[tuple[str, list[str]]]:
        yield "$XDSDocumentEntryUniqueId", quoted_list(self.unique_ids)
        yield "$XDSDocumentEntryEntryUUID", quoted_list(self.entry_uuids)

    @property
    def query_id(self) -> str:
        return GET_DOCUMENTS


Query = FindDocuments | GetDocuments


def build_query(query: Query, return_type: ReturnType = "LeafClass", *, profile: Profile = "dmp") -> etree._Element:
    """The AdhocQueryRequest of `query`."""
    root = etree.Element(q(QUERY, "AdhocQueryRequest"), nsmap={"query": QUERY, "rim": RIM})
    etree.SubElement(root, q(QUERY, "ResponseOption"), returnComposedObjects="true", returnType=return_type)
    adhoc = etree.SubElement(root, q(RIM, "AdhocQuery"), id=query.query_id)
    for name, values in query.slots(profile):
        if values:
            listing = etree.SubElement(etree.SubElement(adhoc, SLOT, name=name), VALUE_LIST)
            for value in values:
                etree.SubElement(listing, VALUE).text = value
    return root


def parse_answer(node: etree._Element) -> QueryAnswer:
    """The AdhocQueryResponse, errors included; raises CodecError when it is something else."""
    expect(node, q(QUERY, "AdhocQueryResponse"))
    status = read_status(node)
    listing = node.find(REGISTRY_OBJECT_LIST)
    found = RegistryObjects() if listing is None else read_objects(listing)
    return QueryAnswer(
        status=status,
        entries=tuple(found.entries),
        references=tuple(found.references),
        submission_sets=tuple(found.submission_sets),
        associations=tuple(found.associations),
        errors=read_errors(node),
    )


def quote(text: str) -> str:
    """`'text'`, inner quotes doubled (ihe-rules D-86)."""
    return "'" + text.replace("'", "''") + "'"


def quoted_list(texts: Iterable[str]) -> list[str]:
    """`('a','b')`, cut into several lists when one would pass ebRIM's length; [] when there is nothing."""
    values: list[str] = []
    current = ""
    for item in map(quote, texts):
        if current and len(current) + len(item) + 3 > _MAX_VALUE:
            values.append(f"({current})")
            current = ""
        current = f"{current},{item}" if current else item
    return [*values, f"({current})"] if current else values


def coded(codes: Iterable[Code]) -> Iterator[str]:
    """`code^^scheme` (ihe-rules D-87)."""
    return (f"{code.code}^^{code.scheme}" for code in codes)


def patient_cx(cx: str, profile: Profile) -> str:
    """The CX as each profile wants it: France keeps the type in CX-5 (`^NH`), IHE forbids it (ihe-rules D.8)."""
    return cx if profile == "dmp" else "^".join(cx.split("^")[:4])
