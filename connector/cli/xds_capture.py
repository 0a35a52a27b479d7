"""What went over the wire, kept byte for byte in a folder: for a report to the other side, or for `connector check`."""

from __future__ import annotations

import shutil
from http.client import responses
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from connector.soap.transport import WireEvent


class Capture:
    """Writes each message it is given into `folder`: `01-request.http`, `02-answer.http`, `02-answer.1.part`…

    A request is whole, documents included; the parts of a multipart answer are files of their own. They hold identities
    and documents: mode 0600, in a folder of mode 0700.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._count = len(list(folder.glob("*.http")))

    def __call__(self, event: WireEvent) -> None:
        self._count += 1
        stem = self._folder / f"{self._count:02d}-{event.direction}"
        with _private(stem.with_suffix(".http")).open("wb") as file:
            file.write(_head(event))
            for block in event.body:
                file.write(block)
        for number, part in enumerate(event.parts, 1):
            with part.open() as source, _private(stem.with_suffix(f".{number}.part")).open("wb") as file:
                shutil.copyfileobj(source, file)


def _head(event: WireEvent) -> bytes:
    if event.direction == "request":
        first = f"POST {urlsplit(event.url).path or '/'} HTTP/1.1"
    else:
        first = f"HTTP/1.1 {event.status} {responses.get(event.status, '')}"
    lines = [first, *(f"{name}: {value}" for name, value in event.headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _private(path: Path) -> Path:
    path.touch(mode=0o600)
    return path
