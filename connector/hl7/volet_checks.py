"""What the volet demands around the document: patient, stay, destinations, sender (hl7v2-interface §3.2-§3.8, §5).

Each check writes in `notes`: an error refuses the message, a warning travels with the request.
"""

from __future__ import annotations

from connector.hl7.datatypes import present, repetitions, text
from connector.hl7.er7 import Segment
from connector.hl7.identity import PatientIdentity, ins_of
from connector.hl7.model import Sender, Stay
from connector.hl7.notes import Notes
from connector.hl7.refusal import (
    INS_ABSENT,
    OTHER,
    TRAITS_INCOMPLETE,
    application_error,
    missing_field,
)
from connector.hl7.structure import Volet
from connector.hl7.volet_meta import Metadata

_TRAITS = {
    "birth_name": ("PID^1^5^1^1", "nom de naissance"),
    "first_given": ("PID^1^5^1^2", "premier prénom"),
    "birth_date": ("PID^1^7", "date de naissance"),
    "sex": ("PID^1^8", "sexe"),
    "birth_place": ("PID^1^11", "code INSEE du lieu de naissance"),
}
_VISIT_CLASSES = frozenset({"E", "I", "O", "R"})
_EXPECTED_SINCE_2 = (
    "masque_ps",
    "invisible_patient",
    "invisible_rep_legaux",
    "connexion_secrete",
    "modif_conf_code",
    "dest_dmp",
    "dest_mssante_ps",
    "dest_mssante_pat",
    "ack_reception",
    "ack_lecture_mss",
)


def check_patient(pid: Segment, patient: PatientIdentity, *, volet: Volet, for_dmp: bool, notes: Notes) -> None:
    """PID-3 and PID-5 always; for the DMP also an INS (903) and the strict traits (905).

    An INS that is present but not qualified is not refused: the publication waits for a better identity. The birth
    place counts since volet 2.1, whose senders all give it; older ones get a warning.
    """
    has_identifiers, has_name = bool(patient.identifiers), any(text(pid, 5, rep) for rep in repetitions(pid, 5))
    if not has_identifiers:
        notes.refuse(missing_field("PID^1^3", "identifiants du patient (PID-3)"))
    if not has_name:
        notes.refuse(missing_field("PID^1^5", "nom du patient (PID-5)"))
    if not for_dmp:
        return
    if has_identifiers and not ins_of(patient.identifiers):
        notes.refuse(application_error("PID^1^3", INS_ABSENT, "INS absent du message"))
    missing = [name for name in _TRAITS if not present(getattr(patient.traits, name))]
    if volet != "2.1" and "birth_place" in missing:
        missing.remove("birth_place")
        _warn(notes, "VOLET-PID-11", "PID-11.9", "vide", "code INSEE", "lieu de naissance absent", "§3.2")
    if has_name and missing:
        labels = ", ".join(_TRAITS[name][1] for name in missing)
        notes.refuse(application_error(_TRAITS[missing[0]][0], TRAITS_INCOMPLETE, f"traits INS incomplets : {labels}"))


def check_stay(stay: Stay, notes: Notes) -> None:
    """PV1-2 is required; PV1-19 is too for a real visit, but a document is not refused for it."""
    if not present(stay.patient_class):
        notes.refuse(missing_field("PV1^1^2", "classe du patient (PV1-2)"))
    elif stay.patient_class in _VISIT_CLASSES and stay.visit is None:
        _warn(notes, "VOLET-PV1-19", "PV1-19", "vide", "numéro de venue", "numéro de venue absent", "§3.2")


def check_destinations(metadata: Metadata, *, volet: Volet, notes: Notes) -> None:
    """DESTDMP must be said; secure mail is not served yet, so a message asking for mail alone is refused."""
    flags = metadata.flags
    mail = flags.dest_mssante_ps or flags.dest_mssante_pat
    if mail and not flags.dest_dmp:
        asked = "dest_mssante_ps" if flags.dest_mssante_ps else "dest_mssante_pat"
        text_ = "envoi par messagerie seule : non pris en charge, le DMP doit être destinataire"
        notes.refuse(application_error(f"OBX^{metadata.places[asked]}^5", OTHER, text_))
    elif flags.dest_dmp is None and "dest_dmp" not in metadata.places:
        notes.refuse(missing_field("OBX^1", "métadonnée DESTDMP"))
    elif flags.dest_dmp is None:
        notes.refuse(missing_field(f"OBX^{metadata.places['dest_dmp']}^5", "valeur de DESTDMP"))
    elif not flags.dest_dmp:
        _warn(notes, "VOLET-DEST", "DESTDMP", "N", "Y", "aucune destination demandée", "§3.6")
    elif mail:
        _warn(notes, "VOLET-MSS", "DESTMSSANTE", "Y", "N", "envoi par messagerie non pris en charge", "§3.8")
    if volet != "1.2":
        for name in _EXPECTED_SINCE_2:
            if name not in metadata.places:
                _warn(
                    notes, "VOLET-META", "OBX-3", f"{name} absent", "présent", "métadonnée obligatoire absente", "§3.6"
                )


def check_sender(sender: Sender | None, *, volet: Volet, for_dmp: bool, notes: Notes) -> None:
    """PRT SB feeds the VIHF and the submission-set author: required for the DMP since volet 2.0."""
    if not for_dmp or volet == "1.2":
        return
    if sender is None:
        notes.refuse(missing_field("PRT^1", "expéditeur de la demande (PRT SB)"))
    elif sender.organization is None or not present(sender.organization.id):
        text_ = "structure de l'expéditeur absente, celle de la configuration sera utilisée"
        _warn(notes, "VOLET-PRT-SB", "PRT-8.10", "vide", "identifiant de structure", text_, "§3.5")


def _warn(notes: Notes, rule: str, where: str, found: str, expected: str, sentence: str, section: str) -> None:
    notes.warn(rule, where, found, expected, sentence, reference=f"hl7v2-interface {section}")
