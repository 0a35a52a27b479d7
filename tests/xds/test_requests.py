"""ITI-18, ITI-41, ITI-43 requests: quoting, profiles, XOP references; hand-written answers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.errors import CodecError, ServerError
from connector.base.ns import RIM, XDSB, XOP, q
from connector.base.resources import resource_dir
from connector.base.xmlsafe import parse_xml
from connector.xds import iti18, iti41, iti43
from connector.xds.ebrim import has_member
from connector.xds.errors import CONFIGURATION, KNOWN_CODES, OPERATOR, RETRY, SETTLED, UNKNOWN, WARNING, classify
from connector.xds.model import (
    APPROVED,
    ARCHIVED,
    STATUS_FAILURE,
    STATUS_PARTIAL,
    STATUS_SUCCESS,
    Code,
    RegistryError,
    Submission,
    SubmissionSet,
)
from connector.xds.responses import as_server_errors
from connector.xds.transactions import TRANSACTIONS
from tests.xds.samples import ENTRY, PATIENT

LETTER = Code("11490-0", "2.16.840.1.113883.6.1")
CT, MR = Code("CT", "1.2.250.1.213.1.1.5.618"), Code("MR", "1.2.250.1.213.1.1.5.618")


def slots(root: etree._Element) -> list[tuple[str, list[str]]]:
    return [(s.get("name") or "", [v.text or "" for v in s.iter(q(RIM, "Value"))]) for s in root.iter(q(RIM, "Slot"))]


def test_find_documents_in_the_french_form() -> None:
    query = iti18.FindDocuments(
        PATIENT,
        statuses=(APPROVED, ARCHIVED),
        type_codes=(LETTER,),
        event_codes=((CT, MR), (LETTER,)),
        service_start_from=datetime(2024, 11, 21, 9, 0, tzinfo=UTC),
    )
    root = iti18.build_query(query)
    assert slots(root) == [
        ("$XDSDocumentEntryPatientId", ["'279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH'"]),
        ("$XDSDocumentEntryStatus", [f"('{APPROVED}','{ARCHIVED}')"]),
        ("$XDSDocumentEntryServiceStartTimeFrom", ["20241121090000"]),
        ("$XDSDocumentEntryTypeCode", ["('11490-0^^2.16.840.1.113883.6.1')"]),
        ("$XDSDocumentEntryEventCodeList", ["('CT^^1.2.250.1.213.1.1.5.618','MR^^1.2.250.1.213.1.1.5.618')"]),
        ("$XDSDocumentEntryEventCodeList", ["('11490-0^^2.16.840.1.113883.6.1')"]),
    ]
    adhoc = root.find(q(RIM, "AdhocQuery"))
    assert adhoc is not None
    assert adhoc.get("id") == "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"


def test_find_documents_in_the_ihe_form_has_a_bare_patient() -> None:
    root = iti18.build_query(iti18.FindDocuments(PATIENT), profile="ihe")
    assert slots(root)[0][1] == ["'279035121518989^^^&1.2.250.1.213.1.4.10&ISO'"]


def test_the_patient_may_be_left_to_the_assertion() -> None:
    names = [name for name, _ in slots(iti18.build_query(iti18.FindDocuments(None)))]
    assert names == ["$XDSDocumentEntryStatus"]


def test_get_documents_by_unique_id_asks_for_references() -> None:
    root = iti18.build_query(iti18.GetDocuments(unique_ids=("1.2", "1.3")), "ObjectRef")
    assert slots(root) == [("$XDSDocumentEntryUniqueId", ["('1.2','1.3')"])]
    assert root[0].get("returnType") == "ObjectRef"


def test_get_documents_by_entry_uuid() -> None:
    root = iti18.build_query(iti18.GetDocuments(entry_uuids=("urn:uuid:a",)))
    assert slots(root) == [("$XDSDocumentEntryEntryUUID", ["('urn:uuid:a')"])]


@pytest.mark.parametrize("ids", [{}, {"unique_ids": ("a",), "entry_uuids": ("b",)}])
def test_get_documents_wants_exactly_one_kind_of_identifier(ids: Mapping[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="not both"):
        iti18.GetDocuments(**ids)  # type: ignore[arg-type]


@given(st.lists(st.text(alphabet="ab'\u00e9, ()", max_size=40), max_size=30))
def test_a_list_can_be_read_back_whatever_it_holds(items: list[str]) -> None:
    values = iti18.quoted_list(items)
    read: list[str] = []
    for value in values:
        assert value.startswith("(")
        assert value.endswith(")")
        rest = value[1:-1]
        while rest:
            assert rest[0] == "'"
            end = 1
            while rest[end : end + 2] == "''" or rest[end] != "'":
                end += 2 if rest[end] == "'" else 1
            read.append(rest[1:end].replace("''", "'"))
            rest = rest[end + 1 :].removeprefix(",")
    assert read == items


def test_a_long_list_is_spread_over_several_values() -> None:
    values = iti18.quoted_list(f"1.2.250.1.999.{n:040d}" for n in range(20))
    assert len(values) > 1
    assert all(len(value) <= 256 for value in values)


SET = SubmissionSet("SubmissionSet01", "1.1", "1.2", PATIENT, "20261121093000", Code("03", "1.2.250.1.213.2.2", "x"))


def test_one_include_per_entry_by_escaped_content_id() -> None:
    entries = (replace(ENTRY, entry_uuid="Document01"), replace(ENTRY, entry_uuid="Document02"))
    associations = (has_member("a1", "SubmissionSet01", "Document01"),)
    root = iti41.build_request(Submission(SET, entries, associations), {"Document01": "a b@x", "Document02": "c@x"})
    documents = root.findall(q(XDSB, "Document"))
    assert [d.get("id") for d in documents] == ["Document01", "Document02"]
    assert [d[0].get("href") for d in documents] == ["cid:a%20b@x", "cid:c@x"]
    assert all(d[0].tag == q(XOP, "Include") for d in documents)


def test_an_entry_without_content_cannot_be_sent() -> None:
    with pytest.raises(KeyError):
        iti41.build_request(Submission(SET, (ENTRY,), ()), {})


RESPONSE = """<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="{status}">
<rs:RegistryErrorList highestSeverity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error">
<rs:RegistryError errorCode="XDSNonIdenticalHash" codeContext="contenu différent"
 severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/><!-- x -->
