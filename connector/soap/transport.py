"""zeep's Transport, replaced: splices, streams MTOM out, splits MTOM in, and says what left when something breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, cast

import requests
import urllib3
import zeep
from lxml import etree

from connector.base.errors import CodecError, TransportError
from connector.base.ns import SOAP12, q
from connector.soap.envelope import Splice, serialise
from connector.soap.errors import AnswerTooLarge, UnreadableAnswer
from connector.soap.failures import transport_error
from connector.soap.limits import BLOCK, SoapLimits, WireProfile
from connector.soap.mtom_read import Multipart, parameters, read_multipart
from connector.soap.mtom_write import MultipartBody
from connector.soap.parts import Attachment, Part
from connector.soap.session import WireProgress, watch


@dataclass(frozen=True, slots=True, repr=False)
class WireEvent:
    """The exact bytes of one direction, for a capture folder or a test; never for a log.

    `root` is the envelope alone; attachments are named: (cid, content type, size in bytes). A request's `body` gives
    all its bytes, as often as asked; an answer's `parts` live as long as the caller of the hook.
    """

    direction: Literal["request", "answer"]
    url: str
    status: int
    headers: Mapping[str, str]
    root: bytes
    attachments: tuple[tuple[str, str, int], ...] = ()
    body: Iterable[bytes] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """One call, as the transport needs it: what zeep's signature has no room for."""

    action: str
    body: etree._Element
    body_marker: str
    splices: tuple[Splice, ...]
    attachments: tuple[Attachment, ...]
    mtom: bool
    boundary: str
    timeout: float


@dataclass(slots=True, repr=False)
class Incoming:
    """One HTTP answer, read to its last byte."""

    status: int
    headers: Mapping[str, str]
    content: Multipart = field(default_factory=Multipart)


outgoing: ContextVar[Outgoing] = ContextVar("soap_outgoing")
"""Per-call data: zeep hands the transport nothing else, and its settings are shared by threads."""


class XopTransport(zeep.Transport):
    """Safe across threads: all that belongs to a call is in `outgoing`."""

    def __init__(
        self,
        session: requests.Session,
        limits: SoapLimits,
        profile: WireProfile,
        on_wire: Callable[[WireEvent], None] | None,
    ) -> None:
        # zeep's own session loads the WSDL from disk; it would also mount file:// on ours.
        super().__init__()  # type: ignore[no-untyped-call]
        self._http = session
        self._limits = limits
        self._profile = profile
        self._on_wire = on_wire

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Incoming:
        call = outgoing.get()
        root = self._root(envelope, call)
        data: bytes | MultipartBody = root
        body: Iterable[bytes] = (root,)
        if call.mtom:
            data = body = self._multipart(root, call)
            content_type = data.content_type
        else:
            content_type = self._profile.content_type
            if self._profile.action_in_content_type:
                content_type += f'; action="{call.action}"'
        request = requests.Request(
            "POST",
            address,
            # Documents are compressed already, and an identity answer cannot be a bomb.
            headers={
                "Content-Type": content_type,
                "Accept": "application/soap+xml, multipart/related",
                "Accept-Encoding": "identity",
            },
            # requests wants to see an iterable; its stub does not know sized ones.
            data=cast("bytes", data),
        )
        prepared = self._http.prepare_request(request)
        sizes = tuple((a.cid, a.content_type, a.size()) for a in call.attachments)
        self._tell(WireEvent("request", address, 0, dict(prepared.headers), root, sizes, body))
        incoming = self._exchange(prepared, call.timeout)
        parts = tuple(incoming.content.parts.values())
        named = tuple((part.cid, part.content_type, part.size) for part in parts)
        answer = incoming.content.root
        self._tell(
            WireEvent("answer", address, incoming.status, incoming.headers, answer, named, body=(answer,), parts=parts)
        )
        return incoming

    def _root(self, envelope: etree._Element, call: Outgoing) -> bytes:
        body = envelope.find(q(SOAP12, "Body"))
        declared = body[0].tag if body is not None and len(body) else ""
        if body is None or declared != call.body.tag:
            raise CodecError(
                "body is not the one the contract declares",
                field="soap:Body",
                found=str(call.body.tag),
                expected=str(declared),
            )
        body.remove(body[0])
        body.text = call.body_marker
        return serialise(envelope, list(call.splices))

    def _multipart(self, root: bytes, call: Outgoing) -> MultipartBody:
        try:
            return MultipartBody(root, call.attachments, boundary=call.boundary, action=call.action)
        except OSError as error:
            raise CodecError(
                "document to send cannot be read",
                field="attachment",
                found=type(error).__name__,
                expected="a readable file",
            ) from error

    def _exchange(self, prepared: requests.PreparedRequest, timeout: float) -> Incoming:
        progress = WireProgress()
        watch(progress)
        deadline = time.monotonic() + self._limits.answer_seconds
        connect = min(timeout, self._limits.connect_seconds)
        try:
            response = self._http.send(prepared, stream=True, timeout=(connect, timeout), allow_redirects=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise transport_error(error, progress) from error
        with response:
            return Incoming(response.status_code, response.headers, self._read(response, deadline))

    def _read(self, response: requests.Response, deadline: float) -> Multipart:
        content_type = response.headers.get("Content-Type", "")
        blocks = _blocks(response, deadline)
        try:
            if content_type and parameters(content_type)[""] == "multipart/related":
                return read_multipart(blocks, content_type, self._limits)
            return Multipart(_whole(blocks, self._limits.root))
        except UnreadableAnswer as error:
            error.context.setdefault("http_status", response.status_code)
            raise

    def _tell(self, event: WireEvent) -> None:
        if self._on_wire is not None:
            self._on_wire(event)


def _blocks(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """The answer's bytes as they come. Raises TransportError(sent=True) on a cut, a silence or a passed deadline."""
    while True:
        try:
            # read1 gives what has come; read would wait for a full block, and a slow peer would outlive the deadline.
            block = response.raw.read1(BLOCK, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = transport_error(error, WireProgress(sent=True))
            failure.context["http_status"] = response.status_code
            raise failure from error
        if not block:
            return
        if time.monotonic() > deadline:
            raise TransportError("answer too slow", sent=True, cause="timeout", http_status=response.status_code)
        yield block


def _whole(blocks: Iterator[bytes], cap: int) -> bytes:
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > cap:
            raise AnswerTooLarge(
                "answer above its limit", field="answer", found=str(len(data)), expected=f"at most {cap}", limit=cap
            )
    return bytes(data)
