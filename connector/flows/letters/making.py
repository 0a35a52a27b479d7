"""From what was handed in to a CDA with its header: plain data completed and built, or a CDA read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from connector.base.oid import oid_from_uuid
from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.cda.model import CdaHeader, full_id
from connector.flows.french import in_french
from connector.flows.letters.config import LettersConfig
from connector.flows.letters.knowing import another_patient, facts_of_stay, stay_of_cda, stay_of_data
from connector.flows.letters.model import Source
from connector.letter.build import build
from connector.letter.errors import LetterError, fault
from connector.letter.inputs import complete
from connector.letter.plain import letter_of
from connector.patients.letters import StayFacts
from connector.patients.state import Sql
from connector.patients.versions import Version

_SPACE: Final = uuid.UUID("0bd6c9a0-6f0e-5a55-9a4e-5f6f3c0c1d21")
"""Name space of the identifiers derived from a source."""


@dataclass(frozen=True, slots=True, repr=False)
class MadeLetter:
    """A CDA, its header, and the stay it is about when the journal knows it."""

    cda: bytes
    header: CdaHeader
    stay: StayFacts | None

    @property
    def unique_id(self) -> str:
        return full_id(self.header.id)


@dataclass(frozen=True, slots=True, repr=False)
class Predecessor:
    """What a replacement says of the document it replaces: its uniqueId, its setId, its number (0 unknown)."""

    unique_id: str
    set_id: str = ""
    number: int = 0

    @classmethod
    def of(cls, version: Version) -> Predecessor:
        return cls(version.unique_id, version.set_id, version.number)


def document_oid(source: str, what: str = "document") -> str:
    """The OID derived from a source: the same source, the same OID."""
    return oid_from_uuid(uuid.uuid5(_SPACE, f"{what}:{source}"))


def make_from_data(
    source: Source,
    sql: Sql,
    config: LettersConfig,
    *,
    made_at: datetime,
    replaces: Predecessor | None = None,
    name: str = "",
) -> MadeLetter:
    """Data completed from the journal and the settings, then built. `made_at` is aware.

    name  what identifiers are derived from, the source's if left out

    Raises LetterError with every fault.
    """
    assert source.data is not None
    known = stay_of_data(sql, source.data, source.stay, config)
    if source.stay and known is None:
        raise LetterError([fault("stay", "le journal ne connaît pas ce séjour", "un séjour annoncé par une admission")])
    data = dict(source.data)
    if replaces is not None:
        data = _replacing(data, replaces)
    facts = replace(
        facts_of_stay(known, config),
        id=document_oid(name or source.name),
        set_id=replaces.set_id if replaces and replaces.set_id else document_oid(name or source.name, "set"),
        time=made_at,
    )
    cda = build(letter_of(complete(data, facts)))
    return MadeLetter(cda, read_header(cda), known)


def make_from_cda(source: Source, sql: Sql, config: LettersConfig, *, cap: int) -> MadeLetter:
    """A CDA as it is; nothing is added to it. Raises LetterError with every fault."""
    try:
        header = read_header(source.cda, cap=cap)
    except CdaError as error:
        text = f"le fichier n'est pas un document CDA : {in_french(error)}"
        raise LetterError([fault("(fichier)", text, "un ClinicalDocument")]) from None
    known = stay_of_cda(sql, header, source.stay, config)
    faults = []
    if source.stay and known is None:
        faults.append(fault("stay", "le journal ne connaît pas ce séjour", "un séjour annoncé par une admission"))
    if another_patient(known, header.ins()):
        faults.append(
            fault("recordTarget/patientRole/id", "l'INS du document n'est pas celui du patient du séjour", "le même")
        )
    signer = header.legal_authenticator
    if signer is None or signer.id is None or not signer.id.extension:
        faults.append(
            fault(
                "legalAuthenticator/assignedEntity/id",
                "le document n'a pas de responsable légal identifié : rien n'est envoyé sans lui",
                "le numéro national du signataire",
                "absent",
            )
        )
    if faults:
        raise LetterError(faults)
    return MadeLetter(source.cda, header, known)


def _replacing(data: Mapping[str, Any], replaces: Predecessor) -> dict[str, Any]:
    """The data of the next version; what the data say themselves stays, and is judged by the model."""
    root, _, extension = replaces.unique_id.partition("^")
    former: dict[str, Any] = {"id": {"root": root} | ({"extension": extension} if extension else {})}
    if replaces.number:
        former["version"] = replaces.number
    return {"replaces": former, "version": replaces.number + 1 if replaces.number else 2, **data}
