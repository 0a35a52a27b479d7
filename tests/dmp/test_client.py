"""The client against a scripted peer: what leaves, what is understood, and errors in their four places."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import requests
from lxml import etree

from connector.base.errors import CodecError, ServerError, ServerRefusal, SettingsError, SoapFault, TransportError
from connector.base.ns import SAML2, q
from connector.dmp.client import DmpClient, Existence, PartialRetrieval, StatusAnswer, Stored
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.dmp.feed import Feed
from connector.ins.model import MatriculeIns
from connector.soap.session import tls_session
from connector.trust.clockwatch import ClockWatch
from connector.trust.errors import ClockError
from connector.trust.vihf import Caller
from connector.xds.model import STATUS_FAILURE, STATUS_PARTIAL, STATUS_SUCCESS
from tests.dmp.keys import CALLER, VIHF, signing_pair
from tests.dmp.peer import Peer, Reply, fault, serving
from tests.dmp.samples import CONFIG, CONTENT, FEED, HEADER, INS, NOW
from tests.dmp.test_td02 import ANSWER as EXISTS
from tests.dmp.test_td03 import ANSWER as AUTHORIZED
from tests.xds.samples import ANSWER_XML, ENTRY

RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
REFERENCES = ANSWER_XML.split("<rim:RegistryObjectList>", maxsplit=1)[0] + (
    '<rim:RegistryObjectList><rim:ObjectRef id="urn:uuid:a"/></rim:RegistryObjectList></query:AdhocQueryResponse>'
)


def errors_xml(*codes: str) -> str:
    lines = "".join(
        f'<rs:RegistryError errorCode="{code}" codeContext="texte de {code}" location="ici" '
        'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/>'
        for code in codes
    )
    return f'<rs:RegistryErrorList xmlns:rs="{RS}">{lines}</rs:RegistryErrorList>'


def registry(status: str = STATUS_SUCCESS, errors: str = "") -> str:
    return f'<rs:RegistryResponse xmlns:rs="{RS}" status="{status}">{errors}</rs:RegistryResponse>'


def retrieved(status: str, *documents: tuple[str, str], errors: str = "") -> str:
    lines = "".join(
        "<x:DocumentResponse><x:RepositoryUniqueId>1.2.250.1.213.4.1.1.1.2</x:RepositoryUniqueId>"
        f"<x:DocumentUniqueId>{unique_id}</x:DocumentUniqueId><x:mimeType>text/xml</x:mimeType><x:Document>"
        f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{cid}"/></x:Document>'
        "</x:DocumentResponse>"
        for unique_id, cid in documents
    )
    return (
        '<x:RetrieveDocumentSetResponse xmlns:x="urn:ihe:iti:xds-b:2007">'
        f"{registry(status, errors)}{lines}</x:RetrieveDocumentSetResponse>"
    )


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with tls_session(None) as opened:
        yield opened


Make = Callable[..., DmpClient]


@pytest.fixture
def make(peer: Peer, session: requests.Session) -> Make:
    def build(clockwatch: ClockWatch | None = None, **changes: object) -> DmpClient:
        numbers = count(1)
        config: DmpConfig = replace(CONFIG, base_url=peer.url, **changes)  # type: ignore[arg-type]
        secured = config.profile == "dmp"
        return DmpClient(
            config,
            session=session,
            signer=signing_pair() if secured else None,
            vihf=VIHF if secured else None,
            clock=lambda: NOW,
            uuid_factory=lambda: uuid.UUID(int=next(numbers)),
            clockwatch=clockwatch,
        )

    return build


def test_existence(make: Make, peer: Peer) -> None:
    peer.answers(Reply(EXISTS))
    assert make().test_existence(INS, CALLER) == Existence("ACTIVE", "VALIDE", False, True)
    (request,) = peer.received
    assert request.path == "/services/patients"
    assert "urn:hl7-org:v3:PRPA_IN201307UV02" in request.text


def test_authorisation_added_and_withdrawn(make: Make, peer: Peer) -> None:
    peer.answers(Reply(AUTHORIZED), Reply(AUTHORIZED))
    client = make()
    assert client.add_authorization(INS, CALLER) == StatusAnswer("DMPOk", "rien à faire")
    assert client.remove_authorization(INS, CALLER).status == "DMPOk"
    assert ["AJOUT" in r.text for r in peer.received] == [True, False]
    assert ["SUPPRESSION" in r.text for r in peer.received] == [False, True]


def test_documents_since_a_date_and_of_some_types(make: Make, peer: Peer) -> None:
    peer.answers(Reply(ANSWER_XML))
    found = make().find_documents(INS, CALLER, since=NOW - timedelta(days=730), type_codes=("11490-0", "34112-3"))
    assert found.entries == (ENTRY,)
    (request,) = peer.received
    assert "'279035121518989^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH'" in request.text
    assert ">20241121093015<" in request.text
    assert "('11490-0^^2.16.840.1.113883.6.1','34112-3^^2.16.840.1.113883.6.1')" in request.text


def test_a_type_nobody_knows_is_a_setting_to_mend(make: Make, peer: Peer) -> None:
    with pytest.raises(SettingsError):
        make().find_documents(INS, CALLER, since=None, type_codes=("nope",))
    assert peer.received == []


def test_a_partial_list_comes_with_its_errors(make: Make, peer: Peer) -> None:
    xml = ANSWER_XML.replace(STATUS_SUCCESS, STATUS_PARTIAL)
    peer.answers(Reply(xml.replace("</query:Adhoc", errors_xml("XDSRegistryError") + "</query:Adhoc")))
    found = make().find_documents(INS, CALLER, since=None)
    assert [e.code for e in found.errors] == ["XDSRegistryError"]
    assert found.entries == (ENTRY,)


NOTHING = REFERENCES.replace('<rim:ObjectRef id="urn:uuid:a"/>', "")


@pytest.mark.parametrize(
    ("xml", "expected"), [(REFERENCES, ("urn:uuid:a",)), (ANSWER_XML, (ENTRY.entry_uuid,)), (NOTHING, ())]
)
def test_the_structure_certificate_finds_references_and_no_hash(
    make: Make, peer: Peer, xml: str, expected: tuple[str, ...]
) -> None:
    peer.answers(Reply(xml))
    assert make().find_stored(INS, CALLER, "1.2.3.4") == tuple(Stored(uuid) for uuid in expected)
    (request,) = peer.received
    assert 'returnType="ObjectRef"' in request.text
    assert "('1.2.3.4')" in request.text


AIR = replace(CALLER, mode="INDIRECTE_RENFORCEE", authn_context_decl="APP_BROWSER_AUTH")


@pytest.mark.parametrize(("profile", "caller"), [("ihe", CALLER), ("dmp", AIR)], ids=["ihe", "air"])
def test_who_may_read_metadata_gets_the_hash(make: Make, peer: Peer, profile: str, caller: Caller) -> None:
    peer.answers(Reply(ANSWER_XML), Reply(REFERENCES))
    client = make(profile=profile)
    assert ENTRY.hash
    assert client.find_stored(INS, caller, "1.2.3.4") == (Stored(ENTRY.entry_uuid, ENTRY.hash.lower()),)
    assert client.find_stored(INS, caller, "1.2.3.4") == (Stored("urn:uuid:a"),)
    assert 'returnType="LeafClass"' in peer.received[0].text


def test_a_document_lands_on_disk_as_announced(make: Make, peer: Peer, tmp_path: Path) -> None:
    content = b"%PDF fake boundary\r\n--b\r\n%%EOF\r\n"
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    entry = replace(ENTRY, hash=sha1.upper(), size=len(content))
    peer.answers(Reply(retrieved(STATUS_SUCCESS, (entry.unique_id, "doc%3A1@x")), parts=(("doc:1@x", content),)))
    (found,) = make().retrieve(INS, CALLER, [entry], tmp_path)
    assert found.path.read_bytes() == content
    assert (found.sha1, found.size, found.media_type, found.entry) == (sha1, len(content), "text/xml", entry)
    assert found.path.name == f"{entry.unique_id}.xml"
    assert list(tmp_path.iterdir()) == [found.path]


@pytest.mark.parametrize(("field", "change"), [("hash", {"hash": "0" * 40, "size": None}), ("size", {"size": 1})])
def test_bytes_that_are_not_those_announced_are_refused(
    make: Make, peer: Peer, tmp_path: Path, field: str, change: dict[str, object]
) -> None:
    entry = replace(ENTRY, **change)  # type: ignore[arg-type]
    peer.answers(Reply(retrieved(STATUS_SUCCESS, (entry.unique_id, "a")), parts=(("a", b"<x/>"),)))
    with pytest.raises(CodecError) as refused:
        make().retrieve(INS, CALLER, [entry], tmp_path)
    assert refused.value.context["field"] == field
    assert list(tmp_path.iterdir()) == []


def test_a_document_nobody_asked_for_is_refused(make: Make, peer: Peer, tmp_path: Path) -> None:
    peer.answers(Reply(retrieved(STATUS_SUCCESS, ("9.9.9", "a")), parts=(("a", b"<x/>"),)))
    with pytest.raises(CodecError) as refused:
        make().retrieve(INS, CALLER, [ENTRY], tmp_path)
    assert refused.value.context["field"] == "DocumentUniqueId"


def test_two_documents_of_one_content_are_two_files(make: Make, peer: Peer, tmp_path: Path) -> None:
    entries = [replace(ENTRY, unique_id=unique_id, hash="", size=None) for unique_id in ("1.1", "../../evil^1")]
    body = retrieved(STATUS_SUCCESS, ("1.1", "a"), ("../../evil^1", "b"))
    peer.answers(Reply(body, parts=(("a", b"<x/>"), ("b", b"<x/>"))))
    first, second = make().retrieve(INS, CALLER, entries, tmp_path)
    assert first.path != second.path
    assert sorted(tmp_path.iterdir()) == sorted([first.path, second.path])


def test_a_partial_retrieval_keeps_what_came_and_says_what_is_missing(make: Make, peer: Peer, tmp_path: Path) -> None:
    here = replace(ENTRY, unique_id="1.1", hash="", size=None)
    gone = replace(ENTRY, unique_id="1.2", hash="", size=None)
    xml = retrieved(STATUS_PARTIAL, ("1.1", "a"), errors=errors_xml("XDSDocumentUniqueIdError"))
    peer.answers(Reply(xml, parts=(("a", b"<x/>"),)))
    with pytest.raises(PartialRetrieval) as refused:
        make().retrieve(INS, CALLER, [here, gone], tmp_path)
    assert [document.entry for document in refused.value.retrieved] == [here]
    assert refused.value.missing == (gone,)
    assert refused.value.code == "XDSDocumentUniqueIdError"


def test_a_fault_for_one_document_does_not_lose_the_others(make: Make, peer: Peer, tmp_path: Path) -> None:
    entries = [replace(ENTRY, unique_id=f"1.{n}", hash="", size=None) for n in range(3)]
    refusal = fault("XDSDocumentUniqueIdError", "document inconnu")
    peer.answers(
        refusal,
        Reply(retrieved(STATUS_SUCCESS, ("1.0", "a")), parts=(("a", b"first"),)),
        refusal,
        Reply(retrieved(STATUS_SUCCESS, ("1.2", "a")), parts=(("a", b"third"),)),
    )
    with pytest.raises(PartialRetrieval) as refused:
        make().retrieve(INS, CALLER, entries, tmp_path)
    assert [document.entry.unique_id for document in refused.value.retrieved] == ["1.0", "1.2"]
    assert refused.value.missing == (entries[1],)
    assert refused.value.errors == (ServerError("XDSDocumentUniqueIdError", "document inconnu", channel="fault"),)


@pytest.mark.parametrize(("code", "asked"), [("XDSDocumentUniqueIdError", 1), ("DMPAccessDeniedByRightsService", 2)])
def test_a_fault_for_the_whole_request_passes(make: Make, peer: Peer, tmp_path: Path, code: str, asked: int) -> None:
    peer.answers(fault(code, "non"))
    with pytest.raises(SoapFault):
        make().retrieve(INS, CALLER, [replace(ENTRY, unique_id=f"1.{n}") for n in range(asked)], tmp_path)
    assert len(peer.received) == 1


def test_many_documents_go_by_batches(make: Make, peer: Peer, tmp_path: Path) -> None:
    entries = [replace(ENTRY, unique_id=f"1.{n}", hash="", size=None) for n in range(21)]
    first = [(f"1.{n}", f"c{n}") for n in range(20)]
    peer.answers(
        Reply(retrieved(STATUS_SUCCESS, *first), parts=tuple((c, c.encode()) for _, c in first)),
        Reply(retrieved(STATUS_SUCCESS, ("1.20", "last")), parts=(("last", b"last"),)),
    )
    found = make().retrieve(INS, CALLER, entries, tmp_path)
    assert [document.entry.unique_id for document in found] == [f"1.{n}" for n in range(21)]
    assert len(peer.received) == 2


@pytest.mark.parametrize("as_file", [False, True])
def test_a_submission_leaves_as_mtom_with_the_documents_bytes(
    make: Make, peer: Peer, tmp_path: Path, as_file: bool
) -> None:
    content: bytes | Path = CONTENT
    if as_file:
        content = tmp_path / "letter.xml"
        content.write_bytes(CONTENT)
    peer.answers(Reply(registry()))
    result = make().submit(INS, CALLER, replace(FEED, content=content))
    assert result.set_id == "2.25.1001"
    assert result.unique_ids == ("1.2.250.1.999.1.1.42", "2.25.1002")
    (request,) = peer.received
    assert request.path == "/services/repository"
    assert request.content_type.startswith("multipart/related")
    assert request.body.count(CONTENT) == 1
    assert request.body.count(b"xop:Include") == 2


def test_the_assertion_names_the_patient_and_is_signed(make: Make, peer: Peer) -> None:
    peer.answers(Reply(registry()))
    make().submit(INS, CALLER, FEED)
    start = peer.received[0].body.index(b"<saml2:Assertion")
    end = peer.received[0].body.index(b"</saml2:Assertion>") + len(b"</saml2:Assertion>")
    assertion = etree.fromstring(peer.received[0].body[start:end])
    values = [node.text for node in assertion.iter(q(SAML2, "AttributeValue"))]
    assert INS.cx() in values
    assert "1120456789" in values
    assert assertion.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is not None


@pytest.mark.parametrize(("policy", "expected"), [("certificate", "1120456789"), ("message", "1120459876")])
def test_the_structure_of_the_assertion_follows_the_policy(make: Make, peer: Peer, policy: str, expected: str) -> None:
    peer.answers(Reply(EXISTS))
    make(structure_policy=policy).test_existence(INS, replace(CALLER, structure_id="1120459876"))
    assert f">{expected}<" in peer.received[0].text


def test_the_ihe_profile_needs_neither_assertion_nor_signature(make: Make, peer: Peer) -> None:
    peer.answers(Reply(registry()))
    result = make(profile="ihe").submit(INS, CALLER, FEED)
    assert result.unique_ids == ("1.2.250.1.999.1.1.42",)
    text = peer.received[0].text
    assert "Assertion" not in text
    assert "^NH" not in text
    assert "IDNST" not in text


def test_a_success_may_come_with_warnings(make: Make, peer: Peer) -> None:
    warning = errors_xml("XDSExtraMetadataNotSaved").replace("SeverityType:Error", "SeverityType:Warning")
    peer.answers(Reply(registry(errors=warning)))
    assert [w.code for w in make().submit(INS, CALLER, FEED).warnings] == ["XDSExtraMetadataNotSaved"]


# --- errors in four places (dmp-interface a.11 PRE_ERR) ---

Act = Callable[[DmpClient], object]


def existence(client: DmpClient, ins: MatriculeIns = INS, caller: Caller = CALLER) -> object:
    return client.test_existence(ins, caller)


def authorisation(client: DmpClient) -> object:
    return client.add_authorization(INS, CALLER)


def listing(client: DmpClient) -> object:
    return client.find_documents(INS, CALLER, since=None)


def submission(client: DmpClient, feed: Feed = FEED) -> object:
    return client.submit(INS, CALLER, feed)


NOT_ACCEPTED = EXISTS.replace(
    '<acknowledgement typeCode="AA"/>',
    '<acknowledgement typeCode="AE"><acknowledgementDetail><code code="DMPClosed"/><text>fermé</text>'
    "</acknowledgementDetail></acknowledgement>",
)
BOTH = errors_xml("XDSUnknownPatientId", "HOUSE-7")
TWO = (
    ServerError("XDSUnknownPatientId", "texte de XDSUnknownPatientId", "error", "ici", "registry"),
    ServerError("HOUSE-7", "texte de HOUSE-7", "error", "ici", "registry"),
)


@pytest.mark.parametrize(
    ("act", "body", "errors"),
    [
        (existence, NOT_ACCEPTED, (ServerError("DMPClosed", "fermé", channel="ack"),)),
        (
            authorisation,
            AUTHORIZED.replace("DMPOk", "DMPNo"),
            (ServerError("DMPNo", "rien à faire", channel="status"),),
        ),
        (
            listing,
            ANSWER_XML.replace(STATUS_SUCCESS, STATUS_FAILURE).replace("</query:Adhoc", BOTH + "</query:Adhoc"),
            TWO,
        ),
        (submission, registry(STATUS_FAILURE, BOTH), TWO),
        (submission, registry(STATUS_PARTIAL, BOTH), TWO),
        (submission, registry(STATUS_FAILURE), ()),
    ],
)
def test_a_refusal_carries_every_error_and_its_channel(
    make: Make, peer: Peer, act: Act, body: str, errors: tuple[ServerError, ...]
) -> None:
    peer.answers(Reply(body))
    with pytest.raises(ServerRefusal) as refused:
        act(make())
    assert refused.value.errors == errors


@pytest.mark.parametrize("act", [existence, authorisation, listing, submission])
def test_a_fault_passes_with_the_servers_words(make: Make, peer: Peer, act: Act) -> None:
    peer.answers(fault("DMPInvalidCertificate", "Not a valid signature certificate"))
    with pytest.raises(SoapFault) as refused:
        act(make())
    assert refused.value.subcode == "DMPInvalidCertificate"
    assert refused.value.text == "Not a valid signature certificate"


@pytest.mark.parametrize("act", [existence, listing, submission])
def test_a_cut_connection_is_an_unknown_outcome(make: Make, peer: Peer, act: Act) -> None:
    peer.answers(Reply(cut=True))
    with pytest.raises(TransportError) as failed:
        act(make())
    assert failed.value.sent


@pytest.mark.parametrize("body", ["<other/>", registry("urn:house:Fine")])
def test_an_unreadable_answer_to_a_submission_is_unknown_not_refused(make: Make, peer: Peer, body: str) -> None:
    peer.answers(Reply(body))
    with pytest.raises(TransportError) as failed:
        submission(make())
    assert failed.value.sent


def test_nothing_leaves_when_the_metadata_are_refused(make: Make, peer: Peer) -> None:
    with pytest.raises(DmpMetadataError):
        submission(make(), replace(FEED, header=replace(HEADER, title="")))
    assert peer.received == []


def test_a_peer_that_listens_no_more_received_nothing(session: requests.Session) -> None:
    with serving() as gone:
        url = gone.url
    client = DmpClient(replace(CONFIG, base_url=url), session=session, signer=signing_pair(), vihf=VIHF)
    with pytest.raises(TransportError) as failed:
        existence(client)
    assert not failed.value.sent


def test_a_wrong_clock_stops_the_next_signature(make: Make, peer: Peer) -> None:
    peer.answers(Reply(EXISTS, date="Sat, 21 Nov 2026 09:40:15 GMT"))
    client = make(clockwatch=ClockWatch(60.0))
    existence(client)
    with pytest.raises(ClockError):
        submission(client)
    assert len(peer.received) == 1


def test_a_fault_also_tells_the_time(make: Make, peer: Peer) -> None:
    peer.answers(replace(fault("X", "y"), date="Sat, 21 Nov 2026 09:40:15 GMT"))
    client = make(clockwatch=ClockWatch(60.0))
    with pytest.raises(SoapFault):
        existence(client)
    with pytest.raises(ClockError):
        existence(client)


def test_a_security_fault_of_a_wrong_clock_is_the_clock_s(make: Make, peer: Peer) -> None:
    refused = fault("InvalidSecurityToken", "VIHF refusé")
    peer.answers(replace(refused, date="Sat, 21 Nov 2026 09:40:15 GMT"))
    with pytest.raises(ClockError):
        submission(make(clockwatch=ClockWatch(60.0)))
    peer.answers(refused)
    with pytest.raises(SoapFault):
        submission(make(clockwatch=ClockWatch(60.0)))


def test_no_identity_in_the_text_of_a_refusal(make: Make, peer: Peer) -> None:
    peer.answers(Reply(registry(STATUS_FAILURE, BOTH)))
    with pytest.raises(ServerRefusal) as refused:
        submission(make())
    assert INS.value not in str(refused.value)


@pytest.mark.parametrize("missing", ["signer", "vihf"])
def test_the_dmp_profile_wants_a_signer_and_the_vihf(session: requests.Session, missing: str) -> None:
    with pytest.raises(SettingsError):
        DmpClient(
            CONFIG,
            session=session,
            signer=None if missing == "signer" else signing_pair(),
            vihf=None if missing == "vihf" else VIHF,
        )
