"""A connector in its own process, as a service manager runs it, against a simulator on loopback."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connector.base.clock import utc_now
from connector.cli.seed import seed_samples
from connector.hl7.ack import Ack, parse_ack
from connector.hl7.mllp_client import MllpClient
from connector.journal import JournalConfig, JournalReader
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.e2e.harness import Hospital, toml_of
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml

DEADLINE = 20.0


def eventually(what: Callable[[], bool], why: Callable[[], str], seconds: float = DEADLINE) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, why()
        time.sleep(0.02)


class Service:
    """Settings file, process, and what surrounds them."""

    def __init__(self, folder: Path, pki: Path, **overrides: dict[str, Any]) -> None:
        self.folder = folder
        config = SimConfig(
            folder=folder / "simulator", pki_folder=pki, duplicate_check=False, capture_dir=folder / "captured"
        )
        self.simulator = Simulator(config).start()
        seed_samples(self.simulator, utc_now())
        self.hospital = Hospital()
        port = fixed_port(Random())
        self.table = toml_of(
            self.simulator,
            self.hospital.port,
            folder,
            listener={"port": port},
            engine={"backoff": {"first": 0.05, "longest": 0.2}, "poll": 0.2},
            publication={"unknown_grace": 1.0},
            consultation={"trigger": "off"},
        )
        for section, values in overrides.items():
            self.table.setdefault(section, {}).update(values)
        self.file = folder / "connector.toml"
        self.write()
        self.process = ConnectorProcess(self.file, port)

    def write(self, **overrides: dict[str, Any]) -> None:
        """The settings file, with `overrides` over what it said."""
        for section, values in overrides.items():
            self.table.setdefault(section, {}).update(values)
        draft = self.file.with_suffix(".new")
        write_toml(self.table, draft)
        draft.replace(self.file)

    def start(self) -> Service:
        self.process.start()
        self.process.wait_ready()
        return self

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def said(self, words: str) -> int:
        """How often the log says `words`."""
        return self.process.log.read_text(encoding="utf-8").count(words)

    def reload(self) -> None:
        """SIGHUP, and its answer in the log."""
        before = self.said("settings re")
        self.signal(signal.SIGHUP)
        eventually(lambda: self.said("settings re") > before, self.process.tail)

    def client(self) -> MllpClient:
        return MllpClient("127.0.0.1", self.process.port, timeout=DEADLINE)

    def send(self, message: bytes) -> Ack:
        with self.client() as client:
            return parse_ack(client.exchange(message))

    def states(self, document: str) -> list[str]:
        journal = JournalReader(JournalConfig(self.folder / "journal.sqlite"))
        try:
            rows = journal.query(
                "SELECT state FROM delivery WHERE kind = 'publication' AND document_id = ?", (document,)
            )
            return [row["state"] for row in rows]
        finally:
            journal.close()

    def wait_state(self, document: str, state: str) -> None:
        eventually(lambda: self.states(document) == [state], lambda: f"{self.states(document)}\n{self.process.tail()}")

    def lock_journal(self) -> sqlite3.Connection:
        """Another process takes the write lock and keeps it."""
        holder = sqlite3.connect(self.folder / "journal.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        return holder

    def close(self) -> None:
        self.process.end()
        self.hospital.close()
        self.simulator.stop()


MakeService = Callable[..., Service]


@pytest.fixture(scope="session")
def service_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service-pki")


@pytest.fixture
def make_service(tmp_path: Path, service_pki: Path) -> Iterator[MakeService]:
    """`make_service(section={"setting": value}, …)`, not started."""
    made: list[Service] = []

    def make(**overrides: dict[str, Any]) -> Service:
        made.append(Service(tmp_path, service_pki, **overrides))
        return made[-1]

    yield make
    for service in made:
        service.close()


class Manager:
    """What systemd would be: the socket named by NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def wait(self, name: str, seconds: float = DEADLINE) -> dict[str, str]:
        """The next message that has `name`; the ones before it are thrown away."""
        end = time.monotonic() + seconds
        while True:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                facts = dict(line.split("=", 1) for line in self._socket.recv(4096).decode().split("\n"))
            except TimeoutError:
                raise AssertionError(f"{name} never came") from None
            if name in facts:
                return facts

    def count(self, name: str, seconds: float) -> int:
        """How many messages with `name` come within `seconds`."""
        found, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                found += f"{name}=" in self._socket.recv(4096).decode()
            except TimeoutError:
                break
        return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """Every process the test starts from now on is watched, within two seconds."""
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    yield manager
    manager.close()
