"""Worker processes killed and stopped for real: taken over in seconds, and fenced when they come back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from connector.journal.tx import Tx
from tests.conftest import ROOT
from tests.journal.far_end import FarEnd
from tests.journal.support import active, patient

SHORT = (2.0, 0.3)
"""Lease and beat of the tests that need not wait for the real ones."""


class Hospital:
    """A store, a far end, and as many worker processes as one likes."""

    def __init__(self, url: str, folder: Path) -> None:
        self.config = JournalConfig(url, audit_key=folder / "audit.key")
        self.journal = Journal.open(self.config)
        self.far = FarEnd()
        self.workers: list[subprocess.Popen[str]] = []

    def worker(self, lease: float = 4.0, beat: float = 1.0, size: int = 100) -> subprocess.Popen[str]:
        """Started, and on the roll."""
        arguments = [self.config.store, self.config.audit_key, self.far.port, lease, beat, size]
        program = [sys.executable, "-m", "tests.journal.worker_program", *map(str, arguments)]
        worker = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.workers.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline().strip()
        return worker

    def fill(self, count: int, patients: int) -> dict[int, list[int]]:
        """Deliveries of each patient, in their order."""
        owners = [patient(self.journal, n) for n in range(patients)]

        def write(tx: Tx) -> dict[int, list[int]]:
            expected: dict[int, list[int]] = {owner: [] for owner in owners}
            for n in range(count):
                owner = owners[n % patients]
                expected[owner].append(tx.deliver("send", owner, {}))
            return expected

        return self.journal.transact(write)

    def wait(self, condition: Callable[[], bool], seconds: float = 40.0) -> float:
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds, "it never came"
            time.sleep(0.02)
        return time.monotonic() - began

    def drained(self, seconds: float = 40.0) -> float:
        return self.wait(lambda: not active(self.journal), seconds)

    def close(self) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.communicate()
        self.far.close()
        self.journal.close()


@pytest.fixture
def hospital(postgres_database: str, tmp_path: Path) -> Iterator[Hospital]:
    place = Hospital(postgres_database, tmp_path)
    yield place
    place.close()


def _in_order(hospital: Hospital, expected: dict[int, list[int]]) -> None:
    for wanted in expected.values():
        assert [n for n in hospital.far.order if n in set(wanted)] == wanted


def test_two_processes_share_a_backlog_in_order(hospital: Hospital) -> None:
    hospital.worker(*SHORT)
    hospital.worker(*SHORT)
    expected = hospital.fill(120, 60)
    hospital.drained()
    assert sum(hospital.far.whole.values()) == 120
    _in_order(hospital, expected)
    nodes = hospital.journal.query("SELECT node, count(*) AS n FROM attempt GROUP BY node")
    assert (len(nodes), all(row["n"] for row in nodes)) == (2, True)


def test_a_killed_worker_is_replaced_within_ten_seconds(hospital: Hospital) -> None:
    """With the lease and the beat a hospital has."""
    hospital.far.flow.clear()
    expected = hospital.fill(8, 4)
    first = hospital.worker()
    hospital.wait(lambda: _sending(hospital) == 4)
    hospital.worker()
    first.kill()
    first.wait()
    began = time.monotonic()
    hospital.far.flow.set()
    hospital.drained()
    assert time.monotonic() - began < 10.0
    assert set(hospital.far.whole.values()) == {1}
    _in_order(hospital, expected)


def test_all_workers_killed_and_one_started(hospital: Hospital) -> None:
    expected = hospital.fill(60, 6)
    for _ in range(3):
        workers = [hospital.worker(*SHORT) for _ in range(2)]
        time.sleep(0.2)
        for worker in workers:
            worker.kill()
            worker.wait()
    hospital.worker(*SHORT)
    hospital.drained()
    assert dict(hospital.far.whole) == {n: 1 for wanted in expected.values() for n in wanted}
    _in_order(hospital, expected)


@pytest.mark.parametrize("size", [100, 16 * 1024 * 1024])
def test_a_worker_stopped_beyond_its_lease_completes_no_request(hospital: Hospital, size: int) -> None:
    """Stopped while the far end reads slowly, in the middle of a long message or after a short one."""
    hospital.far.flow.clear()
    (wanted,) = hospital.fill(1, 1).values()
    stopped = hospital.worker(*SHORT, size=size)
    assert hospital.far.begun.wait(20)
    stopped.send_signal(signal.SIGSTOP)
    hospital.worker(*SHORT, size=100)
    if size == 100:
        hospital.far.flow.set()
    hospital.wait(lambda: len(_nodes(hospital)) == 2)
    hospital.far.flow.set()
    hospital.drained()
    whole = dict(hospital.far.whole)
    stopped.send_signal(signal.SIGCONT)
    hospital.wait(lambda: len(hospital.far.cut) == (size > 100), 10.0)
    time.sleep(1.0)
    assert (whole, dict(hospital.far.whole)) == ({wanted[0]: 1}, {wanted[0]: 1})
    assert hospital.far.cut == (wanted if size > 100 else [])
    # and it goes on working, under a new lease
    later = hospital.fill(10, 5)
    hospital.drained()
    assert all(hospital.far.whole[n] == 1 for ids in later.values() for n in ids)


def test_stops_in_the_middle_of_the_work_double_nothing(hospital: Hospital) -> None:
    workers = [hospital.worker(*SHORT, size=2000) for _ in range(2)]
    chance = random.Random(3)
    expected: dict[int, list[int]] = {}
    for n in range(3):
        for owner, ids in hospital.fill(150, 20).items():
            expected.setdefault(owner, []).extend(ids)
        hospital.wait(lambda: _sending(hospital) > 0)
        time.sleep(chance.uniform(0, 0.2))
        worker = workers[n % 2]
        worker.send_signal(signal.SIGSTOP)
        time.sleep(SHORT[0] + 1.5)
        worker.send_signal(signal.SIGCONT)
    hospital.drained()
    assert dict(hospital.far.whole) == {n: 1 for wanted in expected.values() for n in wanted}
    _in_order(hospital, expected)


def _sending(hospital: Hospital) -> int:
    return int(hospital.journal.query("SELECT count(*) AS n FROM delivery WHERE state = 'sending'")[0]["n"])


def _nodes(hospital: Hospital) -> set[str]:
    return {row["node"] for row in hospital.journal.query("SELECT node FROM attempt")}


def test_the_workers_are_processes(hospital: Hospital) -> None:
    worker = hospital.worker(*SHORT)
    (row,) = hospital.journal.query("SELECT pid, role FROM node")
    assert (row["pid"], row["role"], row["pid"] != os.getpid()) == (worker.pid, "worker", True)
