"""The ebRIM reader and writer: what is written is read back, whatever comes never crashes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.base.ns import LCM, RIM, XDSB, q
from connector.rules.forms import is_dtm, is_language, is_mime_type, read_cx, read_xcn, read_xon
from connector.rules.model import Classification, ExternalIdentifier, RegistryObject, Slot
from connector.simulator.jsonl import JsonLines
from connector.simulator.model import RegistryRefusal
from connector.simulator.registry_reader import read_objects, read_provide_and_register
from connector.simulator.registry_writer import object_list
from tests.simulator_registry.samples import Desk, Sample

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20).map(str.strip)
FILLED = TEXT.filter(bool)
SLOTS = st.lists(st.builds(Slot, FILLED, st.lists(TEXT, min_size=1, max_size=3).map(tuple)), max_size=3).map(tuple)
CODES = st.builds(Classification, FILLED, FILLED, TEXT, st.just("id"), TEXT, st.none() | TEXT, SLOTS)
IDENTIFIERS = st.builds(ExternalIdentifier, FILLED, FILLED, TEXT, st.just("id"), st.none() | TEXT)
OBJECTS = st.builds(
    RegistryObject,
    kind=st.sampled_from(("ExtrinsicObject", "RegistryPackage", "Association")),
    id=st.just("id"),
    lid=TEXT,
    status=TEXT,
    mime_type=TEXT,
    name=st.none() | TEXT,
    description=st.none() | TEXT,
    version=TEXT,
    slots=SLOTS,
    classifications=st.lists(CODES, max_size=2).map(tuple),
    identifiers=st.lists(IDENTIFIERS, max_size=2).map(tuple),
    source=TEXT,
    target=TEXT,
    association_type=TEXT,
)


@given(OBJECTS)
def test_what_is_written_is_read_back(item: RegistryObject) -> None:
    written = etree.fromstring(etree.tostring(object_list([item])))
    (found,) = read_objects(written)
    assert {name: getattr(found, name) for name in FIELDS} == {name: getattr(item, name) for name in FIELDS}


FIELDS = tuple(name for name in RegistryObject.__slots__ if name != "children")


def shuffled() -> list[str]:
    """Every tag and attribute value of the good sample, to build nonsense from."""
    root = Sample().root
    return sorted({str(e.tag) for e in root.iter()} | {str(v) for e in root.iter() for v in e.attrib.values()})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_a_mutilated_request_is_judged_without_a_crash(desk: Desk, data: st.DataObject) -> None:
    """Drops, renames and rewrites anything anywhere: the answer is a refusal, never a stack trace."""
    sample = Sample()
    sample.document, sample.signature = b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>", b"<x/>"
    words = shuffled()
    for _ in range(data.draw(st.integers(1, 6))):
        elements = [e for e in sample.root.iter() if e.getparent() is not None]
        if not elements:
            break
        element = data.draw(st.sampled_from(elements))
        kind = data.draw(st.sampled_from(("drop", "tag", "attribute", "text")))
        if kind == "drop":
            sample.remove(element)
        elif kind == "tag":
            element.tag = data.draw(st.sampled_from([word for word in words if word.startswith("{")]))
        elif kind == "text":
            element.text = data.draw(TEXT)
        else:
            name = data.draw(st.sampled_from(("id", "name", "value", "classificationScheme", "targetObject", "status")))
            element.set(name, data.draw(st.sampled_from([w for w in words if not w.startswith("{")]) | TEXT))
    assert list(desk.told(sample)) != []


@pytest.mark.parametrize(
    "body",
    [
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{XDSB}"/>',
        "<nothing/>",
        f'<ProvideAndRegisterDocumentSetRequest xmlns="{XDSB}"><SubmitObjectsRequest xmlns="{LCM}"/>'
        "</ProvideAndRegisterDocumentSetRequest>",
    ],
)
def test_unreadable_shapes_are_refused(body: str) -> None:
    with pytest.raises(RegistryRefusal) as refused:
        read_provide_and_register(etree.fromstring(body))
    assert refused.value.errors[0].code == "XDSRepositoryMetadataError"


def test_percent_encoded_content_ids_are_decoded() -> None:
    provided = read_provide_and_register(Sample().root)
    assert [document.cid for document in provided.documents] == ["document@test", "signature@test"]


def test_comments_between_objects_are_nothing() -> None:
    sample = Sample()
    sample.objects.insert(0, etree.Comment("x"))
    first = sample.object("Document01")
    first.insert(0, etree.ProcessingInstruction("y"))
    assert "Comment" not in read_provide_and_register(sample.root).order
    assert len(list(sample.root.iter(q(RIM, "ExtrinsicObject")))) == 2


@given(st.text("0123456789^&~ABC.", max_size=60))
def test_composites_never_crash(text: str) -> None:
    read_cx(text)
    read_xcn(text)
    read_xon(text)


def test_composites() -> None:
    cx = read_cx("1^^^A&1.2.3&ISO^PI^^20260101")
    assert (cx.value, cx.namespace, cx.oid, cx.type, cx.rest, cx.well_formed) == ("1", "A", "1.2.3", "PI", False, True)
    assert not read_cx("1^^^&1.2.3&DNS").well_formed
    xcn = read_xcn("8^NOM^Prénom^^^^^^&1.2&ISO^D^^^IDNPS")
    assert (xcn.id, xcn.family, xcn.given, xcn.oid, xcn.name_type, xcn.id_type) == (
        "8",
        "NOM",
        "Prénom",
        "1.2",
        "D",
        "IDNPS",
    )
    xon = read_xon("H^^^^^&1.2&ISO^IDNST^^^112")
    assert (xon.name, xon.oid, xon.id_type, xon.id) == ("H", "1.2", "IDNST", "112")


@pytest.mark.parametrize(
    ("text", "good"),
    [("2026", True), ("20260229", False), ("2026022", False), ("", False), ("20260228235959", True), ("٢٠٢٦", False)],
)
def test_dtm(text: str, good: bool) -> None:
    assert is_dtm(text) is good


def test_small_forms() -> None:
    assert is_language("fr-FR")
    assert is_language("art")
    assert not is_language("fr_FR")
    assert is_mime_type("application/xslt+xml")
    assert not is_mime_type("text/xml; charset=utf-8")


def test_json_lines_cut_a_torn_end(desk: Desk) -> None:
    lines = JsonLines(desk.folder / "x.jsonl")
    assert lines.read() == []
    lines.append({"a": "é"})
    with (desk.folder / "x.jsonl").open("ab") as file:
        file.write(b'{"b"')
    assert lines.read() == [{"a": "é"}]
    lines.append({"c": 1})
    assert lines.read() == [{"a": "é"}, {"c": 1}]
