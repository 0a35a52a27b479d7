"""Rows of the rules about what a document presents and carries."""

from __future__ import annotations

from typing import Final

from connector.cda.checks import amounts, body, presentation, products, references
from connector.cda.checks.model import Check

_LDL: Final = "cda-lettre-de-liaison"

BODY: Final = (
    Check(
        "CDA-20", "error", "EX_2.1-1115", presentation.scripts,
        "nothing that a viewer would run",
        "asked by the DMP; one official example (CANCER-PPS_2022.01_Autopresentable) has a script element",
    ),
    Check(
        "CDA-21", "warning", "EX_2.1-1115", presentation.remote,
        "nothing fetched from elsewhere",
        "the document stays readable without it",
    ),
    Check(
        "CDA-30", "error", "ASS_A12", body.media_type,
        "a level-1 body is of a type that has a format code",
        "mimeType and formatCode cannot be made",
    ),
    Check(
        "CDA-31", "error", f"{_LDL} §7", body.inline,
        "a level-1 body is in the document, announced as base64, not compressed",
        "readers would show nothing",
    ),
    Check(
        "CDA-32", "error", f"{_LDL} §7", body.base64_body,
        "a level-1 body is base64 of RFC 4648, not empty",
        "readers would show nothing",
    ),
    Check(
        "CDA-33", "error", f"{_LDL} §7", body.magic,
        "a level-1 body is a file of its type",
        "readers would show nothing",
    ),
    Check(
        "CDA-34", "warning", f"{_LDL} §7", body.pdf_acts,
        "a PDF has no JavaScript, launch nor embedded file",
        "most viewers ignore them",
    ),
    Check(
        "CDA-36", "error", f"{_LDL} §4", body.pdf_encrypted,
        "a PDF opens without a password",
        "it may be all that the document says, and PDF/A-1 forbids it; no official example does it",
    ),
    Check(
        "CDA-37", "error", f"{_LDL} §4", body.plain_text,
        "a text has words in it",
        "readers would show nothing",
    ),
    Check(
        "CDA-38", "error", f"{_LDL} §4", body.charset,
        "a text is in UTF-8, or in the charset it announces",
        "accents would be read as something else",
    ),
    Check(
        "CDA-35", "warning", f"{_LDL} §4, §7", body.pdf_archive,
        "a PDF says to be PDF/A",
        "the PDFs of the official examples do not",
    ),
    Check(
        "CDA-16", "error", f"{_LDL} §2", references.ids_once,
        "an ID of the narrative is given once",
        "a reference would lead to either; the schema refuses it too",
    ),
    Check(
        "CDA-40", "warning", f"{_LDL} §2", references.dangling,
        "other references lead to an ID of the document: allergies of letters, other documents, links and pictures",
        "both official letters have some in their allergies (#NO-ALL, #), the LDL-SES one without # (admiSang), and so "
        "have 70 examples of other models",
    ),
    Check(
        "CDA-47", "error", f"{_LDL} §2", references.medicines_dangling,
        "references of the medicines of a letter lead to an ID of the document",
        "a medicine that the text does not show is not read; both official letters are right",
    ),
    Check(
        "CDA-39", "error", f"{_LDL} §2", references.entries_dangling,
        "`#` references of the other entries of a letter, allergies apart, lead to an ID of the document",
        "what is coded and not shown is not read; both official letters are right",
    ),
    Check(
        "CDA-43", "warning", f"{_LDL} §2", references.bare,
        "a reference to an ID begins with `#`",
        "the official LDL-SES and 48 other examples forget it",
    ),
    Check(
        "CDA-44", "error", f"{_LDL} §7", products.medicines,
        "CIS, CIP, UCD and ATC codes have their shape and key, translations too",
        "software that reads the code gives another medicine; one official example has a CIP among the CIS: "
        "01_Modèles_contenus_CDA, a collection of sections that the kit refuses too",
    ),
    Check(
        "CDA-48", "error", f"{_LDL} §2.1", amounts.real,
        "doses, rates and their maxima are not under zero, periods and durations above it, in letters in units of time",
        "the prescription cannot be understood; no official example does it",
    ),
    Check(
        "CDA-45", "warning", f"{_LDL} §7", products.terms,
        "LOINC and SNOMED CT codes have their shape and key",
        "the text says the same; only a lookup would be sure",
    ),
)  # fmt: skip
