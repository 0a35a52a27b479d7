"""The DMP's repository: ITI-41 (judged, then kept byte for byte) and ITI-43 (dmp-interface a.7, a.9)."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from connector.base.ns import XDSB, q
from connector.rules import names
from connector.rules.case import Case, unique_id
from connector.rules.profiles import judge
from connector.rules.retrieve import Line
from connector.rules.state import judge_state
from connector.simulator import wire
from connector.simulator.answers import as_errors, refusal
from connector.simulator.directory import Patient
from connector.simulator.document_rights import may_read
from connector.simulator.folders import patient_of, with_node
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
from connector.simulator.registry import Registry
from connector.simulator.registry_case import case_of
from connector.simulator.registry_changes import Bytes
from connector.simulator.registry_links import judge_links
from connector.simulator.registry_reader import read_provide_and_register
from connector.simulator.registry_store import StoredEntry
from connector.simulator.registry_writer import error_list, registry_response
from connector.simulator.request_reader import read_retrieve_request
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
        self.settings = context.config.rule_settings()

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
        caller = self.registry.caller_of(request)
        files = request.parts
        case = case_of(read_provide_and_register(request.body), files, caller, self.settings)
        findings = judge(case)
        if self.settings.signs_the_set:
            findings += judge_signature(case, files, None if caller is None else caller.certificate)
        # Known and kept under one lock: two identical submissions at once cannot both be new.
        with self.registry.store.lock:
            state = judge_state(case, self.registry.store, self._patient_fed(case, caller))
            findings = (*state, *judge_links(case, self.registry.store, caller), *findings)
            if any(item.blocking for item in findings):
                raise RegistryRefusal(as_errors(findings))
            received = ((entry.id, files.get(case.cid_of(entry))) for entry in case.entries)
            contents = {
                key: Bytes(file.path, case.hashes[key], file.size) for key, file in received if file is not None
            }
            self.registry.register([with_node(item, case.provided) for item in case.provided.objects], contents)
            for entry in case.documents:
                self.context.world.record_acceptance(unique_id(entry))
        return SoapReply(registry_response(names.SUCCESS, as_errors(findings)), PROVIDE_ANSWER)

    def _patient_fed(self, case: Case, caller: VerifiedAssertion | None) -> Patient | None:
        """The patient of the VIHF, or of the set in any domain the identity server knows."""
        if caller is not None:
            return self.context.world.patient(caller.resource_ins)
        value, oid = patient_of(case.set) if case.set is not None else ("", "")
        return self.context.world.patient_by_identifier(oid, value)

    # -- ITI-43 -----------------------------------------------------------------------------------------------

    def retrieve(self, request: SoapRequest) -> SoapReply:
        """The documents asked, streamed from their files.

        Nothing found: SOAP fault XDSDocumentUniqueIdError in the DMP (a.9), RegistryRefusal in the `ihe` profile. A
        part of a batch: PartialSuccess (D-62). Raises also RegistryRefusal XDSUnknownRepositoryId when no line names
        this repository (D-61), XDSResultNotSinglePatient when the documents are not one patient's (D.1).
        """
        caller = self.registry.caller_of(request)
        opens = self._opener(caller)
        lines = read_retrieve_request(request.body).lines
        if not lines:
            raise SimFault("Sender", "XDSRepositoryError", "RetrieveDocumentSetRequest sans DocumentRequest")
        found: list[StoredEntry] = []
        errors: list[RegistryErrorItem] = []
        for number, line in enumerate(lines, start=1):
            answer = self._find(line, number, opens)
            if isinstance(answer, StoredEntry):
                found.append(answer)
            else:
                errors.append(answer)
        if not found:
            self._refuse(errors)
        if len({entry.patient for entry in found}) > 1:
            text = "D-93 : documents de plusieurs patients, attendu : un seul [ihe-rules D.1]"
            raise refusal("XDSResultNotSinglePatient", text)
        return self._retrieved(found, errors)

    def _opener(self, caller: VerifiedAssertion | None) -> Callable[[StoredEntry], bool]:
        """Which documents this caller opens: those of the VIHF's patient that its rights open, any without a VIHF."""
        if caller is None:
            return lambda _entry: True
        patient = self.registry.patient_of(caller)

        def opens(entry: StoredEntry) -> bool:
            return entry.patient == (patient.ins, patient.oid) and may_read(
                entry.item, patient, caller, self.registry.matrix
            )

        return opens

    def _find(self, line: Line, number: int, opens: Callable[[StoredEntry], bool]) -> StoredEntry | RegistryErrorItem:
        where = f"ligne {number}"
        if not line.repository or not line.document:
            text = f"D-60 : {where}, RepositoryUniqueId et DocumentUniqueId sont obligatoires [ihe-rules D.3]"
            return RegistryErrorItem("XDSRepositoryError", text, "Error", where)
        if line.repository != names.REPOSITORY_ID:
            text = f"D-61 : RepositoryUniqueId : trouvé « {line.repository} », attendu : {names.REPOSITORY_ID}"
            return RegistryErrorItem("XDSUnknownRepositoryId", text, "Error", where)
        for entry in reversed(self.registry.store.by_unique_id(line.document)):
            if opens(entry):
                return entry
        text = f"D-62 : DocumentUniqueId : document « {line.document} » inconnu ou non accessible [dmp-interface a.9]"
        return RegistryErrorItem("XDSDocumentUniqueIdError", text, "Error", where)

    def _refuse(self, errors: list[RegistryErrorItem]) -> None:
        unknown = [item for item in errors if item.code == "XDSDocumentUniqueIdError"]
        if unknown and not self.settings.ihe_pure:
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
