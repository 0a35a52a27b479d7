"""Asking something that may never answer: within a time limit, and never twice at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Silent(Exception):
    """No answer within the limit; the question is still under way and is not asked again meanwhile."""


class Limited(Generic[T]):
    """Asks `fn` in one thread of its own for at most `seconds`; an answer younger than `fresh` seconds is given again.

    Safe between threads: whoever asks while the question is under way waits for the same answer. One thread for
    good, since the journal keeps a connection per thread; `close` ends it, unless it hangs.
    """

    def __init__(self, fn: Callable[[], T], seconds: float, fresh: float = 0.0) -> None:
        self._fn = fn
        self._seconds = seconds
        self._fresh = fresh
        self._lock = threading.Lock()
        self._questions: SimpleQueue[Future[T] | None] = SimpleQueue()
        self._asked: Future[T] | None = None
        self._started = 0.0
        self._answered = 0.0
        self._thread: threading.Thread | None = None

    def __call__(self) -> T:
        """The answer. Raises Silent, or what `fn` raised."""
        with self._lock:
            asked = self._asked
            if asked is None or (asked.done() and time.monotonic() - self._answered >= self._fresh):
                asked = self._ask()
            left = self._started + self._seconds - time.monotonic()
        try:
            return asked.result(max(left, 0.0))
        except TimeoutError:
            if asked.done():
                raise
            raise Silent(f"no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        """Later calls start again."""
        with self._lock:
            if self._thread is not None:
                self._questions.put(None)
                self._thread.join(1.0)
                self._thread = None

    def _ask(self) -> Future[T]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._answer_all, name="limited", daemon=True)
            self._thread.start()
        asked: Future[T] = Future()
        self._asked, self._started = asked, time.monotonic()
        self._questions.put(asked)
        return asked

    def _answer_all(self) -> None:
        while (asked := self._questions.get()) is not None:
            try:
                value = self._fn()
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked
                self._answered = time.monotonic()
                asked.set_exception(error)
            else:
                self._answered = time.monotonic()
                asked.set_result(value)
