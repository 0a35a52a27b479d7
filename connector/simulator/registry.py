"""The DMP's registry: keeps accepted submissions, answers ITI-18 and applies ITI-57 (dmp-interface a.8, a.10)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from connector.rules import names
from connector.rules.forms import read_cx
from connector.rules.model import RegistryObject
from connector.simulator import registry_search
from connector.simulator.answers import refusal
from connector.simulator.directory import Patient
from connector.simulator.document_rights import may_read, may_refer
from connector.simulator.folders import patient_of
from connector.simulator.matrix import load_matrix
from connector.simulator.model import SimContext, SimFault, SoapReply, SoapRequest, VerifiedAssertion
from connector.simulator.registry_changes import Bytes, Registrar
from connector.simulator.registry_fate import Fate, fate_of
from connector.simulator.registry_scope import Scope
from connector.simulator.registry_store import RegistryStore, StoredEntry
from connector.simulator.registry_update import Updates
from connector.simulator.registry_writer import object_list, query_response, reference_list, registry_response
from connector.simulator.seeding import SeedFacts, seed_objects
from connector.simulator.stored_query import Asked, read_query

QUERY_ANSWER = "urn:ihe:iti:2007:RegistryStoredQueryResponse"
UPDATE_ANSWER = "urn:ihe:iti:2010:UpdateDocumentSet-Response"


class Registry:
    """ITI-18, ITI-57 and the state behind them; rights on transactions were checked before (pipeline).

    `max_results` bounds a LeafClass answer (D-95) and may be changed by a test.
    """

    def __init__(self, context: SimContext) -> None:
        self.context = context
        self.store = RegistryStore(context.folder / "registry")
        self.registrar = Registrar(self.store, context.new_uuid, context.clock)
        self.updates = Updates(self.store, self.registrar, context.world, context.config.rule_settings())
        self.matrix = load_matrix(context.config.matrix_file)
        self.max_results = context.config.max_results

    def handle(self, request: SoapRequest) -> SoapReply:
        """The service of the `registry` path (a.1)."""
        match request.transaction:
            case "ITI-18":
                return self.query(request)
            case "ITI-57":
                return self.update(request)
        raise SimFault("Sender", "", f"Action inconnue du service registry : {request.action}")

    # -- ITI-18 -----------------------------------------------------------------------------------------------

    def query(self, request: SoapRequest) -> SoapReply:
        """One RegistryStoredQuery. Raises RegistryRefusal (D-80…D-95)."""
        caller = self.caller_of(request)
        config = self.context.config
        asked = read_query(request.body, ihe_pure=config.ihe_pure, served=config.queries)
        scope = self._scope(asked, caller)
        with self.store.lock:
            found = registry_search.answer(asked, scope)
        if asked.return_type == "ObjectRef":
            objects = reference_list(item.id for item in found)
        else:
            self._check_answer(found)
            objects = object_list(found)
        return SoapReply(query_response(names.SUCCESS, objects, len(found)), QUERY_ANSWER)

    def _check_answer(self, found: Sequence[RegistryObject]) -> None:
        if len(found) > self.max_results:
            text = f"D-95 : {len(found)} résultats, maximum {self.max_results} [ihe-rules D.4 D-95]"
            raise refusal("XDSTooManyResults", text)
        patients = {patient_of(item) for item in found if item.kind != "Association"}
        if len(patients) > 1:
            text = f"D-93 : {len(patients)} patients, attendu : un seul en LeafClass [ihe-rules D.4 D-93]"
            raise refusal("XDSResultNotSinglePatient", text)

    def _scope(self, asked: Asked, caller: VerifiedAssertion | None) -> Scope:
        """What this query may find: the whole domain, or its patient, without VIHF; the VIHF's patient with one."""
        cx = read_cx(asked.patient)
        if caller is None:
            key = (cx.value, cx.oid) if asked.patient else None
            return Scope(self.store, key, lambda _item: True, hides_signatures=False)
        # Stated on the patient parameter of any query: it may only repeat the VIHF's (a.8, RG_3010).
        if asked.patient and (cx.value, cx.oid) != (caller.resource_ins, caller.resource_oid):
            seen = f"domaine {cx.oid}" if cx.oid != caller.resource_oid else "un autre matricule"
            text = f"patientId : trouvé « {seen} », attendu : l'INS du resource-id du VIHF [dmp-interface a.8]"
            raise refusal("XDSPatientIdDoesNotMatch", text)
        patient = self.patient_of(caller)

        def sees(item: RegistryObject) -> bool:
            if asked.return_type == "ObjectRef":
                return may_refer(item, patient, caller)
            return may_read(item, patient, caller, self.matrix)

        return Scope(self.store, (patient.ins, patient.oid), sees, hides_signatures=True)

    def caller_of(self, request: SoapRequest) -> VerifiedAssertion | None:
        """The VIHF of a request; None when it has none and the setting lets it in. Raises SimFault otherwise."""
        if request.assertion is None and self.context.config.assertion_required:
            raise SimFault("Sender", "wsse:InvalidSecurity", "VIHF absent de l'en-tête wsse:Security")
        return request.assertion

    def patient_of(self, caller: VerifiedAssertion) -> Patient:
        """The patient named by resource-id, DMP open. Raises RegistryRefusal XDSUnknownPatientId or DMPClosed."""
        patient = self.context.world.patient(caller.resource_ins)
        if patient is None or patient.oid != caller.resource_oid or patient.dmp == "ABSENT":
            raise refusal("XDSUnknownPatientId", "patientId : aucun DMP pour ce matricule [ihe-rules D.1]")
        if patient.dmp == "CLOSED":
            raise refusal("DMPClosed", "patientId : DMP fermé, attendu : un DMP ouvert [dmp-interface a.11]")
        return patient

    # -- ITI-57 -----------------------------------------------------------------------------------------------

    def update(self, request: SoapRequest) -> SoapReply:
        """One UpdateDocumentSet: status or metadata (TD3.3a to d). Raises RegistryRefusal or SimFault (rights)."""
        caller = self.caller_of(request)
        patient = None if caller is None else self.patient_of(caller)
        warnings = self.updates.accept(request, caller, patient)
        return SoapReply(registry_response(names.SUCCESS, warnings), UPDATE_ANSWER)

    # -- state ------------------------------------------------------------------------------------------------

    def register(self, objects: Sequence[RegistryObject], contents: Mapping[str, Bytes]) -> dict[str, str]:
        """Registers a judged submission, all or nothing (D-49): ids assigned, replaced documents deprecated (D-50).

        `contents` is keyed by the ids of the message. Returns message id -> registry id.
        """
        change, ids = self.registrar.submission(objects, contents)
        self.store.commit(change)
        return ids

    def seed(self, content: bytes, *, ins: str, type_code: str, title: str, **facts: str) -> str:
        """Places an existing document in a patient's DMP, as another establishment would have. Returns its entryUUID.

        `facts` are those of `seeding.SeedFacts` (creation_time, author_person, confidentiality…). The patient must be
        in the world (KeyError otherwise).
        """
        patient = self.context.world.patient(ins)
        if patient is None:
            raise KeyError("unknown patient")
        document = SeedFacts(title=title, type_code=type_code, **facts)
        objects = seed_objects(document, patient, self.context.new_uuid, self.context.clock())
        entry = next(item for item in objects if item.kind == "ExtrinsicObject")
        with tempfile.TemporaryDirectory(dir=self.context.folder) as folder:
            path = Path(folder) / "content"
            path.write_bytes(content)
            kept = Bytes(path, hashlib.sha1(content).hexdigest(), len(content))
            return self.register(objects, {entry.id: kept})[entry.id]

    def documents(self, ins: str) -> tuple[StoredEntry, ...]:
        """Every registered entry of a patient, signatures, masked ones and old versions included: tests, the demo."""
        return self.store.entries_of(ins)

    def fate(self, unique_id: str) -> Fate:
        """What became of a document: how often it was accepted, its status, what replaced it (tests, control port)."""
        return fate_of(unique_id, self.store, self.context.world)
