"""Which documents one caller may see, document by document (dmp-interface d.2 notes 5 to 9, d.3, c.8).

What a transaction is open to at all is judged before (rights.py); here a record is open, and each document is asked.
Professionals see what is hidden from the patient or from the legal representatives: those two restrictions are for
other readers (d.2, row TD3.2), only MASQUE_PS is for them.
"""

from __future__ import annotations

from connector.rules import names
from connector.rules.case import authors, is_signature
from connector.rules.forms import read_xcn, read_xon
from connector.rules.model import RegistryObject
from connector.simulator.directory import Patient
from connector.simulator.matrix import Matrix
from connector.simulator.model import VerifiedAssertion
from connector.simulator.rights import STRUCTURE_CERTIFICATE, is_doctor, is_professional

# classCode "Expression du titulaire", and the typeCodes of what the patient adds (a.8, EX_3.1-1040).
_PATIENT_CLASS, _PATIENT_TYPES = "90", "DOCPAT"


def restrictions(item: RegistryObject) -> frozenset[str]:
    """confidentialityCode without the basic level (N, R or V)."""
    found = {code for code, _ in item.codes(names.CONFIDENTIALITY)}
    return frozenset(found & {names.MASKED, names.INVISIBLE_PATIENT, names.INVISIBLE_REPRESENTATIVES})


def may_refer(item: RegistryObject, patient: Patient, caller: VerifiedAssertion) -> bool:
    """The caller may learn that the document is there (TD3.1b): masked ones are for their authors and the doctor."""
    if names.MASKED not in restrictions(item):
        return True
    if caller.mode != STRUCTURE_CERTIFICATE and caller.purpose != "normal":
        # d.2 note 7: in an emergency the patient's own choice decides, even against the author.
        return patient.masked_in_emergency
    return caller.name_id in patient.doctors or is_author(item, caller)


def may_read(item: RegistryObject, patient: Patient, caller: VerifiedAssertion, matrix: Matrix) -> bool:
    """The caller may list the metadata and fetch the document (TD3.1, TD3.2): not masked, a class of the matrix."""
    if not may_refer(item, patient, caller):
        return False
    # A signature has no class of J57; its MASQUE_PS already keeps it from everybody but its author (c.8).
    open_classes = matrix.classes(caller.roles)
    return is_signature(item) or any(code in open_classes for code, _ in item.codes(names.CLASS_CODE))


def is_of_patient(item: RegistryObject) -> bool:
    """The patient put it there."""
    classes = {code for code, _ in item.codes(names.CLASS_CODE)}
    types = [code for code, _ in item.codes(names.TYPE_CODE)]
    return _PATIENT_CLASS in classes or any(code.startswith(_PATIENT_TYPES) for code in types)


def is_author(item: RegistryObject, caller: VerifiedAssertion) -> bool:
    """The caller wrote it: the person (note 8), or the structure for its certificate and its staff (note 9)."""
    if acts_for_structure(caller):
        houses = [value for author in authors(item) for value in author.values("authorInstitution")]
        return caller.structure in {read_xon(value).id for value in houses}
    people = [value for author in authors(item) for value in author.values("authorPerson")]
    return caller.name_id in {read_xcn(value).id for value in (*people, *item.values("legalAuthenticator"))}


def acts_for_structure(caller: VerifiedAssertion) -> bool:
    return caller.mode == STRUCTURE_CERTIFICATE or not is_professional(caller)


def why_not_change(
    right: str, item: RegistryObject, patient: Patient, caller: VerifiedAssertion, *, unmasks: bool = False
) -> str:
    """Why the caller may not make this change (TD3.3a to d) on this document, "" when it may (d.2 notes 8 and 9)."""
    treating = caller.name_id in patient.doctors
    if right in ("TD3.3c", "TD3.3d") and is_of_patient(item):
        return "" if treating else "un document du patient ne change que par lui ou son médecin traitant"
    in_emergency = is_doctor(caller) and caller.purpose != "normal"
    free = {
        "TD3.3a": treating or not unmasks,
        "TD3.3b": True,
        "TD3.3c": False,
        "TD3.3d": treating or in_emergency,
    }
    if free[right] or is_author(item, caller):
        return ""
    owner = "cette structure" if acts_for_structure(caller) else "cet auteur"
    return f"le document n'est pas de {owner}"
