"""Rows of the rules that only letters have (LDL-SES, LDL-EES)."""

from __future__ import annotations

from typing import Final

from connector.cda.checks import events, letters, medicines, sections
from connector.cda.checks.model import Check

_LDL: Final = "cda-lettre-de-liaison"

LETTER: Final = (
    Check(
        "CDA-75", "error", f"{_LDL} §1", letters.own_model,
        "a structured document of a type of letter (11490-0, 18761-7) has the model of that letter, and no other one",
        "suites are chosen by the model alone: another one switches those of the letter off without a word",
    ),
    Check(
        "CDA-70", "error", f"{_LDL} §1", letters.model_version,
        "the templateId of a letter has a published version (2022.01)",
        "the suites fall back on another version without a word",
    ),
    Check(
        "CDA-71", "warning", f"{_LDL} §1", letters.later_version,
        "the version of a letter is one these rules know",
        "a later kit may know it",
    ),
    Check(
        "CDA-72", "warning", f"{_LDL} §1.7", letters.main_act,
        "the first serviceEvent of a letter is the stay (IMP)",
        "the suite of LDL-EES refuses another one itself, that of LDL-SES does not",
    ),
    Check(
        "CDA-73", "warning", f"{_LDL} §1.5", letters.recipient,
        "a letter has an informationRecipient",
        "no suite asks for it",
    ),
    Check(
        "CDA-74", "warning", f"{_LDL} §1.6", letters.family_doctor,
        "a letter names the médecin traitant (participant PCP)",
        "no suite asks for it, and some patients have none",
    ),
    Check(
        "CDA-78", "warning", f"{_LDL} §1.5", letters.named_recipients,
        "each recipient has a name",
        "no suite asks for it, and a number tells nobody who reads the letter",
    ),
    Check(
        "CDA-98", "warning", f"{_LDL} §1.6", letters.one_family_doctor,
        "there is one médecin traitant at most",
        "the DMP has one; no official letter names two",
    ),
    Check(
        "CDA-80", "error", f"{_LDL} §2", sections.text,
        "each section of a letter has a text",
        "what is only coded is not read by people",
    ),
    Check(
        "CDA-81", "error", f"{_LDL} §2", sections.title,
        "each section of a letter has a title",
        "a reader cannot tell stopped treatments from those at discharge",
    ),
    Check(
        "CDA-82", "error", f"{_LDL} §2", sections.identifier,
        "each section of a letter has an id, those of CDA-88 apart",
        "the model asks for it; the sections of the official letters have theirs",
    ),
    Check(
        "CDA-88", "warning", f"{_LDL} §2", sections.exempt_identifier,
        "the sections of the reason and of allergies have an id",
        "the official letters forget these",
    ),
    Check(
        "CDA-19", "warning", f"{_LDL} §2", sections.identifiers_differ,
        "the id of a section is a UUID or an OID, of that section alone",
        "whoever follows a section from version to version would mix them up; other models do it",
    ),
    Check(
        "CDA-93", "warning", f"{_LDL} §2", sections.nested,
        "the sections of a letter are not inside one another",
        "no suite asks for it; what they tell is judged all the same",
    ),
    Check(
        "CDA-22", "error", f"{_LDL} §2, §3", sections.code_and_model,
        "a section of a letter has both the templateId and the code of its model",
        "one without the other hides it from readers and from suites; the official letters have both",
    ),
    Check(
        "CDA-83", "warning", f"{_LDL} §2, §3", sections.order,
        "the sections of a letter are in the order of the model",
        "the order is that of the examples, nothing else asks for it",
    ),
    Check(
        "CDA-84", "error", f"{_LDL} §2.1", events.document_status,
        "the status of a discharge letter is of StatutDoc",
        "readers would not know whether it is final",
    ),
    Check(
        "CDA-85", "error", f"{_LDL} §2.1", events.stay_modes,
        "modes of entry and exit are of ModaliteEntree and ModaliteSortie",
        "the model asks for it; the suite checks the entry only",
    ),
    Check(
        "CDA-86", "error", f"{_LDL} §2.1", events.six_events,
        "section 3 of a discharge letter has each of the six required entries once",
        "what the letter must tell the next doctor",
    ),
    Check(
        "CDA-87", "error", f"{_LDL} §2.1", events.specific_template,
        "these entries and the treatments of a letter carry their templateIds",
        "software finds them by these, and the suites look at no other; the official letters have them",
    ),
    Check(
        "CDA-89", "error", f"{_LDL} §2.1", events.told,
        "these entries have a value, are not denied nor void",
        "yes, no or words are what the next doctor must know: unknown and denied contradict the text",
    ),
    Check(
        "CDA-96", "warning", f"{_LDL} §2.1", events.one_status,
        "a discharge letter has one status",
        "readers would not know which one holds",
    ),
    Check(
        "CDA-94", "error", f"{_LDL} §2.1", medicines.not_denied,
        "no medicine of a letter is denied (negationInd)",
        "the text gives it to be taken; no treatment has a code of its own; examples of other models do it",
    ),
    Check(
        "CDA-49", "error", f"{_LDL} §2", medicines.own_text,
        "no medicine of a letter leads to the text of another that does not name it",
        "it is not read",
    ),
    Check(
        "CDA-99", "warning", f"{_LDL} §2", medicines.named_in_text,
        "the text that a medicine leads to has the first word of its name",
        "it may be that of another medicine, or the name an abbreviation",
    ),
)  # fmt: skip
