"""Compiles a schema to an XSLT 3.0 stylesheet that gives findings, and does no more than they need.

What makes it small and quick beside a plain compilation: abstract rules become named templates instead of copies, a
pattern is asked only of nodes that its rules could match (`narrowing`), value sets come parsed once for all, nothing is
written for what passed. Same findings: tests/kit/test_same_findings.py compares with the kit's own compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connector.base.ns import HL7V3, XS, q
from connector.kit.narrowing import candidates, common_head, split
from connector.kit.schema import Assertion, Extends, Let, Rule, Schema, Step, Value
from connector.kit.sources import KitError

XSL: Final = "http://www.w3.org/1999/XSL/Transform"
OURS: Final = "urn:dmp-connector:kit"
DOCUMENTS: Final = f"{{{OURS}}}documents"
"""Parameter of the stylesheet: the documents it may ask for, a map from the name it asks by."""

_STRING: Final = re.compile(r"('[^']*'|\"[^\"]*\")")
_CALL: Final = re.compile(r"(?<![\w:.$-])(?:fn:)?(document|doc|doc-available)\s*\(")
_OURS: Final = {"document": "kit_:document(", "doc": "kit_:document(", "doc-available": "kit_:has("}
_SCANNED: Final = re.compile(r"(kit_:document\([^/]*\))//skos:notation\[text\(\)\s*=\s*string\((\$[\w.-]+)\)\s*\]")
_VARIABLE: Final = re.compile(r"\$([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A stylesheet with the assertions its findings number (`kit_:finding/@n` counts from 0)."""

    name: str
    path: str
    text: str
    assertions: tuple[Assertion, ...]
    documents: tuple[str, ...]
    """Names of the value sets that its expressions quote."""


def compile_schema(schema: Schema) -> Compiled:
    """Raises KitError when an abstract rule is missing."""
    return _Compiler(schema).compile()


