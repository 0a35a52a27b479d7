"""From what a suite or the schema says to findings: nobody's identity, weighed by the setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from lxml import etree

from connector.base.finding import Finding, Severity
from connector.base.redact import redact_text
from connector.kit.catalogue import XSD
from connector.kit.suites import Failure

MASK: Final = "[…]"
_CODE: Final = re.compile(r"[\w.:#/@|{}()*-]{0,128}")
_PRIVATE: Final = re.compile(r"/(recordTarget|subject|relatedSubject|name|addr|telecom)\b")
_CLARK: Final = re.compile(r"\{[a-z][^}]*\}")
_QUOTED: Final = re.compile(r"(The value |: |\[)'.*?'(?= is not|\])", re.DOTALL)


def kit_finding(failure: Failure, weight: Literal["refuse", "warn"]) -> Finding:
    """A failed assertion in the kit's own words; a value it quotes is masked, unless a code that is not a person's."""
    assertion = failure.assertion
    test = " ".join(assertion.test.split())
    return Finding(
        rule=assertion.id,
        severity=_weighed(assertion.severity, weight),
        field=failure.place,
        found="",
        expected=test if assertion.fails else f"not({test})",
        text=_message(failure),
        reference=assertion.source,
    )


def _weighed(severity: Severity, weight: Literal["refuse", "warn"]) -> Severity:
    return "warning" if severity == "error" and weight == "warn" else severity


def _message(failure: Failure) -> str:
    names = set(re.findall(r"\w+", failure.place)) if _PRIVATE.search(failure.place) else None
    pieces = list(failure.message)
    pieces[1::2] = [piece if _may_be_told(piece.strip(), names) else MASK for piece in pieces[1::2]]
    return redact_text(" ".join("".join(pieces).split()))


def _may_be_told(value: str, names: set[str] | None) -> bool:
    """`names`: elements of the place, all that may be told of a person; None where no person is described."""
    return not value or (_CODE.fullmatch(value) is not None if names is None else value in names)


def schema_findings(schema: etree.XMLSchema, clinical: etree._Element) -> Iterator[Finding]:
    """Faults against the CDA schema, values masked: libxml2 quotes what it refuses."""
    tree = etree.ElementTree(clinical)
    if schema.validate(tree):
        return
    # a list-like object, as lxml documents it; its type stub does not say so
    log: Any = schema.error_log
    for error in log:
        message = _QUOTED.sub(rf"\1'{MASK}'", _CLARK.sub("", error.message))
        yield Finding(
            rule=f"XSD/{error.type_name.removeprefix('SCHEMAV_')}",
            severity="error",
            field=_place(tree, error.path, clinical),
            found="",
            expected="un document conforme au schéma XML du CDA",
            text=f"Refusé par le schéma XML du CDA : {redact_text(message)}",
            reference=XSD,
        )


def _place(tree: etree._ElementTree, path: str | None, clinical: etree._Element) -> str:
    """`/*/*[12]` of libxml2 in the names people know."""
    found = tree.xpath(path) if path else []
    nodes = [one for one in found if isinstance(one, etree._Element)] if isinstance(found, list) else []
    node = nodes[0] if nodes else clinical
    steps: list[str] = []
    for one in (node, *node.iterancestors()):
        parent = one.getparent() if one is not clinical else None
        same = [] if parent is None else parent.findall(str(one.tag))
        name = etree.QName(one).localname
        steps.insert(0, name if len(same) < 2 else f"{name}[{same.index(one) + 1}]")
        if one is clinical:
            break
    return "/" + "/".join(steps)
