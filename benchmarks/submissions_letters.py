"""Letters of a wanted size, made at run time: the sample letter of the official test patient around a larger PDF."""

from __future__ import annotations

import base64
import random
import re
import uuid
from pathlib import Path

from connector.base.resources import resource_dir
from connector.cli.demo_letters import fresh_letter

_UNITS = {"k": 1000, "m": 1000 * 1000}
_MESSAGE = "mdm-t02-lettre-de-liaison.er7"
_LETTER = "lettre-de-liaison-niveau-1.xml"
_BODY = re.compile(rb"(?<=B64\">)[A-Za-z0-9+/=\s]+(?=</text>)")
_CLAIM = b'<?xpacket?><rdf:Description pdfaid:part="1" pdfaid:conformance="B"/><?xpacket end="r"?>'


def size_of(text: str) -> int:
    """Bytes of "50k" or "10m", decimal: 10m is below the 10 MiB a DMP may be set to. Raises ValueError."""
    found = re.fullmatch(r"([1-9]\d*)([km])", text)
    if found is None:
        raise ValueError(f"a size is a number followed by k or m, not {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def write_letters(folder: Path, size: int, count: int) -> None:
    """`count` MDM^T02 in `folder`, each with a document of its own id and of `size` bytes, a few more or less."""
    model, draw = _model(size), random.Random(f"{folder.name} {size}")
    for number in range(count):
        identifier = uuid.UUID(int=draw.getrandbits(128), version=4)
        message, _ = fresh_letter(model, f"BENCH{number:06d}", identifier)
        (folder / f"{number:06d}.er7").write_bytes(message)


def _model(size: int) -> bytes:
    """The sample message with a CDA of `size` bytes in it."""
    samples = resource_dir("samples")
    letter = (samples / _LETTER).read_bytes()
    found = _BODY.search(letter)
    assert found is not None
    room = size - len(letter) + len(found[0])
    grown = _BODY.sub(base64.b64encode(_pdf(base64.b64decode(found[0]), room // 4 * 3)), letter)
    return (samples / _MESSAGE).read_bytes().replace(base64.b64encode(letter), base64.b64encode(grown))


def _pdf(small: bytes, size: int) -> bytes:
    """`small` with one more object, as large as a scanned page, and the words by which a PDF says to be PDF/A."""
    head, trailer = small.split(b"xref\n", 1)
    frame = b"%b\n6 0 obj\n<< >>\nstream\n%b\nendstream\nendobj\nxref\n%b"
    left = max(0, size - len(frame % (_CLAIM, b"", trailer)) - len(head))
    # bytes that no reader takes for a name or an end of stream
    image = random.Random(left).randbytes(left).translate(bytes.maketrans(b"/#<>", b"...."))
    return head + frame % (_CLAIM, image, trailer)
