"""Metadata of what `connector xds submit` sends: a CDA's own header, a JSON file, options; the later counts more.

Names are those of XDS (`classCode`, `creationTime`…). A code is `code^label^system`, or `code^^system`; an author is an
object of `authorPerson`, `authorInstitution`, `authorRole`, `authorSpecialty`, `authorTelecommunication`.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.base.errors import CodecError, SettingsError
from connector.base.hl7time import PARIS, utc_digits
from connector.base.oid import oid_from_uuid
from connector.xds.model import Author, Code, DocumentEntry, SubmissionSet

if TYPE_CHECKING:
    from connector.base.clock import UuidFactory
    from connector.cli.xds_session import Patient
    from connector.dmp.config import DmpConfig
    from connector.dmp.domain_client import DomainClient

Given = Mapping[str, Any]

SET_ID: Final = "SubmissionSet01"
SET: Final = "submissionSet"
"""Key of the JSON file under which the attributes of the set stand."""


def code_of(text: str) -> Code:
    """The code of `code^label^system`. Raises SettingsError when the code or the system is missing."""
    parts = text.split("^")
    if len(parts) != 3 or not parts[0] or not parts[2]:
        raise SettingsError("not a code", name="metadata", found=text[:200], allowed="code^label^system")
    return Code(parts[0], parts[2], parts[1])


def author_of(value: Any) -> Author:
    """One author: an object, or the XCN of its person."""
    if isinstance(value, str):
        return Author(person=value)
    table = _table(value, "author", _AUTHOR)
    return Author(
        person=_text(table.get("authorPerson", "")),
        institutions=_texts(table.get("authorInstitution", ())),
        roles=_texts(table.get("authorRole", ())),
        specialties=_texts(table.get("authorSpecialty", ())),
        telecoms=_texts(table.get("authorTelecommunication", ())),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingsError("not a text", name="metadata", found=type(value).__name__, allowed="a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(_text, value))


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _codes(value: Any) -> tuple[Code, ...]:
    return tuple(code_of(_text(item)) for item in _items(value))


def _authors(value: Any) -> tuple[Author, ...]:
    return tuple(map(author_of, _items(value)))


def _code(value: Any) -> Code:
    return code_of(_text(value))


_AUTHOR: Final = frozenset(
    {"authorPerson", "authorInstitution", "authorRole", "authorSpecialty", "authorTelecommunication"}
)
_ENTRY: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "uniqueId": ("unique_id", _text),
    "mimeType": ("mime_type", _text),
    "title": ("title", _text),
    "comments": ("comments", _text),
    "languageCode": ("language", _text),
    "creationTime": ("creation_time", _text),
    "serviceStartTime": ("service_start", _text),
    "serviceStopTime": ("service_stop", _text),
    "sourcePatientId": ("source_patient_id", _text),
    "sourcePatientInfo": ("source_patient_info", _texts),
    "legalAuthenticator": ("legal_authenticator", _text),
    "author": ("authors", _authors),
    "classCode": ("class_code", _code),
    "typeCode": ("type_code", _code),
    "formatCode": ("format_code", _code),
    "healthcareFacilityTypeCode": ("facility_type", _code),
    "practiceSettingCode": ("practice_setting", _code),
    "confidentialityCode": ("confidentiality", _codes),
    "eventCodeList": ("event_codes", _codes),
    "referenceIdList": ("reference_ids", _texts),
    "URI": ("uri", _text),
}
_SET: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "contentTypeCode": ("content_type", _code),
    "title": ("title", _text),
    "comments": ("comments", _text),
    "author": ("authors", _authors),
    "uniqueId": ("unique_id", _text),
    "sourceId": ("source_id", _text),
}


def read_metadata(path: Path | None) -> Mapping[str, Any]:
    """The object of a JSON metadata file, {} without one. Raises SettingsError."""
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            "metadata file unreadable", name="--metadata", found=type(error).__name__, allowed="a JSON object"
        ) from error
    if not isinstance(value, dict):
        raise SettingsError(
            "metadata file unreadable", name="--metadata", found=type(value).__name__, allowed="a JSON object"
        )
    return value


def for_file(metadata: Mapping[str, Any], path: Path, options: Given) -> Given:
    """What is given for one file: the whole of the metadata, or what stands under the file's name, then the options."""
    own = metadata.get(path.name, {name: value for name, value in metadata.items() if name in _ENTRY})
    return {**own, **options}


