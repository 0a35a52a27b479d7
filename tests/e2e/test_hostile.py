"""Hostile bytes at the real process: a named refusal or a closed connection, never a crash, a hang or a leak."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.base.clock import utc_now
from connector.cli.demo_letters import fresh_letter
from connector.cli.seed import seed_samples
from connector.hl7.ack import Ack, parse_ack
from connector.hl7.framing import frame
from connector.hl7.mllp_client import MllpClient
from connector.journal import JournalConfig, JournalReader
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.simulator.server import Simulator
from tests.e2e.harness import DEADLINE, INS, Hospital, toml_of
from tests.e2e.hostile import ADMISSION, CASES, LETTER, large_letter
from tests.e2e.load import drawn_seed, make_identities
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml

MIB = 1024 * 1024
MAX_FRAME = 8 * MIB
FRAME_TIMEOUT = 1.0
ANSWER = 5.0
"""Seconds within which any answer must come, on a slow machine too."""
DAMAGED = 10_000 if os.environ.get("CONNECTOR_PROOF") == "full" else 400


class Target:
    """A connector process, and a sender that always has one more good admission."""

    def __init__(self, folder: Path) -> None:
        self.simulator = Simulator(SimConfig(folder=folder / "simulator")).start()
        seed_samples(self.simulator, utc_now())
        self.hospital = Hospital()
        port = fixed_port(random.Random())
        listener = {
            "port": port,
            "max_frame": MAX_FRAME,
            "total_byte_budget": 4 * MAX_FRAME,
            "frame_timeout": FRAME_TIMEOUT,
        }
        table = toml_of(
            self.simulator, self.hospital.port, folder, listener=listener, api={"port": 0}, log={"level": "debug"}
        )
        write_toml(table, folder / "connector.toml")
        self.connector = ConnectorProcess(folder / "connector.toml", port)
        self.connector.start()
        self.connector.wait_ready()
        self.journal = JournalReader(JournalConfig(folder / "journal.sqlite"))
        self._number = 0

    def close(self) -> None:
        self.connector.end()
        self.journal.close()
        self.hospital.close()
        self.simulator.stop()

    def client(self) -> MllpClient:
        return MllpClient("127.0.0.1", self.connector.port, timeout=ANSWER)

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.connector.port), ANSWER)

    def good_admission(self) -> bytes:
        self._number += 1
        return ADMISSION.replace(b"ADT0001", b"GOOD%d" % self._number)

    def assert_serves(self, client: MllpClient | None = None) -> None:
        """A good admission gets its AA, on this connection or a new one."""
        own = client or self.client()
        assert parse_ack(own.exchange(self.good_admission())).code == "AA"
        if client is None:
            own.close()
        assert self.connector.alive


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    target = Target(tmp_path_factory.mktemp("hostile"))
    yield target
    target.close()


def read_answer(connection: socket.socket) -> Ack | None:
    """The next acknowledgement, None when the connection is closed first."""
    data = b""
    while not data.endswith(b"\x1c\r"):
        received = connection.recv(65536)
        if not received:
            assert data == b""
            return None
        data += received
    return parse_ack(data[1:-2])


# -- messages that get an answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_message_is_refused_by_name_kept_byte_for_byte_and_forgotten(target: Target, name: str) -> None:
    case = CASES[name]
    before = target.journal.query("SELECT coalesce(max(id), 0) AS id FROM message")[0]["id"]
    with target.client() as client:
        started = time.monotonic()
        ack = parse_ack(client.exchange(case.raw))
        assert time.monotonic() - started < ANSWER
        found = (ack.code, ack.errors[0].code, ack.errors[0].location)
        assert found == (case.code, case.error, case.location)
        target.assert_serves(client)
    rows = target.journal.query("SELECT raw, verdict, findings FROM message WHERE id = ?", (before + 1,))
    assert bytes(rows[0]["raw"]) == case.raw
    assert rows[0]["verdict"] == "refused"
    assert f'"code": "{case.error}"' in rows[0]["findings"]


def test_a_refused_message_never_becomes_work(target: Target) -> None:
    """After all of them: every message is routed, none needs a person, all work comes from accepted ones."""
    end = time.monotonic() + ANSWER
    while target.journal.query("SELECT 1 FROM message WHERE routed = 0") and time.monotonic() < end:
        time.sleep(0.02)
    assert target.journal.query("SELECT * FROM routing_failure") == []
    strangers = "SELECT 1 FROM delivery d JOIN message m ON m.id = d.message_id WHERE m.verdict = 'refused'"
    assert target.journal.query(strangers) == []


def test_a_lawful_letter_with_a_million_elements_only_takes_a_while(target: Target) -> None:
    with target.client() as client:
        ack = parse_ack(client.exchange(large_letter("LARGE1")))
        assert ack.code == "AA"
        target.assert_serves(client)


def test_an_oversized_frame_is_refused_and_the_connection_goes_on(target: Target) -> None:
    with target.client() as client:
        ack = parse_ack(client.exchange(LETTER + b"\rZZZ|" + b"x" * (MAX_FRAME + 1)))
        assert (ack.code, ack.errors[0].code, ack.control_id) == ("AR", "199", "MDM0001")
        target.assert_serves(client)
    (kept,) = target.journal.query("SELECT raw, verdict FROM message WHERE route = 'oversized'")
    assert kept["verdict"] == "refused"
    assert LETTER.startswith(bytes(kept["raw"])) or bytes(kept["raw"]).startswith(LETTER)


# -- bytes that get none -----------------------------------------------------------------------------------------


def test_garbage_outside_frames_is_skipped(target: Target) -> None:
    with target.socket() as connection:
        connection.sendall(random.Random(7).randbytes(MIB).replace(b"\x0b", b"") + frame(target.good_admission()))
        answer = read_answer(connection)
    assert answer is not None
    assert answer.code == "AA"
    target.assert_serves()


def test_a_frame_cut_by_the_next_one_is_dropped(target: Target) -> None:
    half = ADMISSION[: len(ADMISSION) // 2]
    with target.socket() as connection:
        connection.sendall(b"\x0b" + half + frame(target.good_admission()))
        answer = read_answer(connection)
    assert answer is not None
    assert answer.code == "AA"
    assert target.journal.query("SELECT 1 FROM message WHERE raw = ?", (half,)) == []


def test_a_connection_closed_within_a_frame_leaves_nothing(target: Target) -> None:
    before = target.journal.query("SELECT count(*) AS n FROM message")[0]["n"]
    for end in (1, 10, len(LETTER) - 1):
        with target.socket() as connection:
            connection.sendall(b"\x0b" + LETTER[:end])
    target.assert_serves()
    assert target.journal.query("SELECT count(*) AS n FROM message")[0]["n"] == before + 1


@pytest.mark.parametrize("begun", [b"\x0b", b"\x0b" + LETTER, b"\x0b" + b"A" * (MAX_FRAME + 10)])
def test_a_frame_without_end_is_closed_in_time(target: Target, begun: bytes) -> None:
    with target.socket() as connection:
        connection.sendall(begun)
        started = time.monotonic()
        # Reset when bytes of ours were still unread: closed all the same.
        with contextlib.suppress(ConnectionResetError):
            assert read_answer(connection) is None
        assert time.monotonic() - started < FRAME_TIMEOUT + 2.0
    target.assert_serves()


def test_a_frame_sent_byte_by_byte_cannot_last_for_ever(target: Target) -> None:
    started = time.monotonic()
    # Until the connector cuts: reset, or broken pipe.
    with target.socket() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"\x0b")
        while time.monotonic() - started < ANSWER:
            connection.sendall(b"M")
            time.sleep(0.02)
    assert time.monotonic() - started < FRAME_TIMEOUT + 2.0
    target.assert_serves()


def test_hundred_connections_that_say_nothing_do_not_stop_the_next_sender(target: Target) -> None:
    silent = [target.socket() for _ in range(90)]
    try:
        target.assert_serves()
    finally:
        for connection in silent:
            connection.close()


# -- random damage -----------------------------------------------------------------------------------------------


@pytest.mark.proof
@pytest.mark.timeout(120 if DAMAGED < 1000 else 1200)
def test_random_damage_always_gets_an_answer(target: Target) -> None:
    """Damaged messages, each answered with the MSA of its own, none left to a person by routing."""
    seed = drawn_seed()
    print(f"seed {seed}")
    chance = random.Random(seed)
    with target.client() as client:
        for number in range(DAMAGED):
            raw = _damaged(chance, ADMISSION if number % 2 else LETTER)
            ack = parse_ack(client.exchange(raw))
            assert ack.code in ("AA", "AE", "AR"), (seed, number)
            assert ack.accepted or ack.errors, (seed, number)
        target.assert_serves(client)
    time.sleep(0.5)
    failed = target.journal.query("SELECT m.id, f.reason FROM routing_failure f JOIN message m ON m.id = f.message_id")
    assert [tuple(row) for row in failed] == [], seed


SCRAPS = (
    b"\r",
    b"\n",
    b"|",
    b"^",
    b"~",
    b"&",
    b"\\",
    b"\\X00\\",
    b'""',
    b"\x00",
    b"\xff",
    b"MSH|",
    b"^^^&&&~~~",
    b"\xc3",
)


def _damaged(chance: random.Random, message: bytes) -> bytes:
    raw = bytearray(message)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(raw))
        if chance.random() < 0.4:
            raw[at:at] = chance.choice(SCRAPS) * chance.choice((1, 1, 1, 2000))
        elif chance.random() < 0.5:
            raw[at] = chance.randrange(256)
        else:
            del raw[at : at + chance.randrange(1, 40)]
    return bytes(raw).replace(b"\x1c\r", b"").replace(b"\x0b", b"")


# -- what is left behind -----------------------------------------------------------------------------------------


def test_nothing_of_the_patients_is_in_the_logs(target: Target) -> None:
    """All of the above was logged at debug level; so are a publication with its troubles, and one that cannot leave."""
    (patient,) = make_identities(1, random.Random())
    target.simulator.world.put_patient(patient.in_world())
    letter, unique_id = fresh_letter(patient.personalise(LETTER), "LOGGED1", uuid.uuid4())
    unsendable, refused_id = fresh_letter(patient.personalise(LETTER), "LOGGED2", uuid.uuid4())
    for fault in (
        FaultRule("fault", "TD0.2", text=patient.ins),
        FaultRule("registry-error", "ITI-41", code="XDSRegistryBusy", text=patient.ins),
        FaultRule("cut-after", "ITI-41"),
        FaultRule("http-500", "ITI-18"),
    ):
        target.simulator.faults.add(fault)
    with target.client() as client:
        for raw in (
            patient.personalise(target.good_admission()),
            letter,
            unsendable.replace(b"^THOMAS^", b"^THO\\X01\\MAS^"),
        ):
            assert parse_ack(client.exchange(raw)).code == "AA"
    end = time.monotonic() + DEADLINE
    ended = "SELECT state FROM delivery WHERE kind = 'publication' AND document_id IN (?, ?) ORDER BY id"
    states: list[str] = []
    while states != ["done", "refused"] and time.monotonic() < end:
        time.sleep(0.05)
        states = [row["state"] for row in target.journal.query(ended, (unique_id, refused_id))]
    assert states == ["done", "refused"]
    assert target.simulator.world.acceptances()[unique_id] == 1
    assert target.connector.stop() == 0

    log = target.connector.log.read_bytes()
    assert b'"event": "started"' in log
    assert b'"event": "stopped"' in log
    for secret in (INS, patient.ins, "PAT-TROIS", "DOMINIQUE", "19790328", "THOMAS", "Réault", f"{patient.ipp}^^^"):
        assert secret.encode() not in log, secret
    for message in (LETTER, letter):
        encoded = message.partition(b"^XML^Base64^")[2].partition(b"|")[0]
        assert len(encoded) > 4000
        assert not any(encoded[at : at + 24] in log for at in range(0, len(encoded) - 24, 8))
    assert b"ClinicalDocument" not in log
    assert b"|^~" not in log
    for defect in (b"Traceback (most recent call last)", b"handler failed", b"routing failed", b"check failed"):
        assert defect not in log, [line for line in log.splitlines() if defect in line][:3]
