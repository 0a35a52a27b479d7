"""Published lists as they are found: the agency's XML (IHE SVS), the JSON of its terminologies, a plain CSV.

A reader gives a ListFile with the identity written in the file; whether it may be used is decided in `update`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from connector.base.errors import CodecError
from connector.base.xmlsafe import parse_xml
from connector.codes.listfile import Kind, ListFile, Row

SVS = "{urn:ihe:iti:svs:2008}"
SUFFIXES = (".json", ".xml", ".csv")
CAP = 16 * 1024 * 1024
"""Bytes of one file."""

_META = re.compile(r"#\s*(id|oid|version|date|source|note)\s*[:;=]\s*(.*?)\s*")
_CSV_NAMES = {"codesystem": "system", "system_oid": "system", "displayname": "display"}


def read_published(content: bytes, name: str) -> ListFile:
    """The list of the file `name`, its form chosen by the suffix.

    Raises CodecError (`field`, `found`, `expected`) when the file is not what its suffix says, has no identity, no
    row, or a row without code; `list` is the identity of one whose rows are the trouble.
    """
    suffix = name[name.rfind(".") :].lower()
    if suffix not in SUFFIXES:
        raise _unreadable(name, f"a file {suffix or 'without suffix'}", ", ".join(SUFFIXES))
    if len(content) > CAP:
        raise _unreadable(name, f"{len(content)} bytes", f"at most {CAP} bytes")
    found = _from_xml(content, name) if suffix == ".xml" else _from_text(content, name, suffix)
    if not found.id:
        raise _unreadable(name, "no id", "the name of the list (JDV_J66…, TRE_G15…, ASS_X04…)")
    if not found.rows:
        raise _unreadable(name, "no row", "at least one code", found.id)
    return found


def _from_xml(content: bytes, name: str) -> ListFile:
    root = parse_xml(content, cap=CAP, what=name)
    sets = [root] if root.tag == f"{SVS}ValueSet" else list(root.iter(f"{SVS}ValueSet"))
    if len(sets) != 1:
        raise _unreadable(name, f"{len(sets)} ValueSet", "one RetrieveValueSetResponse with one ValueSet")
    node = sets[0]
    rows = [
        {"code": _at(item, "code"), "system": _at(item, "codeSystem"), "display": _at(item, "displayName")}
        for item in node.iter(f"{SVS}Concept")
    ]
    version = _at(node, "dateMaj")
    identity = _at(node, "displayName").removesuffix(".tabs")
    return ListFile(
        "concepts",
        id=identity,
        oid=_at(node, "id"),
        version=version or _at(node, "version"),
        date=_day(version) or _at(node, "revisionDate")[:10],
        source=_at(node, "urlFichier") or name,
        note="",
        rows=_clean(rows, "concepts", name, identity),
    )


def _at(node: etree._Element, attribute: str) -> str:
    return str(node.get(attribute, "")).strip()


def _from_text(content: bytes, name: str, suffix: str) -> ListFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(name, "another character set", "UTF-8") from error
    return _from_json(text, name) if suffix == ".json" else _from_csv(text, name)


def _from_json(text: str, name: str) -> ListFile:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, "no JSON", "a JSON object") from error
    if not isinstance(data, dict):
        raise _unreadable(name, type(data).__name__, "a JSON object")
    kind: Kind = "pairs" if "pairs" in data else "concepts"
    items = data.get(kind)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _unreadable(name, f"no list of {kind}", "concepts or pairs")
    rows = [_pair(item) if kind == "pairs" else _concept(item) for item in items]
    return _named(
        {key: _text(data.get(key)) for key in ("id", "oid", "version", "date", "source", "note")}, kind, rows, name
    )


def _concept(item: Mapping[str, Any]) -> dict[str, str]:
    system = _text(item.get("system_oid")) or _text(item.get("system"))
    known = {"code": _text(item.get("code")), "system": system, "display": _text(item.get("display"))}
    return known | {key: _text(value) for key, value in item.items() if key not in ("system_oid", *known)}


def _pair(item: Mapping[str, Any]) -> dict[str, str]:
    source, target = item.get("from"), item.get("to")
    if isinstance(source, dict) and isinstance(target, dict):
        return {
            "from": _text(source.get("code")),
            "to": _text(target.get("code")),
            "to_system": _text(target.get("system")),
        }
    return {key: _text(item.get(key)) for key in ("from", "to", "to_system")}


def _from_csv(text: str, name: str) -> ListFile:
    """Lines `# id: …`, `# oid: …`, `# version: …` first, then a header: code;system;display or from;to;to_system."""
    lines = text.splitlines()
    meta = {match[1]: match[2] for line in lines if (match := _META.fullmatch(line.strip()))}
    body = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    header = body[0] if body else ""
    delimiter = max(";,\t", key=header.count)
    reader = csv.DictReader(io.StringIO("\n".join(body)), delimiter=delimiter)
    columns = [_CSV_NAMES.get(column.strip().lower(), column.strip().lower()) for column in reader.fieldnames or ()]
    kind: Kind = "pairs" if {"from", "to", "to_system"} <= set(columns) else "concepts"
    if kind == "concepts" and not {"code", "system"} <= set(columns):
        raise _unreadable(
            name, f"columns {', '.join(columns) or 'none'}", "code, system, display or from, to, to_system"
        )
    reader.fieldnames = columns
    try:
        rows = [{key: value.strip() for key, value in row.items() if key and isinstance(value, str)} for row in reader]
    except csv.Error as error:
        raise _unreadable(name, "no table", "rows of the same columns as the header") from error
    return _named(meta, kind, rows, name)


def _named(identity: Mapping[str, str], kind: Kind, rows: list[dict[str, str]], name: str) -> ListFile:
    version = identity.get("version", "")
    return ListFile(
        kind,
        id=identity.get("id", ""),
        oid=identity.get("oid", ""),
        version=version,
        date=identity.get("date", "") or _day(version),
        source=identity.get("source", "") or name,
        note=identity.get("note", ""),
        rows=_clean(rows, kind, name, identity.get("id", "")),
    )


def _clean(rows: Iterable[dict[str, str]], kind: Kind, name: str, identity: str) -> tuple[Row, ...]:
    """Rows with every column, the first of each key: published files repeat a code now and then."""
    first, second = ("code", "system") if kind == "concepts" else ("from", "to")
    found: dict[tuple[str, str], Row] = {}
    for number, row in enumerate(rows, 1):
        if not row.get(first) or (kind == "pairs" and not row.get(second)):
            raise _unreadable(name, f"row {number} without {first} or {second}", "a code in every row", identity)
        full = row if kind == "pairs" else {"code": row["code"], "system": "", "display": ""} | row
        key = (full[first], full[second]) if kind == "concepts" else (full[first], "")
        found.setdefault(key, full)
    return tuple(found.values())


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _day(version: str) -> str:
    """`YYYY-MM-DD` of a version written as a timestamp."""
    return f"{version[:4]}-{version[4:6]}-{version[6:8]}" if re.fullmatch(r"\d{14}", version) else ""


def _unreadable(name: str, found: str, expected: str, identity: str = "") -> CodecError:
    text = f"{name} cannot be read as a code list"
    return CodecError(text, field=name, found=found, expected=expected, list=identity)
