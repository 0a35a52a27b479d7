"""SIGTERM finishes what is in progress; whatever is cut short is recovered by the next start, never doubled."""

from __future__ import annotations

import signal
import time

from connector.simulator.faults import FaultRule
from tests.e2e.messages import admission, letter
from tests.service.conftest import MakeService, Service, eventually

SLOW = 6.0


def sending(service: Service, seconds: float) -> str:
    """A letter in the DMP's hands for `seconds`; its uniqueId."""
    service.simulator.faults.add(FaultRule("delay", "ITI-41", seconds=seconds))
    assert service.send(admission("ADT4001")).accepted
    message, document = letter("MDM4001")
    assert service.send(message).accepted
    service.wait_state(document, "sending")
    return document


def accepted(service: Service, document: str) -> int:
    return service.simulator.world.acceptances().get(document, 0)


def recovered(service: Service, document: str) -> None:
    service.start()
    service.wait_state(document, "done")
    assert accepted(service, document) == 1


def test_a_delivery_in_progress_is_finished(make_service: MakeService) -> None:
    service = make_service().start()
    document = sending(service, 1.0)
    assert service.process.stop() == 0
    assert service.states(document) == ["done"]
    assert accepted(service, document) == 1


def test_a_delivery_longer_than_the_drain_is_left_to_the_next_start(make_service: MakeService) -> None:
    service = make_service(engine={"drain_seconds": 0.3}).start()
    document = sending(service, SLOW)
    asked = time.monotonic()
    assert service.process.stop() == 0
    assert time.monotonic() - asked < SLOW / 2, "the end of the process waited for a thread"
    assert service.said("engine stopped before its handlers") == 1
    assert service.states(document) == ["sending"]
    recovered(service, document)


def test_a_second_sigterm_ends_at_once(make_service: MakeService) -> None:
    service = make_service().start()
    document = sending(service, SLOW)
    service.signal(signal.SIGTERM)
    eventually(lambda: service.said("stopping") == 1, service.process.tail)
    time.sleep(0.2)
    assert service.process.alive, "the first SIGTERM waits for the work in progress"
    asked = time.monotonic()
    assert service.process.stop() == 1
    assert time.monotonic() - asked < 1.0
    recovered(service, document)