class _Compiler:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._assertions: list[Assertion] = []
        self._named: dict[str, etree._Element] = {}
        self._documents: set[str] = set()
        namespaces = {"xs": XS, **schema.namespaces, "xsl_": XSL, "kit_": OURS, "hl7_": HL7V3}
        namespaces |= {"map_": "http://www.w3.org/2005/xpath-functions/map"}
        namespaces.pop("xml", None)
        self._root = etree.Element(q(XSL, "stylesheet"), {"version": "3.0"}, nsmap=namespaces)
        self._root.set("exclude-result-prefixes", "#all")

    def compile(self) -> Compiled:
        self._frame()
        for let in self._schema.lets:
            self._variable(self._root, let)
        start = _add(self._root, "template", match="/")
        findings = etree.SubElement(start, q(OURS, "findings"))
        for number, pattern in enumerate(self._schema.patterns, 1):
            if pattern.rules:
                self._pattern(findings, pattern.rules, f"m{number}")
        text = etree.tostring(self._root, encoding="unicode")
        documents = tuple(sorted(self._documents))
        return Compiled(self._schema.name, self._schema.path, text, tuple(self._assertions), documents)

    def _frame(self) -> None:
        """What every stylesheet has: the documents it may read, the index of templateIds, where a node is."""
        _add(self._root, "output", method="xml", indent="no")
        _add(self._root, "param", name="kit_:documents", select="map{}", **{"as": "map(xs:string, document-node())"})
        _add(self._root, "key", name="kit_:template", match="hl7_:templateId", use="@root")
        _add(self._root, "key", name="kit_:notation", match="*:notation", use="string()")
        self._function("document", "uri", "xs:string?", _ASK)
        self._function("has", "uri", "xs:string?", "exists($uri) and map_:contains($kit_:documents, $uri)")
        self._function("place", "node", "node()", _PLACE)

    def _function(self, name: str, parameter: str, kind: str, body: str) -> None:
        function = _add(self._root, "function", name=f"kit_:{name}")
        _add(function, "param", name=parameter, **{"as": kind})
        _add(function, "sequence", select=body)

    def _pattern(self, findings: etree._Element, rules: tuple[Rule, ...], mode: str) -> None:
        contexts = [rule.context for rule in rules]
        select = candidates(contexts, self._schema.namespaces, "kit_:template")
        head = common_head(contexts)
        if head and select.startswith(f"//{head.name}/") and len(list(split(select, "|"))) == 1:
            select = select.replace(f"//{head.name}", self._ours(head.whole), 1)
            contexts = [context.replace(head.whole, head.name, 1) for context in contexts]
        _add(findings, "apply-templates", select=select, mode=mode)
        _add(self._root, "template", match="node()", mode=mode, priority="0")
        for priority, context, rule in zip(range(len(rules), 0, -1), contexts, rules, strict=True):
            template = _add(self._root, "template", match=self._ours(context), mode=mode, priority=str(priority))
            self._steps(template, rule.steps, frozenset())

    def _steps(self, parent: etree._Element, steps: tuple[Step, ...], within: frozenset[str]) -> None:
        for number, step in enumerate(steps):
            match step:
                case Let():
                    self._variable(parent, step)
                case Extends():
                    self._extends(parent, step.rule, steps[:number], steps[number + 1 :], within)
                case Assertion():
                    self._assertion(parent, step)

    def _extends(
        self,
        parent: etree._Element,
        name: str,
        before: tuple[Step, ...],
        after: tuple[Step, ...],
        within: frozenset[str],
    ) -> None:
        """A call of the abstract rule; its steps in place when they share variables with those around them."""
        steps = self._schema.abstract.get(name)
        if steps is None or name in within:
            raise KitError(f"no abstract rule {name}, or one that extends itself", path=self._schema.path)
        if _bound(before) & self._used(steps) or self._bound_deep(steps) & self._used(after):
            self._steps(parent, steps, within | {name})
            return
        if name not in self._named:
            self._named[name] = etree.Element(q(XSL, "template"), {"name": f"kit_:rule-{len(self._named) + 1}"})
            self._steps(self._named[name], steps, within | {name})
            self._root.append(self._named[name])
        _add(parent, "call-template", name=str(self._named[name].get("name")))

    def _bound_deep(self, steps: tuple[Step, ...]) -> frozenset[str]:
        inner = (self._schema.abstract.get(step.rule, ()) for step in steps if isinstance(step, Extends))
        return _bound(steps).union(*(self._bound_deep(one) for one in inner))

    def _used(self, steps: tuple[Step, ...]) -> frozenset[str]:
        used: set[str] = set()
        for step in steps:
            match step:
                case Let(value=value):
                    used.update(_VARIABLE.findall(value))
                case Extends(rule=rule):
                    used.update(self._used(self._schema.abstract.get(rule, ())))
                case Assertion():
                    used.update(_VARIABLE.findall(" ".join(_expressions(step))))
        return frozenset(used)

    def _assertion(self, parent: etree._Element, assertion: Assertion) -> None:
        test = self._ours(assertion.test)
        failed = _add(parent, "if", test=f"not({test})" if assertion.fails else test)
        finding = etree.SubElement(failed, q(OURS, "finding"))
        finding.set("n", str(len(self._assertions)))
        finding.set("at", "{kit_:place(.)}")
        self._assertions.append(assertion)
        for part in assertion.message:
            if isinstance(part, Value):
                _add(etree.SubElement(finding, q(OURS, "value")), "value-of", select=self._ours(part.select))
            else:
                _add(finding, "text").text = part

    def _variable(self, parent: etree._Element, let: Let) -> None:
        _add(parent, "variable", name=let.name, select=self._ours(let.value))

    def _ours(self, expression: str) -> str:
        """`expression` with the functions that read other documents replaced by ours; what it may ask for is noted."""
        pieces = _STRING.split(expression)
        self._documents.update(piece[1:-1] for piece in pieces[1::2] if piece[1:-1].endswith(".xml"))
        pieces[::2] = [_CALL.sub(lambda found: _OURS[found[1]], piece) for piece in pieces[::2]]
        return _SCANNED.sub(r"key('kit_:notation', string(\2), \1)", "".join(pieces))


# Nothing but what was given is ever read: some names are made of codes that the document itself carries.
_ASK: Final = "if (kit_:has($uri)) then $kit_:documents($uri) else error(xs:QName('kit_:absent'), string($uri))"
_PLACE: Final = """if ($node/self::document-node()) then '/' || local-name($node/*) else string-join(
for $e in $node/ancestor-or-self::* return '/' || local-name($e) || (
let $n := node-name($e), $before := count($e/preceding-sibling::*[node-name() = $n])
return if ($before or $e/following-sibling::*[node-name() = $n]) then '[' || $before + 1 || ']' else ''))"""


def _add(parent: etree._Element, local: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, q(XSL, local), attributes)


def _bound(steps: Iterable[Step]) -> frozenset[str]:
    return frozenset(step.name for step in steps if isinstance(step, Let))


def _expressions(assertion: Assertion) -> Iterator[str]:
    yield assertion.test
    yield from (part.select for part in assertion.message if isinstance(part, Value))
