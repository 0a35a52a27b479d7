"""ITI-8 and ITI-9 over real MLLP: the six answer cases and the feeds (hl7v2-interface §2.7, ihe-rules D-100…D-112)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.hl7.er7 import Message, parse
from connector.hl7.mllp_client import MllpClient
from connector.simulator.directory import DomainId
from connector.simulator.identity import IdentityServer
from connector.simulator.identity_book import Domain, IdentityBook
from connector.simulator.identity_v2 import Stamp, answer_feed, answer_query
from tests.simulator_registry.samples import INS, NOW, OID, OTHER_INS, Desk

CHU, INS_DOMAIN, LAB = "CHU-X&000897406&N", f"&{OID}&ISO", "LABO-Y&1.2.250.1.999.5&ISO"
LAB_DOMAIN = Domain("LABO-Y", "1.2.250.1.999.5")
STAMP = Stamp(NOW, "ANSWER1")


@pytest.fixture
def server(desk: Desk) -> Iterator[IdentityServer]:
    server = IdentityServer(desk.context, [LAB_DOMAIN])
    server.start()
    yield server
    server.stop()


def query(identifier: str, *wanted: str, head: str = "QBP^Q23^QBP_Q21", version: str = "2.5") -> bytes:
    qpd = f"QPD|IHE PIX Query|tag-7|{identifier}|{'~'.join(f'^^^{item}' for item in wanted)}"
    return f"MSH|^~\\&|PFI|CHU|MPI|GHT|20261121100000||{head}|Q42|P|{version}\r{qpd}\rRCP|I\r".encode()


def adt(event: str, pid3: str, *extra: str, version: str = "2.3.1") -> bytes:
    rest = extra or ("PV1||I",)
    lines = [
        f"MSH|^~\\&|DPI|CHU|MPI|GHT|20261121100000||ADT^{event}|F43|P|{version}",
        f"EVN|{event}|20261121100000",
        f"PID|||{pid3}||PAT-TROIS^DOMINIQUE",
        *rest,
    ]
    return ("\r".join(lines) + "\r").encode()


def ask(server: IdentityServer, raw: bytes) -> Message:
    client = MllpClient("127.0.0.1", server.query_port, 10.0)
    try:
        return parse(client.exchange(raw))
    finally:
        client.close()


def tell(server: IdentityServer, raw: bytes) -> Message:
    client = MllpClient("127.0.0.1", server.feed_port, 10.0)
    try:
        return parse(client.exchange(raw))
    finally:
        client.close()


def value(message: Message, segment: str, field: int, rep: int = 1, comp: int = 1) -> str:
    found = message.first(segment)
    return "" if found is None else found.get(field, rep, comp)


def locations(message: Message) -> list[tuple[str, str]]:
    return [(err.field(2), err.get(3)) for err in message.all("ERR")]


def outcome(message: Message) -> tuple[str, str]:
    return value(message, "MSA", 1), value(message, "QAK", 2)


# -- the six cases ------------------------------------------------------------------------------------------------


def test_case_1_found(server: IdentityServer) -> None:
    answer = ask(server, query(f"000003^^^{CHU}^PI", INS_DOMAIN))
    assert outcome(answer) == ("AA", "OK")
    pid = answer.first("PID")
    assert pid is not None
    assert pid.reps(3) == [f"{INS}^^^ASIP-SANTE-INS-NIR&{OID}&ISO^INS"]
    assert pid.field(5) == "~^^^^^^S"
    assert answer.names() == ("MSH", "MSA", "QAK", "QPD", "PID")


def test_echo_and_addressing(server: IdentityServer) -> None:
    raw = query(f"000003^^^{CHU}^PI", INS_DOMAIN)
    answer = ask(server, raw)
    asked = parse(raw)
    sent, echoed = asked.first("QPD"), answer.first("QPD")
    assert sent is not None
    assert echoed is not None
    assert echoed.text == sent.text
    assert value(answer, "QAK", 1) == "tag-7"
    assert value(answer, "MSA", 2) == "Q42"
    assert (answer.header.type, answer.header.event, answer.header.structure) == ("RSP", "K23", "RSP_K23")
    assert answer.header.receiving_application == "PFI"
    assert answer.header.sending_application == "MPI"
    assert answer.header.version == "2.5"


@pytest.mark.parametrize("authority", ["CHU-X", "&000897406&N", "CHU-X&000897406&N"])
def test_authority_in_one_two_or_three_parts(server: IdentityServer, authority: str) -> None:
    assert outcome(ask(server, query(f"000003^^^{authority}", INS_DOMAIN))) == ("AA", "OK")


def test_all_domains_when_none_is_named(server: IdentityServer) -> None:
    answer = ask(server, query(f"{INS}^^^{INS_DOMAIN}"))
    assert value(answer, "PID", 3) == "000003"


def test_case_2_known_but_nothing_there(server: IdentityServer) -> None:
    answer = ask(server, query(f"000003^^^{CHU}^PI", LAB))
    assert outcome(answer) == ("AA", "NF")
    assert answer.first("PID") is None
    assert locations(answer) == []


def test_case_3_unknown_id(server: IdentityServer) -> None:
    answer = ask(server, query(f"999999^^^{CHU}^PI", INS_DOMAIN))
    assert outcome(answer) == ("AE", "AE")
    assert locations(answer) == [("QPD^1^3^1^1", "204")]


def test_case_4_unknown_query_domain(server: IdentityServer) -> None:
    answer = ask(server, query("000003^^^ELSEWHERE&1.9.9&ISO", INS_DOMAIN))
    assert outcome(answer) == ("AE", "AE")
    assert locations(answer) == [("QPD^1^3^1^4", "204")]


def test_case_5_unknown_wanted_domains_are_numbered(server: IdentityServer) -> None:
    answer = ask(server, query(f"000003^^^{CHU}^PI", "NOWHERE&1.9.9&ISO", INS_DOMAIN, "NEITHER&1.9.8&ISO"))
    assert outcome(answer) == ("AE", "AE")
    assert locations(answer) == [("QPD^1^4^1", "204"), ("QPD^1^4^3", "204")]


def test_case_6_several_in_one_domain(server: IdentityServer) -> None:
    assert value(tell(server, adt("A04", f"L1^^^{LAB}~L2^^^{LAB}~000003^^^{CHU}")), "MSA", 1) == "AA"
    answer = ask(server, query(f"000003^^^{CHU}^PI", LAB))
    pid = answer.first("PID")
    assert pid is not None
    assert [pid.get(3, rep) for rep in (1, 2)] == ["L1", "L2"]


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "location", "code"),
    [
        (query("1^^^CHU-X", head="ADT^A01"), "MSH^1^9^1^1", "200"),
        (query("1^^^CHU-X", head="QBP^Q22^QBP_Q21"), "MSH^1^9^1^2", "201"),
        (query("1^^^CHU-X", version="2.9"), "MSH^1^12", "203"),
    ],
)
def test_message_refused(server: IdentityServer, raw: bytes, location: str, code: str) -> None:
    answer = ask(server, raw)
    assert answer.header.type == "ACK"
    assert value(answer, "MSA", 1) == "AR"
    assert value(answer, "MSA", 2) == "Q42"
    assert locations(answer) == [(location, code)]


@pytest.mark.parametrize(
    ("old", "new", "location", "code"),
    [
        ("IHE PIX Query", "Q23", "QPD^1^1", "103"),
        ("tag-7", "", "QPD^1^2", "101"),
        ("000003^^^CHU-X", "", "QPD^1^3", "101"),
        ("RCP|I", "RCP|D", "RCP^1^1", "103"),
        ("RCP|I\r", "", "RCP^1", "100"),
    ],
)
def test_query_form(server: IdentityServer, old: str, new: str, location: str, code: str) -> None:
    answer = ask(server, query("000003^^^CHU-X").replace(old.encode(), new.encode()))
    assert outcome(answer) == ("AE", "AE")
    assert locations(answer) == [(location, code)]


def test_query_without_qpd(server: IdentityServer) -> None:
    raw = b"\r".join(line for line in query("1^^^CHU-X").split(b"\r") if not line.startswith(b"QPD"))
    answer = ask(server, raw)
    assert outcome(answer) == ("AE", "AE")
    assert locations(answer) == [("QPD^1", "100")]


def test_unreadable_message(server: IdentityServer) -> None:
    assert value(ask(server, b"MSH|AAAA|"), "MSA", 1) == "AR"
    assert value(tell(server, b"nothing"), "MSA", 1) == "AR"


def test_programmed_internal_failure(server: IdentityServer) -> None:
    server.internal_failures = 2
    answer = ask(server, query(f"000003^^^{CHU}^PI", INS_DOMAIN))
    assert outcome(answer) == ("AE", "AE")
    assert locations(answer) == [("", "207")]
    assert value(tell(server, adt("A04", f"7^^^{CHU}")), "MSA", 1) == "AE"
    assert outcome(ask(server, query(f"000003^^^{CHU}^PI", INS_DOMAIN))) == ("AA", "OK")
    assert outcome(ask(server, query(f"7^^^{CHU}^PI", INS_DOMAIN))) == ("AE", "AE")


# -- feeds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["A01", "A04", "A05", "A08"])
def test_feed_then_query(server: IdentityServer, event: str) -> None:
    answer = tell(server, adt(event, f"77^^^{CHU}^PI~{OTHER_INS}^^^{INS_DOMAIN}^INS"))
    assert (value(answer, "MSA", 1), value(answer, "MSA", 2)) == ("AA", "F43")
    assert (answer.header.type, answer.header.event) == ("ACK", event)
    assert value(ask(server, query(f"77^^^{CHU}", INS_DOMAIN)), "PID", 3) == OTHER_INS


def test_the_same_event_again_changes_nothing(server: IdentityServer, desk: Desk) -> None:
    file = desk.folder / "identity" / "feeds.jsonl"
    for _ in range(3):
        assert value(tell(server, adt("A08", f"77^^^{CHU}~L7^^^{LAB}")), "MSA", 1) == "AA"
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1


def merged(server: IdentityServer) -> None:
    tell(server, adt("A04", f"77^^^{CHU}~L7^^^{LAB}"))
    answer = tell(server, adt("A40", f"000003^^^{CHU}", f"MRG|77^^^{CHU}"))
    assert value(answer, "MSA", 1) == "AA"


def test_merge_moves_everything_to_the_survivor(server: IdentityServer) -> None:
    merged(server)
    assert value(ask(server, query(f"000003^^^{CHU}", LAB)), "PID", 3) == "L7"
    pid = ask(server, query(f"{INS}^^^{INS_DOMAIN}", CHU)).first("PID")
    assert pid is not None
    assert [pid.get(3, rep) for rep in range(1, len(pid.reps(3)) + 1)] == ["000003"]


def test_old_id_follows_the_survivor_or_not_as_configured(server: IdentityServer) -> None:
    merged(server)
    assert value(ask(server, query(f"77^^^{CHU}", INS_DOMAIN)), "PID", 3) == INS
    server.book.follow_merged = False
    assert outcome(ask(server, query(f"77^^^{CHU}", INS_DOMAIN))) == ("AA", "NF")


def test_a_restart_remembers_feeds_and_merges(server: IdentityServer, desk: Desk) -> None:
    merged(server)
    again = IdentityBook(desk.folder / "identity" / "feeds.jsonl", desk.world, [LAB_DOMAIN])
    found = again.cross_reference("77", ("CHU-X", ""), [("", OID)])
    assert [item.value for item in found.identifiers] == [INS]


@pytest.mark.parametrize(
    ("raw", "code", "location", "err"),
    [
        (adt("A03", "77^^^CHU-X"), "AR", "MSH^1^9^1^2", "201"),
        (adt("A04", "77^^^CHU-X", version="2.2"), "AR", "MSH^1^12", "203"),
        (adt("A04", "77^^^CHU-X", "NTE|1"), "AE", "PV1^1", "100"),
        (adt("A40", "77^^^CHU-X", "PV1||I"), "AE", "MRG^1", "100"),
        (adt("A04", ""), "AE", "PID^1^3", "101"),
        (adt("A04", "77^^^ELSEWHERE"), "AE", "PID^1^3^1^4", "204"),
        (adt("A04", "77^^^CHU-X").replace(b"|F43|", b"||"), "AR", "MSH^1^10", "101"),
    ],
)
def test_feed_refusals(server: IdentityServer, raw: bytes, code: str, location: str, err: str) -> None:
    answer = tell(server, raw)
    assert value(answer, "MSA", 1) == code
    assert locations(answer) == [(location, err)]


def test_unknown_domains_beside_a_known_one_are_left_out(server: IdentityServer) -> None:
    tell(server, adt("A04", f"77^^^ELSEWHERE~78^^^{CHU}"))
    assert outcome(ask(server, query(f"78^^^{CHU}", LAB))) == ("AA", "NF")


def test_a_patient_added_to_the_world_is_known_at_once(server: IdentityServer, desk: Desk) -> None:
    desk.world.change_patient(OTHER_INS, identifiers=(DomainId("000007", "CHU-X", "000897406", "N"),))
    assert value(ask(server, query(f"000007^^^{CHU}", INS_DOMAIN)), "PID", 3) == OTHER_INS


def test_other_delimiters_and_characters(desk: Desk) -> None:
    book = IdentityBook(desk.folder / "feeds.jsonl", desk.world, [Domain("Pôle#1", "1.2.3")])
    feed = adt("A04", "É\\F\\1^^^&1.2.3&ISO").decode().replace("|2.3.1", "|2.3.1||||||UNICODE UTF-8")
    assert b"MSA|AA" in answer_feed(feed.encode(), book, STAMP)
    raw = "MSH#*~\\&#A#B#C#D#2026##QBP*Q23#Q1#P#2.5######UNICODE UTF-8\rQPD#IHE PIX Query#t#É|1***&1.2.3&ISO\rRCP#I\r"
    answer = parse(answer_query(raw.encode(), book, STAMP))
    assert outcome(answer) == ("AA", "NF")
    assert answer.delimiters.field == "#"


def test_ports_are_asked_before_start(desk: Desk) -> None:
    server = IdentityServer(desk.context)
    with pytest.raises(RuntimeError):
        _ = server.feed_port
    server.stop()


def test_a_taken_port_leaves_nothing_open(desk: Desk, server: IdentityServer, tmp_path: Path) -> None:
    config = replace(desk.context.config, query_port=server.query_port)
    second = IdentityServer(replace(desk.context, config=config, folder=tmp_path))
    with pytest.raises(OSError, match=r".*"):
        second.start()
    with pytest.raises(RuntimeError):
        _ = second.feed_port


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.binary(max_size=400) | st.text("MSH|^~\\&QPD\rRCPIA0123.", max_size=400).map(str.encode))
def test_garbage_is_always_refused(desk: Desk, raw: bytes) -> None:
    book = IdentityBook(desk.folder / "feeds.jsonl", desk.world)
    for content in (raw, b"MSH|^~\\&|" + raw):
        for answer in (answer_feed(content, book, STAMP), answer_query(content, book, STAMP)):
            assert value(parse(answer), "MSA", 1) in ("AE", "AR")
