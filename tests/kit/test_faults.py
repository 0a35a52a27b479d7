"""The calibration again: 130 faults put in on purpose, what the kit says of each, and what our rules say besides."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from connector.base.finding import Finding
from connector.base.xmlsafe import parse_xml
from connector.cda.checks import check_document
from connector.ins.model import Environment
from connector.kit.judge import Judge
from tests.kit.conftest import CALIBRATION
from tests.kit.faults import BASES, FAULTS, ONLY_WARNED, TOLD_BY_NOBODY, Planted

Said = tuple[str, str, str]
PRODUCTION_OID = "INS test OID -> production 1.4.8"


@dataclass(frozen=True, slots=True)
class Bases:
    """The examples, parsed, and what our rules say of them before anything is broken."""

    trees: Mapping[str, etree._Element]

    def broken(self, planted: Planted) -> bytes:
        root = copy.deepcopy(self.trees[planted.base])
        planted.operation(root)
        return etree.tostring(root, encoding="utf-8")

    def whole(self, base: str) -> bytes:
        return etree.tostring(self.trees[base], encoding="utf-8")


@pytest.fixture(scope="module")
def bases(official_data: Path) -> Bases:
    folder = official_data / "cisis-data" / "examples"
    return Bases({base: parse_xml((folder / name).read_bytes(), cap=10**7) for base, name in BASES.items()})


def named(planted: Planted) -> str:
    return f"{planted.base} {planted.fault}"


def new(bases: Bases, planted: Planted, environment: Environment = "test") -> list[Finding]:
    """What our rules say of the fault and not of its base."""
    before = {said(one) for one in check_document(bases.whole(planted.base), None, environment=environment)}
    found = check_document(bases.broken(planted), None, environment=environment)
    return [one for one in found if said(one) not in before]


def said(finding: Finding) -> Said:
    return finding.rule, finding.field, finding.found


def test_the_table_is_that_of_the_calibration() -> None:
    assert len(FAULTS) == 130
    assert len([planted for planted in FAULTS if not planted.caught]) == 42
    assert len({named(planted) for planted in FAULTS}) == 130


@pytest.mark.parametrize("planted", FAULTS, ids=named)
def test_the_kit_says_what_the_calibration_says(planted: Planted, bases: Bases, official_judge: Judge) -> None:
    verdict = official_judge.judge(bases.broken(planted))
    refusing = {_suite(one.rule) for one in verdict.findings if one.blocking} - {"CDA"}
    assert refusing == {name.removeprefix("CI-SIS_") for name in planted.suites}


@pytest.mark.parametrize("planted", [one for one in FAULTS if not one.caught], ids=named)
def test_what_the_kit_does_not_catch_is_told_by_our_rules(
    planted: Planted, bases: Bases, request: pytest.FixtureRequest
) -> None:
    found = new(bases, planted)
    if planted.fault == TOLD_BY_NOBODY:
        # what is left of a fault that the base has too: the section took some of its references away
        assert {one.rule for one in found} == {"CDA-40"}
        return
    assert any(one.blocking for one in found) is (planted.fault not in ONLY_WARNED)
    assert found
    request.config.stash.setdefault(CALIBRATION, {})[named(planted)] = [f"{one.rule} {one.severity}" for one in found]


def test_a_real_identity_is_told_on_a_test_platform_only(bases: Bases) -> None:
    (planted,) = (one for one in FAULTS if one.fault == PRODUCTION_OID)
    assert [one.rule for one in new(bases, planted, "test")] == ["CDA-52"]
    assert new(bases, planted, "production") == []
    refused = check_document(bases.whole("LDL-SES"), None, environment="production")
    assert "CDA-52" in [one.rule for one in refused if one.blocking]


def test_another_type_id_lets_nothing_through(bases: Bases, official_judge: Judge) -> None:
    """It switches the header rules of the kit off: the same fault is not told any more, the document is refused."""
    (planted,) = (one for one in FAULTS if one.fault == "no realmCode")
    content = bases.broken(planted)
    assert "KIT-StructurationMinimale" in {one.rule.partition("/")[0] for one in official_judge.judge(content).findings}
    silenced = official_judge.judge(content.replace(b"POCD_HD000040", b"POCD_HD000041"))
    assert [one.rule for one in silenced.findings if one.blocking] == ["CDA-10"]


def _suite(rule: str) -> str:
    """`XSD`, the name of a suite of the kit, or `CDA` for ours."""
    if rule.startswith("CDA-"):
        return "CDA"
    return "XSD" if rule.startswith("XSD/") else rule.removeprefix("KIT-").partition("/")[0].removeprefix("CI-SIS_")
