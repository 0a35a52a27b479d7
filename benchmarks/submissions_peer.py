"""The other side, in a process of its own: the simulator, and a sink that takes any request and judges nothing."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from connector.simulator.config import SimConfig
from connector.simulator.http import HttpLimits, HttpRequest, HttpResponse, HttpServer, mutual_tls, simple_response
from connector.simulator.server import Simulator

CAP = 64 * 1024 * 1024
_DRAINED = b"<drained/>"


@dataclass(frozen=True, slots=True)
class Peer:
    """Where to call, and the process that answers."""

    base: str
    sink: str
    process: int


@contextmanager
def running(folder: Path) -> Iterator[Peer]:
    """Simulator and sink until the end of the block; certificates are in `folder/pki`."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(folder, there))
    process.start()
    try:
        if not here.poll(60):
            raise RuntimeError("the simulator does not start")
        yield here.recv()
    finally:
        here.send("stop")
        process.join(20)


def _serve(folder: Path, channel: Connection) -> None:
    config = SimConfig(folder=folder, document_cap=CAP)
    limits = HttpLimits(2 * CAP, config.body_threshold, folder / "tmp", config.idle_timeout)
    with Simulator(config) as simulator:
        tls = mutual_tls(simulator.pki.server, simulator.pki.ca)
        sink = HttpServer(config.host, 0, _drain, limits, tls=tls)
        sink.start()
        channel.send(Peer(simulator.urls["base"], f"https://localhost:{sink.port}/", os.getpid()))
        channel.recv()
        sink.stop()


def _drain(request: HttpRequest) -> HttpResponse:
    """The server has read the body already."""
    return simple_response(200, _DRAINED, "application/xml")
