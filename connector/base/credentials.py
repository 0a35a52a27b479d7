"""Secrets come by name, never in the settings file: from the environment, or from systemd's credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def secret(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The environment variable `name`, else the file of that name given by LoadCredential=, None without either.

    A last line feed of the file does not count. systemd keeps these files from every other user, and off the disk
    (systemd.exec(5), CREDENTIALS_DIRECTORY).
    """
    if name in environment:
        return environment[name]
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder or not name or "/" in name:
        return None
    try:
        return (Path(folder) / name).read_text(encoding="utf-8").removesuffix("\n")
    except OSError:
        return None
