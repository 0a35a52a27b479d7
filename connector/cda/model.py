"""The CDA header as typed values (cda-lettre-de-liaison §1). Times are HL7 text as written in the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.ins.model import INS_OIDS, MatriculeIns, Traits


@dataclass(frozen=True, slots=True)
class Coded:
    """A CD/CE: code, code system OID, label."""

    code: str
    system: str
    display: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class InstanceId:
    """An II: root and extension ("" when absent)."""

    root: str
    extension: str = ""


def full_id(identifier: InstanceId | None) -> str:
    """`root`, or `root^extension`; "" when there is none."""
    if identifier is None:
        return ""
    return f"{identifier.root}^{identifier.extension}" if identifier.extension else identifier.root


@dataclass(frozen=True, slots=True, repr=False)
class CdaOrganization:
    """A structure: national id (extension under 1.2.250.1.71.4.2.2), name, practice setting."""

    id: InstanceId | None = None
    name: str = ""
    setting: Coded | None = None


@dataclass(frozen=True, slots=True, repr=False)
class CdaPerson:
    """author, legalAuthenticator or performer: `device` is True for assignedAuthoringDevice (family = software)."""

    id: InstanceId | None = None
    family: str = ""
    given: str = ""
    code: Coded | None = None
    function: Coded | None = None
    organization: CdaOrganization | None = None
    time: str = ""
    device: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class ServiceEvent:
    code: Coded | None = None
    low: str = ""
    high: str = ""
    setting: Coded | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """inFulfillmentOf/order: what the document answers, with the accession number of an imaging department."""

    id: InstanceId | None = None
    accession: InstanceId | None = None


BodyKind = Literal["structured", "non-xml", "none"]


@dataclass(frozen=True, slots=True, repr=False)
class CdaHeader:
    """What the connector needs of a ClinicalDocument; `self_presenting` when it carries its own stylesheet inline.

    `encounter_ids` and `encounter_code` are those of the encompassing encounter.
    """

    id: InstanceId
    set_id: InstanceId | None
    version: str
    templates: tuple[InstanceId, ...]
    code: Coded
    title: str
    effective_time: str
    confidentiality: Coded
    language: str
    patient_ids: tuple[InstanceId, ...]
    traits: Traits
    authors: tuple[CdaPerson, ...]
    custodian: CdaOrganization | None
    legal_authenticator: CdaPerson | None
    service_events: tuple[ServiceEvent, ...]
    facility: Coded | None
    replaced_id: InstanceId | None
    body: BodyKind
    body_media_type: str = ""
    self_presenting: bool = False
    orders: tuple[Order, ...] = ()
    encounter_ids: tuple[InstanceId, ...] = ()
    encounter_code: Coded | None = None

    def ins(self) -> MatriculeIns | None:
        """The first patient id under one of the four INS roots."""
        return next((MatriculeIns(i.extension, i.root) for i in self.patient_ids if i.root in INS_OIDS), None)
