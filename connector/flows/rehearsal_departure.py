"""What would leave for the DMP: metadata, assertion and acknowledgement of one document, made and not sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

from connector.base.clock import Clock, UuidFactory
from connector.base.errors import ConnectorError
from connector.base.finding import Finding
from connector.base.ns import SAML2, q
from connector.base.oid import oid_from_uuid
from connector.base.xmlsafe import parse_xml
from connector.cda.model import CdaHeader
from connector.dmp.client import DmpClient
from connector.dmp.errors import DmpMetadataError
from connector.dmp.exchange import Exchange
from connector.dmp.facts import facts_of
from connector.dmp.feed import SIGNATURE_ID, Feed, FeedIds
from connector.dmp.updates import UpdateIds, deleted_status, update_set
from connector.flows.config import IntakeConfig
from connector.flows.document_check import read_request
from connector.flows.feeders import Feeder, Feeders
from connector.flows.french import in_french
from connector.flows.refusals import CdaGate, refusal_of
from connector.hl7.er7 import parse
from connector.hl7.model import DocumentRequest
from connector.hl7.zam import build_zam_z01
from connector.ins.model import MatriculeIns
from connector.trust.vihf import Caller
from connector.xds.iti57 import status_change
from connector.xds.model import APPROVED, DocumentEntry, Submission

Output = dict[str, Any]

PREDECESSOR: Final = "urn:uuid:00000000-0000-4000-8000-000000000000"
"""Stands for the entryUUID that only the registry knows, of what is replaced or deleted."""

NO_INS: Final = "Le document n'a pas d'INS : à réémettre par le créateur"


@dataclass(frozen=True, slots=True)
class Stage:
    """One legal entity's way to the DMP, up to the network: the client, and the line that makes its assertions.

    Both sign with a key made for the occasion.
    """

    client: DmpClient
    line: Exchange


@dataclass(frozen=True, slots=True)
class Departures:
    """Prepares the documents of a message as the legal entity that would send them does.

    What `cda` finds in a document is told beside what would leave, and stops nothing here.
    """

    intake: IntakeConfig
    feeders: Feeders[Stage]
    cda: CdaGate
    clock: Clock
    today: Callable[[], date]
    uuid_factory: UuidFactory

    def of(self, raw: bytes, index: int) -> Output:
        """What the `index`-th document of an accepted message becomes: `refused`, or what leaves, with its warnings."""
        read = read_request(raw, self.intake, today=self.today())
        request, header = read.request, read.headers[index]
        about = {**_about(request, index), "cda": self._judged(request, index)}
        ins = request.qualification.ins
        if ins is None:
            return {**about, "refused": {"code": "903", "text": NO_INS, "findings": []}}
        try:
            feeder = self.feeders.choose(request, header)
            caller = feeder.caller(request, header, self.clock())
            warnings = feeder.check(caller, header)
            if stop := refusal_of(warnings):
                return {**about, "refused": _refused(stop.text, stop.code, stop.findings)}
            submission, met = self._submission(request, index, header, ins, feeder, caller)
        except DmpMetadataError as error:
            told = refusal_of(error.findings)
            return {**about, "refused": _refused(told.text, told.code, told.findings) if told else {}}
        except ConnectorError as error:
            return {**about, "held": {"error": type(error).__name__, "text": in_french(error)}}
        return {
            **about,
            "entity": feeder.name,
            "remark": feeder.remark(request, header),
            "warnings": [finding.as_dict() for finding in (*warnings, *met)],
            "vihf": _vihf(feeder.dmp.line.assertion(caller, ins)),
            **_submitted(submission),
            "zam": self._zam(raw, request),
        }

    def _submission(
        self,
        request: DocumentRequest,
        index: int,
        header: CdaHeader,
        ins: MatriculeIns,
        feeder: Feeder[Stage],
        caller: Caller,
    ) -> tuple[Submission, tuple[Finding, ...]]:
        """The submission set that would leave, and the warnings met while it was made."""
        now, line = self.clock(), feeder.dmp.line
        set_id, signature_id = (oid_from_uuid(self.uuid_factory()) for _ in range(2))
        if request.action == "delete":
            made = update_set(ins, line.presented(caller), UpdateIds(set_id, now), line.config, facts_of(request))
            return status_change(made, PREDECESSOR, APPROVED, deleted_status(line.config.profile)), ()
        replaces = PREDECESSOR if request.action == "replace" else ""
        feed = Feed.from_request(request, index, header, FeedIds(set_id, signature_id, now), replaces=replaces)
        prepared = feeder.dmp.client.rehearse(ins, caller, feed)
        return prepared.submission, prepared.warnings

    def _judged(self, request: DocumentRequest, index: int) -> Output | None:
        """What the CDA gate says; None for a deletion, which it does not look at."""
        if request.action == "delete":
            return None
        verdict = self.cda.judge(request.documents[index].content)
        return {"suites": list(verdict.suites), "findings": [finding.as_dict() for finding in verdict.findings]}

    def _zam(self, raw: bytes, request: DocumentRequest) -> Output | None:
        """The Z01 of a success, None when the message asks for none."""
        if not request.flags.ack_reception:
            return None
        now: datetime = self.clock()
        control_id = self.uuid_factory().hex[:20]
        zam = build_zam_z01(request.header, success=True, event_time=now, now=now, control_id=control_id)
        return _fields(zam)


def _about(request: DocumentRequest, index: int) -> Output:
    part = request.documents[index]
    return {
        "action": request.action,
        "type": part.type_code,
        "bytes": len(part.content),
        "sha256": sha256(part.content).hexdigest(),
        "readingWarnings": [finding.as_dict() for finding in request.findings],
    }


def _refused(text: str, code: str, findings: Sequence[Finding]) -> Output:
    return {"code": code, "text": text, "findings": [finding.as_dict() for finding in findings]}


def _submitted(submission: Submission) -> Output:
    """Entries by their symbolic id, the set, the associations: every attribute, as JSON says it."""
    return {
        "entries": {entry.entry_uuid: _entry(entry) for entry in submission.entries},
        "submissionSet": asdict(submission.submission_set),
        "associations": [asdict(association) for association in submission.associations],
    }


def _entry(entry: DocumentEntry) -> Output:
    attributes = asdict(entry)
    if entry.entry_uuid == SIGNATURE_ID:
        # They follow the key, which is another one at each run.
        del attributes["hash"], attributes["size"]
    return attributes


def _vihf(assertion: bytes | None) -> Output | None:
    """What the assertion says: who, in which form, for which patient, under which structure and roles."""
    if assertion is None:
        return None
    root = parse_xml(assertion, what="VIHF")
    name = root.find(f"{q(SAML2, 'Subject')}/{q(SAML2, 'NameID')}")
    said: dict[str, list[Any]] = {}
    for attribute in root.iter(q(SAML2, "Attribute")):
        values = attribute.findall(q(SAML2, "AttributeValue"))
        said[attribute.get("Name", "")] = [dict(v[0].attrib) if len(v) else v.text or "" for v in values]
    return {
        "nameId": name.text if name is not None else None,
        "nameIdFormat": name.get("Format", "") if name is not None else None,
        "attributes": said,
    }


def _fields(message: bytes) -> Output:
    """Each segment by its name, each field by its number; MSH-7 and MSH-10 follow the clock and the count."""
    return {
        f"{segment.name}[{number}]": {
            str(n): segment.field(n) for n in range(1, len(segment.fields())) if segment.field(n)
        }
        for number, segment in enumerate(parse(message).segments, start=1)
    }
