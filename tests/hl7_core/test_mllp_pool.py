"""Several connections to one far end: as many as allowed, none lost, the last used first."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.base.errors import TransportError
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.hl7.mllp_pool import MllpPool


class FarEnd:
    """Answers each message with itself after a short while; remembers the peers and how many it held at once."""

    def __init__(self) -> None:
        self.peers: list[int] = []
        self.most = self._now = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = MllpServer(MllpConfig(host="127.0.0.1", port=0), self._answer)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(10)
        self.port = self._server.port

    async def _answer(self, raw: bytes, peer: PeerInfo) -> bytes:
        self._now += 1
        self.most = max(self.most, self._now)
        self.peers.append(peer.port)
        await asyncio.sleep(0.02)
        self._now -= 1
        return raw

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(1.0), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_as_many_connections_as_allowed_and_each_answer_to_its_own_question() -> None:
    far_end = FarEnd()
    pool = MllpPool("127.0.0.1", far_end.port, 5.0, size=3)
    questions = [f"MSH|{number}\r".encode() for number in range(40)]
    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(pool.exchange, questions)) == questions
    assert far_end.most == 3
    assert len(set(far_end.peers)) == 3
    pool.close()
    far_end.close()


def test_a_quiet_hour_uses_one_connection() -> None:
    far_end = FarEnd()
    pool = MllpPool("127.0.0.1", far_end.port, 5.0, size=4)
    for _ in range(5):
        pool.exchange(b"MSH|1\r")
    assert len(set(far_end.peers)) == 1
    pool.close()
    far_end.close()


def test_a_failed_exchange_gives_its_place_back() -> None:
    far_end = FarEnd()
    port = far_end.port
    far_end.close()
    pool = MllpPool("127.0.0.1", port, 1.0, size=1)
    for _ in range(3):
        with pytest.raises(TransportError):
            pool.exchange(b"MSH|1\r")
    pool.close()
