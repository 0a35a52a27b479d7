"""Certificate, VIHF and authors: who may feed (EX_2.1-1140), and what the three places disagree on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.cda.model import CdaHeader, CdaOrganization, InstanceId
from connector.dmp.structures import StructurePolicy, check_structures
from tests.dmp.samples import HEADER

OURS, LABORATORY, SITE = "1120456789", "1120459876", "300017985"
STRUCTURES = "1.2.250.1.71.4.2.2"


def by(*structures: str) -> CdaHeader:
    """The good letter with one author per structure, "" for an author without one."""
    author = HEADER.authors[0]
    return replace(
        HEADER,
        authors=tuple(
            replace(author, organization=CdaOrganization(InstanceId(STRUCTURES, one), "") if one else None)
            for one in structures
        ),
    )


CASES: list[tuple[str, str, tuple[str, ...], StructurePolicy, list[tuple[str, str]]]] = [
    (OURS, OURS, (OURS,), "certificate", []),
    (OURS, OURS, (OURS,), "message", []),
    (OURS, OURS, (LABORATORY, OURS), "certificate", []),
    # S8 and S12: PRT-8.10 is another structure than the author's
    (OURS, SITE, (OURS,), "certificate", [("DMP-STRUCTURE", "warning")]),
    (OURS, SITE, (OURS,), "message", [("EX_2.1-1140", "error"), ("DMP-STRUCTURE", "warning")]),
    # S13 and S15
    (LABORATORY, LABORATORY, (LABORATORY,), "certificate", []),
    (LABORATORY, LABORATORY, (LABORATORY,), "message", []),
    (OURS, LABORATORY, (LABORATORY,), "certificate", [("EX_2.1-1140", "error"), ("DMP-STRUCTURE", "warning")]),
    (OURS, LABORATORY, (LABORATORY,), "message", [("DMP-STRUCTURE", "warning")]),
    # the same FINESS with and without its prefix
    (OURS, "120456789", (OURS,), "certificate", []),
    (OURS, "120456789", (OURS,), "message", [("EX_2.1-1140", "warning"), ("DMP-STRUCTURE", "warning")]),
    (OURS, OURS, ("120456789",), "certificate", [("EX_2.1-1140", "warning")]),
    (OURS, OURS, ("",), "certificate", [("EX_2.1-1140", "error")]),
    (OURS, OURS, (), "certificate", [("EX_2.1-1140", "error")]),
]


@pytest.mark.parametrize(("certificate", "stated", "authors", "policy", "expected"), CASES)
def test_the_three_places_of_a_structure(
    certificate: str,
    stated: str,
    authors: tuple[str, ...],
    policy: StructurePolicy,
    expected: list[tuple[str, str]],
) -> None:
    found = check_structures(certificate, stated, by(*authors), policy)
    assert [(finding.rule, finding.severity) for finding in found] == expected


def test_the_refusal_says_what_was_found_and_what_was_wanted() -> None:
    (refusal, _) = check_structures(OURS, SITE, by(OURS, LABORATORY), "message")
    assert (refusal.found, refusal.expected, refusal.code) == (f"{OURS}, {LABORATORY}", SITE, "901")


def test_without_the_rule_of_the_prefix_a_bare_finess_is_another_structure() -> None:
    found = check_structures(OURS, OURS, by("120456789"), "certificate", bare_finess="as-is")
    assert [(finding.rule, finding.severity) for finding in found] == [("EX_2.1-1140", "error")]
