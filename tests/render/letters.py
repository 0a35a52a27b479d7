"""A level-3 letter of our own to show, whole and then with one hostile or odd thing planted."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping

from tests.cda.letters import LETTER

NARRATIVE = """<table><caption>Modalités</caption><thead><tr><th>Quoi</th><th>Valeur</th></tr></thead><tbody>
<tr><td>Entrée</td><td><content ID="entree" styleCode="Bold">En urgence</content></td></tr>
<tr><td rowspan="2" align="right">Biologie</td><td>CRP 12 mg/L &lt; 20</td></tr>
<tr><td>K<sub>+</sub> 4,1 mmol/L</td></tr></tbody></table>
<list listType="ordered" styleCode="LittleRoman"><item>Paracétamol</item><item>Repos</item></list>
<paragraph>Allô<br/>suite <linkHtml href="#entree">voir</linkHtml> <linkHtml href="https://exemple.test/x">site</linkHtml>
</paragraph><content revised="delete">Amoxicilline</content>"""

SECTIONS = f"""<structuredBody xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><section>
<code code="42545-4" codeSystem="2.16.840.1.113883.6.1" displayName="Évènements observés"/>
<title>Synthèse médicale</title><text>{NARRATIVE}</text>
<entry><observation classCode="OBS" moodCode="EVN"><code code="ORG-070" displayName="Modalité d'entrée"/>
<text><reference value="#entree"/></text><statusCode code="completed"/><effectiveTime value="20261110"/>
<value xsi:type="CE" code="183452005" displayName="admission en urgence"/></observation></entry>
<entry><observation classCode="OBS" moodCode="EVN" negationInd="true"><code code="X-1" displayName="Transfusion"/>
<statusCode code="completed"/><effectiveTime value="20261112"/><value xsi:type="PQ" value="2" unit="u"/>
</observation></entry>
<component><section><title>Sous-partie</title><text>Texte de la sous-partie</text></section></component>
</section></component></structuredBody>"""


def shown_letter(*changes: tuple[str, str]) -> bytes:
    """The letter with sections; each (found, planted) text is replaced once, and must be there."""
    document = LETTER.replace("<structuredBody/>", SECTIONS)
    for found, planted in changes:
        assert found in document, found
        document = document.replace(found, planted, 1)
    return document.encode()


def with_narrative(narrative: str) -> bytes:
    return shown_letter((NARRATIVE, narrative))


def level_1(media_type: str, content: bytes) -> bytes:
    body = (
        f'<nonXMLBody><text mediaType="{media_type}" representation="B64">{base64.b64encode(content).decode()}</text>'
    )
    return shown_letter((SECTIONS, f"{body}</nonXMLBody>"))


def png(colour: int = 2, side: int = 3, opacity: int = 128) -> bytes:
    """A square of one colour: `colour` 2 is RGB, 6 RGBA."""
    pixel = bytes([200, 30, 60]) if colour == 2 else bytes([200, 30, 60, opacity])
    rows = b"".join(b"\0" + pixel * side for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def with_media(text: str, images: Mapping[str, bytes], media_type: str = "image/png") -> bytes:
    """The letter with `text` (from <text> on) as its narrative, and images by their ID."""
    entries = "".join(
        f'<entry><observationMedia ID="{name}" classCode="OBS" moodCode="EVN"><value mediaType="{media_type}" '
        f'representation="B64">{base64.b64encode(content).decode()}</value></observationMedia></entry>'
        for name, content in images.items()
    )
    before = "<component><section><title>Sous"
    return shown_letter((f"<text>{NARRATIVE}</text>", text), (before, entries + before))


def with_image(content: bytes, media_type: str = "image/png") -> bytes:
    text = '<text>Courbe : <renderMultiMedia referencedObject="im"/></text>'
    return with_media(text, {"im": content}, media_type)


def with_entries(text: str, *entries: str) -> bytes:
    """The letter with `text` as what its narrative holds, and these entries alone."""
    start, end = SECTIONS.index("<entry>"), SECTIONS.index("<component><section><title>Sous")
    told = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return shown_letter((NARRATIVE, text), (SECTIONS[start:end], told))
