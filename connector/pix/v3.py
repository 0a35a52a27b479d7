"""The PIX consumer of HL7 v3: ITI-45 over SOAP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import requests

from connector.base.calls import CallRecord, OnCall, nobody, recorded
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.errors import ServerError, ServerRefusal, SoapFault
from connector.base.resources import resource_dir
from connector.pix.config import PixConfig
from connector.pix.model import Domain, PixAnswer, ins_of
from connector.pix.v3_answer import read_answer
from connector.pix.v3_query import INTERACTION, V3Query, build_query
from connector.soap.client import SoapClient
from connector.soap.session import tls_session
from connector.soap.transport import WireEvent


class PixV3Client:
    """Connections are the session's (from `tls_session`; None is public trust); safe across threads."""

    def __init__(
        self,
        config: PixConfig,
        *,
        session: requests.Session | None = None,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
        on_wire: Callable[[WireEvent], None] | None = None,
        on_call: OnCall = nobody,
    ) -> None:
        self._config = config
        self._on_call = on_call
        self._clock = clock
        self._uuid = uuid_factory
        self._session = session or tls_session(None)
        self._soap = SoapClient(
            resource_dir("wsdl") / "pixv3.wsdl",
            config.url,
            session=self._session,
            timeout=config.timeout,
            clock=clock,
            uuid_factory=uuid_factory,
            on_wire=on_wire,
        )

    def query(self, value: str, domain: Domain, wanted: Sequence[Domain] = ()) -> PixAnswer:
        """Identifiers of the patient known as `value` in `domain`; `wanted` empty takes the configuration's.

        Raises TransportError (PixAnswerError among them), ServerRefusal (faults included), and SettingsError for a
        domain that has no OID.
        """
        query = V3Query(
            value=value,
            domain=domain,
            wanted=tuple(wanted) or self._config.wanted(),
            message_id=str(self._uuid()),
            query_id=str(self._uuid()),
            now=self._clock(),
        )
        request = build_query(query, self._config)
        message_id = f"urn:uuid:{self._uuid()}"
        record = CallRecord(query.now, "ITI-45", self._config.url, message_id=message_id)
        try:
            with (
                recorded(self._on_call, record) as call,
                self._soap.call(INTERACTION, request, message_id=message_id) as answer,
            ):
                call.learn(relates_to=answer.relates_to)
                found = read_answer(answer.body, query, self._config)
                call.learn(ins=ins_of(found))
                return found
        except SoapFault as fault:
            # To the flows a fault is one more way to say no; its own words are kept.
            error = ServerError(fault.subcode or fault.code, fault.text, channel="fault")
            raise ServerRefusal((error,), http_status=fault.http_status) from fault

    def close(self) -> None:
        """Closes the session's connections."""
        self._session.close()
