"""One call after another to one domain: who speaks, under which assertion, at what time, and what the audit hears.

Raises TransportError (its `sent` says whether the outcome is unknown), SoapFault (the server's own words), and
ClockError when our clock cannot be trusted, before anything leaves or in place of the security fault that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import requests
from lxml import etree

from connector.base.calls import CallRecord, OnCall, nobody, recorded
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.errors import CodecError, SettingsError, SoapFault
from connector.base.resources import resource_dir
from connector.dmp.config import DmpConfig
from connector.dmp.refusal_table import WSS_ROWS
from connector.dmp.transactions import TRANSACTIONS
from connector.ins.model import MatriculeIns
from connector.soap.answer import SoapAnswer
from connector.soap.client import SoapClient
from connector.soap.errors import UnreadableAnswer
from connector.soap.limits import DMP, IHE, SoapLimits
from connector.soap.parts import Attachment
from connector.soap.transport import WireEvent
from connector.trust.clockwatch import ClockWatch
from connector.trust.keys import KeyPair, structure_of
from connector.trust.vihf import Caller, VihfConfig, build_assertion, name_id
from connector.xds.transactions import Transaction

T = TypeVar("T")


class Exchange:
    """Speaks to one DMP or one XDS.b domain. Safe across threads: nothing changes after construction.

    session     from `connector.soap.tls_session`: the TLS identity
    signer      the SIGN pair of the structure; None where the domain wants neither assertion nor signature
    vihf        what every assertion says alike; None where the domain wants none
    clockwatch  compared with each server's Date, asked before each signature
    capture     receives the exact bytes both ways
    on_call     told about each call, whatever its outcome
    rows        the transactions the domain serves
    """

    def __init__(
        self,
        config: DmpConfig,
        *,
        session: requests.Session,
        signer: KeyPair | None,
        vihf: VihfConfig | None,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
        clockwatch: ClockWatch | None = None,
        capture: Callable[[WireEvent], None] | None = None,
        on_call: OnCall = nobody,
        rows: Iterable[Transaction] = TRANSACTIONS,
    ) -> None:
        if (config.signs and signer is None) or (config.asserts and (signer is None or vihf is None)):
            raise SettingsError(
                "this domain needs a signing certificate and the VIHF settings",
                name="dmp.profile",
                found=config.profile,
                allowed="ihe, or assertion and signature off, without them",
            )
        self.config = config
        self.signer = signer
        self.clock = clock
        self.uuid = uuid_factory
        self._vihf = vihf if config.asserts else None
        self._clockwatch = clockwatch
        self._on_call = on_call
        self._services = {
            (row.wsdl, config.endpoint(row)): SoapClient(
                resource_dir("wsdl") / row.wsdl,
                config.endpoint(row),
                session=session,
                limits=SoapLimits(part=config.receive_cap),
                clock=clock,
                uuid_factory=uuid_factory,
                on_wire=capture,
                profile=DMP if config.profile == "dmp" else IHE,
            )
            for row in {(row.wsdl, config.endpoint(row)): row for row in rows}.values()
        }

    def ask(
        self,
        row: Transaction,
        body: etree._Element,
        ins: MatriculeIns | None,
        caller: Caller | None,
        read: Callable[[SoapAnswer], T],
        attachments: Sequence[Attachment] = (),
        unique_ids: tuple[str, ...] = (),
        set_id: str = "",
    ) -> T:
        """One exchange. What `read` cannot understand is an UnreadableAnswer: the request did reach the server.

        `ins` and `caller` may be None where the domain wants no assertion.
        """
        assertion = self.assertion(caller, ins)
        service = self._services[row.wsdl, self.config.endpoint(row)]
        record = replace(self._record(row, ins, caller), unique_ids=unique_ids, set_id=set_id, destination=service.url)
        with self._clock_blamed(), recorded(self._on_call, record) as call:
            try:
                answer = service.call(
                    row.operation,
                    body,
                    action=row.action,
                    assertion=assertion,
                    attachments=attachments,
                    mtom=bool(attachments) or (self.config.profile == "ihe" and row.audit == "import"),
                    timeout=self.config.timeout(row.id),
                    message_id=record.message_id,
                )
            except SoapFault as fault:
                self._observe(row, fault.context.get("date"), record.at)
                raise
            with answer:
                self._observe(row, answer.date, record.at)
                call.learn(relates_to=answer.relates_to)
                try:
                    value = read(answer)
                except CodecError as error:
                    raise UnreadableAnswer(error.message, **error.context) from error
            errors = [error for error in getattr(value, "errors", ()) if error.severity == "error"]
            if errors:
                call.learn(outcome="partial", code=errors[0].code)
            return value

    def presented(self, caller: Caller) -> Caller:
        """The caller under the Identifiant_Structure that `structure_policy` wants."""
        if self.signer is None or caller.mode != "INDIRECTE" or self.config.structure_policy == "message":
            return caller
        return replace(caller, structure_id=structure_of(self.signer.certificate))

    def trusted_now(self) -> datetime:
        """Now, once the clock watch agrees. Raises ClockError: nothing is signed with a wrong date."""
        now = self.clock()
        if self._clockwatch is not None:
            self._clockwatch.check(now)
        return now

    def _record(self, row: Transaction, ins: MatriculeIns | None, caller: Caller | None) -> CallRecord:
        """What is known of a call before it is made."""
        record = CallRecord(
            at=self.clock(),
            transaction=row.id,
            message_id=f"urn:uuid:{self.uuid()}",
            ins=ins.value if ins else "",
        )
        if caller is None:
            return record
        caller = self.presented(caller)
        return replace(
            record,
            purpose=caller.purpose,
            name_id=caller.name_id if self._vihf is None else name_id(caller, self._vihf),
            structure=caller.structure_id,
        )

    def assertion(self, caller: Caller | None, ins: MatriculeIns | None) -> bytes | None:
        """The VIHF of this call, fresh each time: the server judges its IssueInstant."""
        if self._vihf is None or self.signer is None:
            return None
        if caller is None:
            raise SettingsError(
                "the domain wants an assertion and nobody speaks", name="caller", found="nobody", allowed="a caller"
            )
        return build_assertion(
            self.presented(caller),
            self._vihf,
            resource_id=ins.cx() if ins else None,
            signer=self.signer,
            now=self.trusted_now(),
            assertion_id=f"_{self.uuid()}",
        )

    @contextmanager
    def _clock_blamed(self) -> Iterator[None]:
        """ClockError in place of a security fault whose own Date shows that our clock is wrong: it mends itself."""
        try:
            yield
        except SoapFault as fault:
            if fault.subcode in WSS_ROWS:
                self.trusted_now()
            raise

    def _observe(self, row: Transaction, server_time: datetime | None, sent_at: datetime) -> None:
        """`server_time` was written between `sent_at` and now: no other moment of ours may be blamed."""
        if self._clockwatch is not None and server_time is not None:
            local_time = min(max(server_time, sent_at), self.clock())
            self._clockwatch.observe(row.service, server_time, local_time)
