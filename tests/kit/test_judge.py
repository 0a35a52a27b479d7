"""A small distribution judged in this process: repairs, suites, findings, what they never tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.cda.model import InstanceId
from connector.kit.cache import Cache
from connector.kit.judge import Judge
from connector.kit.models import document_suites
from connector.kit.sources import KitError, Sources
from tests.kit import small

Change = tuple[str, str]
SECTION = '<component><section><templateId root="1.9"/>{}<text>{}</text></section></component>'


def section(title: str, text: str) -> Change:
    return "<structuredBody/>", f"<structuredBody>{SECTION.format(title, text)}</structuredBody>"


def test_a_good_letter_passes_every_suite(judge: Judge) -> None:
    verdict = judge.judge(small.letter(section('<id root="1.8"/><title>x</title>', "y")))
    assert verdict.findings == ()
    assert verdict.suites == (
        "contrôles de structure",
        "XSD",
        "StructurationMinimale",
        "IHE",
        "ModelesDeContenusCDA",
        "Modeles_ANS",
        "CI-SIS_LDL-SES_2022.01",
        "terminologies",
    )
    assert (verdict.blocking, verdict.kit) == (False, f"kit {judge.digest[:12]}")


CODE = '<code code="11490-0" codeSystem="2.16.840.1.113883.6.1" displayName="Lettre de liaison à la sortie"/>'
SET_ID = ('<setId root="2.25.1"', '<setId root="x-1"')
IN_BODY = "/component/structuredBody/component/section"
FAULTS: list[tuple[Change, str, str, str]] = [
    (SET_ID, "StructurationMinimale/II-2", "/setId", "odd root x-1"),
    (SET_ID, "StructurationMinimale/set-1", "/setId", "never reached by another rule"),
    ((CODE, CODE.replace("11490-0", "99-9")), "StructurationMinimale/code-1", "/code", "code 99-9 is none of 1.2.3"),
    ((CODE, CODE.replace("11490-0", "34112-3")), "terminologies/terms-1", "/code", "no such code 34112-3"),
    ((CODE, f"<unknown/>{CODE}"), "StructurationMinimale/others-1", "/unknown", "unknown element"),
    (section("", "y"), "IHE/section-1", IN_BODY, "a section has a title"),
    (section("<title/>", ""), "IHE/section.2-1", f"{IN_BODY}/text", "a text says something"),
    (
        ("<structuredBody/>", '<specimen code="X" displayName="du sang"/>'),
        "ModelesDeContenusCDA/specimen-1",
        "/component/specimen",
        "[X:[…]]",
    ),
    (
        ('<family qualifier="BR">', '<family qualifier="SP">'),
        "StructurationMinimale/person-1",
        "/recordTarget/patientRole/patient/name/family[1]",
        'a name "[…]" in family',
    ),
]


@pytest.mark.parametrize(("change", "rule", "field", "text"), FAULTS, ids=[f[1] for f in FAULTS])
def test_a_fault_is_named_with_its_place_and_the_words_of_the_kit(
    judge: Judge, change: Change, rule: str, field: str, text: str
) -> None:
    found = {finding.rule: finding for finding in judge.judge(small.letter(change)).findings}
    finding = found[f"KIT-{rule}"]
    assert (finding.field, finding.text) == (f"/ClinicalDocument{field}", text)
    assert finding.reference in {*small.FILES, "schematrons/include/Sections/s.sch"}


def test_the_schema_is_asked_too(judge: Judge) -> None:
    (_, finding) = judge.judge(small.letter(('versionNumber value="2"', 'versionNumber value="PAT"'))).findings
    assert (finding.rule, finding.field) == ("XSD/CVC_DATATYPE_VALID_1_2_1", "/ClinicalDocument/versionNumber")
    assert "PAT" not in finding.text


def test_the_severity_is_the_kits_unless_a_site_only_wants_warnings(small_kit: Path, cache: Path, judge: Judge) -> None:
    content = small.letter(SET_ID)
    lenient = Judge(small_kit, weight="warn", terminologies=False, max_bytes=10**7, cache=cache)
    severities = [{f.rule: f.severity for f in one.judge(content).findings} for one in (judge, lenient)]
    assert severities[0]["KIT-StructurationMinimale/set-1"] == "error"
    assert set(severities[1].values()) == {"warning"}
    wrong = lenient.judge(small.letter(('versionNumber value="2"', 'versionNumber value="two"')))
    assert [finding.rule for finding in wrong.findings if finding.blocking] == [
        "CDA-12",
        "XSD/CVC_DATATYPE_VALID_1_2_1",
    ]
    assert "two" not in wrong.findings[1].text


def test_a_document_that_is_none_is_judged_by_no_suite(judge: Judge) -> None:
    verdict = judge.judge(b"<a/>")
    assert ([finding.rule for finding in verdict.findings], verdict.suites) == (["CDA-03"], ("contrôles de structure",))


def test_a_self_presenting_document_is_judged_by_what_it_presents(judge: Judge) -> None:
    from tests.cda.letters import SOUND, self_presenting

    verdict = judge.judge(self_presenting(SOUND).replace(b'<setId root="2.25.1"', b'<setId root="x-1"'))
    assert {finding.field for finding in verdict.findings} == {"/ClinicalDocument/setId"}


def test_a_level_1_document_has_no_suite_of_its_own(judge: Judge) -> None:
    verdict = judge.judge(small.level_1())
    assert verdict.findings == ()
    assert not [name for name in verdict.suites if name.startswith("CI-SIS_")]


def test_a_suite_that_stops_is_an_error_of_its_own(judge: Judge) -> None:
    title = "<title>Lettre de liaison\n    du service <!-- brouillon --> de cardiologie</title>"
    verdict = judge.judge(small.letter((title, "<title>BREAK</title>")))
    assert [finding.rule for finding in verdict.findings] == ["KIT-Modeles_ANS/run"]
    assert "Modeles_ANS (non exécutée)" in verdict.suites
    assert verdict.blocking


def test_a_suite_that_cannot_be_used_is_said(judge: Judge) -> None:
    model = 'root="1.2.250.1.213.1.1.1.29" extension="2022.01"'
    verdict = judge.judge(small.letter((model, 'root="1.2.250.1.213.1.1.1.13" extension="2023.01"')))
    assert [(f.rule, f.severity) for f in verdict.findings] == [
        # its type is that of a letter
        ("CDA-75", "error"),
        ("KIT-CI-SIS_VSM_2023.01/run", "warning"),
    ]
    assert "CI-SIS_VSM_2023.01 (non exécutée)" in verdict.suites


@pytest.mark.parametrize(
    ("extension", "suite"),
    [("2022.01", "2022.01"), ("2024.01", "2024.01"), ("", "2022.01"), ("2023.01", "2024.01"), ("2030.01", "2024.01")],
)
def test_the_version_of_the_model_chooses_the_suite(extension: str, suite: str) -> None:
    names = ["CI-SIS_LDL-SES_2022.01", "CI-SIS_LDL-SES_2024.01", "CI-SIS_LDL-EES_2022.01"]
    templates = [InstanceId("1.2.250.1.213.1.1.1.1"), InstanceId("1.2.250.1.213.1.1.1.29", extension)]
    assert document_suites(templates, names) == (f"CI-SIS_LDL-SES_{suite}",)


def test_a_model_whose_name_begins_another_is_not_taken_for_it() -> None:
    names = ["CI-SIS_VAC-NOTE_2023.01", "CI-SIS_VSM_1.4_2022.01", "CI-SIS_VSM_2023.01"]
    assert document_suites([InstanceId("1.2.250.1.213.1.1.1.37", "2023.01")], names) == ()
    assert document_suites([InstanceId("1.2.250.1.213.1.1.1.13", "201310")], names) == ("CI-SIS_VSM_1.4_2022.01",)


# -- the distribution ----------------------------------------------------------------------------------------------


def test_the_defects_are_made_good_without_writing(small_kit: Path, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small_kit.rglob("*")}
    from connector.kit.survey import survey

    found = survey(Sources(small_kit))
    assert {(repair.path.rpartition("/")[2], repair.how.rpartition("/")[2]) for repair in found.repairs} == {
        ("s.sch", "S.sch (letter case)"),
        ("voc-1.2.3-DYNAMIC.xml", "JDV_J07.xml"),
        ("JDV_SpecimenType_CISIS.xml", "JDV_HL7_SpecimenType_CISIS.xml"),
    }
    assert [suite.name for suite in found.suites if suite.fault] == ["CI-SIS_VSM_2023.01"]
    assert (found.usable, found.terminologies) == (True, ("2.16.840.1.113883.6.1",))
    assert {path: path.stat().st_mtime_ns for path in small_kit.rglob("*")} == before


def test_a_distribution_one_folder_down_is_found(small_kit: Path) -> None:
    assert Sources(small_kit.parent).root == small_kit


def test_a_folder_that_is_no_distribution_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no CDA kit"):
        Sources(tmp_path)


def test_a_suite_every_document_needs_must_compile(tmp_path: Path) -> None:
    kit = small.build(tmp_path / "kit")
    (kit / "schematrons/profils/IHE.sch").write_text("<schema/>", encoding="utf-8")
    with pytest.raises(KitError, match="not a schematron schema"):
        Judge(kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=tmp_path / "cache")


def test_a_distribution_without_its_schema_is_refused(tmp_path: Path) -> None:
    kit = small.build(tmp_path / "kit")
    (kit / "infrastructure/cda/CDA_extended.xsd").unlink()
    with pytest.raises(SettingsError, match="CDA schema"):
        Judge(kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=tmp_path / "cache")


def test_includes_without_end_are_refused(tmp_path: Path) -> None:
    kit = small.build(tmp_path / "kit")
    loop = '<pattern xmlns="http://purl.oclc.org/dsdl/schematron"><include href="S.sch"/></pattern>'
    (kit / "schematrons/include/sections/S.sch").write_text(loop, encoding="utf-8")
    with pytest.raises(KitError, match="without end"):
        Judge(kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=tmp_path / "cache")


# -- the cache -----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_what_was_compiled_and_a_doubtful_file_is_not_trusted(small_kit: Path, tmp_path: Path) -> None:
    first = Judge(small_kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=tmp_path)
    kept = Cache(tmp_path, first.digest)
    suite = first.suite("IHE")
    assert not isinstance(suite, KitError)
    assert kept.load("IHE") == suite.compiled
    (file,) = tmp_path.rglob("IHE.json")
    assert not list(tmp_path.rglob(".*"))
    file.write_bytes(file.read_bytes().replace(b"cda:title", b"cda:titl "))
    assert kept.load("IHE") is None
    Judge(small_kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=tmp_path)
    assert kept.load("IHE") == suite.compiled


def test_another_distribution_never_shares_a_stylesheet(small_kit: Path, tmp_path: Path) -> None:
    other = small.build(tmp_path / "other")
    (other / "jeuxDeValeurs/JDV_J07.xml").write_text(small.value_set("1.2.3", "1"), encoding="utf-8")
    assert Sources(other).digest() != Sources(small_kit).digest()
    assert Cache(tmp_path, Sources(other).digest()).load("IHE") is None


def test_a_cache_that_cannot_be_written_only_costs_time(small_kit: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    judge = Judge(small_kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=tmp_path / "file")
    assert judge.judge(small.letter()).findings == ()


def test_a_service_keeps_stylesheets_where_its_manager_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_DIRECTORY", f"{tmp_path / 'service'}:/other")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    kit = small.build(tmp_path / "kit")
    Judge(kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=None)
    assert list((tmp_path / "service").rglob("IHE.json"))
    monkeypatch.delenv("CACHE_DIRECTORY")
    Judge(kit, weight="refuse", terminologies=False, max_bytes=10**7, cache=None)
    assert list((tmp_path / "user" / "dmp-connector").rglob("IHE.json"))
