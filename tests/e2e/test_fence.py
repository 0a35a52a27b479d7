"""A worker stopped right before it sends, for longer than its lease: another one does the work, the first must not.

The moment is not left to chance: the process stops itself by SIGSTOP when its ITI-41 is signed and durable and no byte
of it has left. The simulator would accept the document twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from connector.hl7.ack import parse_ack
from connector.hl7.mllp_client import MllpClient
from tests.e2e.ground import Ground
from tests.e2e.harness import DEADLINE
from tests.e2e.load import drawn_seed
from tests.e2e.messages import deletion, letter, sample
from tests.e2e.process import ConnectorProcess
from tests.e2e.stories import DELETED, act

LEASE: Final = 2.5
GRACE: Final = 0.5

Make = Callable[[str], Ground]


@pytest.fixture
def make(tmp_path: Path, pki_folder: Path, postgres_database: str) -> Iterator[Make]:
    made: list[Ground] = []

    def build(mutation: str) -> Ground:
        ground = Ground(
            tmp_path,
            drawn_seed(),
            patients=1,
            pki=pki_folder,
            store=postgres_database,
            roles=("listener", "worker"),
            engine={"backoff": {"first": 0.05, "longest": 0.2}, "poll": 0.2, "lease": LEASE, "beat": 0.5},
            publication={"unknown_grace": GRACE},
        )
        made.append(ground)
        listener, _ = ground.processes
        stopping = ConnectorProcess(ground.settings, ground.port, role="worker", name="-stopping", mutation=mutation)
        ground.processes = [listener, stopping]
        return ground

    yield build
    for ground in made:
        ground.close()


def wait(found: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


def stopped_then_resumed(ground: Ground) -> str:
    """The letter that was about to leave when the worker stopped; the end is when both workers have had their say."""
    _, stopping = ground.processes
    ground.start()
    message, document = letter("MDM8001")
    with MllpClient("127.0.0.1", ground.port, timeout=DEADLINE) as client:
        assert parse_ack(client.exchange(sample("adt-a01-admission").encode())).accepted
        assert parse_ack(client.exchange(message)).accepted
    wait(lambda: stopping.frozen)
    assert ground.acceptance_order() == []
    other = ConnectorProcess(ground.settings, ground.port, role="worker", name="-other")
    ground.processes.append(other)
    other.start()
    wait(lambda: ground.acceptance_order() == [document])
    wait(ground.settled)
    stopping.thaw()
    return document


def test_a_worker_resumed_after_its_work_was_taken_over_does_not_send(make: Make) -> None:
    ground = make("stop-before-send")
    document = stopped_then_resumed(ground)
    _, stopping, _ = ground.processes
    wait(lambda: b"attempt abandoned" in stopping.log.read_bytes())
    assert set(ground.stop()) == {0}
    assert ground.acceptance_order() == [document]
    assert len(ground.calls("ITI-41")) == 1
    assert ground.states().keys() == {"done"}
    (line,) = ground.journal.query("SELECT text FROM timeline WHERE event = 'vérifié'")
    assert line["text"].startswith("Absent du registre")


def test_a_worker_resumed_after_its_deletion_was_taken_over_does_not_ask_for_it_again(make: Make) -> None:
    ground = make("stop-before-delete")
    listener, stopping = ground.processes
    ground.start()
    message, document = letter("MDM8001")
    with MllpClient("127.0.0.1", ground.port, timeout=DEADLINE) as client:
        for sent in (sample("adt-a01-admission").encode(), message, deletion("MDM8002", message)):
            assert parse_ack(client.exchange(sent)).accepted
    wait(lambda: stopping.frozen)
    assert ground.acceptance_order() == [document]
    other = ConnectorProcess(ground.settings, ground.port, role="worker", name="-other")
    ground.processes = [listener, stopping, other]
    other.start()
    wait(ground.settled)
    stopping.thaw()
    wait(lambda: b"attempt abandoned" in stopping.log.read_bytes())
    assert set(ground.stop()) == {0}
    assert ground.acceptance_order() == [document, act(document, DELETED)]
    assert len(ground.calls("ITI-57")) == 1


def test_without_the_fence_the_document_is_there_twice(make: Make) -> None:
    ground = make("stop-before-send-unfenced")
    document = stopped_then_resumed(ground)
    wait(lambda: ground.acceptance_order() == [document] * 2)
