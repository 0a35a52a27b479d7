"""ITI-18: stored queries out, registry objects or references in (dmp-interface a.8, ihe-rules D.4 and D.5)."""

from __future__ import annotations

from typing import Literal

from lxml import etree

from connector.base.ns import QUERY, RIM, q
from connector.xds.model import QueryAnswer
from connector.xds.queries import FindDocuments, GetDocuments, StoredQuery
from connector.xds.query_text import Profile, patient_cx, quote, quoted_list
from connector.xds.reader import RegistryObjects, read_objects
from connector.xds.responses import expect, read_errors, read_status
from connector.xds.slots import SLOT, VALUE, VALUE_LIST
from connector.xds.writer import REGISTRY_OBJECT_LIST

__all__ = [
    "FindDocuments",
    "GetDocuments",
    "Profile",
    "ReturnType",
    "build_query",
    "parse_answer",
    "patient_cx",
    "quote",
    "quoted_list",
]

ReturnType = Literal["LeafClass", "ObjectRef"]


def build_query(
    query: StoredQuery, return_type: ReturnType = "LeafClass", *, profile: Profile = "dmp"
) -> etree._Element:
    """The AdhocQueryRequest of `query`."""
    root = etree.Element(q(QUERY, "AdhocQueryRequest"), nsmap={"query": QUERY, "rim": RIM})
    etree.SubElement(root, q(QUERY, "ResponseOption"), returnComposedObjects="true", returnType=return_type)
    adhoc = etree.SubElement(root, q(RIM, "AdhocQuery"), id=query.query_id)
    if query.home:
        adhoc.set("home", query.home)
    for name, values in query.slots(profile):
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
        folders=tuple(found.folders),
        associations=tuple(found.associations),
        errors=read_errors(node),
    )
