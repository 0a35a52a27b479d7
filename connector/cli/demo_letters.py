"""New letters from the sample one: another document id, another message number, at run time only."""

from __future__ import annotations

import base64
import uuid

from connector.base.oid import oid_from_uuid

LETTER_ID = "2.25.17621244634172226217788555701406288794"
"""uniqueId of samples/lettre-de-liaison-niveau-1.xml."""

REPLACEMENT_ID = "2.25.38781984261711397616434397142697916178"
"""uniqueId of the letter in samples/mdm-t10-remplacement.er7 and mdm-t04-suppression.er7."""

SET_ID = "2.25.184650496776818177159151218812096136384"
"""setId of the sample letter and of its replacement."""


def fresh_letter(message: bytes, control_id: str, document: uuid.UUID) -> tuple[bytes, str]:
    """(message, uniqueId): the sample MDM^T02 with its own document id, also its setId, and its own MSH-10."""
    unique_id = oid_from_uuid(document)
    segments = message.split(b"\r")
    index = next(n for n, segment in enumerate(segments) if segment.startswith(b"OBX|1|"))
    fields = segments[index].split(b"|")
    components = fields[5].split(b"^")
    cda = base64.b64decode(components[4])
    cda = cda.replace(LETTER_ID.encode(), unique_id.encode()).replace(SET_ID.encode(), unique_id.encode())
    components[4] = base64.b64encode(cda)
    fields[5] = b"^".join(components)
    segments[index] = b"|".join(fields)
    text = b"\r".join(segments).replace(LETTER_ID.encode(), unique_id.encode())
    return text.replace(b"MDM0001", control_id.encode()), unique_id
