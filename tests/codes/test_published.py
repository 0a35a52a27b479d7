"""Published lists read in each form, judged against the one in use, and put in its place."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.assembly import check_entrance
from connector.base.errors import CodecError, SettingsError
from connector.base.resources import resource_dir
from connector.codes import class_code, load, load_association, shipped, use_folder
from connector.codes.listfile import ListFile, order, parse
from connector.codes.origins import NO_LISTS, Origin, read_folder, shipped_list
from connector.codes.published import read_published
from connector.codes.status import list_statuses
from connector.codes.update import Change, compare, install
from connector.settings import parse_settings

TODAY = date(2027, 3, 1)
SHIPPED = Origin(NO_LISTS)
LOINC = "2.16.840.1.113883.6.1"

SVS = """<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008">
  <ValueSet id="1.2.250.1.213.1.1.5.9" displayName="JDV_J58_ConfidentialityCode_DMP.tabs" dateMaj="20270201120000"
            urlFichier="https://example.invalid/J58">
    <ConceptList>
      <Concept code="N" codeSystem="2.16.840.1.113883.5.25" displayName="Normal"/>
      <Concept code="MASQUE_PS" codeSystem="1.2.250.1.213.1.1.4.13" displayName="Masqué aux professionnels"/>
      <Concept code="INVISIBLE_PATIENT" codeSystem="1.2.250.1.213.1.1.4.13" displayName="Non visible par le patient"/>
      <Concept code="NOUVEAU" codeSystem="1.2.250.1.213.1.1.4.13" displayName="Une restriction de plus"/>
    </ConceptList>
  </ValueSet>
