"""What the volet forbids when a document is also to be mailed (hl7v2-interface §3.8).

Only the rules that protect someone refuse the message; the matrix printed in the volet contradicts its own samples
and warns. Volet 1.2 names its recipients in the CDA, so nothing is said there of missing ones (§7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.hl7.header import Header
from connector.hl7.identity import PatientIdentity, ins_of
from connector.hl7.model import Flags, Recipient
from connector.hl7.notes import Notes
from connector.hl7.refusal import OTHER, application_error
from connector.hl7.structure import Volet
from connector.hl7.volet_meta import Metadata
from connector.hl7.volet_parties import is_patient
from connector.ins.matricule import check_matricule

MAJORITY = 18
"""Age from which a patient's mailbox is the patient's alone."""

_REFERENCE = "hl7v2-interface §3.8"


def check_mail(
    metadata: Metadata,
    recipients: Sequence[Recipient],
    patient: PatientIdentity,
    *,
    header: Header,
    volet: Volet,
    notes: Notes,
) -> None:
    """Refuses (207/906 on the OBX that asks for the mail) what must not be mailed; warns of the rest.

    The age is taken at the date of the message, MSH-7.
    """
    flags = metadata.flags
    to = [recipient for recipient in recipients if recipient.role == "RCT"]
    if flags.dest_mssante_ps:
        for sentence in _to_professionals(to, volet):
            _refuse(metadata, "dest_mssante_ps", sentence, notes)
    if flags.dest_mssante_pat:
        for sentence in _to_patient(flags, to, patient, header, volet):
            _refuse(metadata, "dest_mssante_pat", sentence, notes)
    if (flags.dest_mssante_ps or flags.dest_mssante_pat) and not in_matrix(flags):
        _warn(notes, "combinaison absente de la matrice MSSanté du volet")
    if flags.invisible_rep_legaux and flags.dest_mssante_pat:
        _warn(notes, "document invisible aux représentants légaux envoyé à la messagerie du patient")


def in_matrix(flags: Flags) -> bool:
    """Whether the switches are one of the three combinations the volet lists."""
    asked = (bool(flags.dest_mssante_ps), bool(flags.dest_mssante_pat))
    masked, hidden, kept = bool(flags.masque_ps), bool(flags.invisible_patient), bool(flags.invisible_rep_legaux)
    if asked == (True, True):
        return not (masked or hidden or kept)
    if asked == (True, False):
        return hidden and not (masked or kept)
    return asked == (False, True) and not (hidden or flags.connexion_secrete or flags.dest_dmp)


def _to_professionals(to: Sequence[Recipient], volet: Volet) -> Iterator[str]:
    # A patient among the recipients is not one DESTMSSANTEPS can mean.
    if volet != "1.2" and all(is_patient(recipient.person) for recipient in to):
        yield "envoi aux professionnels sans aucun destinataire (PRT RCT)"


def _to_patient(
    flags: Flags, to: Sequence[Recipient], patient: PatientIdentity, header: Header, volet: Volet
) -> Iterator[str]:
    mailboxes = [recipient for recipient in to if is_patient(recipient.person)]
    if flags.invisible_patient:
        yield "envoi au patient d'un document qui lui est invisible"
    if volet != "1.2" and not mailboxes:
        yield "envoi au patient sans destinataire patient (PRT RCT)"
    if flags.invisible_rep_legaux and _is_minor(patient.traits.birth_date, header.time):
        yield "document invisible aux représentants légaux envoyé à la messagerie d'un mineur, qu'ils relèvent"
    elif flags.invisible_rep_legaux and any(_of_another(recipient, patient) for recipient in mailboxes):
        yield "document invisible aux représentants légaux envoyé à la messagerie d'une autre personne"


def _of_another(recipient: Recipient, patient: PatientIdentity) -> bool:
    """A sound matricule that is not the patient's; one that is merely mistyped is nobody's."""
    matricule = recipient.person.id if recipient.person is not None else ""
    own = {identifier.value for identifier in ins_of(patient.identifiers)}
    return matricule not in own and not check_matricule(matricule)


def _is_minor(born: str, on: str) -> bool:
    """Dates `YYYYMMDD…`; one that cannot be read says nothing. Day and month may be 00 in a corrected date."""
    if not (born[:8].isdigit() and on[:8].isdigit() and len(born) >= 8 and len(on) >= 8):
        return False
    return int(on[:8]) < int(born[:8]) + MAJORITY * 10_000


def _refuse(metadata: Metadata, asked: str, sentence: str, notes: Notes) -> None:
    notes.refuse(application_error(f"OBX^{metadata.places[asked]}^5", OTHER, sentence))


def _warn(notes: Notes, sentence: str) -> None:
    notes.warn("VOLET-MSS-MATRICE", "OBX-5", "incohérent", "cohérent", sentence, reference=_REFERENCE)
