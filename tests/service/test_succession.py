"""New parts take over between two calls; the former ones are closed after the last call that uses them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, cast

import pytest

from connector.assembly import Work
from connector.flows.routing import Router
from connector.journal import Done, Job, Outcome
from connector.service.succession import Succession

KIND = "publication"
JOB = cast(Job, object())


class Parts:
    """One generation: its handler waits for `go`, and tells whether it was closed meanwhile."""

    def __init__(self, name: str, kind: str = KIND) -> None:
        self.name = name
        self.closed = threading.Event()
        self.entered = threading.Event()
        self.go = threading.Event()
        connections = ExitStack()
        connections.callback(self.closed.set)
        self.work = Work(cast(Router, self.route), {kind: self.handle}, {}, connections)

    def route(self, tx: Any, message: Any) -> None:
        tx.append(self.name)

    def handle(self, job: Job) -> Outcome:
        self.entered.set()
        assert self.go.wait(5)
        return Done(f"{self.name}, closed: {self.closed.is_set()}")


def test_a_call_in_progress_keeps_its_parts_and_the_next_has_the_new_ones() -> None:
    old, new = Parts("old"), Parts("new")
    new.go.set()
    succession = Succession(old.work)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(succession.handlers[KIND], JOB)
        assert old.entered.wait(5)
        succession.replace(new.work)
        assert not old.closed.is_set()
        assert succession.handlers[KIND](JOB) == Done("new, closed: False")
        old.go.set()
        assert first.result(5) == Done("old, closed: False")
    assert old.closed.is_set()
    assert not new.closed.is_set()
    succession.close()
    assert new.closed.is_set()


def test_parts_nobody_uses_are_closed_at_once_and_a_handler_that_fails_lets_go_of_them() -> None:
    old, new, newest = Parts("old"), Parts("new"), Parts("newest")
    succession = Succession(old.work)
    succession.replace(new.work)
    assert old.closed.is_set()
    new.work.handlers = {KIND: _fails}
    with pytest.raises(ZeroDivisionError):
        succession.handlers[KIND](JOB)
    succession.replace(newest.work)
    assert new.closed.is_set()


def _fails(job: Job) -> Outcome:
    raise ZeroDivisionError


def test_the_router_is_the_present_one() -> None:
    routed: Any = []
    succession = Succession(Parts("old").work)
    router = succession.router
    router(routed, cast(Any, None))
    succession.replace(Parts("new").work)
    router(routed, cast(Any, None))
    assert routed == ["old", "new"]


def test_other_kinds_of_delivery_are_refused() -> None:
    succession = Succession(Parts("old").work)
    with pytest.raises(ValueError, match="another engine"):
        succession.replace(Parts("new", kind="other").work)


def test_many_calls_while_parts_are_replaced_never_meet_closed_ones() -> None:
    succession = Succession(_going("0"))
    stop = threading.Event()

    def call() -> list[Outcome]:
        outcomes = []
        while not stop.is_set():
            outcomes.append(succession.handlers[KIND](JOB))
        return outcomes

    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(call) for _ in range(4)]
        for number in range(1, 300):
            succession.replace(_going(str(number)))
        stop.set()
        outcomes = [outcome for caller in callers for outcome in caller.result(5)]
    assert outcomes
    assert all(isinstance(one, Done) and one.text.endswith("closed: False") for one in outcomes)


def _going(name: str) -> Work:
    parts = Parts(name)
    parts.go.set()
    return parts.work
