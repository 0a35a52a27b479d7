"""One store, opened for writing or for reading, whichever database holds it."""

from __future__ import annotations

from connector.base.credentials import secret
from connector.journal.db import sqlite
from connector.journal.db.connection import Connection
from connector.journal.errors import JournalError
from connector.journal.model import JournalConfig


def open_writer(config: JournalConfig) -> Connection:
    """A connection that writes. Raises JournalError when the store does not answer or is no journal."""
    path = config.url.path
    if path is not None:
        return sqlite.open_writer(path, config.busy_timeout)
    return _postgres(config, read_only=False)


def open_reader(config: JournalConfig) -> Connection:
    """A connection that only reads. Raises JournalError."""
    path = config.url.path
    if path is not None:
        return sqlite.open_reader(path, config.busy_timeout)
    return _postgres(config, read_only=True)


def store_password(config: JournalConfig) -> str | None:
    """The password of the database, from the environment or a credential; None: the address or pgpass has it."""
    return secret(config.password_env) if config.password_env else None


def _postgres(config: JournalConfig, *, read_only: bool) -> Connection:
    try:
        from connector.journal.db import postgres
    except ImportError as error:
        raise JournalError(
            "this store needs the 'postgresql' extra", field="journal.store", found=str(config.url), cause=str(error)
        ) from error
    return postgres.connect(config.url.dsn, store_password(config), read_only=read_only)
