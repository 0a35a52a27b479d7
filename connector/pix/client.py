"""The identity server as the flows see it, whatever its protocol."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Protocol

from connector.base.calls import OnCall, nobody
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.pix.config import PixConfig
from connector.pix.model import Domain, PixAnswer


class PixClient(Protocol):
    """What both clients offer; see `PixV2Client.query` for the errors."""

    def query(self, value: str, domain: Domain, wanted: Sequence[Domain] = ()) -> PixAnswer: ...

    def close(self) -> None: ...


def open_client(
    config: PixConfig,
    *,
    tls: ssl.SSLContext | None = None,
    clock: Clock = utc_now,
    uuid_factory: UuidFactory = random_uuid,
    on_call: OnCall = nobody,
) -> PixClient | None:
    """The client that the configuration asks for, None for 'off'. `tls` None is plain MLLP, or public trust in v3.

    `on_call` is told about each query, whatever its outcome.
    """
    # Each branch loads its own stack: hl7apy and zeep are heavy, and one of them is never needed.
    if config.protocol == "v2":
        from connector.pix.v2 import PixV2Client

        return PixV2Client(config, tls=tls, clock=clock, uuid_factory=uuid_factory, on_call=on_call)
    if config.protocol == "v3":
        from connector.pix.v3 import PixV3Client
        from connector.soap.session import tls_session

        session = tls_session(tls)
        return PixV3Client(config, session=session, clock=clock, uuid_factory=uuid_factory, on_call=on_call)
    return None