<rs:RegistryError errorCode="XDSExtraMetadataNotSaved"
 severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"/></rs:RegistryErrorList></rs:RegistryResponse>"""


@pytest.mark.parametrize("status", [STATUS_FAILURE, STATUS_PARTIAL, STATUS_SUCCESS])
def test_the_errors_of_a_submission_word_for_word(status: str) -> None:
    response = iti41.parse_response(parse_xml(RESPONSE.format(status=status).encode()))
    assert response.succeeded == (status == STATUS_SUCCESS)
    assert response.errors == (
        RegistryError("XDSNonIdenticalHash", "contenu différent"),
        RegistryError("XDSExtraMetadataNotSaved", "", "warning"),
    )
    assert as_server_errors(response.errors)[0] == ServerError("XDSNonIdenticalHash", "contenu différent")


@dataclass
class FakePart:
    data: bytes
    sha1: str = "0" * 40

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.data)


RETRIEVED = """<x:RetrieveDocumentSetResponse xmlns:x="urn:ihe:iti:xds-b:2007"
 xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"><rs:RegistryResponse status="{status}"/><x:DocumentResponse>
<x:RepositoryUniqueId> 1.2 </x:RepositoryUniqueId><x:DocumentUniqueId>1.3</x:DocumentUniqueId>
<x:mimeType>text/xml</x:mimeType><x:Document>{content}</x:Document></x:DocumentResponse>
</x:RetrieveDocumentSetResponse>"""
INCLUDE = '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="{}"/>'


def retrieve(content: str, parts: Mapping[str, FakePart], status: str = STATUS_SUCCESS) -> iti43.RetrieveAnswer:
    root = parse_xml(RETRIEVED.format(status=status, content=content).encode())
    return iti43.parse_response(root, parts)


