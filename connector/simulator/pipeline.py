"""One HTTP request through the judge: wire, VIHF, programmed faults, rights, service, answer, log."""

from __future__ import annotations

import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from connector.base.ns import RIM, RS, WSSE, XDSB, q
from connector.simulator.assertion import AssertionJudge
from connector.simulator.calls import CallLine, CallLog
from connector.simulator.capture import Capture
from connector.simulator.damage import proxy_error, spoiled
from connector.simulator.faults import BEFORE_SERVICE, FaultRule, Faults
from connector.simulator.habilitations import ack_reply, status_reply
from connector.simulator.http import HttpRequest, HttpResponse, simple_response
from connector.simulator.model import (
    ACTIONS,
    RegistryErrorItem,
    RegistryRefusal,
    Service,
    SimContext,
    SimFault,
    SoapReply,
    SoapRequest,
)
from connector.simulator.registry_writer import error_list, object_list, query_response, registry_response
from connector.simulator.rights import Rights, rights_of
from connector.simulator.wire import (
    FAULT_ACTION,
    Answer,
    Envelope,
    fault_body,
    http_response,
    read_request,
    require_mtom,
)

PREFIX = "/si-dmp-server/v2/services/"
PIXV3 = "/pixv3"
_PATHS: Mapping[str, str] = {
    "TD0.2": PREFIX + "patients",
    "TD0.3": PREFIX + "habilitations",
    "ITI-18": PREFIX + "registry",
    "ITI-57": PREFIX + "registry",
    "ITI-41": PREFIX + "repository",
    "ITI-43": PREFIX + "repository",
    "ITI-45": PIXV3,
}
REPOSITORY = PREFIX + "repository"
_ENTRY_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_REMEMBERED = 500
_FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"


class _Cut(Exception):
    """The connection closes now, nothing having happened."""


@dataclass
class _Call:
    """What is known of the call so far, for the log; filled as the checks go."""

    path: str
    size: int
    started: float
    transaction: str = ""
    message_id: str = ""
    outcome: str = ""
    rule: str = ""
    mode: str = ""
    purpose: str = ""
    fault: str = ""
    documents: int = 0
    warnings: list[str] = field(default_factory=list)
    programmed: FaultRule | None = None


