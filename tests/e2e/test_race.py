"""The hospital's word arrives while a letter is at the gate: the letter must not be left behind, held for ever."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.base.resources import resource_dir
from connector.cli.demo_letters import fresh_letter
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.hl7.mllp_client import MllpClient
from tests.e2e.harness import DEADLINE, Site


class SlowIdentityServer:
    """In front of the simulator's: the first question waits for `go`, `asked` tells that it arrived."""

    def __init__(self, query_port: int) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self._behind = MllpClient("127.0.0.1", query_port, timeout=DEADLINE)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = MllpServer(MllpConfig(port=0), self._handle)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(DEADLINE)
        self.port = self._server.port

    async def _handle(self, message: bytes, _peer: PeerInfo) -> bytes:
        self.asked.set()
        await asyncio.to_thread(self.go.wait, DEADLINE)
        return await asyncio.to_thread(self._behind.exchange, message)

    def close(self) -> None:
        self.go.set()
        asyncio.run_coroutine_threadsafe(self._server.stop(1.0), self._loop).result(DEADLINE)
        self._behind.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def raced(tmp_path: Path) -> Iterator[tuple[Site, SlowIdentityServer]]:
    with Site(tmp_path) as site:
        slow = SlowIdentityServer(site.simulator.query_port)
        site.restart(pix={"port": slow.port})
        yield site, slow
        slow.close()


def test_a_consent_that_arrives_while_the_letter_is_at_the_gate_releases_it(
    raced: tuple[Site, SlowIdentityServer],
) -> None:
    site, slow = raced
    letter, unique_id = fresh_letter(
        (resource_dir("samples") / "mdm-t02-lettre-de-liaison.er7").read_bytes(), "RACE1", uuid.uuid4()
    )
    assert site.send(letter).code == "AA"
    assert slow.asked.wait(DEADLINE)
    # The gate has read "no consent known"; the admission that brings it is routed before the gate answers.
    assert site.sample("adt-a01-admission.er7").code == "AA"
    site.wait(lambda lines: any("reçu" in line.event for line in lines), control_id="ADT0001")
    slow.go.set()
    site.wait_state("done", document_id=unique_id)
    assert site.accepted(unique_id) == 1
