"""The manifest digest equals what xmllint, another road through the same standard, makes of the file."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.base.errors import CodecError, LimitError
from connector.trust.manifest import binary_digest, manifest_digest

MEGABYTE = 1024 * 1024


def xmllint(content: bytes, folder: Path, algorithm: str = "sha1") -> str:
    """`xmllint --huge --c14n FILE | sha1sum`."""
    file = folder / "document.xml"
    file.write_bytes(content)
    done = subprocess.run(["xmllint", "--huge", "--c14n", str(file)], capture_output=True, timeout=60, check=True)
    return hashlib.new(algorithm, done.stdout).hexdigest()


DOCUMENTS = {
    "plain": b"<a/>",
    "comments": b"<!-- before --><a><!-- inside --><b/></a><!-- after -->",
    "instructions": b'<?xml version="1.0"?>\n<?xml-stylesheet href="x.xsl"?>\n\n<a>\n<?p  q ?>\n</a>\n<?z?>\n',
    "attributes": b'<a z="1" b="&lt;&#10;&#9;&#13;&quot;" xmlns:y="u:y" y:c=\'2\' xmlns="u:a"><y:b xmlns:y="u:z"/></a>',
    "namespaces": b'<a xmlns="u:a" xmlns:un="u:n"><b xmlns=""><c xmlns="u:a" xmlns:un="u:n"/></b></a>',
    "text": b"<a>\r\n&amp;&lt;&gt;\r&#13; <![CDATA[<&]]> \xc3\xa9</a>",
    "latin-1": '<?xml version="1.0" encoding="ISO-8859-1"?><a b="é">è</a>'.encode("latin-1"),
    "utf-16": '<?xml version="1.0" encoding="UTF-16"?><a>è😀</a>'.encode("utf-16"),
    "huge text": b"<a>" + b"QUJD" * (3 * MEGABYTE) + b"</a>",
    "long texts": "<a>{0}é]]&gt;<!-- {0} --><b>{0}</b>{0}&#13;&lt;&amp;&gt;<![CDATA[<&>{0}]]>{0}</a>".format(
        "é&amp;\r\n€😀" * 150_000
    ).encode(),
    "long CDATA": b"<a><b>" + b"<![CDATA[<&>\r\n]]>x" * 70_000 + b"</b></a>",
    "long text and the marker": b"<a><b>text-hashed-apart</b><c>" + b"QUJD" * MEGABYTE + b"</c></a>",
    "xml attributes": b'<a xml:lang="fr" xml:space="preserve"><b xml:lang="en"> </b></a>',
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_equal_to_xmllint(name: str, algorithm: str, tmp_path: Path) -> None:
    document = DOCUMENTS[name]
    expected = xmllint(document, tmp_path, algorithm)
    file = tmp_path / "the same"
    file.write_bytes(document)
    for source in (document, file):
        assert manifest_digest(source, "sha1" if algorithm == "sha1" else "sha256").hex() == expected


def test_equal_to_xmllint_on_the_official_examples(official_data: Path, tmp_path: Path) -> None:
    files = sorted((official_data / "cisis-data" / "examples").glob("*.xml"))[::6]
    assert files
    for file in files:
        assert manifest_digest(file.read_bytes()).hex() == xmllint(file.read_bytes(), tmp_path), file.name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"<a><!-- x --></a>", b"<a/>"),
        (b"<a/><!-- x -->", b"<a/>"),
        (b"<?p?><a/>", b"<a/>"),
        (b"<a> </a>", b"<a/>"),
    ],
)
def test_comments_instructions_and_spaces_count(one: bytes, other: bytes) -> None:
    assert manifest_digest(one) != manifest_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"<a></a>", b"<a/>"),
        (b"<a b='1' a='2'/>", b'<a a="2" b="1"/>'),
        (b"<?xml version='1.0'?>\n\n<a/>\n", b"<a/>"),
        (b"<a>\r\n</a>", b"<a>\n</a>"),
        (b"<a><![CDATA[x]]></a>", b"<a>x</a>"),
    ],
)
def test_what_canonical_form_makes_equal(one: bytes, other: bytes) -> None:
    assert manifest_digest(one) == manifest_digest(other)


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY e "e">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>",
        b"",
        b"%PDF-1.7",
        b"<a xmlns='relative/name'/>",
    ],
)
def test_refused_documents(document: bytes, tmp_path: Path) -> None:
    file = tmp_path / "document"
    file.write_bytes(document)
    for source in (document, file):
        with pytest.raises(CodecError) as caught:
            manifest_digest(source)
        assert caught.value.context["field"] == "document"


@pytest.mark.parametrize(
    ("document", "cap", "limit"), [(b"<a>%b</a>" % (b"x" * 100), 100, 100), (b"<" * 2_000_001, 10**7, 2_000_000)]
)
def test_the_limits(document: bytes, cap: int, limit: int, tmp_path: Path) -> None:
    file = tmp_path / "document"
    file.write_bytes(document)
    for source in (document, file):
        with pytest.raises(LimitError) as caught:
            manifest_digest(source, cap=cap)
        assert caught.value.context["limit"] == limit


def test_binary_documents_are_hashed_as_they_are() -> None:
    assert binary_digest(b"DICM", "sha1") == hashlib.sha1(b"DICM").digest()
    assert binary_digest(b"DICM", "sha256") == hashlib.sha256(b"DICM").digest()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_refused_or_digested(content: bytes) -> None:
    try:
        digest = manifest_digest(content)
    except CodecError:
        digest = b""
    assert len(digest) in (0, 20)


MEASURE = """
import sys
from pathlib import Path
from connector.trust.manifest import manifest_digest
from tests.soap.weigh import growth, resident
file = Path(sys.argv[1])
document = file.read_bytes() if sys.argv[2] == "bytes" else file
manifest_digest(b'<a/>')
before = resident()
manifest_digest(document)
print(growth(before))
"""


@pytest.mark.parametrize("given", ["bytes", "file"])
def test_memory_of_a_50_mb_letter(given: str, tmp_path: Path) -> None:
    """At most 2.5 times the letter; the letter itself (already there as bytes, never read as a whole) not counted."""
    file = tmp_path / "letter.xml"
    file.write_bytes(b'<a xmlns="urn:hl7-org:v3"><!-- c --><t>%b</t></a>' % (b"QUJD" * 12_500_000))
    command = [sys.executable, "-c", MEASURE, str(file), given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert 0 < float(done.stdout) <= 2.5 * file.stat().st_size / MEGABYTE
