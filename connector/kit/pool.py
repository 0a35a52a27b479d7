"""Worker processes that judge documents: any thread asks, the first free worker answers, one that fails is replaced.

A process of its own for each, started by exec and fed through pipes: the daemon has threads, so it never forks; what
the suites cost is taken from no other work of the daemon.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from datetime import datetime
from typing import Any, Final

from connector.base.clock import Clock, utc_now
from connector.base.errors import ConnectorError, SettingsError
from connector.base.finding import Finding
from connector.base.logs import logger
from connector.kit import frames
from connector.kit.config import GateConfig
from connector.kit.process import end_worker, start_worker
from connector.kit.verdict import CdaVerdict

_START: Final = 120.0
"""Seconds a worker may take to compile the kit."""
_END: Final = 5.0
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "HOME", "XDG_CACHE_HOME", "CACHE_DIRECTORY", "TMPDIR")
"""Variables a worker needs; the daemon's others may be secrets."""


class GateUnavailable(ConnectorError):
    """No worker can be started, or the gate is closed: nothing was judged, the document may be tried again later."""


class WorkerPool:
    """`config.workers` processes. Raises SettingsError when the first one cannot use the kit."""

    def __init__(self, config: GateConfig, clock: Clock = utc_now) -> None:
        self._config = config
        self._clock = clock
        self._closed = threading.Event()
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        workers = [_Worker(config) for _ in range(config.workers)]
        try:
            self.kit = workers[0].ready()
        except ConnectorError as error:
            for worker in workers:
                worker.end(0.0)
            allowed = str(error.context.get("allowed", "a whole distribution of the kit"))
            found = str(error.context.get("found") or error.context.get("path") or config.kit)
            raise SettingsError(error.message, name="gate.kit", found=found, allowed=allowed) from error
        for worker in workers:
            self._free.put(worker)

    def judge(self, content: bytes) -> CdaVerdict:
        """Waits for a free worker, then at most `time_limit` for its answer. Raises GateUnavailable."""
        worker = self._take()
        try:
            for attempt in (1, 2):
                try:
                    return worker.ask(content, self._clock())
                except frames.PipeLate:
                    worker = self._replace(worker, "too long on a document")
                    return _unjudged(self.kit, f"délai de {self._config.time_limit:g} s dépassé")
                except frames.PipeClosed:
                    worker = self._replace(worker, f"died on a document, attempt {attempt}")
                except GateUnavailable:
                    worker = self._replace(worker, "did not start")
                    raise
            return _unjudged(self.kit, "le contrôle s'arrête sur ce document")
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """Ends every worker, after the document it has in hand or `time_limit`."""
        self._closed.set()
        deadline = time.monotonic() + self._config.time_limit
        for _ in range(self._config.workers):
            try:
                self._free.get(timeout=max(0.0, deadline - time.monotonic())).end(_END)
            except queue.Empty:
                return

    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers that are free."""
        return tuple(worker.pid for worker in list(self._free.queue))

    def _take(self) -> _Worker:
        while not self._closed.is_set():
            try:
                return self._free.get(timeout=1.0)
            except queue.Empty:
                continue
        raise GateUnavailable("the gate is closed")

    def _replace(self, worker: _Worker, cause: str) -> _Worker:
        logger("gate").warning("worker replaced", cause=cause)
        worker.end(0.0)
        return _Worker(self._config)


class _Worker:
    """One process. It compiles the kit while nobody waits; the first question waits for the end of that."""

    def __init__(self, config: GateConfig) -> None:
        self._limit = config.time_limit
        self._kit = ""
        self._process = start_worker("connector.kit.worker", _KEPT)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._born = time.monotonic()
        frames.send(self._input, json.dumps(_settings(config)).encode(), self._born + _START)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> str:
        """Name of the kit it compiled. Raises GateUnavailable when it could not."""
        if self._kit:
            return self._kit
        try:
            answer = json.loads(frames.receive(self._output, self._born + _START))
        except (frames.PipeClosed, frames.PipeLate) as error:
            raise GateUnavailable("a worker of the gate does not start") from error
        if "error" in answer:
            raise GateUnavailable(answer["error"], **answer["context"])
        self._kit = str(answer["kit"])
        return self._kit

    def ask(self, content: bytes, now: datetime) -> CdaVerdict:
        """What is wrong at the moment `now`. Raises PipeLate, PipeClosed; GateUnavailable when it never was ready."""
        self.ready()
        deadline = time.monotonic() + self._limit
        frames.send(self._input, now.isoformat().encode(), deadline)
        frames.send(self._input, content, deadline)
        return _verdict(json.loads(frames.receive(self._output, deadline)))

    def end(self, grace: float) -> None:
        """Closes its pipe, and kills it when it has not ended within `grace` seconds."""
        end_worker(self._process, grace)


def _settings(config: GateConfig) -> dict[str, Any]:
    names = ("kit", "schematron", "terminologies", "max_bytes", "time_limit", "environment")
    return {name: getattr(config, name) for name in names} | {"cache": str(config.cache or "")}


def _verdict(answer: dict[str, Any]) -> CdaVerdict:
    findings = tuple(Finding(**row) for row in answer["findings"])
    return CdaVerdict(findings, tuple(answer["suites"]), answer["kit"])


def _unjudged(kit: str, why: str) -> CdaVerdict:
    """A document that cannot be judged is not sent: what stops the check may stop the reader's software too."""
    text = f"Le document n'a pas pu être contrôlé : {why}"
    finding = Finding("KIT-RUN", "error", "/", "", "un contrôle mené à son terme", text, "", "EX_2.1-1070")
    return CdaVerdict((finding,), ("contrôle interrompu",), kit)
