"""A schematron schema, includes and abstract patterns already put in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.base.finding import Severity


@dataclass(frozen=True, slots=True)
class Value:
    """A value put into a message: an XPath expression of the node that was judged."""

    select: str


@dataclass(frozen=True, slots=True)
class Let:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """`fails` says when there is a finding: on a false `test` (assert) or on a true one (report).

    `id` is stable as long as the agency does not rewrite the rule; `source` is its file.
    """

    id: str
    source: str
    test: str
    fails: bool
    severity: Severity
    message: tuple[str | Value, ...]


@dataclass(frozen=True, slots=True)
class Extends:
    """The steps of an abstract rule, at this place."""

    rule: str


Step = Let | Assertion | Extends


@dataclass(frozen=True, slots=True)
class Rule:
    """Applies to nodes that match `context` and no earlier rule of its pattern."""

    context: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """The active patterns of one suite; `lets` are those of the schema and of its patterns, seen by all."""

    name: str
    path: str
    title: str
    namespaces: Mapping[str, str]
    lets: tuple[Let, ...]
    patterns: tuple[Pattern, ...]
    abstract: Mapping[str, tuple[Step, ...]]
