"""ITI-20: every line reaches a real TLS server, in order, without a hole, whatever is cut."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.errors import SettingsError
from connector.journal.audit import AtnaConfig, AuditEntry
from connector.journal.audit.atna.follower import Follower
from connector.journal.audit.atna.message import AuditSource, build_message
from connector.journal.audit.atna.repository import tls_context
from connector.journal.audit.atna.syslog import Origin, frame
from connector.journal.audit.keeping import patient_of
from connector.journal.audit.reading import AuditLine
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.audit.collector import Collector, parse
from tests.audit.trail import ENTRIES, INS, NOW, call, until
from tests.hl7_core.certificates import Authority, Pem

SOURCE = AuditSource("dmp-connector", "CHU-X", "connector.example")
ORIGIN = Origin("connector.example", "dmp-connector", "42")
OID = "1.2.250.1.213.1.4.10"
Make = Callable[..., Collector]


def message(entry: AuditEntry, ins: str = "") -> etree._Element:
    return etree.fromstring(build_message(AuditLine(7, entry, "", "ab" * 32), SOURCE, ins))


def codes(root: etree._Element, path: str) -> list[str]:
    return [str(element.get("csd-code")) for element in root.iterfind(path)]


# -- the message -----------------------------------------------------------------------------------------------------


def test_a_feeding_is_an_export_with_its_submission_set_and_documents() -> None:
    root = message(call(1))
    event = root.find("EventIdentification")
    assert event is not None
    assert {str(name): value for name, value in event.items()} == {
        "EventActionCode": "R",
        "EventDateTime": "2026-11-02T08:30:01.000000Z",
        "EventOutcomeIndicator": "0",
    }
    assert codes(root, "EventIdentification/EventID") == ["110106"]
    assert codes(root, "EventIdentification/EventTypeCode") == ["ITI-41", "TD2.1"]
    ours, person, far = root.findall("ActiveParticipant")
    assert (ours.get("UserIsRequestor"), codes(ours, "RoleIDCode")) == ("true", ["110153"])
    assert (person.get("UserID"), person.get("AlternativeUserID")) == ("1120456789/connector", "1120456789")
    assert (far.get("NetworkAccessPointID"), far.get("NetworkAccessPointTypeCode")) == ("dmp.example", "1")
    assert codes(far, "RoleIDCode") == ["110152"]
    source = root.find("AuditSourceIdentification")
    assert source is not None
    assert (source.get("AuditSourceID"), source.get("AuditEnterpriseSiteID")) == ("dmp-connector", "CHU-X")
    kinds = codes(root, "ParticipantObjectIdentification/ParticipantObjectIDTypeCode")
    assert kinds == ["ins-hash", "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "9", "audit-line"]


def test_a_retrieval_is_an_import_whose_source_is_the_far_end() -> None:
    root = message(call(1, transaction="TD3.2", set_id=""))
    assert codes(root, "EventIdentification/EventID") == ["110107"]
    ours, _, far = root.findall("ActiveParticipant")
    assert (codes(ours, "RoleIDCode"), codes(far, "RoleIDCode")) == (["110152"], ["110153"])


@pytest.mark.parametrize(
    ("transaction", "event", "kinds"),
    [
        ("TD0.2", "110112", ["TD0.2"]),
        ("TD0.3", "110110", ["TD0.3"]),
        ("TD3.1", "110112", ["ITI-18", "TD3.1"]),
        ("TD3.1b", "110112", ["ITI-18", "TD3.1b"]),
        ("TD3.3a", "110106", ["ITI-57", "TD3.3a"]),
        ("TD3.3c", "110106", ["ITI-57", "TD3.3c"]),
        ("ITI-9", "110112", ["ITI-9"]),
        ("ITI-45", "110112", ["ITI-45"]),
        ("ZAM^Z01", "110106", ["ZAM^Z01"]),
        ("PSC-userinfo", "110114", ["110122"]),
        ("TD9.9", "110106", ["TD9.9"]),
    ],
)
def test_each_transaction_has_its_event(transaction: str, event: str, kinds: list[str]) -> None:
    root = message(call(1, transaction=transaction))
    assert codes(root, "EventIdentification/EventID") == [event]
    assert codes(root, "EventIdentification/EventTypeCode") == kinds


@pytest.mark.parametrize(
    ("outcome", "indicator"), [("success", "0"), ("partial", "4"), ("failed", "4"), ("refused", "8"), ("unknown", "8")]
)
def test_the_outcome_and_its_code_are_said(outcome: Any, indicator: str) -> None:
    root = message(call(1, outcome=outcome, code="XDSRegistryBusy"))
    event = root.find("EventIdentification")
    assert event is not None
    assert event.get("EventOutcomeIndicator") == indicator
    told = event.findtext("EventOutcomeDescription")
    assert told == (None if outcome == "success" else f"{outcome} XDSRegistryBusy")


def test_an_operator_answers_for_the_act() -> None:
    entry = AuditEntry(NOW, "operator", "settle", operator="a.martin", reason="déjà envoyé", delivery_id=4)
    root = message(entry)
    assert codes(root, "EventIdentification/EventID") == ["operator-act"]
    requestors = [one.get("UserID") for one in root.findall("ActiveParticipant[@UserIsRequestor='true']")]
    assert requestors == ["a.martin"]
    detail = root.find("ParticipantObjectIdentification/ParticipantObjectDetail[@type='reason']")
    assert detail is not None
    assert b64decode(str(detail.get("value"))).decode() == "déjà envoyé"


def test_the_patient_is_a_hash_unless_the_ins_is_asked_for() -> None:
    cx = f"{INS}^^^&{OID}&ISO^NH"
    patients = "ParticipantObjectIdentification[@ParticipantObjectTypeCodeRole='1']"
    hidden, named = message(call(1)).find(patients), message(call(1), cx).find(patients)
    assert hidden is not None
    assert named is not None
    assert (hidden.get("ParticipantObjectID"), codes(hidden, "*")) == ("ab" * 32, ["ins-hash"])
    assert (named.get("ParticipantObjectID"), codes(named, "*")) == (cx, ["2"])


@given(ENTRIES, st.integers(1, 2**40))
def test_any_line_makes_a_frame_that_reads_back(entry: AuditEntry, number: int) -> None:
    content = build_message(AuditLine(number, entry, "", "cd" * 32), SOURCE)
    data = frame(content, at=entry.at, number=number, origin=Origin("hôte avec espace", "", "1"))
    count, _, rest = data.partition(b" ")
    assert int(count) == len(rest)
    received = parse(rest)
    assert received.header["pri"] == "85"
    assert received.header["msgid"] == "IHE+RFC-3881"
    assert (received.header["host"], received.header["app"]) == ("h_te_avec_espace", "-")
    assert 1 <= received.number <= 2147483647
    assert datetime.fromisoformat(received.header["time"]) == entry.at
    assert received.message.tag == "AuditMessage"
    assert etree.tostring(received.message) == etree.tostring(etree.fromstring(content))


# -- the way there ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"), "authority")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Pem:
    return authority.issue("server")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(JournalConfig(tmp_path / "journal.db"))
    yield opened
    opened.close()


def write(journal: Journal, first: int, last: int, **changes: Any) -> None:
    def fill(tx: Any) -> None:
        for number in range(first, last + 1):
            tx.audit(call(number, **changes))

    journal.transact(fill)


def config(authority: Authority, port: int, **changes: Any) -> AtnaConfig:
    plain = AtnaConfig(host="127.0.0.1", port=port, ca_file=authority.file, timeout=3.0, retry_longest=0.1)
    return replace(plain, **changes)


def follow(journal: Journal, settings: AtnaConfig, **options: Any) -> Follower:
    chosen = {"settle": 0.1, "poll": 0.02, "first": 0.02} | options
    follower = Follower(journal, settings, **chosen)
    follower.start()
    return follower


def position(journal: Journal) -> int:
    return int(journal.query("SELECT coalesce(max(position), 0) AS n FROM follower WHERE name = 'atna'")[0]["n"])


def test_every_line_arrives_once_and_in_order_when_nothing_breaks(
    journal: Journal, authority: Authority, server: Pem
) -> None:
    write(journal, 1, 1200)
    with Collector(authority, server) as collector:
        follower = follow(journal, config(authority, collector.port))
        until(lambda: position(journal) == 1200)
        write(journal, 1201, 1210)
        until(lambda: len(collector.numbers()) == 1210)
        follower.stop()
        assert collector.numbers() == list(range(1, 1211))
        assert collector.connections == 1
    # an orderly end on both sides: all of it counts as received at once
    assert position(journal) == 1210


def test_connections_cut_at_any_moment_leave_no_hole(journal: Journal, authority: Authority, server: Pem) -> None:
    write(journal, 1, 120)
    with Collector(authority, server, cut_after=[0, 1, 7, 30, 2, 1, 11, 0]) as collector:
        follower = follow(journal, config(authority, collector.port))
        until(lambda: position(journal) == 120)
        follower.stop()
        assert _firsts(collector.numbers()) == list(range(1, 121))
        assert collector.connections == 9


def test_lines_the_far_end_took_and_never_read_are_sent_again(
    journal: Journal, authority: Authority, server: Pem
) -> None:
    """They left without an error, and the connection died a moment later with them."""
    with Collector(authority, server, cut_after=[3, 2, 4], pause=0.1) as collector:
        follower = follow(journal, config(authority, collector.port), settle=0.3)
        for number in range(1, 61):
            write(journal, number, number)
            time.sleep(0.01)
        until(lambda: position(journal) == 60)
        follower.stop()
        assert _firsts(collector.numbers()) == list(range(1, 61))
        assert collector.connections == 4


def test_a_repository_that_is_down_is_waited_for_and_nothing_else_waits(
    journal: Journal, authority: Authority, server: Pem
) -> None:
    with Collector(authority, server) as collector:
        port = collector.port
    follower = follow(journal, config(authority, port))
    began = time.monotonic()
    write(journal, 1, 20)
    assert time.monotonic() - began < 2
    time.sleep(0.2)
    assert position(journal) == 0
    with Collector(authority, server, port=port) as back:
        until(lambda: position(journal) == 20)
        follower.stop()
        assert _firsts(back.numbers()) == list(range(1, 21))


def test_a_restart_goes_on_where_the_repository_is(journal: Journal, authority: Authority, server: Pem) -> None:
    write(journal, 1, 30)
    with Collector(authority, server) as collector:
        first = follow(journal, config(authority, collector.port))
        until(lambda: len(collector.numbers()) == 30)
        first.stop()
        write(journal, 31, 40)
        second = follow(journal, config(authority, collector.port))
        until(lambda: len(collector.numbers()) >= 40)
        second.stop()
        assert collector.numbers() == list(range(1, 41))


def test_what_a_rude_end_leaves_in_doubt_is_sent_again(journal: Journal, authority: Authority, server: Pem) -> None:
    write(journal, 1, 10)
    with Collector(authority, server, polite=False) as collector:
        first = follow(journal, config(authority, collector.port), settle=60.0)
        until(lambda: len(collector.numbers()) == 10)
        first.stop()
        assert position(journal) == 0
        second = follow(journal, config(authority, collector.port))
        until(lambda: position(journal) == 10)
        second.stop()
        assert collector.numbers() == [*range(1, 11), *range(1, 11)]


def test_a_damaged_line_stops_none_behind_it(journal: Journal, authority: Authority, server: Pem) -> None:
    write(journal, 1, 9)
    journal.transact(lambda tx: tx.execute("UPDATE audit SET line = 'x' WHERE id = 4"))
    with Collector(authority, server) as collector:
        follower = follow(journal, config(authority, collector.port))
        until(lambda: position(journal) == 9)
        follower.stop()
        assert collector.numbers() == [1, 2, 3, 5, 6, 7, 8, 9]


def test_a_certificate_of_ours_where_one_is_wanted(journal: Journal, authority: Authority, server: Pem) -> None:
    own = authority.issue("client")
    write(journal, 1, 3)
    with Collector(authority, server, client_required=True) as collector:
        refused = follow(journal, config(authority, collector.port))
        until(lambda: collector.connections > 1)
        refused.stop()
        assert collector.numbers() == []
        settings = config(authority, collector.port, certificate=own.certificate, key=own.key)
        accepted = follow(journal, settings)
        until(lambda: position(journal) == 3)
        accepted.stop()


def test_a_server_of_another_authority_gets_nothing(
    journal: Journal, authority: Authority, server: Pem, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    write(journal, 1, 3)
    with Collector(stranger, stranger.issue("stranger-server")) as collector:
        follower = follow(journal, config(authority, collector.port))
        until(lambda: collector.connections > 1)
        follower.stop()
        assert collector.numbers() == []
    assert position(journal) == 0


def test_the_ins_goes_only_where_the_settings_ask_and_the_hash_agrees(
    journal: Journal, authority: Authority, server: Pem
) -> None:
    def prepare(tx: Any) -> int:
        patient = tx.resolve_patient([(OID, INS), ("1.2.250.1.999.1", "000003")])
        delivery: int = tx.deliver("publication", patient, {})
        tx.audit(call(1, delivery_id=delivery, ins_hash=journal.audit_key.hash_ins(INS)))
        tx.audit(call(2, delivery_id=delivery, ins_hash=journal.audit_key.hash_ins("277076322082910")))
        return delivery

    journal.transact(prepare)
    with Collector(authority, server) as collector:
        settings = config(authority, collector.port, patient="ins")
        follower = follow(journal, settings, patient_of=patient_of(journal))
        until(lambda: position(journal) == 2)
        follower.stop()
        path = "ParticipantObjectIdentification[@ParticipantObjectTypeCodeRole='1']"
        named, other = (received.message.find(path) for received in collector.received)
    assert named is not None
    assert other is not None
    assert named.get("ParticipantObjectID") == f"{INS}^^^&{OID}&ISO^NH"
    assert other.get("ParticipantObjectID") == journal.audit_key.hash_ins("277076322082910")


@pytest.mark.parametrize("what", ["ca_file", "certificate"])
def test_unusable_tls_files_are_a_matter_of_settings(authority: Authority, tmp_path: Path, what: str) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no PEM")
    changes = {"ca_file": broken} if what == "ca_file" else {"certificate": broken, "key": broken}
    with pytest.raises(SettingsError) as refused:
        tls_context(config(authority, 1, **changes))
    assert refused.value.context["name"] == "audit.atna"


def _firsts(numbers: list[int]) -> list[int]:
    """Each number once, where it came first."""
    return list(dict.fromkeys(numbers))
