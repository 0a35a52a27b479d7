"""What the registry says of a document in doubt, and what is believed of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from connector.base.errors import ConnectorError, ServerError, ServerRefusal, SoapFault, TransportError
from connector.dmp.client import Stored
from connector.flows.outcomes import failure
from connector.flows.settlement import BUSY_UNTIL, Sent, Settlement, Verdict
from connector.ins.model import MatriculeIns
from connector.journal import Hold, Job, Refuse, Retry, Unknown
from connector.trust.roles import AUTOMATE
from connector.trust.vihf import Caller
from connector.xds.model import STATUS_FAILURE, STATUS_PARTIAL

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRACE = timedelta(seconds=300)
CONTENT = b"<ClinicalDocument/>"
SHA1 = hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest()
INS = MatriculeIns("279035121518989", "1.2.250.1.213.1.4.10")
CALLER = Caller("1120456789/connector", "dmp-connector PFI", "1120456789", "SA01", (AUTOMATE,))
SENT = Sent(INS, CALLER, "1.2.3.4", CONTENT)


class Registry:
    """Answers what it is told."""

    def __init__(self, answer: tuple[Stored, ...] | ConnectorError) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def find_stored(self, ins: MatriculeIns, caller: Caller, unique_id: str) -> tuple[Stored, ...]:
        self.asked.append(unique_id)
        if isinstance(self.answer, ConnectorError):
            raise self.answer
        return self.answer


class Work:
    """The part of a Job that a settlement uses."""

    def __init__(self) -> None:
        self.payload: dict[str, Any] = {}

    def doubt(self, data: dict[str, Any]) -> None:
        self.payload |= data


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def ask(answer: tuple[Stored, ...] | ConnectorError) -> Verdict:
    return Settlement(Registry(answer), GRACE, Clock()).ask(SENT)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((), "absent"),
        ((Stored("urn:uuid:a"),), "present"),
        ((Stored("urn:uuid:a", SHA1),), "present"),
        ((Stored("urn:uuid:a", "0" * 40),), "unknown.other-content"),
        ((Stored("urn:uuid:a"), Stored("urn:uuid:b")), "unknown.found-twice"),
        ((Stored("urn:uuid:a", SHA1), Stored("urn:uuid:b", SHA1)), "unknown.found-twice"),
    ],
)
def test_agreement_settles_and_disagreement_waits_for_a_person(found: tuple[Stored, ...], verdict: str) -> None:
    said = ask(found)
    assert (said.reason_code if isinstance(said, Hold) else said) == verdict


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransportError("no answer in time", sent=True), Unknown),
        (TransportError("connection refused", sent=False), Unknown),
        (SoapFault("Receiver", "", "indisponible", http_status=500), Unknown),
        (ServerRefusal((ServerError("XDSRegistryBusy", "plus tard"),)), Unknown),
        (SoapFault("Sender", "DMPClosed", "fermé", http_status=500), Hold),
        (SoapFault("Sender", "DMPInvalidCertificate", "non", http_status=500), Hold),
    ],
)
def test_a_question_without_answer_settles_nothing(error: ConnectorError, kind: type[Hold | Unknown]) -> None:
    assert type(ask(error)) is kind


def settlement(clock: Clock) -> tuple[Settlement, Job]:
    return Settlement(Registry(()), GRACE, clock), cast("Job", Work())


def test_absent_is_believed_once_the_server_has_had_its_time_since_the_answer_was_lost() -> None:
    clock = Clock()
    settling, job = settlement(clock)
    settling.lost(job)
    for seconds, believed in ((0, False), (299, False), (300, True), (9000, True)):
        clock.now = NOW + timedelta(seconds=seconds)
        assert (settling.verdict(job, SENT) == "absent") is believed, seconds


def test_after_a_crash_the_time_counts_from_the_first_question_and_survives_the_next_crash() -> None:
    clock = Clock()
    settling, job = settlement(clock)
    job.payload[BUSY_UNTIL] = ""
    assert isinstance(settling.verdict(job, SENT), Unknown)
    clock.now = NOW + timedelta(seconds=299)
    again = Settlement(Registry(()), GRACE, clock)
    assert isinstance(again.verdict(job, SENT), Unknown)
    clock.now = NOW + timedelta(seconds=300)
    assert again.verdict(job, SENT) == "absent"


def test_the_question_must_be_asked_after_the_time_not_answered_after_it() -> None:
    clock = Clock()
    settling, job = settlement(clock)
    settling.lost(job)
    clock.now = NOW + timedelta(seconds=299)

    class Slow(Registry):
        def find_stored(self, ins: MatriculeIns, caller: Caller, unique_id: str) -> tuple[Stored, ...]:
            clock.now += timedelta(seconds=30)
            return super().find_stored(ins, caller, unique_id)

    assert isinstance(Settlement(Slow(()), GRACE, clock).verdict(job, SENT), Unknown)


def test_an_answer_that_says_failed_needs_no_waiting_but_a_question() -> None:
    clock = Clock()
    registry = Registry(())
    settling, job = Settlement(registry, GRACE, clock), cast("Job", Work())
    settling.answered(job)
    assert settling.verdict(job, SENT) == "absent"
    assert registry.asked == ["1.2.3.4"]


def test_a_clock_set_back_does_not_make_the_wait_endless() -> None:
    clock = Clock()
    settling, job = settlement(clock)
    settling.lost(job)
    clock.now = NOW - timedelta(days=365)
    assert isinstance(settling.verdict(job, SENT), Unknown)
    clock.now += GRACE
    assert settling.verdict(job, SENT) == "absent"


BUSY = ServerError("XDSRegistryBusy", "")
LOST_REGISTRY = ServerError("XDSRegistryNotAvailable", "")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransportError("cut", sent=True), Unknown),
        (TransportError("connection refused", sent=False), Retry),
        (SoapFault("Receiver", "", "Erreur interne", http_status=500), Unknown),
        (SoapFault("Server", "siram_100", "Erreur", http_status=500), Unknown),
        (SoapFault("Receiver", "XDSRegistryBusy", "", http_status=500), Retry),
        (SoapFault("Receiver", "DMPClosed", "", http_status=500), Refuse),
        (SoapFault("Sender", "", "mot inconnu", http_status=500), Hold),
        (ServerRefusal((BUSY,), status=STATUS_FAILURE), Retry),
        (ServerRefusal((BUSY,), status=STATUS_PARTIAL), Unknown),
        (ServerRefusal((LOST_REGISTRY,), status=STATUS_FAILURE), Unknown),
        (ServerRefusal((ServerError("XDSRegistryError", ""),), status=STATUS_FAILURE), Hold),
        (ServerRefusal((), status=STATUS_FAILURE), Hold),
    ],
)
def test_what_may_have_happened_is_unknown_and_what_cannot_have_is_not(error: ConnectorError, kind: type) -> None:
    assert type(failure(error, effect=True)) is kind


def test_a_call_without_effect_that_the_server_failed_to_answer_is_put_again() -> None:
    for error in (TransportError("cut", sent=True), SoapFault("Receiver", "", "", http_status=500)):
        assert type(failure(error)) is Retry
