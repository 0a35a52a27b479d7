"""Reading of an ITI-18 request: which stored query, with which parameters; the rules judge it (ihe-rules D.4).

What the DMP serves beyond the queries seen on its wire is not written anywhere (dmp-interface a.8): UNCERTAIN, so that
`served` is a setting of the simulator and everything is served unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree

from connector.base.ns import QUERY, q
from connector.rules.case import Fault, finding
from connector.rules.query import Values, judge_query
from connector.rules.query_shapes import QUERIES, D, F, S, StoredQuery
from connector.simulator.answers import as_errors
from connector.simulator.config import QUERY_NAMES
from connector.simulator.model import RegistryRefusal
from connector.simulator.request_reader import read_query_request

ReturnType = Literal["LeafClass", "ObjectRef"]

PATIENTS = (D + "PatientId", S + "PatientId", F + "PatientId", "$patientId")
UUIDS = "$uuid"
ASSOCIATION_TYPES = "$AssociationTypes"
METADATA_LEVEL = "$MetadataLevel"


@dataclass(frozen=True, slots=True)
class Asked:
    """A good request. `values[name]` is one tuple per slot: AND between slots, OR inside one (D-90)."""

    query: StoredQuery
    return_type: ReturnType
    values: Values = field(default_factory=dict)

    def flat(self, name: str) -> tuple[str, ...]:
        return tuple(value for group in self.values.get(name, ()) for value in group)

    def single(self, name: str) -> str:
        return next(iter(self.flat(name)), "")

    @property
    def patient(self) -> str:
        """The CX of the patient parameter, "" without one."""
        return next((value for value in map(self.single, PATIENTS) if value), "")


def read_query(body: etree._Element, *, ihe_pure: bool, served: Collection[str] = QUERY_NAMES) -> Asked:
    """The stored query of an AdhocQueryRequest. Raises RegistryRefusal with every finding."""
    if body.tag != q(QUERY, "AdhocQueryRequest"):
        fault = Fault("", "AdhocQueryRequest", str(body.tag), "un AdhocQueryRequest")
        raise _refused("D-80", fault, "XDSRegistryError")
    request = read_query_request(body, ihe_pure=ihe_pure)
    findings = judge_query(request)
    if findings:
        raise RegistryRefusal(as_errors(findings))
    query = QUERIES[request.query_id]
    if query.name not in served:
        fault = Fault("", "AdhocQuery/@id", query.name, "une requête servie par ce registre")
        raise _refused("D-81", fault, "XDSUnknownStoredQuery")
    return Asked(query, "ObjectRef" if request.return_type == "ObjectRef" else "LeafClass", request.values)


def _refused(rule: str, fault: Fault, code: str) -> RegistryRefusal:
    return RegistryRefusal(as_errors([finding(rule, f"ihe-rules D.4 {rule}", fault, code)]))
