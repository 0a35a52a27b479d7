"""The worker processes of an export: each makes one letter at a time, one that dies or hangs on a letter is replaced.

What comes back keeps the order of what went in; the number of letters in hand is bounded, so is the memory.
"""

from __future__ import annotations

import pickle
import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from connector.base.errors import ConnectorError, SettingsError
from connector.base.logs import logger
from connector.flows.letters.export.model import Failure, Made, Task
from connector.flows.letters.export.prepare import Making
from connector.kit import frames
from connector.kit.process import end_worker, start_worker

_START: Final = 180.0
"""Seconds a worker may take to compile the kit."""
_END: Final = 5.0
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "HOME", "XDG_CACHE_HOME", "CACHE_DIRECTORY", "TMPDIR")
"""Variables a worker needs; the others may be secrets."""


class Crew:
    """`count` worker processes. Raises SettingsError when one cannot start."""

    def __init__(self, making: Making, count: int) -> None:
        self._making = making
        self._limit = making.gate.time_limit
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._threads = ThreadPoolExecutor(count, "crew")
        workers = [_Worker(making) for _ in range(count)]
        try:
            for worker in workers:
                worker.ready()
        except BaseException:
            for worker in workers:
                worker.end(0.0)
            raise
        for worker in workers:
            self._free.put(worker)

    def make(self, task: Task) -> Future[Made]:
        """The letter of a task, later. The caller bounds how many it asks for."""
        return self._threads.submit(self._make, task)

    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers that are free."""
        return tuple(worker.pid for worker in list(self._free.queue))

    def close(self) -> None:
        """Ends every worker after the letter it has in hand."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._free.empty():
            self._free.get_nowait().end(_END)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make(self, task: Task) -> Made:
        worker = self._free.get()
        try:
            for attempt in (1, 2):
                try:
                    return worker.ask(task, self._limit)
                except frames.PipeLate:
                    worker = self._replace(worker, "too long on a letter")
                    return _unmade(f"délai de {self._limit:g} s dépassé")
                except frames.PipeClosed:
                    worker = self._replace(worker, f"died on a letter, attempt {attempt}")
            return _unmade("le programme s'arrête sur cette lettre")
        finally:
            self._free.put(worker)

    def _replace(self, worker: _Worker, cause: str) -> _Worker:
        logger("export").warning("worker replaced", cause=cause)
        worker.end(0.0)
        return _Worker(self._making)


class _Worker:
    """One process; the first question waits until it is ready."""

    def __init__(self, making: Making) -> None:
        password = making.journal.password_env
        kept = (*_KEPT, password) if password else _KEPT
        self._process = start_worker("connector.flows.letters.export.worker", kept)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._born = time.monotonic()
        self._is_ready = False
        frames.send(self._input, pickle.dumps(making), self._born + _START)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> None:
        """Raises SettingsError when it cannot use the kit or the journal."""
        if self._is_ready:
            return
        try:
            refusal = pickle.loads(frames.receive(self._output, self._born + _START))
        except (frames.PipeClosed, frames.PipeLate) as error:
            raise ConnectorError("un processus de l'export ne démarre pas") from error
        if refusal is not None:
            message, context = refusal
            found = context.get("found") or context.get("path") or ""
            raise SettingsError(
                message,
                name=context.get("name", "gate.kit"),
                found=found,
                allowed=context.get("allowed", "a whole distribution of the kit"),
            )
        self._is_ready = True

    def ask(self, task: Task, limit: float) -> Made:
        """Raises PipeLate, PipeClosed."""
        self.ready()
        deadline = time.monotonic() + limit
        frames.send(self._input, pickle.dumps(task), deadline)
        made: Made = pickle.loads(frames.receive(self._output, deadline))
        return made

    def end(self, grace: float) -> None:
        """Closes its pipe, and kills it when it has not ended within `grace` seconds."""
        end_worker(self._process, grace)


def _unmade(why: str) -> Failure:
    return Failure("contrôle", "EXPORT-RUN", f"la lettre n'a pas pu être faite : {why}")
