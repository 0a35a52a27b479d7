"""Received bytes kept as they came, for tools that judge them again (xmlsec1, xmllint)."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from connector.simulator.http import HttpRequest
from connector.simulator.wire import Envelope


class Capture:
    """Writes under `folder`, per request n (5 digits): `n.content-type`, `n.body`, then `n.root.xml` and `n.part-m`.

    `n.client.pem` is the certificate of the TLS connection it came by, when there was one. With no folder it does
    nothing. The folder then holds test identities: it is a choice of the test, never a default.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._count = 0

    def body(self, request: HttpRequest) -> str:
        """Keeps the HTTP body, rewinds it, and returns the request's number for `envelope`."""
        if self._folder is None:
            return ""
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._count += 1
            stem = f"{self._count:05d}"
        (self._folder / f"{stem}.content-type").write_text(request.headers.get("content-type", ""), encoding="utf-8")
        if request.client_certificate is not None:
            pem = request.client_certificate.public_bytes(Encoding.PEM)
            (self._folder / f"{stem}.client.pem").write_bytes(pem)
        with (self._folder / f"{stem}.body").open("wb") as file:
            shutil.copyfileobj(request.body, file)
        request.body.seek(0)
        return stem

    def envelope(self, stem: str, envelope: Envelope) -> None:
        """Keeps the root part and the documents of a message that could be read."""
        if self._folder is None:
            return
        (self._folder / f"{stem}.root.xml").write_bytes(envelope.raw_root)
        for number, part in enumerate(envelope.parts.values()):
            shutil.copyfile(part.path, self._folder / f"{stem}.part-{number}")
