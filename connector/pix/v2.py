"""The PIX consumer of HL7 v2.5: ITI-9 over MLLP."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.hl7.mllp_client import MllpClient
from connector.pix.config import PixConfig
from connector.pix.model import Domain, PixAnswer
from connector.pix.v2_answer import read_answer
from connector.pix.v2_query import V2Query, build_query, shape


class PixV2Client:
    """One persistent MLLP connection; safe across threads, queries take turns."""

    def __init__(
        self,
        config: PixConfig,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
    ) -> None:
        self._config = config
        self._clock = clock
        self._uuid = uuid_factory
        self._mllp = MllpClient(config.host, config.port, config.timeout, tls)
        # Composed at start: the first query of the day should not pay for it, nor discover a broken installation.
        shape()

    def query(self, value: str, domain: Domain, wanted: Sequence[Domain] = ()) -> PixAnswer:
        """Identifiers of the patient known as `value` in `domain`; `wanted` empty takes the configuration's.

        Raises TransportError (PixAnswerError among them) and ServerRefusal.
        """
        message_id = self._uuid().hex
        query = V2Query(
            value=value,
            domain=domain,
            wanted=tuple(wanted) or self._config.wanted(),
            # MSH-10 holds 20 characters in v2.5.
            control_id=message_id[-20:],
            tag=message_id,
            now=self._clock(),
        )
        return read_answer(self._mllp.exchange(build_query(query, self._config)), query)

    def close(self) -> None:
        self._mllp.close()
