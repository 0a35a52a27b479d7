"""What the MLLP listener is told and what it counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from connector.base.errors import SettingsError
from connector.hl7.framing import FramingStats

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """Who sends: address, port, and the subject of its client certificate ("" without one)."""

    host: str
    port: int
    subject: str = ""


Handler = Callable[[bytes, PeerInfo], Awaitable[bytes | None]]
"""Gets one message without its frame, gives the reply or None for silence. An exception closes the connection
without a reply: the sender will send again."""

Refusal = Callable[[bytes, PeerInfo], Awaitable[bytes | None]]
"""Gets the first bytes of a frame above `max_frame`, gives the AR to send."""


@dataclass(frozen=True, slots=True)
class MllpConfig:
    """Settings of one listener. Sizes in bytes, times in seconds; port 0 takes a free one.

    max_frame          largest message; a larger one is thrown away as it arrives and refused
    idle_timeout       a connection without traffic, or that does not read our replies, is closed
    frame_timeout      a begun message must be complete within this time
    max_per_peer       connections from one address
    pipelining         messages of one connection waiting for their turn; then we stop reading it
    total_byte_budget  bytes held for all connections together; then we read one connection at a time
    tls_*              PEM files; `tls_client_ca` makes a client certificate compulsory
    """

    host: str = "127.0.0.1"
    port: int = 2575
    max_frame: int = 64 * MIB
    idle_timeout: float = 600.0
    frame_timeout: float = 300.0
    max_connections: int = 200
    max_per_peer: int = 100
    pipelining: int = 64
    total_byte_budget: int = 256 * MIB
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None

    def __post_init__(self) -> None:
        if self.total_byte_budget < self.max_frame:
            raise SettingsError(
                "the byte budget must hold one message",
                name="total_byte_budget",
                found=str(self.total_byte_budget),
                allowed=f"at least max_frame ({self.max_frame})",
            )
        if self.tls_client_ca and not self.tls_cert:
            raise SettingsError(
                "client certificates need TLS", name="tls_cert", found="", allowed="a PEM file beside tls_client_ca"
            )


@dataclass(slots=True)
class MllpStats:
    """Counters since start, except `connections`: those open now."""

    framing: FramingStats = field(default_factory=FramingStats)
    connections: int = 0
    accepted: int = 0
    rejected: int = 0
    received: int = 0
    replied: int = 0
    handler_failures: int = 0
    idle_closed: int = 0
    frame_timeouts: int = 0
