"""The DMP's repository: ITI-41 (judged, then kept byte for byte) and ITI-43 (dmp-interface a.7, a.9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from connector.base.ns import XDSB, q
from connector.rules import names as names
from connector.rules.case import RuleSettings, unique_id
from connector.rules.profiles import judge
from connector.rules.state import judge_state
from connector.simulator import wire
from connector.simulator.answers import as_errors
from connector.simulator.directory import Patient
from connector.simulator.model import (
    RegistryErrorItem,
    RegistryRefusal,
    ReplyPart,
    SimContext,
    SimFault,
    SoapReply,
    SoapRequest,
    VerifiedAssertion,
)
from connector.simulator.registry import Bytes, Registry, assertion_of
from connector.simulator.registry_case import case_of
from connector.simulator.registry_reader import read_provide_and_register
from connector.simulator.registry_search import may_see
from connector.simulator.registry_store import StoredEntry
from connector.simulator.registry_writer import error_list, registry_response
from connector.simulator.signature import judge_signature

PROVIDE_ANSWER = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse"
RETRIEVE_ANSWER = "urn:ihe:iti:2007:RetrieveDocumentSetResponse"


class Repository:
    """ITI-41 and ITI-43; rights were checked before (pipeline).

    `settings` may be replaced by a test to change how severe the judge is.
    """

    def __init__(self, context: SimContext, registry: Registry) -> None:
        self.context = context
        self.registry = registry
        config = context.config
        self.settings = RuleSettings(
            ins_oids=config.ins_oids,
            ihe_pure=config.ihe_pure,
            duplicate_check=config.duplicate_check,
            manifest_strict=config.manifest_strict,
            allow_sha1=config.allow_sha1,
        )

    def handle(self, request: SoapRequest) -> SoapReply:
        """The service of the `repository` path (a.1): ITI-41 or ITI-43 by action."""
        match request.transaction:
            case "ITI-41":
                return self.provide(request)
            case "ITI-43":
                return self.retrieve(request)
        raise SimFault("Sender", "", f"Action inconnue du service repository : {request.action}")

    # -- ITI-41 -----------------------------------------------------------------------------------------------

    def provide(self, request: SoapRequest) -> SoapReply:
        """Judges a submission whole, then keeps it. Raises RegistryRefusal with every finding."""
        caller = assertion_of(request)
        files = request.parts
        case = case_of(read_provide_and_register(request.body), files, caller, self.settings)
        findings = judge(case)
        if not self.settings.ihe_pure:
            findings += judge_signature(case, files, caller.certificate)
        # Known and kept under one lock: two identical submissions at once cannot both be new.
        with self.registry.store.lock:
            patient = self.context.world.patient(caller.resource_ins)
            findings = (*judge_state(case, self.registry.store, patient), *findings)
            if any(item.blocking for item in findings):
                raise RegistryRefusal(as_errors(findings))
            received = ((entry.id, files.get(case.cid_of(entry))) for entry in case.entries)
            contents = {
                key: Bytes(file.path, case.hashes[key], file.size) for key, file in received if file is not None
            }
            self.registry.register(case.provided.objects, contents)
            for entry in case.documents:
                self.context.world.record_acceptance(unique_id(entry))
        warnings = as_errors(findings)
        return SoapReply(registry_response(names.SUCCESS, warnings), PROVIDE_ANSWER)

    # -- ITI-43 -----------------------------------------------------------------------------------------------

    def retrieve(self, request: SoapRequest) -> SoapReply:
        """The documents asked, streamed from their files.

        Nothing found: SOAP fault XDSDocumentUniqueIdError (a.9). A part of a batch: PartialSuccess (D-62). Raises
        also RegistryRefusal XDSUnknownRepositoryId when no line names this repository (D-61).
        """
        caller = assertion_of(request)
        patient = self.registry.patient_of(caller)
        lines = tuple(_lines(request.body))
        if not lines:
            raise SimFault("Sender", "XDSRepositoryError", "RetrieveDocumentSetRequest sans DocumentRequest")
        found: list[StoredEntry] = []
        errors: list[RegistryErrorItem] = []
        for number, line in enumerate(lines, start=1):
            answer = self._find(line, number, patient, caller)
            if isinstance(answer, StoredEntry):
                found.append(answer)
            else:
                errors.append(answer)
        if not found:
            self._refuse(errors)
        return self._retrieved(found, errors)

    def _find(
        self, line: _Line, number: int, patient: Patient, caller: VerifiedAssertion
    ) -> StoredEntry | RegistryErrorItem:
        where = f"ligne {number}"
        if not line.repository or not line.document:
            text = f"D-60 : {where}, RepositoryUniqueId et DocumentUniqueId sont obligatoires [ihe-rules D.3]"
            return RegistryErrorItem("XDSRepositoryError", text, "Error", where)
        if line.repository != names.REPOSITORY_ID:
            text = f"D-61 : RepositoryUniqueId : trouvé « {line.repository} », attendu : {names.REPOSITORY_ID}"
            return RegistryErrorItem("XDSUnknownRepositoryId", text, "Error", where)
        for entry in reversed(self.registry.store.by_unique_id(line.document)):
            if entry.ins == patient.ins and may_see(entry, patient, caller):
                return entry
        text = f"D-62 : DocumentUniqueId : document « {line.document} » inconnu ou non accessible [dmp-interface a.9]"
        return RegistryErrorItem("XDSDocumentUniqueIdError", text, "Error", where)

    @staticmethod
    def _refuse(errors: list[RegistryErrorItem]) -> None:
        unknown = [item for item in errors if item.code == "XDSDocumentUniqueIdError"]
        if unknown:
            raise SimFault("Receiver", unknown[0].code, unknown[0].context)
        raise RegistryRefusal(errors)

    def _retrieved(self, found: list[StoredEntry], errors: list[RegistryErrorItem]) -> SoapReply:
        status = names.PARTIAL_SUCCESS if errors else names.SUCCESS
        body = etree.Element(q(XDSB, "RetrieveDocumentSetResponse"), nsmap={"xds": XDSB})
        head = registry_response(status)
        if errors:
            head.append(error_list(errors))
        body.append(head)
        parts = []
        for entry in found:
            cid = f"{self.context.new_uuid()}@simulateur"
            response = etree.SubElement(body, q(XDSB, "DocumentResponse"))
            etree.SubElement(response, q(XDSB, "RepositoryUniqueId")).text = names.REPOSITORY_ID
            etree.SubElement(response, q(XDSB, "DocumentUniqueId")).text = entry.unique_id
            etree.SubElement(response, q(XDSB, "mimeType")).text = entry.item.mime_type
            etree.SubElement(response, q(XDSB, "Document")).append(wire.include(cid))
            parts.append(ReplyPart(cid, entry.file, entry.item.mime_type))
        return SoapReply(body, RETRIEVE_ANSWER, tuple(parts))


@dataclass(frozen=True, slots=True)
class _Line:
    repository: str
    document: str


def _lines(body: etree._Element) -> Iterator[_Line]:
    for item in body.findall(q(XDSB, "DocumentRequest")):
        repository = (item.findtext(q(XDSB, "RepositoryUniqueId")) or "").strip()
        document = (item.findtext(q(XDSB, "DocumentUniqueId")) or "").strip()
        yield _Line(repository, document)
