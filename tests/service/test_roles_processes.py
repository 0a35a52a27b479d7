"""A listener and two workers, each its own process, on one PostgreSQL."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from connector.journal import JournalConfig, JournalReader
from tests.e2e.messages import admission, letter
from tests.e2e.process import ConnectorProcess, fixed_port
from tests.service.conftest import MakeService, Service, eventually


def ready(port: int) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
        facts: dict[str, object] = json.load(answer)
        return facts


def alone(service: Service, role: str, name: str, **sections: dict[str, Any]) -> tuple[ConnectorProcess, int]:
    """A process of `role` with a settings file and an API port of its own."""
    port = fixed_port(random.Random())
    service.write(api={"port": port}, **sections)
    file = service.file.with_name(f"{name}.toml")
    file.write_bytes(service.file.read_bytes())
    return ConnectorProcess(file, service.process.port, role=role), port


def _roles(database: str) -> list[str]:
    """What the processes that beat say of themselves."""
    journal = JournalReader(JournalConfig(database))
    roles = [row["role"] for row in journal.query("SELECT role FROM node ORDER BY role")]
    journal.close()
    return roles


def test_each_does_its_part(make_service: MakeService, postgres_database: str, service_pki: Path) -> None:
    service = make_service(journal={"store": postgres_database}, audit={"key_file": str(service_pki / "audit.key")})
    first, first_api = alone(service, "worker", "first")
    second, _ = alone(service, "worker", "second")
    # a listener holds no key: it starts where there is none
    keys = {name: str(service.folder / "absent.pem") for name in service.table["keys"] if name != "structure"}
    listener, listener_api = alone(service, "listener", "listener", keys=keys)
    processes = (first, second, listener)
    try:
        first.start()
        first.wait_ready()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", service.process.port))
        second.start()
        listener.start()
        for process in processes:
            process.wait_ready()
        assert (ready(listener_api)["role"], ready(first_api)["role"]) == ("listener", "worker")
        assert "certificates" in json.dumps(ready(first_api))
        assert _roles(postgres_database) == ["listener", "worker", "worker"]

        assert service.send(admission("ADT6001")).accepted
        documents = []
        for number in range(6):
            message, document = letter(f"MDM6{number:03d}")
            assert service.send(message).accepted
            documents.append(document)
        accepted = service.simulator.world.acceptances
        eventually(lambda: set(accepted()) == set(documents), lambda: first.tail() + second.tail())
        assert accepted() == dict.fromkeys(documents, 1)

        os.kill(first.pid, signal.SIGHUP)
        os.kill(listener.pid, signal.SIGHUP)
        for process in (first, listener):
            log = process.log
            eventually(lambda log=log: "settings reloaded" in log.read_text(encoding="utf-8"), process.tail)  # type: ignore[misc]
        message, document = letter("MDM6100")
        assert service.send(message).accepted
        eventually(lambda: accepted().get(document) == 1, lambda: first.tail() + second.tail())
        assert [process.stop() for process in processes] == [0, 0, 0]
        assert _roles(postgres_database) == [], "a process that stops in order leaves the roll"
    finally:
        for process in processes:
            process.end()


@pytest.mark.parametrize("role", ["listener", "worker"])
def test_a_file_takes_no_role(make_service: MakeService, role: str) -> None:
    service = make_service()
    process = ConnectorProcess(service.file, service.process.port, role=role)
    process.start()
    eventually(lambda: not process.alive, process.tail)
    assert process.stop() == 2
    assert "needs a store that several processes share" in process.tail()
    assert not (service.folder / "journal.sqlite").exists()
