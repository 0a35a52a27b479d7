"""A SOAP 1.2 client for one service port: zeep holds the contract, the caller builds and reads the bodies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
import zeep
from lxml import etree

from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.errors import CodecError, TransportError
from connector.soap.answer import (
    SoapAnswer,
    addressing_of,
    body_of,
    check_relates_to,
    envelope_of,
    fault_of,
    http_date,
)
from connector.soap.envelope import Splice, addressing_headers, check_assertion, security_header
from connector.soap.errors import UnreadableAnswer
from connector.soap.limits import IHE, MustUnderstand, SoapLimits, WireProfile
from connector.soap.parts import Attachment
from connector.soap.session import tls_session
from connector.soap.transport import Incoming, Outgoing, WireEvent, XopTransport, outgoing

DEFAULT_LIMITS = SoapLimits()


class SoapClient:
    """Calls the operations of one thin WSDL at one address. Safe across threads; connections are the session's.

    wsdl          one of wsdl/*.wsdl: actions and root elements (`registry.wsdl`: RegistryStoredQuery…)
    url           address of the service; the one in the WSDL is a placeholder
    session       from `tls_session`
    timeout       seconds of silence tolerated, per socket operation; `call` can override it
    profile       IHE (default) or DMP: form of mustUnderstand, Content-Type (dmp-interface a.1)
    on_wire       receives the exact bytes both ways, for captures and tests
    """

    def __init__(
        self,
        wsdl: Path,
        url: str,
        *,
        session: requests.Session | None = None,
        timeout: float = 30.0,
        limits: SoapLimits = DEFAULT_LIMITS,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
        on_wire: Callable[[WireEvent], None] | None = None,
        profile: WireProfile = IHE,
    ) -> None:
        self.url = url
        self._timeout = timeout
        self._limits = limits
        self._clock = clock
        self._uuid = uuid_factory
        self._profile = profile
        settings = zeep.Settings(
            forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False, raw_response=True
        )
        transport = XopTransport(session or tls_session(None), limits, profile, on_wire)
        contract: Any = zeep.Client(  # type: ignore[no-untyped-call]
            str(wsdl), transport=transport, settings=settings
        )
        (binding,) = contract.wsdl.bindings
        self._service = contract.create_service(binding, url)
        self._actions = {name: contract.wsdl.bindings[binding].get(name).soapaction for name, _ in self._service}

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the contract's operations."""
        return tuple(self._actions)

    def call(
        self,
        operation: str,
        body: etree._Element,
        *,
        action: str = "",
        assertion: bytes | None = None,
        attachments: Sequence[Attachment] = (),
        mtom: bool = False,
        timeout: float | None = None,
        must_understand: MustUnderstand | None = None,
        message_id: str = "",
    ) -> SoapAnswer:
        """Sends `body` and returns the answer.

        action      wsa:Action and HTTP action; "" takes the contract's
        assertion   the signed SAML assertion: these very bytes go on the wire, in wsse:Security
        attachments documents that `body` points at with xop:Include (`Attachment.href`)
        mtom        multipart even without attachment (IHE wants it on ITI-43)
        message_id  wsa:MessageID, for a caller that has to know it whatever happens; "" makes one

        Raises TransportError (`sent` says whether a byte left; RelatesToMismatch, UnreadableAnswer and
        AnswerTooLarge are TransportErrors whose outcome is unknown), SoapFault (the server's own words), and
        CodecError before anything leaves when the request breaks the contract.
        """
        if operation not in self._actions:
            raise CodecError(
                "operation not in the contract",
                field="operation",
                found=operation,
                expected=", ".join(self._actions),
            )
        message_id = message_id or f"urn:uuid:{self._uuid()}"
        boundary = f"MIME-{self._uuid().hex}"
        action = action or self._actions[operation]
        request = self._outgoing(body, boundary, action, attachments, mtom, timeout)
        headers = addressing_headers(message_id, self.url, action, must_understand or self._profile.must_understand)
        if assertion is not None:
            marker = f"ASSERTION-{boundary}"
            headers.append(security_header(marker))
            request = replace(request, splices=(*request.splices, Splice(marker, check_assertion(assertion))))
        token = outgoing.set(request)
        started = time.perf_counter()
        try:
            incoming: Incoming = self._service[operation](_soapheaders=headers)
        finally:
            outgoing.reset(token)
        try:
            return self._answer(incoming, message_id, time.perf_counter() - started)
        except BaseException:
            incoming.content.delete()
            raise

    def _outgoing(
        self,
        body: etree._Element,
        boundary: str,
        action: str,
        attachments: Sequence[Attachment],
        mtom: bool,
        timeout: float | None,
    ) -> Outgoing:
        marker = f"BODY-{boundary}"
        content = etree.tostring(body, encoding="UTF-8", xml_declaration=False, with_tail=False)
        return Outgoing(
            action=action,
            body=body,
            body_marker=marker,
            splices=(Splice(marker, content),),
            attachments=tuple(attachments),
            mtom=mtom or bool(attachments),
            boundary=boundary,
            timeout=self._timeout if timeout is None else timeout,
        )

    def _answer(self, incoming: Incoming, message_id: str, seconds: float) -> SoapAnswer:
        date = http_date(incoming.headers.get("Date"))
        try:
            envelope, namespace = envelope_of(incoming.content.root, self._limits.root)
        except CodecError as error:
            raise _not_soap(incoming.status, error) from error
        answer_id, relates, action = addressing_of(envelope, namespace)
        body = body_of(envelope, namespace)
        fault = fault_of(body, namespace, incoming.status, date)
        check_relates_to(relates, message_id, fault=fault is not None)
        if fault is not None:
            fault.context["relates_to"] = relates[0] if relates else ""
            raise fault
        if incoming.status >= 300:
            raise TransportError(
                f"HTTP {incoming.status} with a SOAP answer that is no fault", sent=True, http_status=incoming.status
            )
        return SoapAnswer(
            body=body,
            parts=incoming.content.parts,
            message_id=answer_id,
            relates_to=relates[0] if relates else "",
            action=action,
            date=date,
            seconds=seconds,
            http_status=incoming.status,
        )


def _not_soap(status: int, error: CodecError) -> TransportError:
    if status != 200:
        return TransportError(f"HTTP {status} without a SOAP answer", sent=True, http_status=status)
    return UnreadableAnswer(f"unreadable answer: {error.message}", **error.context, http_status=status)
