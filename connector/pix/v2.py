"""The PIX consumer of HL7 v2.5: ITI-9 over MLLP."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from connector.base.calls import CallRecord, OnCall, nobody, recorded
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.hl7.mllp_pool import MllpPool
from connector.pix.config import PixConfig
from connector.pix.model import Domain, PixAnswer, ins_of
from connector.pix.v2_answer import read_answer
from connector.pix.v2_query import V2Query, build_query, shape


class PixV2Client:
    """A few persistent MLLP connections (`pix.connections`); safe across threads, queries take turns on them."""

    def __init__(
        self,
        config: PixConfig,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
        on_call: OnCall = nobody,
    ) -> None:
        self._config = config
        self._on_call = on_call
        self._clock = clock
        self._uuid = uuid_factory
        self._mllp = MllpPool(config.host, config.port, config.timeout, tls, size=config.connections)
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
        request = build_query(query, self._config)
        destination = f"mllp://{self._config.host}:{self._config.port}"
        record = CallRecord(query.now, "ITI-9", destination, message_id=query.control_id)
        with recorded(self._on_call, record) as call:
            answer = read_answer(self._mllp.exchange(request), query)
            # read_answer accepts no answer to another message
            call.learn(relates_to=query.control_id, ins=ins_of(answer))
            return answer

    def close(self) -> None:
        self._mllp.close()
