"""The DMP's registry: keeps accepted submissions and answers ITI-18 (dmp-interface a.8, ihe-rules D.4, D.5)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connector.rules import names as names
from connector.rules.forms import read_cx
from connector.rules.model import RegistryObject, Slot
from connector.rules.shape import is_kept
from connector.simulator import registry_search
from connector.simulator.answers import refusal
from connector.simulator.directory import Patient
from connector.simulator.model import SimContext, SimFault, SoapReply, SoapRequest, VerifiedAssertion
from connector.simulator.registry_store import RegistryStore, StoredEntry
from connector.simulator.registry_writer import object_list, query_response, reference_list
from connector.simulator.seeding import SeedFacts, seed_objects
from connector.simulator.stored_query import Asked, D, S, read_query

ANSWER_ACTION = "urn:ihe:iti:2007:RegistryStoredQueryResponse"
_SERVER_SLOTS = frozenset({"hash", "size", "repositoryUniqueId"})


@dataclass(frozen=True, slots=True)
class Bytes:
    """The content of one entry: file, SHA-1 (lower-case hex) and size in bytes, all computed by the simulator."""

    path: Path
    sha1: str
    size: int


class Registry:
    """ITI-18 and the state behind it. `max_results` bounds a LeafClass answer (D-95) and may be changed by a test."""

    def __init__(self, context: SimContext, *, max_results: int = 1000) -> None:
        self.context = context
        self.store = RegistryStore(context.folder / "registry")
        self.max_results = max_results

    def handle(self, request: SoapRequest) -> SoapReply:
        """The service of the `registry` path (a.1)."""
        if request.transaction != "ITI-18":
            raise SimFault("Sender", "", f"Action inconnue du service registry : {request.action}")
        return self.query(request)

    # -- ITI-18 -----------------------------------------------------------------------------------------------

    def query(self, request: SoapRequest) -> SoapReply:
        """One RegistryStoredQuery; rights were checked before (pipeline). Raises RegistryRefusal (D-80…D-95)."""
        caller = assertion_of(request)
        asked = read_query(request.body)
        patient = self._patient_asked(asked, caller)
        with self.store.lock:
            found = registry_search.answer(asked, self.store, patient, caller)
        if asked.return_type == "ObjectRef":
            objects = reference_list(item.id for item in found)
        elif len(found) > self.max_results:
            text = f"D-95 : {len(found)} résultats, maximum {self.max_results} [ihe-rules D.4 D-95]"
            raise refusal("XDSTooManyResults", text)
        else:
            objects = object_list(found)
        return SoapReply(query_response(names.SUCCESS, objects, len(found)), ANSWER_ACTION)

    def _patient_asked(self, asked: Asked, caller: VerifiedAssertion) -> Patient:
        """The patient of the VIHF, which the patientId parameter may only repeat (a.8, RG_3010)."""
        parameter = asked.single(D + "PatientId") or asked.single(S + "PatientId")
        cx = read_cx(parameter)
        if parameter and (cx.value, cx.oid) != (caller.resource_ins, caller.resource_oid):
            seen = f"domaine {cx.oid}" if cx.oid != caller.resource_oid else "un autre matricule"
            text = f"patientId : trouvé « {seen} », attendu : l'INS du resource-id du VIHF [dmp-interface a.8]"
            raise refusal("XDSPatientIdDoesNotMatch", text)
        return self.patient_of(caller)

    def patient_of(self, caller: VerifiedAssertion) -> Patient:
        """The patient named by resource-id, DMP open. Raises RegistryRefusal XDSUnknownPatientId or DMPClosed."""
        patient = self.context.world.patient(caller.resource_ins)
        if patient is None or patient.oid != caller.resource_oid or patient.dmp == "ABSENT":
            raise refusal("XDSUnknownPatientId", "patientId : aucun DMP pour ce matricule [ihe-rules D.1]")
        if patient.dmp == "CLOSED":
            raise refusal("DMPClosed", "patientId : DMP fermé, attendu : un DMP ouvert [dmp-interface a.11]")
        return patient

    # -- state ------------------------------------------------------------------------------------------------

    def register(self, objects: Sequence[RegistryObject], contents: Mapping[str, Bytes]) -> dict[str, str]:
        """Registers a judged submission: ids assigned, server slots filled, replaced documents deprecated (D-50).

        `contents` is keyed by the ids of the message. Returns message id -> registry id. All or nothing (D-49).
        """
        ids = {item.id: self._registry_id(item.id) for item in objects}
        final = [self._final(item, ids, contents.get(item.id)) for item in objects]
        replaced = {
            item.target: names.DEPRECATED
            for item in final
            if item.association_type in names.DEPRECATING and self.store.entry(item.target) is not None
        }
        files = {ids[key]: content.path for key, content in contents.items()}
        self.store.commit(final, files, replaced)
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
        """Every registered entry of a patient, signatures and masked ones included: for tests and the demo."""
        return self.store.entries_of(ins)

    def _registry_id(self, value: str) -> str:
        return value if value.startswith("urn:uuid:") else self._new_id()

    def _new_id(self) -> str:
        return f"urn:uuid:{self.context.new_uuid()}"

    def _final(self, item: RegistryObject, ids: Mapping[str, str], content: Bytes | None) -> RegistryObject:
        """The object as the registry keeps it: real ids, lid, version, status, and the server's own slots."""
        identifier = ids[item.id]
        slots = tuple(slot for slot in item.slots if is_kept(slot))
        if content is not None:
            kept = tuple(slot for slot in slots if slot.name not in _SERVER_SLOTS)
            slots = (
                *kept,
                Slot("hash", (content.sha1,)),
                Slot("size", (str(content.size),)),
                Slot("repositoryUniqueId", (names.REPOSITORY_ID,)),
            )
        return replace(
            item,
            id=identifier,
            lid=identifier,
            status=names.APPROVED,
            version="1" if item.kind == "ExtrinsicObject" else item.version,
            opaque="false" if item.kind == "ExtrinsicObject" else "",
            slots=slots,
            classifications=tuple(
                replace(found, id=self._new_id(), classified_object=identifier) for found in item.classifications
            ),
            identifiers=tuple(
                replace(found, id=self._new_id(), registry_object=identifier) for found in item.identifiers
            ),
            source=ids.get(item.source, item.source),
            target=ids.get(item.target, item.target),
        )


def assertion_of(request: SoapRequest) -> VerifiedAssertion:
    """The VIHF of a request. Raises SimFault when there is none."""
    if request.assertion is None:
        raise SimFault("Sender", "wsse:InvalidSecurity", "VIHF absent de l'en-tête wsse:Security")
    return request.assertion