def entry_of(
    path: Path,
    given: Given,
    patient: Patient | None,
    config: DmpConfig,
    *,
    entry_id: str,
    now: datetime,
    uuid_factory: UuidFactory,
    plain: bool = False,
) -> DocumentEntry:
    """The entry of one file; `plain` describes a CDA like any other file. Raises SettingsError, DmpMetadataError."""
    base = None if plain else _from_header(path, patient, config, entry_id, now)
    if base is None:
        base = _bare(path, patient, entry_id, now, uuid_factory)
    return replace(base, **_attributes(given, _ENTRY, path.name))


def changed(entry: DocumentEntry, given: Given) -> DocumentEntry:
    """`entry` with other attributes. Raises SettingsError."""
    return replace(entry, **_attributes(given, _ENTRY, "the document"))


def set_of(
    entries: list[DocumentEntry],
    given: Given,
    patient: Patient | None,
    client: DomainClient,
    *,
    now: datetime,
    uuid_factory: UuidFactory,
) -> SubmissionSet:
    """The set of these entries (none for a change): their patient, the first author, the default content.

    Without an author the software is.
    """
    config = client.config
    from connector import codes

    default = codes.load("J59").get(config.default_content_type)
    base = SubmissionSet(
        entry_uuid=SET_ID,
        unique_id=oid_from_uuid(uuid_factory()),
        source_id=config.source_id,
        patient_id=patient.cx if patient else entries[0].patient_id if entries else "",
        submission_time=utc_digits(now),
        content_type=Code(default.code, default.system, default.display) if default else None,
        authors=entries[0].authors[:1] if entries and entries[0].authors else (client.author,),
    )
    return replace(base, **_attributes(given, _SET, SET))


def _from_header(
    path: Path, patient: Patient | None, config: DmpConfig, entry_id: str, now: datetime
) -> DocumentEntry | None:
    """The entry a CDA's header gives; None for a file that is no CDA."""
    from connector.cda.header import read_header
    from connector.dmp.facts import DocumentFacts
    from connector.dmp.metadata import build_entry
    from connector.ins.model import MatriculeIns

    content = path.read_bytes()
    if path.suffix.lower() != ".xml" and content.lstrip()[:5] != b"<?xml":
        return None
    try:
        header = read_header(content)
    except CodecError:
        if b"ClinicalDocument" in content:
            raise
        return None
    ins = header.ins() or (MatriculeIns(patient.id, patient.oid) if patient else None)
    if ins is None:
        raise SettingsError("whose document is it?", name="--patient", found="nothing", allowed="id^^^&oid&ISO")
    entry = build_entry(
        header,
        DocumentFacts(sender_expected=False),
        ins,
        config,
        entry_uuid=entry_id,
        today=now.astimezone(PARIS).date(),
    )
    # A domain may know the patient under a number of its own: the document keeps the one it was written for.
    return replace(entry, patient_id=patient.cx) if patient else entry


def _bare(
    path: Path, patient: Patient | None, entry_id: str, now: datetime, uuid_factory: UuidFactory
) -> DocumentEntry:
    if patient is None:
        raise SettingsError("whose document is it?", name="--patient", found="nothing", allowed="id^^^&oid&ISO")
    return DocumentEntry(
        entry_uuid=entry_id,
        unique_id=oid_from_uuid(uuid_factory()),
        patient_id=patient.cx,
        mime_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        class_code=None,
        type_code=None,
        format_code=None,
        facility_type=None,
        practice_setting=None,
        confidentiality=(),
        creation_time=utc_digits(now),
        language="fr-FR",
        source_patient_id=patient.cx,
        title=path.stem,
    )


def _attributes(given: Given, known: Mapping[str, tuple[str, Callable[[Any], Any]]], where: str) -> dict[str, Any]:
    _table(given, where, frozenset(known))
    return {known[name][0]: known[name][1](value) for name, value in given.items()}


def _table(value: Any, where: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(
            f"metadata of {where} unreadable", name=where, found=type(value).__name__, allowed="an object"
        )
    for name in value:
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise SettingsError(f"unknown attribute of {where}", name="metadata", found=name, allowed=allowed)
    return value
