"""Lists load, carry their identity, and agree with the agency's own files when those are present."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.errors import ConnectorError
from connector.codes import load, load_association, shipped
from connector.codes.valueset import Association, ValueSet

ROOT = Path(__file__).resolve().parents[2]
ASSOCIATIONS = ("A11", "A12", "PV1-2", "X04", "X16")


def everything() -> list[ValueSet | Association]:
    return [load_association(name) if name in ASSOCIATIONS else load(name) for name in shipped()]


def test_every_shipped_list_says_what_it_is() -> None:
    for item in everything():
        assert item.id
        assert item.source
        assert re.fullmatch(r"(\d{4}-\d{2}-\d{2})?", item.date)


@pytest.mark.parametrize(
    ("name", "count", "version"),
    [("J66", 108, "20240927120000"), ("J57", 12, "20230922120000"), ("J61", 68, "20240927120000"), ("J07", 114, None)],
)
def test_known_sizes(name: str, count: int, version: str | None) -> None:
    assert len(load(name)) == count
    assert version is None or load(name).version == version


def test_concepts_are_unique_within_their_system() -> None:
    for name in set(shipped()) - set(ASSOCIATIONS):
        pairs = [(concept.code, concept.system) for concept in load(name)]
        assert len(pairs) == len(set(pairs)), name


def test_get_and_in() -> None:
    types = load("J66")
    assert "11490-0" in types
    assert "11490-1" not in types
    letter = types.get("11490-0")
    assert letter is not None
    assert letter.system == "2.16.840.1.113883.6.1"
    assert "sortie" in letter.display
    assert types.get("11490-0", "1.2.3") is None
    assert types.get("absent") is None


def test_a_code_living_in_two_systems_is_told_apart() -> None:
    roles = load("J65")
    health = roles.get("10", "1.2.250.1.71.1.2.7")
    training = roles.get("10", "1.2.250.1.71.1.2.8")
    assert health is not None
    assert training is not None
    assert health != training


def test_extra_columns() -> None:
    replace = load("document-events").get("replace")
    assert replace is not None
    assert (replace.column("mdm"), replace.column("obx11"), replace.column("absent")) == ("T10", "C", "")
    mask = load("MetaDMPMSS").get("INVISIBLE_REP_LEGAUX")
    assert mask is not None
    assert mask.column("xds") == "INVISIBLE_REPRESENTANTS_LEGAUX"


def test_lists_are_read_once() -> None:
    assert load("J66") is load("J66")


@given(st.text())
def test_unknown_names_are_refused_and_never_become_paths(name: str) -> None:
    if name not in shipped():
        with pytest.raises(ConnectorError) as caught:
            load(name)
        assert caught.value.context["name"] == name


@pytest.mark.parametrize("name", ["../data/J66", "J66.json", "/etc/passwd", "A11"])
def test_hostile_names(name: str) -> None:
    with pytest.raises(ConnectorError):
        load(name)


def test_an_association_is_not_a_value_set() -> None:
    with pytest.raises(ConnectorError):
        load_association("J66")


def test_agrees_with_the_agency_files(official_data: Path) -> None:
    folder = official_data / "cisis-data" / "value-sets"
    for name, stem in {
        "J07": "JDV_J07_XdsTypeCode_CISIS",
        "J04": "JDV_J04_XdsPracticeSettingCode_CISIS",
        "J02": "JDV_J02_XdsHealthcareFacilityTypeCode_CISIS",
    }.items():
        tree = etree.parse(str(folder / f"{stem}.xml"))
        theirs = {(str(c.get("code")), str(c.get("codeSystem"))) for c in tree.iter("{*}Concept")}
        ours = {(concept.code, concept.system) for concept in load(name)}
        assert theirs, stem
        assert ours == theirs, name


def test_the_lists_are_inside_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"connector/codes/data/{name}.json" for name in shipped()} <= set(names)
