"""Rules about metadata (ISO 19005-1, 6.7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from lxml import etree
from pypdf.generic import StreamObject

from connector.base.errors import CodecError
from connector.base.xmlsafe import parse_xml
from connector.render.pdfa.model import Fault, File, get

_CAP: Final = 4 * 1024 * 1024
_NAMES: Final = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "id": "http://www.aiim.org/pdfa/ns/id/",
}
_PAIRS: Final[Mapping[str, str]] = {
    "Title": "dc:title", "Author": "dc:creator", "Subject": "dc:description", "Keywords": "pdf:Keywords",
    "Creator": "xmp:CreatorTool", "Producer": "pdf:Producer",
    "CreationDate": "xmp:CreateDate", "ModDate": "xmp:ModifyDate",
}  # fmt: skip
_PDF_DATE: Final = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-]\d\d)'?(\d\d)?)?.*")


def present(file: File) -> Iterator[Fault]:
    stream = get(file.catalog, "/Metadata")
    if not isinstance(stream, StreamObject):
        yield Fault("absentes", "des métadonnées XMP", "Le PDF n'a pas de métadonnées")
    elif "/Filter" in stream:
        yield Fault("compressées", "des métadonnées lisibles telles quelles", "Les métadonnées du PDF sont compressées")
    elif _packet(file) is None:
        yield Fault("illisibles", "du XMP bien formé", "Les métadonnées du PDF ne sont pas lisibles")


def identification(file: File) -> Iterator[Fault]:
    packet = _packet(file)
    part, level = (_value(packet, "id:part"), _value(packet, "id:conformance")) if packet is not None else ("", "")
    if part != "1" or level not in ("A", "B"):
        shown = f"{part[:4]}{level[:4]}" or "aucune déclaration"
        yield Fault(shown, "pdfaid part 1, conformance B", "Le PDF ne se déclare pas PDF/A-1")


def consistent(file: File) -> Iterator[Fault]:
    """What both places say is the same: a reader may look at either."""
    info, packet = get(file.trailer, "/Info"), _packet(file)
    if info is None or packet is None:
        return
    for key, name in _PAIRS.items():
        written = get(info, f"/{key}")
        if written is None:
            continue
        said = _value(packet, name)
        same = _date(str(written)) == _iso(said) if key.endswith("Date") else str(written).strip() == said
        if not same:
            yield Fault(
                f"{key} différent", f"la même valeur dans {name}", "Les deux métadonnées du PDF se contredisent"
            )


def _packet(file: File) -> etree._Element | None:
    stream = get(file.catalog, "/Metadata")
    if not isinstance(stream, StreamObject) or "/Filter" in stream:
        return None
    try:
        return parse_xml(stream.get_data().strip(b"\0 \r\n\t"), cap=_CAP, what="XMP")
    except CodecError:
        return None


def _value(packet: etree._Element, name: str) -> str:
    """A property, written as an element (perhaps a list, of which the first counts) or as an attribute."""
    found: Any = packet.xpath(
        f"string((//rdf:Description/{name}//rdf:li | //rdf:Description/{name}[not(.//rdf:li)]"
        f" | //rdf:Description/@{name})[1])",
        namespaces=_NAMES,
    )
    return str(found).strip()


def _date(written: str) -> datetime | None:
    match = _PDF_DATE.fullmatch(written)
    if match is None:
        return None
    year, month, day, hour, minute, second, offset, minutes = match.groups()
    zone = f"{offset or '+00'}:{minutes or '00'}"
    return _iso(f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone}")


def _iso(said: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else datetime.fromisoformat(f"{moment.isoformat()}+00:00")