class DmpApplication:
    """The four DMP services and PIXv3 behind one HTTPS port.

    `services` is keyed by transaction id; `named` gives the uniqueId behind an entryUUID, to choose a programmed fault.
    """

    def __init__(
        self,
        context: SimContext,
        judge: AssertionJudge,
        faults: Faults,
        log: CallLog,
        services: Mapping[str, Service],
        named: Callable[[str], str] = lambda _entry_uuid: "",
    ) -> None:
        self._context = context
        self._judge = judge
        self._rights = Rights(context.world, context.config.authorization_lifetime)
        self._faults = faults
        self._log = log
        self._services = services
        self._named = named
        self._stopping = threading.Event()
        self._capture = Capture(context.config.capture_dir)
        self._message_ids: deque[str] = deque(maxlen=_REMEMBERED)

    def release(self) -> None:
        """Ends every programmed delay, for a quick stop."""
        self._stopping.set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path.partition("?")[0]
        if path not in _PATHS.values():
            return simple_response(404, b"")
        if request.method != "POST":
            return simple_response(405, b"")
        call = _Call(path, request.size, time.monotonic())
        temporary = self._context.folder / "tmp"
        with tempfile.TemporaryDirectory(dir=temporary) as folder:
            try:
                return self._answer(request, call, Path(folder))
            except _Cut:
                call.outcome = "cut"
                return HttpResponse(500, cut=True)
            finally:
                self._record(call)

    def _answer(self, request: HttpRequest, call: _Call, folder: Path) -> HttpResponse:
        fault: SimFault | None = None
        try:
            reply = self._serve(request, call, folder)
        except SimFault as refused:
            fault = refused
        except _PlainError as plain:
            call.outcome = f"http-{plain.response.status}"
            return plain.response
        except _Cut:
            raise
        except Exception:  # noqa: BLE001 - a defect of the simulator must answer, and be seen in its log
            self._log.event("internal", traceback.format_exc(limit=-3))
            fault = SimFault("Receiver", "", "Erreur interne du simulateur", rule="INTERNAL")
        if fault is not None:
            call.outcome, call.rule = fault.subcode or fault.text, fault.rule
            reply = SoapReply(fault_body(fault), FAULT_ACTION, outcome=call.outcome)
        else:
            call.outcome = reply.outcome
        return self._written(reply, call, 200 if fault is None else fault.http_status, is_fault=fault is not None)

    def _serve(self, request: HttpRequest, call: _Call, folder: Path) -> SoapReply:
        number = self._capture.body(request)
        envelope = read_request(
            request.body,
            request.headers.get("content-type", ""),
            folder,
            part_cap=self._context.config.document_cap,
        )
        self._capture.envelope(number, envelope)
        call.message_id, call.documents = envelope.message_id, len(envelope.parts)
        if envelope.message_id in self._message_ids:
            call.warnings.append("wsa:MessageID déjà reçu")
        self._message_ids.append(envelope.message_id)
        call.warnings += envelope.warnings
        call.transaction = transaction = ACTIONS.get(envelope.action, "")
        if not transaction or _PATHS[transaction] != call.path:
            raise SimFault("Sender", "wsa:ActionNotSupported", "Action inconnue de ce service", rule="ACTION")
        if transaction == "ITI-41":
            require_mtom(envelope)
        soap = self._judged(request, envelope, call)
        rule = self._faults.take(transaction, _ins(soap), unique_ids(envelope.body, self._named))
        if rule is not None:
            call.fault, call.programmed = rule.effect, rule
            if rule.effect == "cut-then-accept":
                request.hang_up()
            if rule.effect != "hang-after":
                self._wait(rule.seconds)
            if rule.effect in BEFORE_SERVICE and not _is_warning(rule):
                return self._replaced(rule, soap)
        reply = self._dispatch(transaction, soap)
        if rule is not None:
            self._after(rule, reply)
        return reply

    def _after(self, rule: FaultRule, reply: SoapReply) -> None:
        """What a fault does once the service has done its work."""
        if rule.effect == "hang-after":
            self._wait(rule.seconds)
        if rule.effect == "fault-after":
            raise _programmed(rule)
        if _is_warning(rule):
            _add_warning(reply.body, rule)

    def _judged(self, request: HttpRequest, envelope: Envelope, call: _Call) -> SoapRequest:
        assertion = None
        sent = envelope.header.find(q(WSSE, "Security")) is not None
        if call.path != PIXV3 and (sent or self._context.config.assertion_required):
            assertion = self._judge.judge(envelope.root, envelope.header, request.client_certificate)
            call.mode, call.purpose = assertion.mode, assertion.purpose
            call.warnings += assertion.warnings
        return SoapRequest(
            path=call.path,
            action=envelope.action,
            message_id=envelope.message_id,
            header=envelope.header,
            body=envelope.body,
            parts=envelope.parts,
            client_certificate=request.client_certificate,
            assertion=assertion,
            raw_root=envelope.raw_root,
        )

    def _dispatch(self, transaction: str, soap: SoapRequest) -> SoapReply:
        if soap.assertion is not None:
            for right in rights_of(transaction, soap.body):
                self._rights.check(soap.assertion, right)
        service = self._services.get(transaction)
        if service is None:
            raise SimFault("Receiver", "wsa:EndpointUnavailable", f"Service {transaction} absent du simulateur")
        try:
            return service(soap)
        except RegistryRefusal as refusal:
            return failure(transaction, soap.action, refusal.errors)

    def _replaced(self, rule: FaultRule, soap: SoapRequest) -> SoapReply:
        """The answer of a fault that stands in for the service."""
        if rule.effect == "cut-before":
            raise _Cut
        if rule.effect == "http-500":
            raise _PlainError(simple_response(500, b"Internal Server Error"))
        if rule.effect == "proxy-error":
            raise _PlainError(proxy_error(rule))
        if rule.effect == "registry-error":
            return failure(soap.transaction, soap.action, [_item(rule)])
        if rule.effect == "ack":
            return ack_reply(self._context, soap.body, rule.code, rule.text)
        if rule.effect == "status":
            return status_reply(rule.code, rule.text)
        raise _programmed(rule)

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._stopping.wait(seconds):
            raise _Cut

    def _written(self, reply: SoapReply, call: _Call, status: int, *, is_fault: bool) -> HttpResponse:
        new_id = self._context.new_uuid
        stranger = call.programmed is not None and call.programmed.effect == "wrong-relates-to"
        relates_to = f"urn:uuid:{new_id()}" if stranger else call.message_id
        # The repository answers in multipart, documents or not, faults included (a.9).
        multipart = call.path == REPOSITORY and (is_fault or call.transaction == "ITI-43")
        answer = Answer(reply.body, reply.action, f"urn:uuid:{new_id()}", relates_to, reply.parts, multipart, status)
        return spoiled(call.programmed, http_response(answer, f"mime.{new_id().hex}"))

    def _record(self, call: _Call) -> None:
        elapsed = int((time.monotonic() - call.started) * 1000)
        self._log.add(
            CallLine(
                at=self._context.clock(),
                transaction=call.transaction,
                path=call.path,
                outcome=call.outcome,
                rule=call.rule,
                mode=call.mode,
                purpose=call.purpose,
                warnings=tuple(call.warnings),
                fault=call.fault,
                documents=call.documents,
                request_bytes=call.size,
                milliseconds=elapsed,
            )
        )