</RetrieveValueSetResponse>"""

ASSOCIATION_CSV = """# id: ASS_X04_CorrespondanceType_Classe_CISIS
# version: 20270101120000
from;to;to_system
101881-1;52;1.2.250.1.213.1.1.4.1
11490-0;10;1.2.250.1.213.1.1.4.1
"""


@pytest.fixture(autouse=True)
def _shipped_again() -> Iterator[None]:
    yield
    use_folder(None)


def revised(name: str, **changes: str) -> ListFile:
    """The shipped list `name` under other identity fields, as a published JSON file would say it."""
    item = shipped_list(name)
    data = {field: getattr(item, field) for field in ("id", "oid", "version", "date", "source", "note")} | changes
    rows = [{"code": row["code"], "display": row["display"], "system_oid": row["system"]} for row in item.rows]
    return read_published(json.dumps(data | {"concepts": rows}).encode(), "x.json")


def test_the_agencys_xml() -> None:
    found = read_published(SVS.encode(), "JDV_J58.xml")
    assert (found.id, found.oid) == ("JDV_J58_ConfidentialityCode_DMP", "1.2.250.1.213.1.1.5.9")
    assert (found.version, found.date, len(found.rows)) == ("20270201120000", "2027-02-01", 4)


def test_a_change_names_what_comes_and_what_goes() -> None:
    change = compare(read_published(SVS.encode(), "JDV_J58.xml"), SHIPPED)
    assert change.name == "J58"
    assert change.refusals == ()
    assert change.added == (("NOUVEAU", "1.2.250.1.213.1.1.4.13"),)
    assert {code for code, _ in change.removed} == {"R", "V", "INVISIBLE_REPRESENTANTS_LEGAUX"}
    assert change.relabelled == 1


def test_what_is_loaded_is_used_and_given_back(tmp_path: Path) -> None:
    before = load("J58")
    install(compare(read_published(SVS.encode(), "a.xml"), SHIPPED), tmp_path, today=TODAY, forced=False)
    use_folder(tmp_path)
    assert "NOUVEAU" in load("J58")
    assert "version 20270201120000" in load("J58").described
    assert load("J66").version == "20240927120000", "the others stay"
    use_folder(None)
    assert load("J58") == before


def test_a_site_gives_a_class_to_a_type_that_had_none(tmp_path: Path) -> None:
    assert class_code("101881-1") is None
    change = compare(read_published(ASSOCIATION_CSV.encode(), "x04.csv"), SHIPPED, force=True)
    install(change, tmp_path, today=TODAY, forced=True)
    use_folder(tmp_path)
    found = class_code("101881-1")
    assert found is not None
    assert (found.code, found.system) == ("52", "1.2.250.1.213.1.1.4.1")
    assert load_association("X04").oid == "1.2.250.1.213.1.1.4.249", "an OID the file leaves out is kept"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "20200101120000"}, "older"),
        ({"version": "", "date": ""}, "cannot be compared"),
        ({"oid": "1.2.3", "version": "20990101120000"}, "OID"),
        ({"id": "JDV_J999_Rien", "version": "20990101120000"}, "no such list"),
    ],
)
def test_a_doubtful_list_is_refused(changes: dict[str, str], reason: str) -> None:
    change = compare(revised("J66", **changes), SHIPPED)
    assert len(change.refusals) == 1
    assert reason in change.refusals[0]


@pytest.mark.parametrize("changes", [{"oid": "1.2.3"}, {"id": "JDV_J999_Rien"}])
def test_force_never_takes_another_identity(changes: dict[str, str]) -> None:
    assert compare(revised("J66", **changes), SHIPPED, force=True).refusals


def test_a_cut_list_and_an_altered_one_need_force() -> None:
    item = read_published(ASSOCIATION_CSV.encode(), "x04.csv")
    assert ["lost" in reason for reason in compare(item, SHIPPED).refusals] == [True]
    altered = parse(shipped_list("J57").dump().replace('"10"', '"10b"', 1), "J57")
    (reason,) = compare(altered, SHIPPED).refusals
    assert "same version" in reason
    assert compare(altered, SHIPPED, force=True).refusals == ()


def test_a_value_set_never_replaces_an_association() -> None:
    rows = [{"code": "1", "system": "x", "display": "y"}]
    item = read_published(
        json.dumps({"id": "ASS_X04_x", "version": "20990101120000", "concepts": rows}).encode(), "a.json"
    )
    assert any("concepts" in reason for reason in compare(item, SHIPPED, force=True).refusals)


def test_the_newer_of_the_two_counts_unless_forced(tmp_path: Path) -> None:
    older = compare(revised("J66", version="20200101120000"), SHIPPED, force=True)
    install(older, tmp_path, today=TODAY, forced=False)
    use_folder(tmp_path)
    assert load("J66").version == "20240927120000"
    (status,) = [item for item in list_statuses(tmp_path, 0, TODAY) if item.name == "J66"]
    assert (status.origin, len(status.warnings)) == ("shipped", 1)
    install(older, tmp_path, today=TODAY, forced=True)
    use_folder(tmp_path)
    assert load("J66").version == "20200101120000"
    (status,) = [item for item in list_statuses(tmp_path, 0, TODAY) if item.name == "J66"]
    assert (status.origin, status.read) == ("site", "2027-03-01")
    assert "--force" in status.warnings[0]


def test_the_same_list_again_changes_nothing() -> None:
    assert compare(revised("J66"), SHIPPED).unchanged


def test_age_is_counted_from_the_last_comparison() -> None:
    late = date(2028, 11, 21)
    assert all(any("days" in text for text in item.warnings) for item in list_statuses(None, 365, late))
    assert not any(item.warnings for item in list_statuses(None, 0, late))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", b"code"),
        ("x.xml", b"<nothing/>"),
        ("x.xml", b"<!DOCTYPE a><a/>"),
        ("x.xml", SVS.replace("JDV_J58_ConfidentialityCode_DMP.tabs", "").encode()),
        ("x.xml", SVS.replace('code="N"', 'code=""').encode()),
        ("x.json", b"[]"),
        ("x.json", b'{"id": "JDV_J66", "concepts": []}'),
        ("x.json", b'{"id": "JDV_J66", "concepts": [1]}'),
        ("x.json", "é".encode("latin-1")),
        ("x.csv", b"a;b\n1;2\n"),
        ("x.csv", b"code;system;display\n1;2;3\n"),
        ("x.csv", b""),
    ],
)
def test_what_is_no_list_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(CodecError) as refused:
        read_published(content, name)
    assert refused.value.message


@given(st.binary(max_size=200), st.sampled_from(["a.xml", "a.json", "a.csv"]))
def test_garbage_is_refused_and_never_crashes(content: bytes, name: str) -> None:
    with pytest.raises(CodecError):
        read_published(content, name)


@given(st.lists(st.tuples(st.text(min_size=1), st.text(), st.text()), min_size=1, unique_by=lambda row: row[:2]))
def test_a_list_written_is_the_list_read(rows: list[tuple[str, str, str]]) -> None:
    named = tuple({"code": a, "system": b, "display": c} for a, b, c in rows)
    item = ListFile("concepts", "JDV_J66", "1.2", "1.0", "2027-01-01", "s", "n", named, "2027-01-02", True)
    assert parse(item.dump(), "x") == item


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"concepts": [{}]}', '{"pairs": [{"from": "1"}]}', "nan"])
def test_a_broken_site_file_stops_the_start_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "J66.json").write_text(text)
    with pytest.raises(SettingsError) as refused:
        use_folder(tmp_path)
    assert (refused.value.context["name"], refused.value.context["found"]) == ("codes.folder", "J66.json")
    assert load("J66").version == "20240927120000"


@pytest.mark.parametrize("name", ["Z99.json", "J66-old.json"])
def test_a_stranger_in_the_site_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(shipped_list("J66").dump())
    with pytest.raises(SettingsError):
        read_folder(tmp_path)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        use_folder(tmp_path / "absent")


def test_a_list_of_another_kind_in_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "X04.json").write_text(shipped_list("J66").dump())
    with pytest.raises(SettingsError):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("20240927120000", "20250101120000", -1), ("5.0.0", "5.0.0", 0), ("10.1", "9.2", 1), ("x", "5.0", None)],
)
def test_order_of_versions(one: str, other: str, expected: int | None) -> None:
    def item(version: str) -> ListFile:
        return ListFile("concepts", "a", "", version, "", "", "", ())

    assert order(item(one), item(other)) == expected


def test_every_shipped_list_is_in_the_form_it_would_be_written(tmp_path: Path) -> None:
    for name in shipped():
        item = shipped_list(name)
        assert parse(item.dump(), name) == item
        install(Change(name, item, item), tmp_path, today=TODAY, forced=False)
    use_folder(tmp_path)
    assert [item.origin for item in list_statuses(tmp_path, 0, TODAY)] == ["site"] * len(shipped())


def test_the_agencys_files_are_those_in_use(official_data: Path) -> None:
    judged = {}
    for path in sorted((official_data / "cisis-data" / "value-sets").glob("JDV_J*.xml")):
        change = compare(read_published(path.read_bytes(), path.name), SHIPPED)
        if change.name:
            judged[change.name] = change
    assert {"J01", "J02", "J04", "J07", "J08", "J11", "J47", "J140", "J141", "J142", "J143", "J144", "J231"} <= set(
        judged
    )
    assert {name: change.refusals for name, change in judged.items() if not change.unchanged} == {}


def test_the_connector_takes_the_sites_lists_at_start_and_at_each_reload(tmp_path: Path) -> None:
    site = tmp_path / "codes"
    site.mkdir()
    install(compare(read_published(SVS.encode(), "a.xml"), SHIPPED), site, today=TODAY, forced=False)
    table = tomllib.loads((resource_dir("conf") / "demo.toml").read_text(encoding="utf-8"))
    table["journal"] = {"store": "sqlite:///journal.db"}
    table["codes"] = {"folder": "codes"}
    settings = parse_settings(table, tmp_path)
    check_entrance(settings)
    assert "NOUVEAU" in load("J58")
    (site / "J58.json").write_text("{}")
    with pytest.raises(SettingsError) as refused:
        check_entrance(settings)
    assert refused.value.context["name"] == "codes.folder"
    assert "NOUVEAU" in load("J58"), "what was in use stays in use"
