"""Alive and ready: reasons by name, and an answer in time whatever hangs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from unittest import mock

import pytest
from starlette.requests import Request
from starlette.responses import Response

from connector.api.app import build_app
from connector.base.clock import random_uuid
from connector.journal import Journal, JournalError, Tx
from connector.trust.clockwatch import ClockWatch
from connector.watch.config import AlertsConfig
from connector.watch.gather import Sources
from connector.watch.health import Check, Health
from connector.watch.limited import Limited, Silent
from connector.watch.room import Watch
from tests.journal.support import Clock


def good() -> str:
    return ""


def test_good_until_one_check_has_a_reason() -> None:
    reasons = {"a": "", "b": ""}
    checks: Mapping[str, Check] = {name: lambda name=name: reasons[name] for name in reasons}  # type: ignore[misc]
    health = Health({}, checks)
    assert health.ready().good
    health.close()
    reasons["b"] = "certificat expiré"
    health = Health({}, checks)
    report = health.ready()
    assert (report.good, dict(report.reasons), report.checks) == (False, {"b": "certificat expiré"}, ("a", "b"))
    health.close()


def test_what_hangs_is_a_reason_in_time_and_costs_one_thread() -> None:
    release = threading.Event()
    health = Health({"stuck": lambda: "" if release.wait(20) else "?", "fine": good}, {}, seconds=0.1)
    before = threading.active_count()
    started = time.perf_counter()
    for _ in range(10):
        report = health.alive()
        assert dict(report.reasons) == {"stuck": "pas de réponse en 0.1 s"}
    assert time.perf_counter() - started < 2.0
    assert threading.active_count() <= before + 2
    release.set()
    health.close()


def test_an_error_of_the_journal_is_a_reason() -> None:
    def broken() -> str:
        raise JournalError("closed")

    health = Health({"journal": broken}, {})
    assert dict(health.alive().reasons) == {"journal": "JournalError"}
    health.close()


def test_an_answer_that_came_late_is_given_once_it_is_there() -> None:
    release = threading.Event()
    limited = Limited(lambda: release.wait(20), 0.1)
    with pytest.raises(Silent):
        limited()
    release.set()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            assert limited()
            break
        except Silent:
            time.sleep(0.01)
    limited.close()


def test_ready_asks_the_store_the_certificates_and_the_clock(journal: Journal) -> None:
    clock = Clock()
    watching = ClockWatch(120.0)
    until = {"SIGN": clock() + timedelta(days=1)}
    sources = Sources(certificates=lambda: until, clockwatch=watching)

    def ready() -> Mapping[str, str]:
        watch = Watch(journal, AlertsConfig(), sources, clock=clock, uuid_factory=random_uuid, ready={"listener": good})
        report = watch.ready()
        assert set(report.checks) == {"store", "certificates", "clock", "listener"}
        watch.stop()
        return report.reasons

    assert ready() == {}
    until["SIGN"] = clock() - timedelta(days=1)
    assert ready() == {"certificates": "certificat expiré : SIGN"}
    until["SIGN"] = clock() + timedelta(days=1)
    watching.observe("NTP", clock() + timedelta(minutes=10), clock())
    assert list(ready()) == ["clock"]
    watching.observe("NTP", clock(), clock())
    with mock.patch.object(Journal, "transact", side_effect=JournalError("full", cause="OperationalError")):
        assert ready() == {"store": "écriture refusée : OperationalError"}


def test_ready_answers_while_the_store_hangs(journal: Journal) -> None:
    hung, release = threading.Event(), threading.Event()

    def hang(_: Tx) -> None:
        hung.set()
        release.wait(20)

    watch = Watch(journal, AlertsConfig(), Sources(), clock=Clock(), uuid_factory=random_uuid)
    threading.Thread(target=journal.transact, args=(hang,)).start()
    assert hung.wait(10)
    started = time.perf_counter()
    report = watch.ready()
    assert time.perf_counter() - started < 5.0
    assert dict(report.reasons) == {"store": "pas de réponse en 2 s"}
    release.set()
    watch.stop()


class Told:
    """A Watch whose reports are given."""

    def __init__(self, reasons: dict[str, str]) -> None:
        self._health = Health({"pulse": good}, {name: lambda name=name: reasons[name] for name in reasons})  # type: ignore[misc]
        self.alive, self.ready, self.close = self._health.alive, self._health.ready, self._health.close

    def metrics(self) -> bytes:
        return b"connector_up 1\n"


def ask(told: Told, path: str) -> Response:
    route = next(route for route in build_app(told, "worker").routes if route.path == path)  # type: ignore[attr-defined]
    answer: Response = route.endpoint(Request({"type": "http"}))  # type: ignore[attr-defined]
    return answer


def test_one_reason_is_enough_not_to_be_ready_and_it_is_told() -> None:
    told = Told({"clock": "l'horloge retarde", "store": ""})
    answer = ask(told, "/ready")
    assert answer.status_code == 503
    assert json.loads(bytes(answer.body)) == {
        "ready": False,
        "role": "worker",
        "checks": {"clock": False, "store": True},
        "reasons": {"clock": "l'horloge retarde"},
    }
    assert ask(told, "/health").status_code == 200
    assert bytes(ask(told, "/metrics").body) == b"connector_up 1\n"
    told.close()
