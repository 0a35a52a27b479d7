"""A letter that takes a while to parse does not keep the endpoint from answering others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import MutableMapping
from typing import Any

import pytest

from connector.api import letters as endpoint
from connector.api.callers import Callers
from connector.flows.letters.config import LetterClient, LettersConfig
from connector.letter.errors import LetterError, fault

TOKEN = "t" * 40


class NoLetters:
    """A connector that nothing ever reaches: what is uploaded here is refused before."""

    def desk(self, client: str) -> Any:
        raise AssertionError(client)

    def state(self, unique_id: str) -> Any:
        raise AssertionError(unique_id)

    def awaiting(self) -> Any:
        return []


async def _call(app: Any, method: str, path: str) -> int:
    told: list[MutableMapping[str, Any]] = []
    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", b"application/yaml")]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1), "root_path": "", "http_version": "1.1", "scheme": "http",
    }  # fmt: skip

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"a: b", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    return int(told[0]["status"])


def test_others_are_answered_while_a_letter_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsing, answered = threading.Event(), threading.Event()

    def slow(_content: bytes, _content_type: str) -> Any:
        parsing.set()
        assert answered.wait(30), "the loop waited for the parser"
        raise LetterError([fault("(fichier)", "refusé")])

    monkeypatch.setattr(endpoint, "read_upload", slow)
    config = LettersConfig(clients=(LetterClient("dpi", secret_env="TOKEN"),))
    app = endpoint.build_letters_app(NoLetters(), Callers(config, read=lambda _name: TOKEN), max_bytes=1000)

    async def both() -> tuple[int, int]:
        upload = asyncio.create_task(_call(app, "POST", "/letters"))
        assert await asyncio.to_thread(parsing.wait, 30)
        other = await _call(app, "GET", "/letters/awaiting")
        answered.set()
        return await upload, other

    assert asyncio.run(both()) == (400, 200)
