"""Messages no sane sender writes, each with the answer it must get; made from the samples at run time."""

from __future__ import annotations

import base64
import io
import uuid
import zipfile
from dataclasses import dataclass

from connector.base.resources import resource_dir
from connector.cli.demo_letters import fresh_letter

SAMPLES = resource_dir("samples")
ADMISSION = (SAMPLES / "adt-a01-admission.er7").read_bytes()
LETTER = (SAMPLES / "mdm-t02-lettre-de-liaison.er7").read_bytes()
CDA = (SAMPLES / "lettre-de-liaison-niveau-1.xml").read_bytes()
PROLOG, _, _REST = CDA.partition(b"?>")
HEAD, _, BODY = _REST.partition(b"<component>")
DOCUMENT = "OBX^1^5^1^5"
MANY = 100_000
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """`code` and `error` (ERR-3) of the refusal, and where ERR-2 puts it."""

    raw: bytes
    code: str
    error: str
    location: str = ""


def letter_with(encoded: bytes) -> bytes:
    """The sample MDM with other text in OBX-5.5."""
    segments = LETTER.split(b"\r")
    index = next(n for n, segment in enumerate(segments) if segment.startswith(b"OBX|1|"))
    head, mark, old = segments[index].partition(b"^XML^Base64^")
    segments[index] = head + mark + encoded + b"".join(old.partition(b"|")[1:])
    return b"\r".join(segments)


def letter_of(document: bytes) -> bytes:
    return letter_with(base64.b64encode(document))


def large_letter(control_id: str) -> bytes:
    """A complete CDA that also holds one million empty elements: lawful, only large."""
    document = PROLOG + b"?>" + HEAD + b"<component>" + BODY
    document = document.replace(b"<text mediaType", b"<a/>" * MILLION + b"<text mediaType")
    return fresh_letter(letter_of(document), control_id, uuid.uuid4())[0]


def _typed(declaration: bytes, title: bytes = b"<title>") -> bytes:
    return letter_of(PROLOG + b"?>" + declaration + HEAD.replace(b"<title>", title) + b"<component>" + BODY)


def _billion_laughs() -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    return _typed(b'<!DOCTYPE a [<!ENTITY a0 "lol">' + entities + b"]>", b"<title>&a9;")


def _zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("cda.xml", CDA)
    return archive.getvalue()


def _not_cda(document: bytes) -> Case:
    return Case(letter_of(document), "AE", "102", DOCUMENT)


CASES = {
    # documents
    "DOCTYPE": Case(_typed(b"<!DOCTYPE ClinicalDocument>"), "AE", "102", DOCUMENT),
    "external entity": Case(
        _typed(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>', b"<title>&x;"), "AE", "102", DOCUMENT
    ),
    "billion laughs": Case(_billion_laughs(), "AE", "102", DOCUMENT),
    "ZIP": _not_cda(_zip()),
    "PDF": _not_cda(b"%PDF-1.4\n%%EOF\n"),
    "plain text": _not_cda(b"bonjour"),
    "NUL in the CDA": _not_cda(CDA.replace(b"<title>", b"<title>\0")),
    "UTF-16 announced": _not_cda(CDA.replace(b"UTF-8", b"UTF-16")),
    "unknown XML encoding": _not_cda(CDA.replace(b"UTF-8", b"EBCDIC-XX")),
    "ISO bytes announced as UTF-8": _not_cda(CDA.decode().encode("latin-1", "replace")),
    "200 000 levels": _not_cda(b"<a>" * 200_000 + b"</a>" * 200_000),
    "levels inside a CDA": _not_cda(
        CDA.replace(b"<text mediaType", b"<a>" * MANY + b"</a>" * MANY + b"<text mediaType")
    ),
    "one million empty elements": _not_cda(
        b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + b"<a/>" * MILLION + b"</ClinicalDocument>"
    ),
    "100 000 attributes": _not_cda(b"<a " + b" ".join(b'a%d=""' % n for n in range(MANY)) + b"/>"),
    "not base64": Case(letter_with(b"!! ceci n'est pas du base64 !!"), "AE", "102", DOCUMENT),
    "base64 cut": Case(letter_with(base64.b64encode(CDA)[:-3]), "AE", "102", DOCUMENT),
    "no document": Case(letter_with(b""), "AE", "101", DOCUMENT),
    # messages
    "nothing": Case(b"", "AE", "100", "MSH"),
    "blank lines": Case(b"\r\n\r\n", "AE", "100", "MSH"),
    "XML instead of HL7": Case(CDA, "AE", "100", "MSH"),
    "HTTP": Case(b"GET / HTTP/1.1\r\nHost: hopital\r\n\r\n", "AE", "100", "MSH"),
    "NUL only": Case(b"\0" * 1000, "AE", "100", "MSH"),
    "only the letters MSH": Case(b"MSH", "AE", "102", "MSH^1^1"),
    "only an empty MSH": Case(b"MSH|^~\\&", "AE", "101", "MSH^1^9"),
    "only MSH, admission": Case(ADMISSION.split(b"\r")[0], "AE", "100", "EVN^1"),
    "only MSH, letter": Case(LETTER.split(b"\r")[0], "AE", "100", "EVN^1"),
    "same sign four times": Case(ADMISSION.replace(b"^~\\&", b"||||", 1), "AE", "102", "MSH^1^2"),
    "two messages in one": Case(ADMISSION + b"\r" + ADMISSION, "AE", "100", "MSH^2"),
    "unknown type": Case(ADMISSION.replace(b"ADT^A01^ADT_A01", b"XXX^Y01"), "AR", "200", "MSH^1^9^1^1"),
    "100 000 segments, admission": Case(ADMISSION + b"\rNTE|1" * MANY, "AE", "198"),
    "100 000 segments, letter": Case(LETTER + b"\rNTE|1" * MANY, "AE", "198"),
    "100 000 fields, admission": Case(ADMISSION + b"\rZZZ" + b"|1" * MANY, "AE", "198", "ZZZ"),
    "100 000 fields, letter": Case(LETTER + b"\rZZZ" + b"|1" * MANY, "AE", "198", "ZZZ"),
    "100 000 fields, MSH": Case(ADMISSION.replace(b"\r", b"|" * MANY + b"\r", 1), "AE", "198", "MSH"),
    "100 000 repetitions": Case(ADMISSION + b"\rZZZ|" + b"~1" * MANY, "AE", "198", "ZZZ^1^1"),
    "100 000 components": Case(ADMISSION + b"\rZZZ|" + b"^1" * MANY, "AE", "198", "ZZZ^1^1"),
    "no charset fits, admission": Case(
        ADMISSION.replace("Réault".encode(), b"R\x81\xff\x9dault"), "AE", "102", "MSH^1^18"
    ),
    "no charset fits, letter": Case(LETTER.replace("é".encode(), b"\x81\xff\x9d"), "AE", "102", "MSH^1^18"),
    "charset not supported": Case(ADMISSION.replace(b"UNICODE UTF-8", b"ISO IR87"), "AE", "103", "MSH^1^18"),
    "charset unheard of": Case(LETTER.replace(b"UNICODE UTF-8", b"KLINGON"), "AE", "103", "MSH^1^18"),
    "NUL in a name": Case(ADMISSION.replace(b"DOMINIQUE", b"DOM\0NIQUE"), "AE", "102"),
    "NUL in a letter": Case(LETTER.replace(b"THOMAS", b"THO\0MAS"), "AE", "102"),
}
