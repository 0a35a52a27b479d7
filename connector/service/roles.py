"""Which part of the work one process does: several listeners and workers may share one PostgreSQL store."""

from __future__ import annotations

from typing import Literal, get_args

from connector.base.errors import SettingsError
from connector.settings import Settings

Role = Literal["listener", "worker", "all"]
"""'listener' takes messages in, 'worker' routes them and works deliveries off, 'all' does both."""


def check_role(role: str, settings: Settings) -> Role:
    """`role`, when the store allows it. Raises SettingsError.

    A SQLite file belongs to one process: its engine holds the file's lock, and nobody wakes it from another process.
    """
    known: dict[str, Role] = {name: name for name in get_args(Role)}
    if role not in known:
        raise SettingsError("no such role", name="--role", found=role, allowed=", ".join(known))
    if role != "all" and settings.journal.url.dialect == "sqlite":
        raise SettingsError(
            f"the role {role} needs a store that several processes share",
            name="--role",
            found=f"{role} with journal.store = {settings.journal.url}",
            allowed="all with SQLite; listener, worker or all with postgresql://",
        )
    return known[role]
