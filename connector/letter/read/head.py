"""The few facts of a header that tell whose a document is and which one, without reading its body."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.cda.header import CDA_CAP
from connector.cda.model import InstanceId
from connector.ins.model import INS_OIDS, MatriculeIns, Traits
from connector.letter.read.reader import header_of


@dataclass(frozen=True, slots=True)
class LetterHead:
    """Whose document it is, which one, and whether somebody answers for it. Absent texts are ""."""

    document: InstanceId
    set_id: InstanceId | None
    version: str
    replaces: InstanceId | None
    type_code: str
    title: str = field(repr=False)
    effective_time: str
    """HL7 TS, as written."""
    ins: MatriculeIns | None = field(repr=False)
    ipp: InstanceId | None = field(repr=False)
    traits: Traits = field(repr=False)
    structure: str
    """Struct_IdNat of the custodian."""
    legal_authenticator: str = field(repr=False)
    """PS_IdNat of the legal authenticator, "" when there is none."""
    structured: bool

    @property
    def signed(self) -> bool:
        """True when a legal authenticator is named: nothing is sent without."""
        return bool(self.legal_authenticator)


def header_only(cda: bytes, *, cap: int = CDA_CAP) -> LetterHead:
    """The head of any CDA, of whatever kind. Raises LetterError when it has no usable header."""
    header = header_of(cda, cap)
    ins = next((item for item in header.patient_ids if item.root in INS_OIDS and item.extension), None)
    signer = header.legal_authenticator
    keeper = header.custodian
    return LetterHead(
        document=header.id,
        set_id=header.set_id,
        version=header.version,
        replaces=header.replaced_id,
        type_code=header.code.code,
        title=header.title,
        effective_time=header.effective_time,
        ins=MatriculeIns(ins.extension, ins.root) if ins else None,
        ipp=next((item for item in header.patient_ids if item.root not in INS_OIDS and item.extension), None),
        traits=header.traits,
        structure=keeper.id.extension if keeper and keeper.id else "",
        legal_authenticator=signer.id.extension if signer and signer.id else "",
        structured=header.body == "structured",
    )
