"""One size measured, in a process of its own: what a submission costs this process, and where the time goes."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, cast

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from benchmarks.submissions_peer import CAP, Peer
from benchmarks.submissions_steps import DRAFT, GATE, READ, REST, WIRE, Place, Stopwatch, cpu_of
from connector.base.clock import random_uuid, utc_now
from connector.base.oid import oid_from_uuid
from connector.cda.checks import check_document
from connector.dmp.client import DmpClient
from connector.dmp.config import DmpConfig
from connector.dmp.draft import Draft
from connector.dmp.facts import facts_of
from connector.dmp.feed import Feed, FeedIds
from connector.dmp.rules import check
from connector.flows.config import IntakeConfig
from connector.flows.document_check import read_request
from connector.kit import judge as kit_judge
from connector.kit.config import GateConfig
from connector.kit.gate import CdaGate, KitGate, open_gate
from connector.kit.suites import Engine, Suite
from connector.kit.verdict import STRUCTURE
from connector.soap.session import tls_session
from connector.soap.transport import WireEvent
from connector.trust.keys import load_pem
from connector.trust.tls import client_context
from connector.trust.vihf import VihfConfig
from tests.e2e.large_client import FEEDER, INS
from tests.soap.weigh import resident, status

Step = AbstractContextManager[None]


def _untimed(_step: str) -> Step:
    return nullcontext()


WEIGHED = 3
"""Submissions after which the peak of memory is read."""

JUDGED = 3
"""Documents each suite of the kit is timed on."""


@dataclass(frozen=True, slots=True)
class Work:
    """`warm` and `letters` are folders of messages, `letters` in the order weighed, timed, sent `at_once`."""

    folder: Path
    peer: Peer
    warm: Path
    letters: Path
    timed: int
    at_once: int
    kit: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One submission and its floors. Seconds, of the wall clock or (cpu) of a processor."""

    wall: float
    cpu: float
    simulator_cpu: float
    kit_cpu: float
    own_checks_cpu: float
    signatures_cpu: float
    digest_cpu: float
    post: float
    post_cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size gave. MiB; `walls` and `cpus` are seconds by step over all the samples."""

    document: int
    idle_mib: float
    peak_mib: float
    samples: tuple[Sample, ...]
    walls: dict[str, float]
    cpus: dict[str, float]
    at_once_per_second: float
    suites: dict[str, float]


def work(order: Work, channel: Connection) -> None:
    """The whole life of the process: sends Measured back."""
    with open_gate(GateConfig(kit=order.kit, max_bytes=CAP)) as gate:
        found = Bench(order, gate).run()
    if order.kit:
        found = replace(found, suites=suites(order))
    channel.send(found)


def suites(order: Work) -> dict[str, float]:
    """Seconds of each check of the kit on one document, in this process: its workers cannot be looked into."""
    read = read_request(_messages(order.letters)[0].read_bytes(), IntakeConfig(max_document_bytes=CAP), today=_today())
    content = read.request.documents[0].content
    judge = kit_judge.Judge(Path(order.kit), weight="refuse", terminologies=False, max_bytes=CAP, cache=None)
    judge.judge(content)
    watch = Stopwatch()
    places: tuple[Place, ...] = (
        (kit_judge, "check_tree", STRUCTURE),
        (kit_judge, "schema_findings", "XSD"),
        (Engine, "parse", "parsing by Saxon"),
        (Suite, "run", lambda suite, _document: str(suite.name)),
    )
    with watch.watching(places), watch.step("parsing by lxml"):
        for _ in range(JUDGED):
            judge.judge(content)
    return {name: seconds / JUDGED for name, seconds in watch.wall.items()}


class Bench:
    """One client, as a worker of the connector has it, and the bare means its floors are made of."""

    def __init__(self, order: Work, gate: CdaGate) -> None:
        self._order = order
        self._gate = gate
        self._watch = Stopwatch()
        self._pki = order.folder / "pki"
        self._signer = load_pem(self._pki / "sign.pem", self._pki / "sign.key.pem")
        self._bare = self._session()
        self._sent: WireEvent | None = None
        self._config = DmpConfig(
            base_url=order.peer.base,
            lps_oid="1.2.250.1.999.1.1",
            lps_name="dmp-connector",
            source_id="1.2.250.1.999.1.2",
            environment="test",
            size_cap=CAP,
        )
        self._client, self._timed_client = self._dmp(None), self._dmp(self._hear)

    def run(self) -> Measured:
        """Warm first, then the peak of memory, then the timed ones, then several at once."""
        for path in _messages(self._order.warm):
            document = self._submit(path, self._client)
            self._floors(document)
        paths = _messages(self._order.letters)
        idle = resident()
        for path in paths[:WEIGHED]:
            self._submit(path, self._client)
        peak = status("VmHWM") - idle
        size = 0
        samples = []
        with self._watch.watching():
            for path in paths[WEIGHED:][: self._order.timed]:
                sample, size = self._sample(path)
                samples.append(sample)
        rate = self._at_once(paths[WEIGHED + self._order.timed :])
        walls, cpus = dict(self._watch.wall), dict(self._watch.cpu)
        return Measured(size, idle, peak, tuple(samples), walls, cpus, rate, {})

    # -- one submission --------------------------------------------------------------------------------------

    def _submit(self, path: Path, dmp: DmpClient, step: Callable[[str], Step] = _untimed) -> bytes:
        """A message read, its document judged and sent, as `flows/publication.py` does; the document."""
        today = _today()
        with step(READ):
            read = read_request(path.read_bytes(), IntakeConfig(max_document_bytes=CAP), today=today)
        request, header = read.request, read.headers[0]
        content = request.documents[0].content
        draft = Draft(header, facts_of(request), INS, self._config, today)
        with step(DRAFT):
            blocking = [finding for finding in check(draft) if finding.blocking]
        with step(GATE):
            verdict = self._gate.judge(content)
        if blocking or verdict.blocking:
            raise AssertionError(f"the letter is refused: {(*blocking, *verdict.findings)}")
        ids = FeedIds(oid_from_uuid(random_uuid()), oid_from_uuid(random_uuid()), utc_now())
        dmp.submit(INS, FEEDER, Feed.from_request(request, 0, header, ids))
        return content

    def _sample(self, path: Path) -> tuple[Sample, int]:
        """One submission timed, then its floors."""
        gc.collect()
        simulator, kit = cpu_of(self._order.peer.process), self._kit_cpu()
        wall, cpu = time.perf_counter(), time.process_time()
        with self._watch.step(REST):
            document = self._submit(path, self._timed_client, self._watch.step)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        simulator, kit = cpu_of(self._order.peer.process) - simulator, self._kit_cpu() - kit
        return Sample(wall, cpu, simulator, kit, *self._floors(document)), len(document)

    def _hear(self, event: WireEvent) -> None:
        """From the first byte to the answer read whole."""
        if event.direction == "answer":
            self._watch.end()
        else:
            self._sent = event
            self._watch.begin(WIRE)

    def _at_once(self, paths: Sequence[Path]) -> float:
        """Submissions per second, several at a time."""
        began = time.perf_counter()
        with ThreadPoolExecutor(self._order.at_once) as pool:
            for _ in pool.map(lambda path: self._submit(path, self._client), paths):
                pass
        return len(paths) / (time.perf_counter() - began)

    # -- floors ----------------------------------------------------------------------------------------------

    def _floors(self, document: bytes) -> tuple[float, float, float, float, float]:
        """Our own checks, two signatures, one digest (CPU); the same bytes posted by bare requests (wall, CPU)."""
        own = _cpu(lambda: check_document(document, None, max_bytes=CAP))
        signatures = _cpu(self._two_signatures)
        digest = _cpu(lambda: _bare_digest(document))
        if self._sent is None:
            return own, signatures, digest, 0.0, 0.0
        body, headers = b"".join(self._sent.body), dict(self._sent.headers)
        wall = time.perf_counter()
        post = _cpu(lambda: self._bare.post(self._order.peer.sink, data=body, headers=headers, timeout=60))
        return own, signatures, digest, time.perf_counter() - wall, post

    def _two_signatures(self) -> None:
        for _ in range(2):
            self._signer.key.sign(b"x" * 1024, padding.PKCS1v15(), hashes.SHA256())

    def _kit_cpu(self) -> float:
        return sum(map(cpu_of, self._gate.pool.processes())) if isinstance(self._gate, KitGate) else 0.0

    # -- parts -----------------------------------------------------------------------------------------------

    def _session(self) -> requests.Session:
        return tls_session(client_context(self._pki / "auth.pem", self._pki / "auth.key.pem", self._pki / "ca.pem"))

    def _dmp(self, capture: Callable[[WireEvent], None] | None) -> DmpClient:
        vihf = VihfConfig("dmp-connector", "0.1.0", "TEST-0000")
        return DmpClient(self._config, session=self._session(), signer=self._signer, vihf=vihf, capture=capture)


def _today() -> date:
    return utc_now().date()


def _messages(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.er7"))


def _cpu(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


class _Hash:
    """A file that only hashes."""

    def __init__(self) -> None:
        self.sha1 = hashlib.sha1(usedforsecurity=False)
        self.write = self.sha1.update


def _bare_digest(document: bytes) -> None:
    """One canonicalisation as lxml does it, of the document parsed once."""
    tree = etree.fromstring(document, etree.XMLParser(huge_tree=True)).getroottree()
    tree.write_c14n(cast(IO[bytes], _Hash()), with_comments=True)
