"""The bytes all connections of a listener may hold together."""

from __future__ import annotations

from typing import Protocol


class Reader(Protocol):
    """A connection as the budget sees it."""

    @property
    def mid_message(self) -> bool:
        """True while a message is being received and none waits: reading on is the only way forward."""

    def regulate(self) -> None:
        """Asks the budget again."""


class ByteBudget:
    """Bytes held by all connections. Above the limit one connection at a time goes on reading, up to the end of the
    message it began: memory stays within the limit plus one message, and half-received messages cannot block each
    other for ever."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._reader: Reader | None = None
        self._waiting: dict[Reader, None] = {}

    def grants(self, connection: Reader) -> bool:
        """True when the connection may read on; otherwise it is told when it may."""
        if self.held <= self.limit:
            return True
        if connection.mid_message and self._reader in (None, connection):
            self._reader = connection
            self._waiting.pop(connection, None)
            return True
        self._waiting[connection] = None
        return False

    def change(self, connection: Reader, delta: int) -> None:
        """Bytes taken (or given back, negative) by a connection."""
        self.held += delta
        if self._reader is connection and not connection.mid_message:
            self._reader = None

    def relieve(self) -> None:
        """Lets waiting connections read again, all of them or the next one."""
        if not self._waiting:
            return
        if self.held <= self.limit:
            self._reader = None
            waiting, self._waiting = self._waiting, {}
            for connection in waiting:
                connection.regulate()
        elif self._reader is None:
            following = next((c for c in self._waiting if c.mid_message), None)
            if following is not None:
                following.regulate()

    def leave(self, connection: Reader, held: int) -> None:
        """A connection is gone with all it held."""
        self.held -= held
        self._waiting.pop(connection, None)
        if self._reader is connection:
            self._reader = None
        self.relieve()
