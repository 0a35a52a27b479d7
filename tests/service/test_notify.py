"""sd_notify over real datagram sockets, path and abstract, and what happens when nobody listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.base.notify import Notifier, watchdog_seconds


@pytest.fixture(params=["path", "abstract"])
def bound(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A manager's socket and its NOTIFY_SOCKET."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@dmp-connector-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1) if request.param == "abstract" else address)
        listener.settimeout(5)
        yield listener, address


def facts(listener: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in listener.recv(4096).decode().split("\n"))


def test_what_the_manager_reads(bound: tuple[socket.socket, str]) -> None:
    listener, address = bound
    notifier = Notifier.of({"NOTIFY_SOCKET": address})
    assert notifier.ready("En service\nrôle all")
    assert facts(listener) == {"READY": "1", "STATUS": "En service rôle all"}
    assert notifier.alive()
    assert facts(listener) == {"WATCHDOG": "1"}
    assert notifier.stopping("Arrêt")
    assert facts(listener) == {"STOPPING": "1", "STATUS": "Arrêt"}
    assert notifier.status("Prêt")
    assert facts(listener) == {"STATUS": "Prêt"}


def test_a_reload_carries_the_monotonic_time_in_microseconds(bound: tuple[socket.socket, str]) -> None:
    listener, address = bound
    assert Notifier(address, monotonic_ns=lambda: 1_234_567_899).reloading()
    assert facts(listener) == {"RELOADING": "1", "MONOTONIC_USEC": "1234567"}


def test_a_manager_that_does_not_listen_stops_nothing(tmp_path: Path) -> None:
    assert not Notifier.of({}).ready("x")
    assert not Notifier(str(tmp_path / "nobody")).alive()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "full"))
        notifier = Notifier(str(tmp_path / "full"))
        # never read: the kernel's queue fills up, and the caller goes on
        answers = [notifier.alive()]
        while answers[-1] and len(answers) < 10_000:
            answers.append(notifier.alive())
        assert len(answers) > 1
        assert not answers[-1]


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "-1"}, 0.0),
    ],
)
def test_the_watchdog_is_for_the_process_it_names(environment: dict[str, str], seconds: float) -> None:
    assert watchdog_seconds(environment, pid=42) == seconds
