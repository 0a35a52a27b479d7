"""Compiled stylesheets on disk, so that a worker need not read the schematrons again.

A file is trusted when its digest matches its content; any doubt compiles again. Writes are atomic.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any, Final

from connector.kit.schema import Assertion, Value
from connector.kit.stylesheet import Compiled

_MAKERS: Final = ("cache.py", "narrowing.py", "reading.py", "schema.py", "stylesheet.py")
"""What a stylesheet depends on besides the kit."""


class Cache:
    """Stylesheets of one distribution under one version of ours."""

    def __init__(self, folder: Path | None, kit_digest: str) -> None:
        self._folder = (folder or _usual_folder()) / f"kit-{kit_digest[:16]}-{_release()}"

    def load(self, name: str) -> Compiled | None:
        """The stylesheet kept under `name`, None when there is none that can be trusted."""
        try:
            digest, _, body = self._file(name).read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        return _read(json.loads(body))

    def keep(self, compiled: Compiled) -> bool:
        """Writes it; False when the folder cannot be written, which costs time and nothing else."""
        body = json.dumps(asdict(compiled), ensure_ascii=False).encode()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            os.replace(file.name, self._file(compiled.name))
        except OSError:
            return False
        return True

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _read(data: dict[str, Any]) -> Compiled:
    assertions = tuple(
        Assertion(**{**row, "message": tuple(p if isinstance(p, str) else Value(**p) for p in row["message"])})
        for row in data["assertions"]
    )
    return Compiled(data["name"], data["path"], data["text"], assertions, tuple(data["documents"]))


def _usual_folder() -> Path:
    """That of systemd (CacheDirectory=) for a service, which has no home; the user's for a person."""
    given = os.environ.get("CACHE_DIRECTORY")
    if given:
        return Path(given.partition(":")[0])
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "dmp-connector"


def _release() -> str:
    """A digest of the code that compiles: two versions of ours never share a stylesheet."""
    room = resources.files("connector.kit")
    return hashlib.sha256(b"".join((room / name).read_bytes() for name in _MAKERS)).hexdigest()[:16]
