"""What docs/cda-rules.md says of our rules on documents, derived from their rows and from the tables of these tests.

`python -m tests.cda.catalogue > docs/cda-rules.md` writes it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connector.cda.checks.rules import CHECKS
from tests.cda import test_checks, test_checks_facts, test_checks_letter

UNREADABLE = {
    "CDA-01": "the document is within `gate.max_bytes`, and not too deep",
    "CDA-02": "well-formed XML, without DOCTYPE",
    "CDA-03": "one ClinicalDocument, alone or carried by its stylesheet",
}
REFUSED_EXAMPLES = {
    "CANCER-PPS_2022.01_Autopresentable": (["CDA-20"], "its stylesheet has a script element: EX_2.1-1115 refuses it"),
    "AVC-PAVC_2022.01": (["CDA-90", "CDA-90"], "its author and its legal authenticator write in the year 2918"),
    "01_Modèles_contenus_CDA": (
        ["CDA-44", "CDA-44"],
        "two CIP codes under the OID of the CIS; the kit refuses this collection of sections too (suite of the VSM)",
    ),
}
"""Official examples that our rules refuse in a test environment, and why; tests/kit finds these and no other."""

LIMITS = (
    "The communes and countries of the COG are not shipped: CDA-58 knows the shape, the departments and 99.",
    "What an INS says of sex, date and place is compared as warnings: civil status changes after a number was given.",
    "Keys of RPPS, FINESS, SIREN and SIRET are computed in production only, where numbers are real; that of a FINESS "
    "of Corsica (2A, 2B) is not.",
    "Codes of LOINC, SNOMED CT, CIS, CIP, UCD and ATC have their shape and key judged, never their existence.",
    "Sections that a letter must have are the suites' business: without the kit a letter without section 3 passes.",
    "What the narrative says is not compared with the entries, but for the name of a medicine (CDA-99): a text of no "
    "where the entry is yes passes.",
    "`templateId`: a document whose type is that of a letter is judged as a letter whatever its model (CDA-75); its "
    "sections are known by their templateId or their code (CDA-22).",
    "Allergies may lead nowhere and be denied, as in the official letters (CDA-40).",
    "The moment of checking is that of the gate: `check_document` without it compares no date with it (CDA-90).",
    "`typeId`: CDA-10 refuses another one, so that a suite that is switched off by it never lets a document through.",
)


def mutations() -> Counter[str]:
    """Mutations of each rule."""
    tables = (test_checks.MUTATIONS, test_checks_letter.MUTATIONS, test_checks_facts.MUTATIONS)
    return Counter([mutation[0] for table in tables for mutation in table] + list(test_checks_letter.ASIDE))


def document() -> Iterator[str]:
    errors = [check for check in CHECKS if check.severity == "error"]
    harder = [check for check in CHECKS if check.production is not None]
    yield "# Our rules on CDA documents"
    yield ""
    yield "Written by `python -m tests.cda.catalogue`, kept equal by a test. They run on each document before it is"
    yield "sent, with the agency's kit or without it, and first in `connector check`. An error refuses the document, a"
    yield "warning is written in its timeline. The environment is that of the DMP (`dmp.environment`)."
    yield ""
    yield f"{len(CHECKS)} rules and {len(UNREADABLE)} that say a document cannot be read: {len(errors)} refuse,"
    yield f"{len(CHECKS) - len(errors)} warn, {len(harder)} of these refuse in production. Each is broken by a test"
    yield f"({sum(mutations().values())} mutations). Of the 42 faults that the kit does not catch, 41 are told, 35 of"
    yield "them refused; the other one is legal (tests/kit/faults.py)."
    yield ""
    yield "| Rule | What it asks | Severity | In production | Why this severity | Source |"
    yield "|---|---|---|---|---|---|"
    for rule, what in UNREADABLE.items():
        yield f"| {rule} | {what} | error | error | nothing can be said of it | EX_2.1-1070 |"
    for check in sorted(CHECKS, key=lambda one: one.rule):
        production = check.weight("production")
        yield f"| {check.rule} | {check.asks} | {check.severity} | {production} | {check.why} | {check.reference} |"
    yield ""
    yield "## Official examples that these rules refuse"
    yield ""
    yield "In production most are, by CDA-52 and CDA-54: their patients are fictitious. In a test environment:"
    yield ""
    yield "| Example | Rule | Why |"
    yield "|---|---|---|"
    for example, (rules, why) in REFUSED_EXAMPLES.items():
        yield f"| {example} | {', '.join(dict.fromkeys(rules))} | {why} |"
    yield ""
    yield "## What they do not know"
    yield ""
    for limit in LIMITS:
        yield f"- {limit}"


if __name__ == "__main__":
    print("\n".join(document()))
