"""The disk is full for the real process: AR to every sender, nothing lost, work goes on when there is room again.

RLIMIT_FSIZE is the full disk: no file of the process may grow beyond it, its log neither, and it can be lifted while
it runs.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.hl7.ack import Ack, parse_ack
from connector.hl7.mllp_client import MllpClient
from connector.journal import JournalConfig, JournalReader
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.e2e.harness import DEADLINE, Hospital, toml_of
from tests.e2e.hostile import ADMISSION
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml

ROOM = 64 * 1024


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[ConnectorProcess]:
    with Simulator(SimConfig(folder=tmp_path / "simulator")) as simulator:
        hospital = Hospital()
        port = fixed_port(random.Random())
        table = toml_of(simulator, hospital.port, tmp_path, listener={"port": port}, api={"port": 0})
        write_toml(table, tmp_path / "connector.toml")
        process = ConnectorProcess(tmp_path / "connector.toml", port)
        process.start()
        process.wait_ready()
        yield process
        process.end()
        hospital.close()


def limit(process: ConnectorProcess, size: int) -> None:
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_answers_ar_and_recovers(connector: ConnectorProcess, tmp_path: Path) -> None:
    accepted: list[bytes] = []
    with MllpClient("127.0.0.1", connector.port, timeout=DEADLINE) as client:

        def send(number: int) -> tuple[bytes, Ack]:
            raw = ADMISSION.replace(b"ADT0001", b"FULL%d" % number)
            return raw, parse_ack(client.exchange(raw))

        raw, ack = send(0)
        assert ack.code == "AA"
        accepted.append(raw)
        limit(connector, max(file.stat().st_size for file in tmp_path.glob("journal.sqlite*")) + ROOM)
        number = 0
        while ack.code == "AA" and number < 500:
            number += 1
            raw, ack = send(number)
            accepted += [raw] if ack.code == "AA" else []
        assert (ack.code, ack.errors[0].code, ack.may_resend) == ("AR", "207", True)
        # A checkpoint may make room again by itself: from here on, no byte fits anywhere.
        limit(connector, 0)
        assert [parse_ack(client.exchange(raw)).code for _ in range(3)] == ["AR"] * 3, "full is full"
        # Long enough for the engine to meet it too, and to fail to log it.
        time.sleep(1.0)
        assert connector.alive

        limit(connector, resource.RLIM_INFINITY)
        again = parse_ack(client.exchange(raw))
        assert again.code == "AA"
        accepted.append(raw)
        assert send(501)[1].code == "AA"
        accepted.append(ADMISSION.replace(b"ADT0001", b"FULL501"))

    journal = JournalReader(JournalConfig(tmp_path / "journal.sqlite"))
    try:
        stored = [bytes(row["raw"]) for row in journal.query("SELECT raw FROM message ORDER BY id")]
        assert stored == accepted
        end = time.monotonic() + DEADLINE
        open_work = (
            "SELECT (SELECT count(*) FROM message WHERE routed = 0) + count(*) AS n FROM delivery WHERE state <> 'done'"
        )
        while journal.query(open_work)[0]["n"] and time.monotonic() < end:
            time.sleep(0.05)
        assert journal.query(open_work)[0]["n"] == 0, connector.tail()
        assert journal.query("SELECT count(*) AS n FROM delivery WHERE kind = 'admission'")[0]["n"] == len(accepted)
    finally:
        journal.close()
    assert connector.stop() == 0
