"""The identity server (a hospital's MPI): ITI-8 feed and ITI-9 query over MLLP, ITI-45 over SOAP.

Its two MLLP listeners live in one thread with their own event loop; `start` and `stop` are called from any thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.simulator import identity_v3
from connector.simulator.identity_book import Domain, IdentityBook
from connector.simulator.identity_v2 import Stamp, answer_feed, answer_query
from connector.simulator.model import SimContext, SoapReply, SoapRequest

T = TypeVar("T")
_Answerer = Callable[..., bytes]


class IdentityServer:
    """`book` holds the identities, `domains` the known ones beside those of the world.

    `internal_failures` next questions or feeds answer an internal error (ihe-rules D-106): set it to program a fault.
    """

    def __init__(self, context: SimContext, domains: Iterable[Domain] = (), *, follow_merged: bool = True) -> None:
        self._context = context
        path = context.folder / "identity" / "feeds.jsonl"
        self.book = IdentityBook(path, context.world, domains, follow_merged=follow_merged)
        self.internal_failures = 0
        self._failures_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._feed: MllpServer | None = None
        self._query: MllpServer | None = None

    # -- SOAP -------------------------------------------------------------------------------------------------

    def handle(self, request: SoapRequest) -> SoapReply:
        """ITI-45: every outcome is an answer, none a fault."""
        body = identity_v3.answer(
            request.body, self.book, str(self._context.new_uuid()), self._context.clock(), fail=self._must_fail()
        )
        return SoapReply(body, identity_v3.ANSWER_ACTION)

    # -- MLLP -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Opens both ports. Raises OSError when one is taken; nothing stays open then."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="identity-server", daemon=True)
        self._thread.start()
        config = self._context.config
        self._feed = MllpServer(MllpConfig(host=config.host, port=config.feed_port), self._answerer(answer_feed))
        self._query = MllpServer(MllpConfig(host=config.host, port=config.query_port), self._answerer(answer_query))
        try:
            self._call(self._feed.start())
            self._call(self._query.start())
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Closes both ports; harmless when not started."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        for server in (self._feed, self._query):
            if server is not None:
                self._call(server.stop(1.0))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        self._loop = self._thread = self._feed = self._query = None

    @property
    def feed_port(self) -> int:
        """MLLP port of ITI-8. Raises RuntimeError before start."""
        return _port(self._feed)

    @property
    def query_port(self) -> int:
        """MLLP port of ITI-9. Raises RuntimeError before start."""
        return _port(self._query)

    def _answerer(self, answer: _Answerer) -> Callable[[bytes, PeerInfo], Coroutine[Any, Any, bytes | None]]:
        async def handle(raw: bytes, _peer: PeerInfo) -> bytes | None:
            stamp = Stamp(self._context.clock(), self._context.new_uuid().hex[:20])
            return answer(raw, self.book, stamp, fail=self._must_fail())

        return handle

    def _must_fail(self) -> bool:
        with self._failures_lock:
            if self.internal_failures <= 0:
                return False
            self.internal_failures -= 1
            return True

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)


def _port(server: MllpServer | None) -> int:
    if server is None:
        raise RuntimeError("the identity server is not started")
    return server.port
