"""The entries of letters in a running connector: the watched folder and the HTTP endpoint, where they are set."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.api.callers import Callers, names_of
from connector.api.letters import build_letters_app
from connector.assembly import open_desk
from connector.base.clock import Clock
from connector.flows.intake import Intake
from connector.flows.letters import LetterDesk, entry_of
from connector.flows.letters.config import LettersConfig
from connector.flows.letters.folder import LetterFolder
from connector.flows.letters.state import LetterState, letter_state
from connector.flows.snapshot import Snapshot
from connector.hl7.mllp import tls_context
from connector.journal import Journal
from connector.patients.discharges import Awaiting, awaiting
from connector.service.web import HttpServer
from connector.settings import Settings


class LetterEntries:
    """Opened by processes that listen. `intake` is asked at each letter: a reload replaces it."""

    def __init__(
        self, settings: Settings, journal: Journal, intake: Callable[[], Intake], *, clock: Clock, executor: Executor
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._intake = intake
        self._clock = clock
        self._executor = executor

    # -- what the endpoint asks --------------------------------------------------------------------------------------

    def desk(self, client: str) -> LetterDesk:
        """A desk whose messages the journal knows by their entry."""

        async def hand(message: bytes) -> bytes | None:
            return await self._intake().handle(message, entry_of(client))

        return open_desk(self._settings, self._journal, hand, clock=self._clock, executor=self._executor)

    def state(self, unique_id: str) -> LetterState | None:
        return letter_state(self._journal, unique_id)

    def awaiting(self) -> Sequence[Awaiting]:
        letters = self._settings.letters
        return awaiting(Snapshot(self._journal), letters.due_types, letters.due_classes)

    # -- life --------------------------------------------------------------------------------------------------------

    def folder(self) -> LetterFolder | None:
        letters = self._settings.letters
        return LetterFolder(letters.folder, self.desk("dossier"), letters) if letters.folder is not None else None

    def server(self) -> HttpServer:
        """Port 0 is a server that starts nothing. Raises SettingsError on a token or a PEM file that cannot be used."""
        letters = self._settings.letters
        if not letters.port:
            return HttpServer("letters", letters.host, 0, _nothing)
        app = build_letters_app(self, Callers(letters), max_bytes=letters.max_bytes)
        return HttpServer("letters", letters.host, letters.port, app, tls=_tls(letters), protocol=Named)


class Named(H11Protocol):
    """HTTP/1.1 that tells the application whose certificate the TLS layer verified (`scope["client_names"]`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        tls = transport.get_extra_info("ssl_object")
        names, app = names_of(tls.getpeercert() if tls is not None else None), self.app

        async def named(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "client_names": names}, receive, send)

        self.app = named
        super().connection_made(transport)


def _tls(letters: LettersConfig) -> ssl.SSLContext | None:
    context = tls_context(letters)
    if context is not None and letters.tls_client_ca and any(client.secret_env for client in letters.clients):
        # who has a token needs no certificate; one that is shown is verified all the same
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("no server")
