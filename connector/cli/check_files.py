"""What a file is, and everything wrong with it: HL7 messages, CDA, PDF, metadata XML, captured SOAP requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from connector.base.finding import Finding
from connector.cda.checks import pdf
from connector.cda.checks.media import MEDIA
from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.cda.model import CdaHeader
from connector.cli.send import with_cr
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.dmp.facts import DocumentFacts, facts_of
from connector.dmp.feed import DOCUMENT_ID, Feed, FeedIds, prepare
from connector.dmp.rules import Draft
from connector.dmp.rules import check as check_metadata
from connector.dmp.submission_rules import check_submission, parts_of, rule_settings
from connector.flows.config import IntakeConfig
from connector.flows.document_check import check_document, read_request
from connector.flows.french import in_french
from connector.hl7 import conformance
from connector.hl7.ack import AckError
from connector.hl7.er7 import Er7Error, parse_header
from connector.hl7.model import Organization, Sender
from connector.hl7.volet import VoletRefusal
from connector.kit.gate import CdaGate
from connector.xds.model import DocumentEntry

Kind = Literal["hl7", "cda", "pdf", "xds", "unknown"]

_MSH: Final = re.compile(rb"[\x0b\s]*(?:\xef\xbb\xbf)?[\x0b\s]*MSH")
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<|\xfe\xff\x00<")
_BEFORE_ROOT: Final = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
_DOCUMENTS: Final = (b"ClinicalDocument", b"stylesheet")
"""A CDA alone, or carried by the stylesheet that presents it."""
_MIME: Final = re.compile(rb"\s*(?:--|POST |MIME-Version:|Content-Type:)", re.IGNORECASE)
_PDF: Final = b"%PDF-"
_PDF_WITHIN: Final = 1024
"""Bytes among which readers of PDF look for its beginning."""
_IDS: Final = FeedIds("2.25.1", "2.25.2", datetime(2026, 1, 1, tzinfo=UTC))
"""Stand for those of a real submission, which are made when it leaves."""

_SOME_CLASS: Final = "I"
"""PV1-2 of a document that no message brings."""


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """One file. `metadata` is the DocumentEntry that would be made of each document in it, by attribute.

    kind    "MDM^T02", "CDA", "PDF", or what the request is
    suites  what the documents went through
    """

    kind: str
    findings: tuple[Finding, ...]
    suites: tuple[str, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Checker:
    """`gate` judges the documents, with the agency's kit or without; `dmp` says which profile and forms.

    pdf  what a breach of PDF/A-1 is, as `gate.pdf`
    """

    intake: IntakeConfig
    dmp: DmpConfig
    gate: CdaGate
    today: date
    pdf: Literal["warn", "refuse"] = "warn"

    def check(self, raw: bytes) -> Checked:
        """Never raises for the content of a file."""
        match kind_of(raw):
            case "hl7":
                return self._message(with_cr(raw.lstrip(b"\xef\xbb\xbf \t\r\n\x0b")))
            case "cda":
                return self._document(raw)
            case "pdf":
                from connector.render.pdfa import check_pdfa

                return Checked("PDF", (*_unfit(raw), *check_pdfa(raw, strict=self.pdf == "refuse")))
            case "xds":
                # the judge is loaded for what it judges
                from connector.simulator.inspection import inspect

                inspection = inspect(raw, profile=self.dmp.profile)
                return Checked(inspection.kind, tuple(inspection.findings))
            case _:
                expected = "un message HL7, un CDA, un PDF, des métadonnées XDS ou une requête SOAP"
                text = "ce fichier n'est de rien que l'on sache contrôler"
                return Checked("unknown", (Finding("CHECK-KIND", "error", "file", "inconnu", expected, text),))

    # -- HL7 ---------------------------------------------------------------------------------------------------------

    def _message(self, raw: bytes) -> Checked:
        findings = conformance.check_message(raw)
        kind = _message_kind(raw)
        if kind.partition("^")[0] not in ("ORU", "MDM"):
            return Checked(kind, tuple(findings))
        findings += self._at_the_door(raw, findings)
        carried = list(self._carried(raw))
        return Checked(
            kind,
            (*findings, *(finding for checked in carried for finding in checked.findings)),
            tuple(dict.fromkeys(suite for checked in carried for suite in checked.suites)),
            tuple(entry for checked in carried for entry in checked.metadata),
        )

    def _at_the_door(self, raw: bytes, told: Sequence[Finding]) -> list[Finding]:
        """What the listener would refuse besides, the message and its document side by side."""
        try:
            _, errors = check_document(raw, self.intake, today=self.today)
        except Er7Error:
            # the conformance check has said so
            return []
        texts = {finding.text for finding in told}
        return [_refused(error) for error in errors if (error.app_text or error.text) not in texts]

    def _carried(self, raw: bytes) -> Iterator[Checked]:
        """The documents of a message that can be read as a whole; what cannot is already told."""
        try:
            read = read_request(raw, self.intake, today=self.today)
        except (VoletRefusal, CdaError, Er7Error):
            return
        for number, (part, header) in enumerate(zip(read.request.documents, read.headers, strict=True), start=1):
            facts = facts_of(read.request) if read.request.flags.dest_dmp else None
            checked = self._judged(part.content, header, facts)
            yield replace(checked, findings=tuple(_in_document(number, checked.findings)))

    # -- CDA ---------------------------------------------------------------------------------------------------------

    def _document(self, raw: bytes) -> Checked:
        try:
            header = read_header(raw, cap=self.intake.max_document_bytes)
        except CdaError as error:
            text = f"l'en-tête ne peut pas être lu : {in_french(error)}"
            field = str(error.context.get("field", "ClinicalDocument"))
            unread = Finding("CDA-HEADER", "error", field, "illisible", "un en-tête CDA", text, code="102")
            verdict = self.gate.judge(raw)
            return Checked("CDA", (*verdict.findings, unread), verdict.suites)
        return self._judged(raw, header, facts_alone(header))

    def _judged(self, content: bytes, header: CdaHeader, facts: DocumentFacts | None) -> Checked:
        """A document, and when it is for the DMP (`facts`) what its metadata would be."""
        verdict = self.gate.judge(content)
        if facts is None:
            return Checked("CDA", verdict.findings, verdict.suites)
        metadata, entry = self._metadata(content, header, facts)
        return Checked("CDA", (*verdict.findings, *metadata), verdict.suites, (entry,) if entry else ())

    def _metadata(
        self, content: bytes, header: CdaHeader, facts: DocumentFacts
    ) -> tuple[tuple[Finding, ...], dict[str, Any] | None]:
        ins = header.ins()
        if ins is None:
            # CDA-50 has said so
            return (), None
        findings = check_metadata(Draft(header, facts, ins, self.dmp, self.today))
        feed = Feed(header, content, facts, _IDS)
        # what is made here leaves nowhere: it needs neither assertion nor signature
        unsigned = replace(self.dmp, assertion=False, signature=False)
        try:
            made = prepare(feed, ins, unsigned, signer=None, signed_at=_IDS.submission_time)
            parts = parts_of(made.submission, made.attachments, header)
            numbered = check_submission(made.submission, parts, rule_settings(unsigned), None)
        except DmpMetadataError as error:
            return tuple(dict.fromkeys((*findings, *error.findings))), None
        entry = next(one for one in made.submission.entries if one.entry_uuid == DOCUMENT_ID)
        return tuple(dict.fromkeys((*findings, *made.warnings, *numbered))), attributes(entry)


def kind_of(raw: bytes) -> Kind:
    """What the first bytes say the file is."""
    if _MSH.match(raw):
        return "hl7"
    if _XML.match(raw):
        root = _ROOT.search(_BEFORE_ROOT.sub(b"", raw[:200_000].replace(b"\x00", b"")))
        return "cda" if root is not None and root[1] in _DOCUMENTS else "xds"
    if _MIME.match(raw):
        return "xds"
    return "pdf" if _PDF in raw[:_PDF_WITHIN] else "unknown"


def _unfit(content: bytes) -> Iterator[Finding]:
    """Why a document that carries this PDF would be refused, by the rules of its body."""
    if not MEDIA["application/pdf"](content):
        text = "Un document ne peut pas porter ce fichier : ce n'est pas un PDF du premier au dernier octet"
        yield Finding("CDA-33", "error", "PDF", "un autre contenu", "%PDF-1.x au début, %%EOF à la fin", text)
    if pdf.locked(content):
        text = "Un document ne peut pas porter un PDF qui demande un mot de passe : le lecteur n'en verrait rien"
        yield Finding("CDA-36", "error", "PDF", "mot de passe", "un PDF qui s'ouvre", text)


def _message_kind(raw: bytes) -> str:
    try:
        header = parse_header(raw)
    except Er7Error:
        return "HL7"
    return f"{header.type}^{header.event}" if header.event else header.type


def _refused(error: AckError) -> Finding:
    """An error of the acknowledgement in the form the conformance check gives the others."""
    code = f"{error.code}/{error.app_code}" if error.app_code else error.code
    text = error.app_text or error.text
    return Finding(f"ACK-{error.code}", "error", error.location, "refusé", "accepté", text, code, "hl7v2-interface §5")


def facts_alone(header: CdaHeader) -> DocumentFacts:
    """What a message would say besides, taken from the document: a lone CDA is not blamed for having none."""
    organization = next((author.organization for author in header.authors if author.organization), None)
    structure = organization.id.extension if organization and organization.id else ""
    sender = Sender(None, Organization(organization.name if organization else "", id=structure))
    return DocumentFacts(traits=header.traits, patient_class=_SOME_CLASS, sender=sender)


def attributes(entry: DocumentEntry) -> dict[str, Any]:
    """The attributes that say something, as JSON says them; its id in the submission is none."""
    return {name: value for name, value in asdict(entry).items() if value and name not in ("entry_uuid", "object_type")}


def _in_document(number: int, findings: Sequence[Finding]) -> Iterator[Finding]:
    return (replace(finding, field=f"OBX-5 (document {number}) {finding.field}") for finding in findings)
