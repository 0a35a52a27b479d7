"""Rows of the rules that only letters have (LDL-SES, LDL-EES)."""

from __future__ import annotations

from typing import Final

from connector.cda.checks import events, letters, sections
from connector.cda.checks.model import Check

_LDL: Final = "cda-lettre-de-liaison"

LETTER: Final = (
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
        "these entries carry the templateId of their own",
        "software finds them by it",
    ),
)  # fmt: skip
