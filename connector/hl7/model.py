"""Typed values read from HL7 v2 messages: what PAM-FR and the volet say, nothing decided yet.

Every text field is "" when absent; `""` (explicit deletion, hl7v2-interface §1.6) is kept as DELETED.
Times are kept as the HL7 text received: the reader has no clock and no zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from connector.base.finding import Finding
from connector.hl7.header import Header as Header
from connector.ins.model import Qualification, Traits

DELETED = '""'


@dataclass(frozen=True, slots=True)
class Authority:
    """HD of a CX-4, XCN-9 or XON-6: namespace, universal id, type."""

    namespace: str = ""
    oid: str = ""
    type: str = ""

    def key(self) -> str:
        """The OID when there is one, else the namespace: what makes an identifier unique."""
        return self.oid or self.namespace


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """A CX: value, authority, type (PI, INS, AN, VN…), effective and expiry dates."""

    value: str
    authority: Authority = Authority()
    type: str = ""
    effective: str = ""
    expiry: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Provider:
    """An XCN: professional id as sent, name, authority OID, id type (RPPS, IDNPS…)."""

    id: str = ""
    family: str = ""
    given: str = ""
    authority: Authority = Authority()
    id_type: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Organization:
    """An XON: name, authority, type (FINEJ, FINEG, IDNST, UF…), identifier."""

    name: str = ""
    authority: Authority = Authority()
    type: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """ZFA as sent (hl7v2-interface §2.5): DMP status, feeding (INO, IO, NA) and consultation (IC, INC, NA)."""

    dmp_status: str = ""
    dmp_status_time: str = ""
    closed_time: str = ""
    feeding: str = ""
    feeding_time: str = ""
    consultation: str = ""
    consultation_time: str = ""


@dataclass(frozen=True, slots=True)
class IdentityProof:
    """ZFD as sent: SMS consent, corrected date flag, way the identity was obtained, INSi query date, document."""

    lunar_date: str = ""
    sms_consent: str = ""
    corrected_date: str = ""
    obtained_by: str = ""
    insi_date: str = ""
    document_type: str = ""
    document_expiry: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """ZBE as sent. `action` is INSERT, CANCEL or UPDATE; `original_event` is ZBE-6; `nature` is ZBE-9."""

    id: str = ""
    authority: Authority = Authority()
    start: str = ""
    action: str = ""
    historic: str = ""
    original_event: str = ""
    unit: Organization = Organization()
    nature: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Stay:
    """PV1 and PID-18: class (PV1-2), visit number (PV1-19), account (PID-18), unit, admission and discharge.

    `exit_mode` is PV1-36, as sent.
    """

    patient_class: str = ""
    visit: Identifier | None = None
    account: Identifier | None = None
    unit: str = ""
    facility: str = ""
    admitted: str = ""
    discharged: str = ""
    exit_mode: str = ""

    def number(self) -> str:
        """Stay key `value@authority`: the visit number, else the account number, else ""."""
        chosen = self.visit or self.account
        return f"{chosen.value}@{chosen.authority.key()}" if chosen else ""


@dataclass(frozen=True, slots=True, repr=False)
class Admission:
    """A PAM-FR event, typed (hl7v2-interface §2)."""

    header: Header
    event: str
    recorded: str
    occurred: str
    identifiers: tuple[Identifier, ...]
    traits: Traits
    reliability: tuple[str, ...]
    qualification: Qualification
    stay: Stay
    movement: Movement | None = None
    doctors: tuple[Provider, ...] = ()
    consent: Consent | None = None
    proof: IdentityProof | None = None
    prior_identifiers: tuple[Identifier, ...] = ()
    prior_account: Identifier | None = None
    dead: bool = False

    def ipp(self) -> Identifier | None:
        """First identifier of type PI: the hospital's own patient number."""
        return next((i for i in self.identifiers if i.type == "PI" and i.value), None)


Action = Literal["create", "replace", "delete"]


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """A PRT with PRT-4 RCT or REPLY: MSSanté recipient."""

    role: str
    person: Provider | None
    organization: Organization | None
    address: str


@dataclass(frozen=True, slots=True, repr=False)
class Sender:
    """The PRT with PRT-4 = SB: who asks (source of the VIHF and of the submission-set author)."""

    person: Provider | None
    organization: Organization | None
    device: str = ""


@dataclass(frozen=True, slots=True)
class Flags:
    """MetaDMPMSS switches (hl7v2-interface §3.6); None when the message does not carry the code."""

    masque_ps: bool | None = None
    invisible_patient: bool | None = None
    invisible_rep_legaux: bool | None = None
    connexion_secrete: bool | None = None
    modif_conf_code: bool | None = None
    dest_dmp: bool | None = None
    dest_mssante_ps: bool | None = None
    dest_mssante_pat: bool | None = None
    ack_reception: bool | None = None
    ack_lecture_mss: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class DocumentPart:
    """One document OBX: type code (OBX-3), media as sent, decoded bytes."""

    type_code: str
    type_system: str
    label: str
    content: bytes
    result_status: str


@dataclass(frozen=True, slots=True, repr=False)
class DocumentRequest:
    """An ORU or MDM of the volet (hl7v2-interface §3), typed; one or two documents.

    document_id  TXA-12 and replaced_id TXA-13, `root` or `root^extension`; "" in an ORU, where the CDA says it
    no_reply     NTE-4 = FIN: the sender wants no reply to the mail
    findings     what the reader saw and tolerated; never an identity
    """

    header: Header
    action: Action
    volet: str
    identifiers: tuple[Identifier, ...]
    traits: Traits
    reliability: tuple[str, ...]
    qualification: Qualification
    stay: Stay
    documents: tuple[DocumentPart, ...]
    sender: Sender | None
    recipients: tuple[Recipient, ...]
    flags: Flags
    document_id: str = ""
    replaced_id: str = ""
    mail_bodies: tuple[tuple[str, str], ...] = field(default=())
    no_reply: bool = False
    findings: tuple[Finding, ...] = ()

    def ipp(self) -> Identifier | None:
        """First identifier of type PI, if the sender gave one."""
        return next((i for i in self.identifiers if i.type == "PI" and i.value), None)
