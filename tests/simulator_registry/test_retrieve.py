"""ITI-43: one document, batches, refusals (dmp-interface a.9, ihe-rules D-60…D-62)."""

from __future__ import annotations

import pytest
from lxml import etree

from connector.base.ns import RS, XDSB, XOP, q
from connector.rules import names as n
from connector.simulator.model import RegistryRefusal, SimFault, SoapReply
from tests.simulator_registry.samples import INS, ITI_43, OTHER_INS, Desk, reader, request

CONTENT = b"\x00binary\r\n--mime\r\n" * 1000


def retrieve(desk: Desk, *lines: tuple[str, str], who: str = "801234564895") -> SoapReply:
    written = "".join(
        f"<DocumentRequest><RepositoryUniqueId>{repository}</RepositoryUniqueId>"
        f"<DocumentUniqueId>{document}</DocumentUniqueId></DocumentRequest>"
        for repository, document in lines
    )
    body = etree.fromstring(f'<RetrieveDocumentSetRequest xmlns="{XDSB}">{written}</RetrieveDocumentSetRequest>')
    return desk.repository.handle(request(ITI_43, body, reader(name_id=who)))


def status(reply: SoapReply) -> str:
    found = reply.body.find(q(RS, "RegistryResponse"))
    assert found is not None
    return found.get("status", "")


@pytest.fixture
def filled(desk: Desk) -> Desk:
    for number, content in enumerate((CONTENT, b"<b/>"), start=1):
        desk.registry.seed(content, ins=INS, type_code="11502-2", title="bio", unique_id=f"2.25.{number}")
    desk.registry.seed(
        b"<m/>", ins=INS, type_code="11490-0", title="m", confidentiality="N MASQUE_PS", unique_id="2.25.3"
    )
    desk.registry.seed(b"<o/>", ins=OTHER_INS, type_code="11490-0", title="o", unique_id="2.25.4")
    return desk


def test_byte_for_byte_in_order(filled: Desk) -> None:
    reply = retrieve(filled, (n.REPOSITORY_ID, "2.25.2"), (n.REPOSITORY_ID, "2.25.1"))
    assert status(reply) == n.SUCCESS
    assert [part.path.read_bytes() for part in reply.parts] == [b"<b/>", CONTENT]
    hrefs = [item.get("href", "") for item in reply.body.iter(q(XOP, "Include"))]
    assert [href.removeprefix("cid:").replace("%40", "@") for href in hrefs] == [part.cid for part in reply.parts]
    first = reply.body.find(q(XDSB, "DocumentResponse"))
    assert first is not None
    assert first.findtext(q(XDSB, "DocumentUniqueId")) == "2.25.2"
    assert first.findtext(q(XDSB, "mimeType")) == "text/xml"


def test_part_of_a_batch(filled: Desk) -> None:
    reply = retrieve(filled, (n.REPOSITORY_ID, "2.25.1"), (n.REPOSITORY_ID, "2.25.99"), ("1.2.3", "2.25.2"))
    assert status(reply) == n.PARTIAL_SUCCESS
    codes = [item.get("errorCode") for item in reply.body.iter(q(RS, "RegistryError"))]
    assert codes == ["XDSDocumentUniqueIdError", "XDSUnknownRepositoryId"]
    assert len(reply.parts) == 1


@pytest.mark.parametrize("document", ["2.25.99", "2.25.3", "2.25.4", "urn:uuid:00000000-0000-4000-8000-000000000001"])
def test_unknown_masked_and_other_patients_documents_are_the_same_fault(filled: Desk, document: str) -> None:
    with pytest.raises(SimFault) as fault:
        retrieve(filled, (n.REPOSITORY_ID, document))
    assert fault.value.subcode == "XDSDocumentUniqueIdError"


def test_masked_document_for_its_author(filled: Desk) -> None:
    reply = retrieve(filled, (n.REPOSITORY_ID, "2.25.3"), who="801234567866")
    assert [part.path.read_bytes() for part in reply.parts] == [b"<m/>"]


@pytest.mark.parametrize(
    ("line", "code"),
    [(("1.2.250.1.213.4.1.1.1", "2.25.1"), "XDSUnknownRepositoryId"), ((n.REPOSITORY_ID, ""), "XDSRepositoryError")],
)
def test_refusals(filled: Desk, line: tuple[str, str], code: str) -> None:
    with pytest.raises(RegistryRefusal) as refused:
        retrieve(filled, line)
    assert [error.code for error in refused.value.errors] == [code]
    assert "ligne 1" in refused.value.errors[0].location


def test_empty_request(filled: Desk) -> None:
    with pytest.raises(SimFault):
        retrieve(filled)


def test_closed_dmp(filled: Desk) -> None:
    filled.world.set_dmp(INS, "CLOSED")
    with pytest.raises(RegistryRefusal) as refused:
        retrieve(filled, (n.REPOSITORY_ID, "2.25.1"))
    assert refused.value.errors[0].code == "DMPClosed"


def test_a_request_without_assertion(filled: Desk) -> None:
    body = etree.fromstring(f'<RetrieveDocumentSetRequest xmlns="{XDSB}"/>')
    with pytest.raises(SimFault):
        filled.repository.handle(request(ITI_43, body, None))


def test_unknown_action(filled: Desk) -> None:
    for service in (filled.repository, filled.registry):
        with pytest.raises(SimFault):
            service.handle(request("urn:nothing", etree.fromstring("<x/>"), reader()))
