"""ITI-9 over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.base.errors import TransportError
from connector.hl7.er7 import parse
from connector.pix.client import open_client
from connector.pix.errors import PixAnswerError
from connector.pix.model import Case
from connector.pix.v2 import PixV2Client
from tests.pix.kit import INS, LOCAL, NOW, MllpPeer, counting_uuids, v2_config
from tests.pix.test_v2_answer import FOUND, QPD, answer


def echo(*segments: str) -> Callable[[bytes], bytes | None]:
    """A peer's reply function: the segments, their ids replaced by those of the query."""

    def reply(raw: bytes) -> bytes:
        query = parse(raw)
        qpd = query.first("QPD")
        assert qpd is not None
        text = answer(*segments).decode()
        return text.replace("|c1", "|" + query.header.control_id).replace("|t1", "|" + qpd.get(2)).encode()

    return reply


def client(peer: MllpPeer, **changes: Any) -> PixV2Client:
    return PixV2Client(v2_config(peer.port, **changes), clock=lambda: NOW, uuid_factory=counting_uuids())


def test_question_and_answer() -> None:
    with MllpPeer(echo(*FOUND)) as peer:
        service = client(peer)
        first, second = (service.query("000003", LOCAL) for _ in range(2))
        service.close()
        seen = peer.seen
    assert first.case is Case.FOUND
    assert first == second
    assert [i.value for i in first.identifiers] == [INS]
    headers = [parse(raw).header for raw in seen]
    assert [h.control_id for h in headers] == ["00000000000000000001", "00000000000000000002"]
    assert headers[0].structure == "QBP_Q21"
    assert b"|^^^&1.2.250.1.213.1.4.10&ISO\r" in seen[0]


def test_asking_for_other_domains() -> None:
    with MllpPeer(echo("MSA|AA|c1", "QAK|t1|NF", QPD)) as peer:
        service = client(peer)
        service.query("000003", LOCAL, (LOCAL,))
        service.close()
    assert b"|000003^^^CHU-X&000897406&N|^^^CHU-X&000897406&N\r" in peer.seen[0]


def test_answer_to_another_query_is_refused() -> None:
    with MllpPeer(lambda _: answer(*FOUND)) as peer:
        service = client(peer)
        with pytest.raises(PixAnswerError):
            service.query("000003", LOCAL)
        service.close()


def test_silence_and_hang_up_are_transport_errors() -> None:
    with MllpPeer(lambda _: None) as peer:
        service = client(peer, timeout=0.5)
        with pytest.raises(TransportError) as cut:
            service.query("000003", LOCAL)
        service.close()
    assert cut.value.sent


def test_nobody_there() -> None:
    service = PixV2Client(v2_config(1, timeout=0.5))
    with pytest.raises(TransportError) as refused:
        service.query("000003", LOCAL)
    assert not refused.value.sent


def test_garbage_on_the_line() -> None:
    with MllpPeer(lambda _: b"not HL7") as peer:
        service = client(peer)
        with pytest.raises(PixAnswerError):
            service.query("000003", LOCAL)
        service.close()


def test_configuration_opens_the_right_client() -> None:
    service = open_client(v2_config(1))
    assert isinstance(service, PixV2Client)
    service.close()