@pytest.mark.parametrize(
    ("href", "cid"),
    [
        ("cid:a@x", "a@x"),
        ("cid:urn%3Auuid%3A1@x", "urn:uuid:1@x"),
        ("cid:urn%3Auuid%3A1@x", "urn%3Auuid%3A1@x"),
        ("a@x", "a@x"),
    ],
)
def test_a_part_is_found_by_decoded_cid(href: str, cid: str) -> None:
    (document,) = retrieve(INCLUDE.format(href), {cid: FakePart(b"abc")}).documents
    assert (document.repository_id, document.unique_id, document.mime_type) == ("1.2", "1.3", "text/xml")
    assert document.content.open().read() == b"abc"


def test_inline_base64_is_tolerated() -> None:
    (document,) = retrieve("\n YWJj\nZA== ", {}).documents
    assert document.content.open().read() == b"abcd"
    assert (document.content.size, document.content.sha1) == (4, "81fe8bfe87576c3ecb22426f8e57847382917acf")


@pytest.mark.parametrize(
    ("content", "field"), [(INCLUDE.format("cid:b@x"), "xop:Include/@href"), ("not base64!", "Document")]
)
def test_a_document_without_content_is_refused(content: str, field: str) -> None:
    with pytest.raises(CodecError) as refused:
        retrieve(content, {"a@x": FakePart(b"abc")})
    assert refused.value.context["field"] == field


@pytest.mark.parametrize("removed", ["<x:Document>{content}</x:Document>", '<rs:RegistryResponse status="{status}"/>'])
def test_a_retrieval_without_document_or_outcome_is_refused(removed: str) -> None:
    assert removed in RETRIEVED
    xml = RETRIEVED.replace(removed, "").format(status=STATUS_SUCCESS, content="YQ==")
    with pytest.raises(CodecError):
        iti43.parse_response(parse_xml(xml.encode()), {})


def test_the_content_is_checked_against_what_the_registry_said() -> None:
    (document,) = retrieve(INCLUDE.format("cid:a"), {"a": FakePart(b"abc", "ab" * 20)}).documents
    iti43.check_content(document, replace(ENTRY, hash="AB" * 20, size=3))
    iti43.check_content(document, replace(ENTRY, hash="", size=None))
    for wrong, field in (({"size": 4}, "size"), ({"size": None, "hash": "0" * 40}, "hash")):
        with pytest.raises(CodecError) as refused:
            iti43.check_content(document, replace(ENTRY, **wrong))
        assert refused.value.context["field"] == field


def test_a_retrieve_request_line_by_line() -> None:
    root = iti43.build_request([iti43.DocumentRequest("1.2", "1.3"), iti43.DocumentRequest("1.2", "1.4", "urn:oid:9")])
    assert [[etree.QName(n).localname for n in line] for line in root] == [
        ["RepositoryUniqueId", "DocumentUniqueId"],
        ["HomeCommunityId", "RepositoryUniqueId", "DocumentUniqueId"],
    ]
    assert root[1][2].text == "1.4"


@pytest.mark.parametrize(
    ("codes", "klass"),
    [
        (RETRY, "retry"),
        (OPERATOR, "operator"),
        (SETTLED, "settled"),
        (CONFIGURATION, "configuration"),
        (WARNING, "warning"),
        (UNKNOWN, "unknown"),
        (("NeverSeen", ""), "unknown"),
    ],
)
def test_the_classification_table(codes: tuple[str, ...], klass: str) -> None:
    assert {classify(code) for code in codes} == {klass}
    assert {classify(code, "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning") for code in codes} == {
        "warning"
    }


def test_no_code_is_in_two_classes() -> None:
    assert len(KNOWN_CODES) == sum(map(len, (RETRY, OPERATOR, SETTLED, CONFIGURATION, WARNING, UNKNOWN)))


def test_every_transaction_is_in_its_contract() -> None:
    for row in TRANSACTIONS:
        contract = (resource_dir("wsdl") / row.wsdl).read_text(encoding="utf-8")
        assert f'operation name="{row.operation}"' in contract
        assert f'soapAction="{row.action}"' in contract
