"""What a document message must satisfy before AA (hl7v2-interface §3.2, §5), and the reading it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connector import codes
from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.cda.model import CdaHeader, InstanceId, full_id
from connector.flows.config import IntakeConfig
from connector.flows.french import in_french
from connector.hl7.ack import AckCode, AckError
from connector.hl7.er7 import parse
from connector.hl7.model import DocumentRequest, Identifier
from connector.hl7.volet import VoletRefusal, read_document
from connector.ins.model import INS_OIDS

APPLICATION_ERROR = ("207", "Application error")


@dataclass(frozen=True, slots=True, repr=False)
class ReadRequest:
    """A document request with the header of each of its documents, same order."""

    request: DocumentRequest
    headers: tuple[CdaHeader, ...]


def read_request(raw: bytes, config: IntakeConfig, *, today: date) -> ReadRequest:
    """Reads a message already accepted. Raises VoletRefusal, CdaError or Er7Error on anything else."""
    request = read_document(parse(raw), environment=config.environment, today=today)
    cap = config.max_document_bytes
    return ReadRequest(request, tuple(read_header(part.content, cap=cap) for part in request.documents))


def check_document(raw: bytes, config: IntakeConfig, *, today: date) -> tuple[AckCode, tuple[AckError, ...]]:
    """('AA', ()) or the refusal. Raises Er7Error when the message itself cannot be read."""
    try:
        read = read_request(raw, config, today=today)
    except VoletRefusal as refusal:
        return refusal.ack_code, refusal.errors
    except CdaError as error:
        if "limit" in error.context:
            text = f"document trop volumineux : {error.context['found']}, {error.context['limit']} au plus"
            return "AE", (AckError("OBX^1^5^1^5", *APPLICATION_ERROR, app_code="906", app_text=text),)
        return "AE", (AckError("OBX^1^5^1^5", "102", f"Le contenu n'est pas un document CDA : {in_french(error)}"),)
    errors = [e for header in read.headers for e in _patient_errors(read.request, header)]
    errors += _type_errors(read.request)
    errors += _same_id_errors(read)
    errors += version_errors(read)
    return ("AE" if errors else "AA"), tuple(errors)


def _patient_errors(request: DocumentRequest, header: CdaHeader) -> list[AckError]:
    """Working rule of §3.2: each PID-3 value and OID is among the CDA ids, and both sides carry the same INS."""
    if request.flags.dest_dmp and header.ins() is None:
        return [AckError("OBX^1^5", *APPLICATION_ERROR, app_code="903", app_text="INS absent du document CDA")]
    cda_ids = {(i.extension, i.root) for i in header.patient_ids}
    ins = [i for i in request.identifiers if i.authority.oid in INS_OIDS]
    errors = [_mismatch(n) for n, i in enumerate(request.identifiers, 1) if not _found(i, cda_ids)]
    cda_ins = header.ins()
    if (
        not errors
        and ins
        and (cda_ins is None or all((i.value, i.authority.oid) != (cda_ins.value, cda_ins.oid) for i in ins))
    ):
        errors = [_mismatch(1)]
    return errors[:1]


def _found(identifier: Identifier, cda_ids: set[tuple[str, str]]) -> bool:
    oid = identifier.authority.oid
    if oid in INS_OIDS or oid.startswith(("1.", "2.", "0.")):
        return (identifier.value, oid) in cda_ids
    # a local authority without OID has no form in a CDA: its value alone cannot contradict
    return True


def _mismatch(repetition: int) -> AckError:
    text = "L'identité du message (PID-3) et celle du document CDA (recordTarget) diffèrent"
    return AckError(f"PID^1^3^{repetition}", *APPLICATION_ERROR, app_code="904", app_text=text)


def _type_errors(request: DocumentRequest) -> list[AckError]:
    """OBX-3 of a document bound for the DMP must be in JDV_J66 (§3.3): ERR-3 103 on OBR-4."""
    if not request.flags.dest_dmp:
        return []
    dmp = codes.load("J66")
    wrong = [part.type_code for part in request.documents if dmp.get(part.type_code) is None]
    return [AckError("OBR^1^4^1^1", "103", f"Type de document {code} hors du jeu de valeurs du DMP") for code in wrong]


def _same_id_errors(read: ReadRequest) -> list[AckError]:
    """Two documents of one message are two documents: each has an id of its own (§3.1)."""
    ids = [full_id(header.id) for header in read.headers]
    if len(set(ids)) == len(ids):
        return []
    text = "Les deux documents du message ont le même identifiant (ClinicalDocument/id)"
    return [AckError("OBX^2^5", *APPLICATION_ERROR, app_code="906", app_text=text)]


def version_errors(read: ReadRequest) -> list[AckError]:
    """What is replaced or deleted, as TXA and the CDA say it: 900 when they do not agree (§3.3, §3.7)."""
    request = read.request
    if request.volet == "1.2":
        # that version names no document in TXA-12 (§7)
        return []
    if request.action == "create":
        if any(header.replaced_id is not None for header in read.headers):
            return [
                _version("ORC^1^1", "Création demandée pour un document qui en remplace un autre (relatedDocument)")
            ]
        return []
    errors: list[AckError] = []
    for header in read.headers:
        if request.document_id and not _same(request.document_id, header.id):
            errors.append(_version("TXA^1^12", "L'identifiant du document diffère entre TXA-12 et le CDA"))
        if request.action == "delete":
            continue
        if header.replaced_id is None:
            errors.append(_version("OBX^1^5", "Remplacement sans relatedDocument (RPLC) dans le CDA"))
        elif _same(full_id(header.replaced_id), header.id):
            errors.append(_version("OBX^1^5", "Le document se remplace lui-même : une nouvelle version a un autre id"))
        elif request.replaced_id and not _same(request.replaced_id, header.replaced_id):
            errors.append(_version("TXA^1^13", "Le document remplacé diffère entre TXA-13 et le CDA"))
    return errors[:1]


def _version(location: str, text: str) -> AckError:
    return AckError(location, *APPLICATION_ERROR, app_code="900", app_text=text)


def _same(written: str, identifier: InstanceId) -> bool:
    """`root^extension` and the dotted concatenation some senders write in TXA name one document (§9.2-23)."""
    return written.replace("^", ".") == full_id(identifier).replace("^", ".")
