"""Finds wsdl/, conf/ and samples/, from the checkout as from an installed wheel."""

from __future__ import annotations

from pathlib import Path

from connector.base.errors import ConnectorError

_PACKAGE = Path(__file__).resolve().parent.parent


def resource_dir(name: str) -> Path:
    """Folder `name` ('wsdl', 'conf' or 'samples'). Raises ConnectorError when the installation is broken."""
    for candidate in (_PACKAGE / "_resources" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise ConnectorError(f"installation incomplete: folder {name} not found", name=name)
