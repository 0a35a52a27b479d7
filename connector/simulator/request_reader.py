"""The simulator's own reader of queries, retrievals and answers: received XML into the values the rules judge."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from connector.base.ns import QUERY, RIM, RS, XDSB, XOP, q
from connector.rules.answers import Outcome, Problem, QueryResult, Retrieved
from connector.rules.case import Part
from connector.rules.query import QueryRequest
from connector.rules.retrieve import Line, RetrieveRequest
from connector.simulator.registry_reader import content_id, read_objects, read_slots


def read_query_request(body: etree._Element, *, ihe_pure: bool) -> QueryRequest:
    """An AdhocQueryRequest; what is missing reads as "" and is the rules' business."""
    option, query = body.find(q(QUERY, "ResponseOption")), body.find(q(RIM, "AdhocQuery"))
    return QueryRequest(
        query_id=_get(query, "id"),
        return_type=_get(option, "returnType"),
        slots=() if query is None else read_slots(query),
        home=_get(query, "home"),
        ihe_pure=ihe_pure,
    )


def read_retrieve_request(body: etree._Element, repositories: frozenset[str] = frozenset()) -> RetrieveRequest:
    """A RetrieveDocumentSetRequest, for a server that answers for `repositories`."""
    lines = (
        Line(_text(item, "RepositoryUniqueId"), _text(item, "DocumentUniqueId"), _text(item, "HomeCommunityId"))
        for item in body.findall(q(XDSB, "DocumentRequest"))
    )
    return RetrieveRequest(tuple(lines), repositories)


def read_outcome(response: etree._Element, transaction: str) -> Outcome:
    """The status and the errors of a RegistryResponse, or of an AdhocQueryResponse, which has the same shape."""
    problems = (
        Problem(item.get("errorCode", ""), item.get("severity", "")) for item in response.iter(q(RS, "RegistryError"))
    )
    return Outcome(transaction, response.get("status", ""), tuple(problems))


def read_result(body: etree._Element) -> QueryResult:
    """The objects of an AdhocQueryResponse. What was asked is told by the first: references, or whole objects."""
    listing = body.find(q(RIM, "RegistryObjectList"))
    objects = () if listing is None else tuple(read_objects(listing))
    asked = "ObjectRef" if objects and objects[0].kind == "ObjectRef" else "LeafClass"
    return QueryResult(asked, objects)


def read_retrieved(body: etree._Element, parts: Mapping[str, Part]) -> tuple[Retrieved, ...]:
    """The documents of a RetrieveDocumentSetResponse, each with the part its Include names."""
    return tuple(_retrieved(item, parts) for item in body.findall(q(XDSB, "DocumentResponse")))


def _retrieved(item: etree._Element, parts: Mapping[str, Part]) -> Retrieved:
    document = item.find(q(XDSB, "Document"))
    include = None if document is None else document.find(q(XOP, "Include"))
    part = None if include is None else parts.get(content_id(include))
    return Retrieved(
        repository=_text(item, "RepositoryUniqueId"),
        document=_text(item, "DocumentUniqueId"),
        mime_type=_text(item, "mimeType"),
        new_document=_text(item, "NewDocumentUniqueId"),
        size=None if part is None else part.size,
        sha1="" if part is None else part.sha1,
    )


def _get(element: etree._Element | None, attribute: str) -> str:
    return "" if element is None else element.get(attribute, "")


def _text(parent: etree._Element, local: str) -> str:
    return (parent.findtext(q(XDSB, local)) or "").strip()
