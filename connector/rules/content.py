"""What the CDA says against what its metadata says (dmp-interface a.7, c.3).

The DMP's own depth here is not written anywhere (c.3, "UNCERTAIN"): `check_content` switches these rules off.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.rules import names
from connector.rules.case import Case, Fault, Rule, patient_id, unique_id
from connector.rules.forms import read_cx


def _document_id(case: Case) -> Iterator[Fault]:
    for entry in case.documents:
        cda, wanted = case.cda_of(entry), unique_id(entry)
        if cda is not None and wanted and cda.unique_id != wanted:
            expected = f"root = uniqueId ({wanted})"
            yield Fault(entry.id, "ClinicalDocument/id", cda.unique_id or "absent", expected)


def _document_patient(case: Case) -> Iterator[Fault]:
    if case.set is None:
        return
    # The entries have the patient of the set, or D-32 says so.
    cx = read_cx(patient_id(case.set))
    for entry in case.documents:
        cda = case.cda_of(entry)
        if cda is None or not cx.well_formed:
            continue
        domains = {oid for oid, _ in cda.patients} & case.settings.ins_oids
        if domains and (cx.oid, cx.value) not in cda.patients:
            yield Fault(entry.id, "recordTarget/patientRole/id", "un autre matricule", "l'INS du patientId")


def _document_type(case: Case) -> Iterator[Fault]:
    for entry in case.documents:
        cda = case.cda_of(entry)
        if cda is not None and cda.type is not None and cda.type not in entry.codes(names.TYPE_CODE):
            yield Fault(entry.id, "ClinicalDocument/code", "^^".join(cda.type), "le typeCode des métadonnées")


CONTENT_RULES: tuple[Rule[Case], ...] = (
    Rule("DMP-17", "dmp-interface c.3, a.7 EX_2.1-1130", _document_id),
    Rule("DMP-18", "dmp-interface c.3", _document_patient, "XDSPatientIdDoesNotMatch"),
    Rule("DMP-19", "dmp-interface c.3", _document_type),
)
