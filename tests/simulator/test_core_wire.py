"""HTTP, SOAP, addressing and MTOM refusals (dmp-interface a.1, a.7, a.9; ihe-rules D-52)."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.base.errors import CodecError
from connector.simulator.config import SimConfig
from connector.simulator.mime import media_type, read_parts
from connector.simulator.model import ReplyPart, SimFault
from connector.simulator.server import Simulator
from connector.simulator.wire import Answer, http_response, include, included_cid, read_request
from tests.simulator.rig import (
    ACTIONS,
    AIR,
    MESSAGE_ID,
    SOAP,
    WSA,
    Client,
    Reply,
    Vihf,
    envelope,
    exchange,
    multipart,
    path_of,
    query_body,
    retrieve_body,
    secured,
    td02_body,
)

MISSING = "A required header representing a Message Addressing Property is not present"
ID, TO = f"<wsa:MessageID>{MESSAGE_ID}</wsa:MessageID>", "<wsa:To/>"
ACTION = f'<wsa:Action soap:mustUnderstand="true">{ACTIONS["patients"]}</wsa:Action>'


def test_a_good_answer_is_addressed(shared: Client) -> None:
    reply = shared.exists()
    assert reply.status == 200
    assert reply.content_type.startswith("application/soap+xml")
    assert reply.text(f".//{{{WSA}}}RelatesTo") == MESSAGE_ID
    assert reply.text(f".//{{{WSA}}}Action") == "urn:hl7-org:v3:PRPA_IN201308UV02"
    assert reply.text(f".//{{{WSA}}}To") == "http://www.w3.org/2005/08/addressing/anonymous"
    assert reply.text(f".//{{{WSA}}}MessageID") != MESSAGE_ID


@pytest.mark.parametrize(
    ("headers", "subcode", "text"),
    [
        (TO + ACTION, "wsa:MessageAddressingHeaderRequired", MISSING),
        (ID + TO, "wsa:MessageAddressingHeaderRequired", MISSING),
        (ID + TO + "<wsa:Action/>", "wsa:MessageAddressingHeaderRequired", MISSING),
        (ID + ID + TO + ACTION, "wsa:InvalidAddressingHeader", "wsa:MessageID est présent plusieurs fois"),
        (ID + TO + "<wsa:Action>urn:x</wsa:Action>", "wsa:ActionNotSupported", "Action inconnue de ce service"),
        (ID + TO + ACTION + '<x xmlns="urn:x" soap:mustUnderstand="true"/>', "", "En-tête non compris : x"),
    ],
)
def test_addressing_refusals(shared: Client, headers: str, subcode: str, text: str) -> None:
    assert shared.exists(headers=headers).fault == (subcode, text)


def test_an_action_of_another_path(shared: Client) -> None:
    assert shared.soap("registry", td02_body(), headers=ID + TO + ACTION).fault[0] == "wsa:ActionNotSupported"


def test_content_type_action_must_agree(shared: Client) -> None:
    text = envelope(ACTIONS["patients"], td02_body(), secured(Vihf().signed(shared.sim.pki)))
    good = f'application/soap+xml; charset=UTF-8; action="{ACTIONS["patients"]}"'
    assert shared.post(path_of("patients"), text.encode(), good).status == 200
    bad = shared.post(path_of("patients"), text.encode(), 'application/soap+xml; action="urn:x"')
    assert bad.fault[0] == "wsa:ActionMismatch"


def test_oddities_are_noted(shared: Client) -> None:
    assert shared.exists(headers=ID + f"<wsa:Action>{ACTIONS['patients']}</wsa:Action>").status == 200
    warnings = shared.sim.log.lines()[-1].warnings
    assert {"wsa:To absent", "wsa:Action sans mustUnderstand"} <= set(warnings)


def test_a_message_id_seen_twice_is_noted(client: Client) -> None:
    noted = []
    for _ in range(2):
        client.exists()
        noted.append("wsa:MessageID déjà reçu" in client.sim.log.lines()[-1].warnings)
    assert noted == [False, True]


def test_date_header_is_the_simulator_s_clock(config: SimConfig) -> None:
    late = datetime.now(UTC) + timedelta(minutes=10)
    with Simulator(replace(config, clock=lambda: late)) as sim:
        client = Client(sim)
        with client.connection() as made:
            made.request("POST", "/autre")
            response = made.getresponse()
            assert parsedate_to_datetime(response.headers["Date"]) == late.replace(microsecond=0)
            response.read()
        client.exists()
        assert client.last_rule() == "VIHF-AGE"


def test_many_connections_at_once(client: Client) -> None:
    def calls(_number: int) -> list[int]:
        with client.connection() as made:
            text = envelope(ACTIONS["patients"], td02_body(), secured(Vihf().signed(client.sim.pki))).encode()
            return [exchange(made, path_of("patients"), text).status for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(calls, range(8))) == [[200] * 5] * 8
    assert len(client.sim.log.lines()) == 40


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (b"not xml", "application/soap+xml", "not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "application/soap+xml", "DOCTYPE"),
        (b"<x/>", "application/soap+xml", "SOAP 1.2"),
        (b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>', "application/soap+xml", "SOAP 1.2"),
        (b"<x/>", "text/xml", "Content-Type"),
        (f'<s:Envelope xmlns:s="{SOAP}"><s:Body><x/></s:Body></s:Envelope>'.encode(), "application/soap+xml", MISSING),
        (b"", "application/soap+xml", "not well-formed"),
    ],
)
def test_unreadable_messages_are_faults(shared: Client, data: bytes, content_type: str, expected: str) -> None:
    reply = shared.post(path_of("patients"), data, content_type)
    assert reply.status == 500
    assert expected in reply.fault[1]


def test_two_elements_in_the_body(shared: Client) -> None:
    assert "exactement un élément" in shared.soap("patients", td02_body() + "<x/>").fault[1]


def test_unknown_path_and_method(shared: Client) -> None:
    assert shared.post("/autre", b"").status == 404
    with shared.connection() as made:
        made.request("GET", path_of("patients"))
        assert made.getresponse().status == 405


# -- MTOM -------------------------------------------------------------------------------------------------------------

SUBMIT = (
    '<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">'
    '<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0">'
    '<r:RegistryObjectList xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"/></l:SubmitObjectsRequest>'
    '<x:Document id="d1">{}</x:Document></x:ProvideAndRegisterDocumentSetRequest>'
)
XOP = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{}"/>'


def submit(client: Client, content: str, documents: dict[str, bytes], **changes: str) -> Reply:
    root = envelope(ACTIONS["submit"], SUBMIT.format(content), secured(Vihf().signed(client.sim.pki)))
    data, content_type = multipart(root, documents, **changes)
    return client.post(path_of("submit"), data, content_type)


def test_mtom_is_mandatory(shared: Client) -> None:
    assert "MTOM/XOP obligatoire" in shared.soap("submit", SUBMIT.format("PGE+")).fault[1]


def test_inline_content_inside_mtom_is_refused_by_a_fault(shared: Client) -> None:
    reply = submit(shared, "PGE+", {})
    assert "MTOM/XOP obligatoire" in reply.fault[1]
    assert reply.content_type.startswith("multipart/related")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"start": "autre"}, "start ne désigne aucune partie"),
        ({"type": "text/xml"}, "type application/xop+xml"),
        ({"inner": "text/xml"}, "La partie racine"),
        ({"inner": 'application/xop+xml; type="text/xml"'}, "La partie racine"),
        ({"end": ""}, "multipart body ends early"),
    ],
)
def test_multipart_refusals(shared: Client, changes: dict[str, str], expected: str) -> None:
    assert expected in submit(shared, XOP.format("d1"), {"d1": b"<a/>"}, **changes).fault[1]


def test_content_id_used_twice(shared: Client) -> None:
    assert "Content-ID used twice" in submit(shared, XOP.format("d1"), {"d1": b"<a/>", "racine@client": b"x"}).fault[1]


def test_document_cap(config: SimConfig) -> None:
    with Simulator(replace(config, document_cap=1000)) as sim:
        client = Client(sim)
        assert "Document trop volumineux" in submit(client, XOP.format("d1"), {"d1": b"x" * 1001}).fault[1]
        assert "trop volumineux" not in submit(client, XOP.format("d1"), {"d1": b"x" * 1000}).raw.decode()


def test_body_cap_is_413(config: SimConfig) -> None:
    with Simulator(replace(config, document_cap=1000)) as sim, Client(sim).connection() as made:
        assert exchange(made, path_of("submit"), b"x" * (17 * 1024 * 1024)).status == 413


def test_large_bodies_go_through_disk_and_leave_nothing(config: SimConfig) -> None:
    with Simulator(replace(config, body_threshold=1000)) as sim:
        submit(Client(sim), XOP.format("d1"), {"d1": b"x" * 3_000_000})
        assert sim.log.lines()[-1].documents == 1
        assert list((config.folder / "tmp").iterdir()) == []


def test_chunked_request(shared: Client) -> None:
    text = envelope(ACTIONS["patients"], td02_body(), secured(Vihf().signed(shared.sim.pki))).encode()

    def blocks() -> Iterator[bytes]:
        for start in range(0, len(text), 1000):
            yield text[start : start + 1000]

    with shared.connection() as made:
        headers = {"Content-Type": "application/soap+xml", "Transfer-Encoding": "chunked"}
        made.request("POST", path_of("patients"), blocks(), headers, encode_chunked=True)
        response = made.getresponse()
        assert response.status == 200
        response.read()


@pytest.mark.parametrize(
    "wire",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: abc\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    ],
)
def test_broken_framing_is_answered_and_closed(shared: Client, wire: bytes) -> None:
    with shared.connection() as made:
        made.connect()
        assert made.sock is not None
        made.sock.sendall(b"POST " + path_of("patients").encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + wire)
        response = http.client.HTTPResponse(made.sock)
        response.begin()
        assert response.status in (400, 413)
        response.read()
        response.close()


def test_retrieve_answers_in_multipart_even_for_faults(client: Client) -> None:
    refused = client.soap("retrieve", retrieve_body())
    assert refused.content_type.startswith("multipart/related")
    assert refused.fault[0] == "DMPAccessDeniedByRightsService"
    client.sim.world.authorize("279035121518989", "801234564895")
    unknown = client.soap("retrieve", retrieve_body(), AIR)
    assert unknown.content_type.startswith("multipart/related")
    assert "XDSDocumentUniqueIdError" in unknown.raw.decode()


def test_capture_keeps_what_was_received(config: SimConfig, tmp_path: Path) -> None:
    with Simulator(replace(config, capture_dir=tmp_path / "capture")) as sim:
        Client(sim).exists()
    body = (tmp_path / "capture" / "00001.body").read_bytes()
    assert etree.fromstring(body).tag == f"{{{SOAP}}}Envelope"
    assert (tmp_path / "capture" / "00001.content-type").read_text() == "application/soap+xml"
    assert (tmp_path / "capture" / "00001.root.xml").read_bytes() == body


def test_capture_keeps_documents_apart(config: SimConfig, tmp_path: Path) -> None:
    with Simulator(replace(config, capture_dir=tmp_path)) as sim:
        submit(Client(sim), XOP.format("d1"), {"d1": b"<a/>\r\n"})
    assert (tmp_path / "00001.part-0").read_bytes() == b"<a/>\r\n"


def test_log_carries_no_identity(client: Client) -> None:
    client.exists()
    client.soap("registry", query_body())
    text = (client.sim.config.folder / "calls.jsonl").read_text()
    assert text.count("\n") == 2
    assert "279035121518989" not in text
    assert "THOMAS" not in text


RELATED = 'multipart/related; type="application/xop+xml"; start="a"; boundary="b"'


# -- codecs -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.sampled_from([b"", b"\r\n", b"x\r\n", b"\n\r\n", b"\r\n--limite-x\r\n", b"--limite", b"\r\n--limit"]),
        ),
        max_size=4,
    ),
    block=st.integers(1, 70_000),
)
def test_every_byte_of_every_part_is_kept(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], block: int
) -> None:
    contents = [content for content in contents if b"\r\n--limite\r\n" not in b"\r\n" + content]
    data, content_type = multipart("<r/>", {f"p{n}": content for n, content in enumerate(contents)})

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(block, size) if size and size > 0 else block)

    boundary = media_type(content_type)[1]["boundary"]
    parts = read_parts(Slow(data), boundary, tmp_path_factory.mktemp("parts"), part_cap=10**6)
    assert [part.path.read_bytes() for part in parts[1:]] == contents
    assert [part.size for part in parts[1:]] == [len(content) for content in contents]
    assert [part.cid for part in parts] == ["racine@client", *(f"p{n}" for n in range(len(contents)))]


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=400), content_type=st.one_of(st.text(max_size=60), st.just(RELATED)))
def test_garbage_is_a_fault_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, content_type: str
) -> None:
    folder = tmp_path_factory.mktemp("garbage")
    with pytest.raises(SimFault):
        read_request(io.BytesIO(b"--b" + data), content_type, folder, part_cap=1000)


def test_encoded_part_is_refused(tmp_path: Path) -> None:
    data = b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--"
    with pytest.raises(CodecError, match="encoded MIME part"):
        read_parts(io.BytesIO(data), "b", tmp_path, part_cap=100)


def test_answer_href_is_percent_encoded_and_read_back(tmp_path: Path) -> None:
    cid = "urn:uuid:0001@simulateur"
    element = etree.Element("Document")
    element.append(include(cid))
    assert element[0].get("href") == "cid:urn%3Auuid%3A0001%40simulateur"
    assert included_cid(element) == cid


def test_multipart_answer_length_is_exact(tmp_path: Path) -> None:
    document = tmp_path / "d"
    document.write_bytes(b"%PDF\r\n--mime--\r\n\r\n")
    answer = Answer(etree.Element("x"), "urn:a", "urn:uuid:1", "urn:uuid:2", (ReplyPart("c@d", document),))
    response = http_response(answer, "mime")
    assert sum(len(block) for block in response.body) == response.length
