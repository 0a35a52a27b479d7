"""Reads an ISO schematron schema of the kit: include, abstract patterns and rules, phase, let, assert, report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from connector.base.finding import Severity
from connector.base.ns import q
from connector.kit.schema import Assertion, Extends, Let, Pattern, Rule, Schema, Step, Value
from connector.kit.sources import KitError, Sources

SCH: Final = "http://purl.oclc.org/dsdl/schematron"
_SOURCE: Final = "source-file"
_SEVERITIES: Final[Mapping[str, Severity]] = {"warning": "warning", "warn": "warning", "info": "info", "hint": "info"}
_IGNORED: Final = frozenset({"title", "p", "param", "ns", "phase", "active", "diagnostics", "include"})
Parameters = Mapping[str, str]


def read_schema(sources: Sources, path: str, name: str) -> Schema:
    """The schema at `path`. Raises KitError when a file is missing or a construct is none we know."""
    root = _with_includes(sources, path)
    if root.tag != q(SCH, "schema"):
        raise KitError("not a schematron schema", path=path)
    patterns = {node.get("id", ""): node for node in root.iter(q(SCH, "pattern")) if node.get("abstract") == "true"}
    reader = _Reader(name, path, patterns)
    active = [node for node in _active(root) if node.get("abstract") != "true"]
    lets = [Let(node.get("name", ""), node.get("value", "")) for node in root.findall(q(SCH, "let"))]
    for node in active:
        lets += reader.pattern_lets(node)
    return Schema(
        name=name,
        path=path,
        title=_text(root.find(q(SCH, "title"))),
        namespaces={node.get("prefix", ""): node.get("uri", "") for node in root.findall(q(SCH, "ns"))},
        lets=tuple(dict.fromkeys(lets)),
        patterns=tuple(reader.pattern(node, number) for number, node in enumerate(active, 1)),
        abstract={
            node.get("id", ""): reader.steps(node, {}, node.get("id", ""))
            for node in root.iter(q(SCH, "rule"))
            if node.get("abstract") == "true"
        },
    )


def _with_includes(sources: Sources, path: str, depth: int = 0) -> etree._Element:
    """The tree of `path`; each part that came from another file says so in an attribute."""
    if depth > 16:
        raise KitError("includes without end", path=path)
    root = sources.parse(path)
    root.set(_SOURCE, path)
    for include in list(root.iter(q(SCH, "include"))):
        parent = include.getparent()
        if parent is None:
            raise KitError("nothing to include into", path=path)
        included = _with_includes(sources, sources.beside(path, include.get("href", "")), depth + 1)
        included.tail = include.tail
        parent.replace(include, included)
    return root


def _active(root: etree._Element) -> Iterator[etree._Element]:
    """Patterns of the default phase, in the order of the schema; all of them without a phase."""
    phase = root.get("defaultPhase", "#ALL")
    every = list(root.findall(q(SCH, "pattern")))
    if phase == "#ALL":
        return iter(every)
    active = {
        node.get("pattern")
        for node in root.iter(q(SCH, "active"))
        if (parent := node.getparent()) is not None and parent.get("id") == phase
    }
    return (node for node in every if node.get("id") in active)


class _Reader:
    def __init__(self, suite: str, path: str, patterns: Mapping[str, etree._Element]) -> None:
        self._suite = suite.removeprefix("CI-SIS_")
        self._path = path
        self._patterns = patterns

    def pattern_lets(self, node: etree._Element) -> list[Let]:
        body, parameters = self._instance(node)
        return [_let(item, parameters) for item in body.findall(q(SCH, "let"))]

    def pattern(self, node: etree._Element, number: int) -> Pattern:
        name = node.get("id") or str(number)
        body, parameters = self._instance(node)
        rules = [rule for rule in body.findall(q(SCH, "rule")) if rule.get("abstract") != "true"]
        return Pattern(name, tuple(self._rule(rule, parameters, name, n) for n, rule in enumerate(rules, 1)))

    def _instance(self, node: etree._Element) -> tuple[etree._Element, Parameters]:
        """Where the rules of a pattern are written, and what its parameters stand for."""
        model = node.get("is-a")
        if model is None:
            return node, {}
        body = self._patterns.get(model)
        if body is None:
            raise KitError(f"no abstract pattern {model}", path=self._path)
        return body, {p.get("name", ""): p.get("value", "") for p in node.findall(q(SCH, "param"))}

    def _rule(self, node: etree._Element, parameters: Parameters, pattern: str, number: int) -> Rule:
        name = node.get("id") or (pattern if number == 1 else f"{pattern}.{number}")
        return Rule(_filled(node.get("context", ""), parameters), self.steps(node, parameters, name))

    def steps(self, rule: etree._Element, parameters: Parameters, name: str) -> tuple[Step, ...]:
        found: list[Step] = []
        number = 0
        for node in rule.iterchildren(etree.Element):
            local = etree.QName(node).localname
            if local == "let":
                found.append(_let(node, parameters))
            elif local == "extends":
                found.append(Extends(node.get("rule", "")))
            elif local in ("assert", "report"):
                number += 1
                found.append(self._assertion(node, parameters, f"KIT-{self._suite}/{name}-{number}"))
            elif local not in _IGNORED:
                raise KitError(f"unknown construct {local}", path=self._path)
        return tuple(found)

    def _assertion(self, node: etree._Element, parameters: Parameters, rule: str) -> Assertion:
        return Assertion(
            id=rule,
            source=next((s for n in node.iterancestors() if (s := n.get(_SOURCE))), self._path),
            test=_filled(node.get("test", ""), parameters),
            fails=node.tag == q(SCH, "assert"),
            severity=_SEVERITIES.get(node.get("role", "").lower(), "error"),
            message=tuple(_message(node, parameters)),
        )


def _message(node: etree._Element, parameters: Parameters) -> Iterator[str | Value]:
    if node.text:
        yield node.text
    for part in node:
        if isinstance(part.tag, str):
            local = etree.QName(part).localname
            if local == "value-of":
                yield Value(_filled(part.get("select", "."), parameters))
            elif local == "name":
                yield Value(f"name({_filled(part.get('path', '.'), parameters)})")
            else:
                yield from _message(part, parameters)
        if part.tail:
            yield part.tail


def _let(node: etree._Element, parameters: Parameters) -> Let:
    return Let(node.get("name", ""), _filled(node.get("value", ""), parameters))


def _filled(text: str, parameters: Parameters) -> str:
    """`text` with the parameters of an abstract pattern in place of their names."""
    if not parameters:
        return text
    return re.sub(r"\$([\w.-]+)", lambda match: parameters.get(match[1], match[0]), text)


def _text(node: etree._Element | None) -> str:
    return "" if node is None else " ".join(str(node.xpath("string()")).split())
