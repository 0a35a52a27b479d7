"""A good submission is accepted, found again and given back byte for byte."""

from __future__ import annotations

from lxml import etree

from connector.base.ns import QUERY, RIM, XDSB, q
from tests.simulator_registry.samples import CDA, DOC_UID, INS, ITI_18, ITI_43, OID, Desk, Sample, reader, request

FIND = (
    f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}">'
    '<query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
    '<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">'
    f"<rim:Slot name=\"$XDSDocumentEntryPatientId\"><rim:ValueList><rim:Value>'{INS}^^^&amp;{OID}&amp;ISO^NH'"
    '</rim:Value></rim:ValueList></rim:Slot><rim:Slot name="$XDSDocumentEntryStatus"><rim:ValueList>'
    "<rim:Value>('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')</rim:Value></rim:ValueList></rim:Slot>"
    "</rim:AdhocQuery></query:AdhocQueryRequest>"
)
RETRIEVE = (
    f'<RetrieveDocumentSetRequest xmlns="{XDSB}"><DocumentRequest>'
    "<RepositoryUniqueId>1.2.250.1.213.4.1.1.1.2</RepositoryUniqueId>"
    f"<DocumentUniqueId>{DOC_UID}</DocumentUniqueId></DocumentRequest></RetrieveDocumentSetRequest>"
)


def test_accepted_then_found_then_retrieved(desk: Desk) -> None:
    assert list(desk.told(Sample())) == []

    answer = desk.registry.handle(request(ITI_18, etree.fromstring(FIND), reader())).body
    found = list(answer.iter(q(RIM, "ExtrinsicObject")))
    assert [item.get("mimeType") for item in found] == ["text/xml"]
    assert answer.get("totalResultCount") == "1"

    reply = desk.repository.handle(request(ITI_43, etree.fromstring(RETRIEVE), reader()))
    assert [part.path.read_bytes() for part in reply.parts] == [CDA]
    assert desk.world.acceptances() == {DOC_UID: 1}
