"""One document asked of the DMP, with everything needed to decide and to act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from connector.cda.model import CdaHeader, full_id
from connector.dmp.client import Stored, SubmitResult, UpdateIds
from connector.dmp.facts import DocumentFacts
from connector.dmp.feed import Feed
from connector.flows.feeders import Feeder
from connector.hl7.model import DocumentRequest
from connector.ins.model import MatriculeIns
from connector.journal import Job
from connector.patients.versions import Version, VersionState
from connector.trust.vihf import Caller


class Existing(Protocol):
    """What TD0.2 says of a record."""

    @property
    def status(self) -> str: ...


class DmpFeeder(Protocol):
    """The DMP as one legal entity feeds it; each call may raise ServerRefusal, SoapFault or TransportError."""

    def find_stored(self, ins: MatriculeIns, caller: Caller, unique_id: str) -> tuple[Stored, ...]: ...
    def is_deleted(self, ins: MatriculeIns, caller: Caller, entry_uuid: str) -> bool: ...
    def submit(self, ins: MatriculeIns, caller: Caller, feed: Feed) -> SubmitResult: ...
    def rehearse(self, ins: MatriculeIns, caller: Caller, feed: Feed) -> object: ...
    def delete(
        self,
        ins: MatriculeIns,
        caller: Caller,
        entry_uuid: str,
        ids: UpdateIds,
        *,
        facts: DocumentFacts,
        unique_id: str,
    ) -> object: ...
    def test_existence(self, ins: MatriculeIns, caller: Caller) -> Existing: ...


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A create, a replacement or a deletion, at one attempt.

    `ins` is the matricule of the message; `also_replaced` the uniqueIds that the message's other documents replace;
    `rehearsal` means that nothing may leave (shadow mode).
    """

    job: Job
    request: DocumentRequest
    header: CdaHeader
    content: bytes
    ins: MatriculeIns
    feeder: Feeder[DmpFeeder]
    caller: Caller
    also_replaced: tuple[str, ...] = ()

    @property
    def payload(self) -> dict[str, Any]:
        return self.job.payload

    @property
    def unique_id(self) -> str:
        return str(self.payload["unique_id"])

    @property
    def deletes(self) -> bool:
        return self.request.action == "delete"

    @property
    def replaces(self) -> str:
        """uniqueId of the document this one replaces, "" for a new one."""
        return full_id(self.header.replaced_id) if self.request.action == "replace" else ""

    @property
    def rehearsal(self) -> bool:
        return bool(self.payload.get("shadow"))

    def version(self, state: VersionState) -> Version:
        """This document as one link of its chain."""
        number = self.header.version
        return Version(
            unique_id=self.unique_id,
            patient_id=self.job.patient_id,
            set_id=full_id(self.header.set_id),
            number=int(number) if number.isdecimal() else 0,
            replaces=self.replaces,
            state=state,
        )
