"""Reading hand-written answers: the good one, then one mutation at a time, then garbage."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import QUERY, q
from connector.base.xmlsafe import parse_xml
from connector.xds import iti18
from connector.xds.model import (
    STATUS_FAILURE,
    STATUS_PARTIAL,
    STATUS_SUCCESS,
    DocumentEntry,
    QueryAnswer,
    RegistryError,
)
from tests.xds.samples import ANSWER_XML, ENTRY, slot


def answer(xml: str) -> QueryAnswer:
    return iti18.parse_answer(parse_xml(xml.encode()))


def only(xml: str) -> DocumentEntry:
    (entry,) = answer(xml).entries
    return entry


def mutate(old: str, new: str) -> str:
    assert ANSWER_XML.count(old) == 1, f"the mutation must hit exactly one place: {old}"
    return ANSWER_XML.replace(old, new)


def test_a_hand_written_entry_reads_as_the_value_it_describes() -> None:
    read = answer(ANSWER_XML)
    assert read.status == STATUS_SUCCESS
    assert read.entries == (ENTRY,)
    assert read.errors == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (slot("size", "14218"), "", replace(ENTRY, size=None)),
        (slot("size", "14218"), slot("size", "many"), replace(ENTRY, size=None, extra_slots=(
            ("size", ("many",)), ("urn:example:ward", ("A", "B"))))),
        (slot("size", "14218"), slot("size", "9" * 19), replace(ENTRY, size=None, extra_slots=(
            ("size", ("9" * 19,)), ("urn:example:ward", ("A", "B"))))),
        (slot("languageCode", "fr-FR"), slot("languageCode"), replace(ENTRY, language="")),
        (slot("languageCode", "fr-FR"), slot("languageCode", "fr-FR", "en"), ENTRY),
        (slot("creationTime", "20240115093000"), slot("creationTime", "\n  20240115093000 "), ENTRY),
        (slot("urn:example:ward", "A", "B"), "", replace(ENTRY, extra_slots=())),
        ('<rim:VersionInfo versionName="2"/>', "", replace(ENTRY, version="")),
        ('value="Lettre de liaison"', 'value=""', replace(ENTRY, title="")),
        ("urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "urn:uuid:00000000-0000-4000-8000-000000000000",
         replace(ENTRY, event_codes=())),
        ("urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", "urn:uuid:00000000-0000-4000-8000-000000000000",
         replace(ENTRY, unique_id="")),
        ('mimeType="text/xml"', "", replace(ENTRY, mime_type="")),
        ("<rim:Description/>", "<rim:Other><rim:Deep/></rim:Other>", ENTRY),
        ("<rim:Description/>", '<rim:Description><rim:LocalizedString value="note"/></rim:Description>',
         replace(ENTRY, comments="note")),
    ],
)  # fmt: skip
def test_one_mutation_changes_one_attribute(old: str, new: str, expected: DocumentEntry) -> None:
    assert only(mutate(old, new)) == expected


def test_references_come_without_entries() -> None:
    xml = f"""<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
      xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" status="{STATUS_SUCCESS}"><rim:RegistryObjectList>
      <rim:ObjectRef id="urn:uuid:a"/><rim:ObjectRef id="urn:uuid:b"/></rim:RegistryObjectList>
      </q:AdhocQueryResponse>"""
    assert answer(xml).references == ("urn:uuid:a", "urn:uuid:b")


def test_errors_are_kept_word_for_word_with_partial_results() -> None:
    errors = (
        '<rs:RegistryErrorList xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0">'
        '<rs:RegistryError errorCode="XDSRegistryBusy" codeContext="réessayez" location="here" severity='
        '"urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/>'
        '<rs:RegistryError errorCode="HOUSE-1" codeContext="" severity='
        '"urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"/></rs:RegistryErrorList>'
    )
    xml = mutate(STATUS_SUCCESS, STATUS_PARTIAL).replace(
        "</query:AdhocQueryResponse>", errors + "</query:AdhocQueryResponse>"
    )
    read = answer(xml)
    assert read.status == STATUS_PARTIAL
    assert read.entries == (ENTRY,)
    assert read.errors == (
        RegistryError("XDSRegistryBusy", "réessayez", "error", "here"),
        RegistryError("HOUSE-1", "", "warning", ""),
    )


def test_a_failure_may_have_no_list_at_all() -> None:
    xml = f'<q:AdhocQueryResponse xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" status="{STATUS_FAILURE}"/>'
    assert answer(xml) == QueryAnswer(STATUS_FAILURE)


@pytest.mark.parametrize(
    ("xml", "field"),
    [
        ("<other/>", "soap:Body/*"),
        (ANSWER_XML.replace(STATUS_SUCCESS, "urn:house:Fine"), "@status"),
        (ANSWER_XML.replace(f'status="{STATUS_SUCCESS}"', ""), "@status"),
    ],
)
def test_what_is_not_an_answer_is_refused_by_name(xml: str, field: str) -> None:
    with pytest.raises(CodecError) as refused:
        answer(xml)
    assert refused.value.context["field"] == field


@given(st.data())
def test_a_damaged_answer_never_crashes_the_reader(data: st.DataObject) -> None:
    root = parse_xml(ANSWER_XML.encode())
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    for _ in range(data.draw(st.integers(1, 6))):
        node = data.draw(st.sampled_from(nodes))
        damage = data.draw(st.sampled_from(["clear", "text", "attributes", "comment", "nest"]))
        if damage == "clear":
            node.clear()
        elif damage == "text":
            node.text = data.draw(st.text(alphabet="aé'& \n", max_size=5))
        elif damage == "attributes":
            for name in list(node.attrib):
                del node.attrib[name]
        elif damage == "comment":
            node.insert(0, etree.Comment("x"))
            node.insert(0, etree.ProcessingInstruction("x", "y"))
        else:
            node.append(etree.fromstring(etree.tostring(data.draw(st.sampled_from(nodes)))))
    entries: tuple[DocumentEntry, ...] = ()
    # Only the two refusals of the root are allowed: damage below it must be survived.
    if root.tag == q(QUERY, "AdhocQueryResponse") and root.get("status"):
        entries = iti18.parse_answer(root).entries
    else:
        with pytest.raises(CodecError):
            iti18.parse_answer(root)
    assert all(isinstance(entry, DocumentEntry) for entry in entries)
