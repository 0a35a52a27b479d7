"""The sample messages with one thing changed: what the scenarios of this room send."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from connector.base.clock import random_uuid
from connector.base.oid import oid_from_uuid
from connector.base.resources import resource_dir
from connector.cli.demo_letters import LETTER_ID, REPLACEMENT_ID, SET_ID, fresh_letter
from tests.hl7_readers.messages import edit, insert, without

__all__ = [
    "IPP",
    "NESSI",
    "admission",
    "deletion",
    "edit",
    "edit_cda",
    "identity",
    "insert",
    "letter",
    "merge",
    "oru",
    "sample",
    "successor",
    "with_title",
    "without",
]

IPP = "000003"
STAY = "000897406@000897406"
NESSI = "277076322082910"
INS = "279035121518989"


def sample(name: str) -> str:
    return (resource_dir("samples") / f"{name}.er7").read_bytes().decode()


def letter(control_id: str, **fields: str) -> tuple[bytes, str]:
    """(message, uniqueId): a new letter; `fields` are edits such as PID_32="PROV", OBX7_5="N" (see `edit`)."""
    raw, unique_id = fresh_letter(sample("mdm-t02-lettre-de-liaison").encode(), control_id, random_uuid())
    return _edited(raw.decode(), fields).encode(), unique_id


def successor(control_id: str, replaced: str, version: int = 2, **fields: str) -> tuple[bytes, str]:
    """(message, uniqueId): an MDM^T10 whose letter replaces `replaced`, in the chain that letter began."""
    unique_id = oid_from_uuid(random_uuid())
    own, number = unique_id.encode(), f'<versionNumber value="{version}"/>'.encode()

    def chained(cda: bytes) -> bytes:
        cda = cda.replace(REPLACEMENT_ID.encode(), own).replace(LETTER_ID.encode(), replaced.encode())
        return cda.replace(SET_ID.encode(), replaced.encode()).replace(b'<versionNumber value="2"/>', number)

    message = edit_cda(sample("mdm-t10-remplacement").encode(), chained).decode()
    text = message.replace(REPLACEMENT_ID, unique_id).replace(LETTER_ID, replaced).replace("MDM0002", control_id)
    return _edited(text, fields).encode(), unique_id


def edit_cda(message: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """`message` with `change` made to the CDA of its first document."""
    segments = message.split(b"\r")
    index = next(n for n, segment in enumerate(segments) if segment.startswith(b"OBX|1|"))
    fields = segments[index].split(b"|")
    components = fields[5].split(b"^")
    components[4] = base64.b64encode(change(base64.b64decode(components[4])))
    fields[5] = b"^".join(components)
    segments[index] = b"|".join(fields)
    return b"\r".join(segments)


def with_title(message: bytes, title: str) -> bytes:
    """The same letter under another title: the same id, other bytes."""
    return edit_cda(message, lambda cda: re.sub(rb"<title>[^<]*</title>", f"<title>{title}</title>".encode(), cda))


def deletion(control_id: str, message: bytes, **fields: str) -> bytes:
    """The MDM^T04 that takes back the document of `message` (an MDM^T02 or T10)."""
    text = edit(edit(message.decode(), "MSH-9", "MDM^T04^MDM_T02"), "ORC-1", "CA")
    return _edited(edit(edit(text, "OBX-11", "D"), "MSH-10", control_id), fields).encode()


def admission(control_id: str, event: str = "A01", **fields: str) -> bytes:
    """The sample admission under another event; its ZFA says INO and IC."""
    message = edit(sample("adt-a01-admission"), "MSH-10", control_id)
    return _edited(edit(message, "MSH-9", f"ADT^{event}^ADT_A01"), fields).encode()


def identity(control_id: str, reliability: str, time: str, **fields: str) -> bytes:
    """An A31 dated `time`."""
    message = edit(edit(sample("adt-a31-identite-qualifiee"), "MSH-10", control_id), "PID-32", reliability)
    return _edited(edit(edit(message, "EVN-2", time), "MSH-7", time), fields).encode()


def merge(control_id: str, gone: str, event: str = "A40") -> bytes:
    """The patient of the samples takes over `gone` (an IPP)."""
    message = edit(sample("adt-a31-identite-qualifiee"), "MSH-10", control_id)
    message = edit(without(message, "PV1"), "MSH-9", f"ADT^{event}^ADT_A39")
    return (message.rstrip("\r") + f"\rMRG|{gone}^^^CHU-X&000897406&N^PI\r").encode()


def oru() -> str:
    """The letter as an ORU^R01 (volet CDA in HL7v2): no EVN, no TXA, version 2.5, CE instead of CWE."""
    message = without(without(sample("mdm-t02-lettre-de-liaison"), "EVN"), "TXA")
    message = edit(edit(message, "MSH-9", "ORU^R01^ORU_R01"), "MSH-12", "2.5")
    return message.replace("|CWE|", "|CE|")


def _edited(message: str, fields: dict[str, str]) -> str:
    """`PID_3` is PID-3, `OBX7_5` the fifth field of the seventh OBX."""
    for name, value in fields.items():
        segment, _, number = name.partition("_")
        path = f"{segment[:3]}[{segment[3:]}]-{number}" if segment[3:] else f"{segment}-{number}"
        message = edit(message, path, value)
    return message
