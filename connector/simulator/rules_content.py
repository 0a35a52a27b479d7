"""What the CDA says against what its metadata says (dmp-interface a.7, c.3).

The DMP's own depth here is not written anywhere (c.3, "UNCERTAIN"): `check_content` switches these rules off.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import HL7V3, q
from connector.base.xmlsafe import parse_xml
from connector.simulator import ebrim_names as names
from connector.simulator.hl7_forms import read_cx
from connector.simulator.registry_case import Case, Fault, Rule, patient_id, unique_id
from connector.simulator.registry_reader import RegistryObject

CDA_CAP = 64 * 1024 * 1024


def clinical_document(case: Case, entry: RegistryObject) -> etree._Element | None:
    """The ClinicalDocument of an entry; None for other content or unreadable XML (SIG-10 says so)."""
    part = case.part_of(entry)
    if part is None or not case.settings.check_content:
        return None
    try:
        root = parse_xml(part.path.read_bytes(), cap=CDA_CAP, huge=True, what="CDA")
    except CodecError:
        return None
    return root if root.tag == q(HL7V3, "ClinicalDocument") else None


def _document_id(case: Case) -> Iterator[Fault]:
    for entry in case.documents:
        root = clinical_document(case, entry)
        if root is None:
            continue
        found = root.find(q(HL7V3, "id"))
        written = "^".join(filter(None, (_get(found, "root"), _get(found, "extension"))))
        if written != unique_id(entry):
            yield Fault(entry.id, "ClinicalDocument/id", written or "absent", f"root = uniqueId ({unique_id(entry)})")


def _document_patient(case: Case) -> Iterator[Fault]:
    for entry in case.documents:
        root = clinical_document(case, entry)
        if root is None:
            continue
        cx = read_cx(patient_id(entry))
        held = {
            (_get(item, "root"), _get(item, "extension"))
            for item in root.iterfind(f"{q(HL7V3, 'recordTarget')}/{q(HL7V3, 'patientRole')}/{q(HL7V3, 'id')}")
        }
        domains = {oid for oid, _ in held} & case.settings.ins_oids
        if domains and (cx.oid, cx.value) not in held:
            yield Fault(entry.id, "recordTarget/patientRole/id", "un autre matricule", "l'INS du patientId")


def _document_type(case: Case) -> Iterator[Fault]:
    for entry in case.documents:
        root = clinical_document(case, entry)
        found = None if root is None else root.find(q(HL7V3, "code"))
        if found is None:
            continue
        written = (_get(found, "code"), _get(found, "codeSystem"))
        if written not in entry.codes(names.TYPE_CODE):
            expected = "le typeCode des métadonnées"
            yield Fault(entry.id, "ClinicalDocument/code", "^^".join(written), expected)


def replaced_ids(case: Case, entry: RegistryObject) -> tuple[str, ...]:
    """uniqueIds that the CDA of `entry` says it replaces (relatedDocument RPLC, c.7)."""
    root = clinical_document(case, entry)
    if root is None:
        return ()
    path = f"{q(HL7V3, 'relatedDocument')}[@typeCode='RPLC']/{q(HL7V3, 'parentDocument')}/{q(HL7V3, 'id')}"
    return tuple(_get(item, "root") for item in root.iterfind(path))


def _get(element: etree._Element | None, attribute: str) -> str:
    return "" if element is None else element.get(attribute, "")


CONTENT_RULES: tuple[Rule, ...] = (
    Rule("DMP-17", "dmp-interface c.3, a.7 EX_2.1-1130", _document_id),
    Rule("DMP-18", "dmp-interface c.3", _document_patient, "XDSPatientIdDoesNotMatch"),
    Rule("DMP-19", "dmp-interface c.3", _document_type),
)
