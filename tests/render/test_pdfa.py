"""Each rule has a PDF made by us, broken by one thing, and the one finding that is expected."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from connector.base.finding import Finding
from connector.render.pdf import text_to_pdf
from connector.render.pdfa import Limits, check_pdfa
from connector.render.pdfa.rules import RULES
from tests.conftest import ROOT

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GOOD = text_to_pdf("Bonjour", title="Lettre", now=NOW).content


def found_in(content: bytes) -> set[str]:
    return {finding.rule for finding in check_pdfa(content)}


def name(text: str) -> NameObject:
    return NameObject(f"/{text}")


def dictionary(**values: object) -> DictionaryObject:
    made = DictionaryObject()
    for key, value in values.items():
        made[name(key)] = value
    return made


def test_what_we_make_keeps_every_rule() -> None:
    assert check_pdfa(GOOD, strict=True) == ()


def rewritten(change: Callable[[PdfWriter], None]) -> bytes:
    """The good PDF with its objects changed, written again in the form of PDF 1.4."""
    writer = PdfWriter(clone_from=io.BytesIO(GOOD))
    writer.pdf_header = "%PDF-1.4"
    information = writer._info
    if information is not None:
        information.pop(name("Producer"), None)
    change(writer)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_good_pdf_written_again_is_good() -> None:
    assert found_in(rewritten(lambda writer: None)) == set()


def metadata(writer: PdfWriter) -> StreamObject:
    stream = writer.root_object["/Metadata"]
    assert isinstance(stream, StreamObject)
    return stream


def set_metadata(writer: PdfWriter, found: bytes, planted: bytes) -> None:
    stream = metadata(writer)
    data = stream.get_data()
    assert found in data
    stream.set_data(data.replace(found, planted))


def page(writer: PdfWriter) -> DictionaryObject:
    return writer.pages[0]


def catalog(key: str, value: object) -> Callable[[PdfWriter], None]:
    def change(writer: PdfWriter) -> None:
        writer.root_object[name(key)] = value

    return change


def on_page(key: str, value: object) -> Callable[[PdfWriter], None]:
    def change(writer: PdfWriter) -> None:
        page(writer)[name(key)] = value

    return change


def annotation(**values: object) -> Callable[[PdfWriter], None]:
    box = ArrayObject([NumberObject(0)] * 4)
    return on_page("Annots", ArrayObject([dictionary(Type=name("Annot"), Rect=box, **values)]))


def stream(**values: object) -> Callable[[PdfWriter], None]:
    """An object of the page with these keys."""

    def change(writer: PdfWriter) -> None:
        made = DecodedStreamObject()
        made.set_data(b"x")
        made.update({name(key): value for key, value in values.items()})
        page(writer)[name("Planted")] = writer._add_object(made)

    return change


def font(writer: PdfWriter) -> None:
    resources = page(writer)["/Resources"]
    assert isinstance(resources, DictionaryObject)
    resources[name("Font")] = dictionary(
        F1=dictionary(Type=name("Font"), Subtype=name("Type1"), BaseFont=name("Helvetica"))
    )


def state(**values: object) -> Callable[[PdfWriter], None]:
    return on_page("Resources", dictionary(ExtGState=dictionary(G0=dictionary(**values))))


def profile(writer: PdfWriter) -> None:
    intents = writer.root_object["/OutputIntents"]
    assert isinstance(intents, ArrayObject)
    intent = intents[0].get_object()
    assert isinstance(intent, DictionaryObject)
    intent["/DestOutputProfile"].get_object()[name("N")] = NumberObject(4)  # type: ignore[index]


def no_identifier(writer: PdfWriter) -> None:
    writer._ID = None


OBJECTS: list[tuple[str, Callable[[PdfWriter], None]]] = [
    ("PDFA-03", no_identifier),
    ("PDFA-07", stream(F=TextStringObject("autre.bin"))),
    ("PDFA-08", stream(Filter=name("LZWDecode"))),
    ("PDFA-09", lambda writer: (writer.add_attachment("a.txt", b"x"), None)[1]),
    ("PDFA-09", on_page("Planted", dictionary(Type=name("Filespec"), EF=dictionary()))),
    ("PDFA-10", catalog("OCProperties", dictionary())),
    ("PDFA-20", lambda writer: (writer.root_object.pop("/Metadata"), None)[1]),
    ("PDFA-20", lambda writer: set_metadata(writer, b"<rdf:RDF", b"<rdf:RDFX")),
    ("PDFA-20", lambda writer: catalog("Metadata", metadata(writer).flate_encode())(writer)),
    ("PDFA-21", lambda writer: set_metadata(writer, b"<pdfaid:part>1", b"<pdfaid:part>3")),
    ("PDFA-21", lambda writer: set_metadata(writer, b"<pdfaid:conformance>B", b"<pdfaid:conformance>U")),
    ("PDFA-22", lambda writer: set_metadata(writer, b">Lettre<", b">Autre<")),
    ("PDFA-22", lambda writer: set_metadata(writer, b"2026-11-22T09:00:00", b"2026-11-22T10:00:00")),
    ("PDFA-30", lambda writer: (writer.root_object.pop("/OutputIntents"), None)[1]),
    ("PDFA-31", profile),
    ("PDFA-32", state(ca=FloatObject(0.5))),
    ("PDFA-32", state(BM=name("Multiply"))),
    ("PDFA-32", state(SMask=dictionary(S=name("Alpha")))),
    ("PDFA-32", on_page("Group", dictionary(S=name("Transparency")))),
    ("PDFA-33", stream(Subtype=name("Image"), Interpolate=BooleanObject(True))),
    ("PDFA-33", stream(Subtype=name("Image"), Alternates=ArrayObject())),
    ("PDFA-34", state(TR=name("Identity"))),
    ("PDFA-35", stream(Subtype=name("PS"))),
    ("PDFA-40", font),
    ("PDFA-50", catalog("OpenAction", dictionary(S=name("JavaScript"), JS=TextStringObject("app.alert(1)")))),
    ("PDFA-51", catalog("OpenAction", dictionary(S=name("Launch"), F=TextStringObject("x.exe")))),
    ("PDFA-51", catalog("OpenAction", dictionary(S=name("Sound")))),
    ("PDFA-51", catalog("OpenAction", dictionary(S=name("Movie")))),
    ("PDFA-51", catalog("OpenAction", dictionary(S=name("Named"), N=name("Print")))),
    ("PDFA-52", on_page("AA", dictionary())),
    ("PDFA-53", annotation(Subtype=name("FileAttachment"))),
    ("PDFA-53", annotation(Subtype=name("Movie"))),
    ("PDFA-54", catalog("AcroForm", dictionary(NeedAppearances=BooleanObject(True)))),
    ("PDFA-54", catalog("AcroForm", dictionary(XFA=TextStringObject("x")))),
]


@pytest.mark.parametrize(("rule", "change"), OBJECTS, ids=[f"{rule}-{rank}" for rank, (rule, _) in enumerate(OBJECTS)])
def test_one_object_changed_is_one_rule_broken(rule: str, change: Callable[[PdfWriter], None]) -> None:
    # without metadata there is no identification either
    allowed = {"PDFA-21"} if rule == "PDFA-20" else set()
    assert found_in(rewritten(change)) - allowed == {rule}


def encrypted(password: str = "") -> bytes:
    """Without a password it opens, and only forbids."""
    writer = PdfWriter(clone_from=io.BytesIO(GOOD))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def newer() -> bytes:
    """With a stream of objects, as PDF 1.5 has them."""
    start, planted = GOOD.rindex(b"xref\n0"), b"99 0 obj\n<</Type /ObjStm>>\nendobj\n"
    moved = GOOD[:start] + planted + GOOD[start:]
    return moved.replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(planted)))


BYTES = [
    ("PDFA-01", GOOD.replace(b"%PDF-1.4", b"%PDF-1.7", 1)),
    ("PDFA-02", re.sub(rb"\n%[\x80-\xff]{4}", b"\n%abcd", GOOD, count=1)),
    ("PDFA-05", GOOD + b"autre chose"),
    ("PDFA-06", newer()),
]


@pytest.mark.parametrize(("rule", "content"), BYTES, ids=[rule for rule, _ in BYTES])
def test_one_byte_changed_is_one_rule_broken(rule: str, content: bytes) -> None:
    assert rule in found_in(content)
    assert found_in(content) - {rule} == set()


def test_an_encrypted_pdf_is_told() -> None:
    assert "PDFA-04" in found_in(encrypted())


def test_every_rule_has_its_mutation() -> None:
    tried = {rule for rule, _ in OBJECTS} | {rule for rule, _ in BYTES} | {"PDFA-04"}
    assert tried == {rule.id for rule in RULES}


def test_a_received_pdf_is_warned_about_and_ours_refused() -> None:
    content = rewritten(catalog("OCProperties", dictionary()))
    (received,), (ours,) = check_pdfa(content), check_pdfa(content, strict=True)
    assert (received.severity, ours.severity) == ("warning", "error")
    assert isinstance(received, Finding)
    assert (received.found, received.reference) == ("OCProperties", "ISO 19005-1 6.1.13")


@pytest.mark.parametrize(
    "limits", [Limits(size=100), Limits(objects=20), Limits(seconds=0)], ids=["size", "objects", "seconds"]
)
def test_what_is_too_large_is_told(limits: Limits) -> None:
    ticks = iter(range(10**6))
    assert [finding.rule for finding in check_pdfa(GOOD, limits=limits, clock=lambda: next(ticks))] == ["PDFA-00"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"%PDF-1.4\n" + b"\0" * 100, GOOD[:500], GOOD[:-400]])
def test_what_cannot_be_read_is_told(content: bytes) -> None:
    assert "PDFA-00" in found_in(content) or "PDFA-05" in found_in(content)


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8))
def test_no_damage_breaks_the_check(at: int, planted: bytes) -> None:
    check_pdfa(GOOD[:at] + planted + GOOD[at + len(planted) :], limits=Limits(objects=5000))


@given(st.binary(max_size=400))
def test_no_garbage_breaks_the_check(content: bytes) -> None:
    assert check_pdfa(b"%PDF-1.4\n" + content)


def test_no_reader_keeps_what_a_document_says() -> None:
    reader = PdfReader(io.BytesIO(rewritten(lambda writer: set_metadata(writer, b">Lettre<", b">PAT-TROIS<"))))
    assert reader.metadata is not None
    written = io.BytesIO()
    PdfWriter(clone_from=reader).write(written)
    assert "PAT-TROIS" not in repr(check_pdfa(written.getvalue()))


def test_the_page_about_the_rules_lists_them() -> None:
    page = (ROOT / "docs" / "rendering.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (PDFA-\d\d) \| ([\d.]*)", page, re.MULTILINE)
    assert listed == [("PDFA-00", ""), *((rule.id, rule.clause) for rule in RULES)]