class _PlainError(Exception):
    """An HTTP answer that is not SOAP, programmed; nothing happened."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response


def _programmed(rule: FaultRule) -> SimFault:
    return SimFault(rule.code or "Receiver", rule.subcode, rule.text or "Faute programmée", rule="PROGRAMMED")


def failure(transaction: str, action: str, errors: Sequence[RegistryErrorItem]) -> SoapReply:
    """Errors in the shape of the transaction's answer: the whole call failed."""
    body: etree._Element = registry_response(_FAILURE, errors)
    if transaction == "ITI-18":
        body = query_response(_FAILURE, object_list(()), 0, errors)
    elif transaction == "ITI-43":
        wrapper = etree.Element(q(XDSB, "RetrieveDocumentSetResponse"), nsmap={"xdsb": XDSB})
        wrapper.append(body)
        body = wrapper
    return SoapReply(body, answer_action(action), outcome=errors[0].code if errors else "Failure")


def answer_action(action: str) -> str:
    """wsa:Action of the answer (a.2): ITI-57's is written with a hyphen."""
    return f"{action}-Response" if ACTIONS.get(action) == "ITI-57" else f"{action}Response"


def unique_ids(body: etree._Element, named: Callable[[str], str]) -> Iterator[str]:
    """Document uniqueIds a request is about, unverified: they only choose a programmed fault.

    `named` gives the uniqueId behind an entryUUID, "" when unknown: a change of status names nothing else.
    """
    for link in body.iter(q(RIM, "Association")):
        yield named(link.get("targetObject", ""))
    for identifier in body.iter(q(RIM, "ExternalIdentifier")):
        if identifier.get("identificationScheme") == _ENTRY_UNIQUE_ID:
            yield identifier.get("value", "")
    for element in body.iter(q(XDSB, "DocumentUniqueId")):
        yield (element.text or "").strip()
    for slot in body.iter(q(RIM, "Slot")):
        if slot.get("name") == "$XDSDocumentEntryUniqueId":
            for value in slot.iter(q(RIM, "Value")):
                yield from ((part.strip(" '")) for part in (value.text or "").strip(" ()").split(","))


def _ins(soap: SoapRequest) -> str:
    return "" if soap.assertion is None else soap.assertion.resource_ins


def _item(rule: FaultRule) -> RegistryErrorItem:
    return RegistryErrorItem(rule.code, rule.text, rule.severity)


def _is_warning(rule: FaultRule) -> bool:
    return rule.effect == "registry-error" and rule.severity == "Warning"


def _add_warning(body: etree._Element, rule: FaultRule) -> None:
    """Adds one warning to an answer that went well (D-53: a warning leaves the status alone)."""
    response = body if body.tag != q(XDSB, "RetrieveDocumentSetResponse") else body.find(q(RS, "RegistryResponse"))
    if response is not None:
        response.insert(0, error_list([_item(rule)]))
