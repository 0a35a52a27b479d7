"""The agency's kit itself: verdicts on its own examples, and the same findings as its own compiler gives."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from connector.base.clock import utc_now
from connector.base.xmlsafe import parse_xml
from connector.cda.header import clinical_document
from connector.cda.nodes import instance_ids
from connector.hl7.er7 import parse
from connector.hl7.volet import read_document
from connector.kit.judge import Judge
from connector.kit.sources import KitError, Sources
from connector.kit.suites import Suite, SuiteStopped
from connector.kit.survey import survey
from tests.cda.catalogue import REFUSED_EXAMPLES
from tests.kit.mutants import mutant
from tests.kit.plain import STOPPED, PlainKit, Said, bare, squeezed

FULL = os.environ.get("CONNECTOR_PROOF") == "full"
MUTANTS = 10 if FULL else 2

# cda-kit-calibration, "Official examples": errors by suite. All others have none.
EXPECTED = {
    "ANEST-CR-ANEST_2022.01": {"CI-SIS_ANEST-CR-ANEST_2022.01": 2},
    "ANEST-CR-CPA_2022.01": {"CI-SIS_ANEST-CR-CPA_2022.01": 1},
    "BIO-CR-BIO_2024.01_TSH_1": {"CI-SIS_BIO-CR-BIO_2021.01": 1},
    "BIO-CR-BIO_2024.01_TSH_2": {"CI-SIS_BIO-CR-BIO_2021.01": 1},
    "CANCER-FRCP_2022.01_Appareil": {"ModelesDeContenusCDA": 1},
    "CANCER-FRCP_2022.01_Transversale": {"ModelesDeContenusCDA": 1},
    "CARD-F-PRC-DCI_2022.01": {"CI-SIS_CARD-F-PRC-DCI_2022.01": 2},
    "CARD-F-PRC-PSC_2022.01": {"CI-SIS_CARD-F-PRC-PSC_2022.01": 2},
    "IPS-FR_2024.01": {"ModelesDeContenusCDA": 1},
    "IPS-FR_2024.01_DLU": {"ModelesDeContenusCDA": 1},
    "OBP-SAP_2024.01": {"CI-SIS_OBP-SAP_2024.01": 1},
    "OPH-BRE_2022.02": {"CI-SIS_OPH-BRE_2022.02": 4},
    "SDM-MR_2025.01_nouveau-ne": {"CI-SIS_SDM-MR_2025.01": 1},
    "SDM-MR_2025.01_patiente-enceinte": {"CI-SIS_SDM-MR_2025.01": 2},
    "SDM-MR_2025.01_patiente-post-grossesse": {"CI-SIS_SDM-MR_2025.01": 3},
    # a collection of every section under the templateId of the VSM, which it is not: calibration left that suite out
    "01_Modèles_contenus_CDA": {"CI-SIS_VSM_1.4_2022.01": 4},
}
OURS = {example: rules for example, (rules, _) in REFUSED_EXAMPLES.items()}


def examples(kit: Path) -> list[Path]:
    return sorted((kit / "ExemplesCDA").glob("*.xml"))


def test_the_known_defects_and_no_other(cda_kit: Path) -> None:
    found = survey(Sources(cda_kit))
    by_case = [repair for repair in found.repairs if repair.how.endswith("(letter case)")]
    others = {repair.path.rpartition("/")[2] for repair in found.repairs} - {
        repair.path.rpartition("/")[2] for repair in by_case
    }
    assert len([repair for repair in by_case if repair.path.endswith(".sch")]) == 12
    assert others == {"voc-1.2.250.1.213.1.1.5.471-DYNAMIC.xml", "JDV_SpecimenType_CISIS.xml"}
    assert [suite.name for suite in found.suites if suite.fault] == ["CI-SIS_BIO-CR-BIO_2023.01"]


def test_the_examples_have_the_verdicts_of_the_calibration(cda_kit: Path, official_judge: Judge) -> None:
    wrong, ours = {}, {}
    for path in examples(cda_kit):
        verdict = official_judge.judge(path.read_bytes(), utc_now())
        errors = [finding for finding in verdict.findings if finding.blocking]
        suites = Counter(suite_of(f.rule, official_judge) for f in errors if f.rule.startswith("KIT-"))
        if suites != Counter(EXPECTED.get(path.stem, {})):
            wrong[path.stem] = suites
        if rest := [finding.rule for finding in errors if not finding.rule.startswith("KIT-")]:
            ours[path.stem] = rest
    assert wrong == {}
    assert ours == OURS
    assert len(examples(cda_kit)) == 94


def suite_of(rule: str, judge: Judge) -> str:
    name = rule.removeprefix("KIT-").partition("/")[0]
    return name if name in judge.catalogue.paths else f"CI-SIS_{name}"


# -- the same findings as the kit's own compiler -------------------------------------------------------------------

SAMPLE = ("LDL-SES_2022.01", "DOC_NON_STRUCTURE_CDA-R2-N1", "VSM_1.4_2022.01")


@pytest.fixture(scope="module")
def plain(cda_kit: Path, tmp_path_factory: pytest.TempPathFactory) -> PlainKit:
    sources = Sources(cda_kit)
    survey(sources)
    return PlainKit(cda_kit, tmp_path_factory.mktemp("plain"), sources)


@pytest.mark.proof
def test_our_stylesheets_find_what_the_kits_own_compiler_finds(
    cda_kit: Path, official_judge: Judge, plain: PlainKit
) -> None:
    """Examples and mutants of them: same messages, at the same places, in the same order."""
    compared = 0
    for path in examples(cda_kit):
        if not FULL and path.stem not in SAMPLE:
            continue
        clinical = clinical_document(parse_xml(path.read_bytes(), cap=10**8, huge=True))
        names = official_judge.catalogue.asked_by(instance_ids(clinical, "templateId"))
        for document in (etree.tostring(clinical, encoding="unicode", with_tail=False), *mutants(clinical)):
            node = official_judge.engine.parse(document)
            for name in names:
                suite = official_judge.suite(name)
                if isinstance(suite, KitError):
                    continue
                ours = said(suite, node)
                assert ours == plain.said(official_judge.catalogue.paths[name], document), (path.stem, name)
                compared += len(ours)
    print(f"\n{compared} findings compared")
    assert compared > 20


def said(suite: Suite, node: object) -> list[Said]:
    try:
        return [(squeezed(one.text), bare(one.place)) for one in suite.run(node)]
    except SuiteStopped:
        return STOPPED


def mutants(clinical: etree._Element) -> Iterator[str]:
    return (mutant(clinical, seed) for seed in range(MUTANTS))


# -- the documents of the official messages ------------------------------------------------------------------------

DOCUMENTS = "ans-messages/Trans_Doc-CDA-HL7V2"
SAMPLES = {
    "S8": "MDM/Remplacement-MDM/message_MDM_CR_Radio_RPLC_N1.er7",
    "S12": "MDM/Transmission-initiale-MDM/message_MDM_CR_Radio_INIT_N1_Base64.er7",
    "S13": "ORU/Remplacement-ORU/message_ORU_CR_Bio_RPLC_N3_SEGUR.hl7",
    "S15": "ORU/Transmission-initiale-ORU/message_ORU_CR_Bio_INIT_N3_SEGUR.hl7",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_official_documents_are_refused_by_the_kit_and_by_nothing_of_ours(
    sample: str, official_data: Path, cda_kit: Path, official_judge: Judge, cache: Path
) -> None:
    raw = (official_data / DOCUMENTS / SAMPLES[sample]).read_bytes()
    (part,) = read_document(parse(raw), environment="test", today=date(2026, 1, 1)).documents
    errors = {f.rule for f in official_judge.judge(part.content).findings if f.blocking}
    assert any(rule.startswith("KIT-StructurationMinimale/") for rule in errors)
    assert all(rule.startswith("KIT-") for rule in errors)
    lenient = Judge(cda_kit, weight="warn", terminologies=True, max_bytes=10**8, cache=cache)
    verdict = lenient.judge(part.content)
    assert not verdict.blocking
    assert errors <= {finding.rule for finding in verdict.findings}
