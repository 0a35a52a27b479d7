"""Where in a document the rules of a pattern can apply: far fewer nodes than a walk of the whole tree visits.

A schematron pattern is asked of every element. Nearly all contexts of the kit begin with the templateId of their model,
or with a path from the root, so that an index or that path finds a superset of what they match. The match itself is
left to the XSLT processor: a node too many costs time, never a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from connector.base.ns import HL7V3

EVERY: Final = "/descendant-or-self::node()[self::* or self::document-node()]"
_NAME: Final = re.compile(r"(?:(?:[\w.-]+|\*):)?(?:[\w.-]+|\*)")
_TEMPLATE: Final = re.compile(
    r"(?:([\w.-]+):)?templateId(?:/@root\s*=\s*(['\"])([\d.]+)\2|\[\s*@root\s*=\s*(['\"])([\d.]+)\4\s*\])"
)


def candidates(contexts: Iterable[str], namespaces: Mapping[str, str], key: str) -> str:
    """An XPath expression whose nodes include all that match one of `contexts`; `key` indexes templateId by @root."""
    paths, found = _Tree(), []
    for context in contexts:
        for branch in split(context, "|"):
            steps = _steps(" ".join(branch.split()), namespaces)
            if steps is None:
                return EVERY
            if not steps:
                found.append("/")
                continue
            last = max((n for n, step in enumerate(steps) if step.template), default=None)
            if last is None:
                paths.add(steps)
            else:
                rest = "".join(step.axis + step.name for step in steps[last + 1 :])
                found.append(f"key('{key}','{steps[last].template}')/..{rest}")
    found += paths.expressions(leading=True)
    return " | ".join(dict.fromkeys(found)) or "()"


@dataclass(frozen=True, slots=True)
class Head:
    """The step all contexts of a pattern begin with: `whole` with its predicates, and `name` without them."""

    whole: str
    name: str


def common_head(contexts: Sequence[str]) -> Head | None:
    """`//name[…]` when every context is that step and child steps below it; None otherwise.

    Then its predicates need be looked at once, not for each node of each rule.
    """
    first = list(split(contexts[0], "/"))[:3]
    if len(first) < 3 or any(first[:2]) or "[" not in first[2]:
        return None
    whole = f"//{first[2]}"
    name = first[2].partition("[")[0]
    below = [context.removeprefix(whole) for context in contexts if context.startswith(whole)]
    simple = all(rest[:1] in ("", "/") and "" not in list(split(rest, "/"))[1:] for rest in below)
    alone = all(len(list(split(context, "|"))) == 1 for context in contexts)
    return Head(whole, name) if len(below) == len(contexts) and simple and alone and _NAME.fullmatch(name) else None


@dataclass(frozen=True, slots=True)
class _Step:
    """`axis` is "/" or "//"; `template` the templateId that the node must carry, "" when not known."""

    axis: str
    name: str
    template: str = ""


def _steps(path: str, namespaces: Mapping[str, str]) -> tuple[_Step, ...] | None:
    """Steps of one pattern, () for the document node itself, None for a form that is not understood."""
    if path == "/":
        return ()
    steps: list[_Step] = []
    gap = 0
    for part in split(path, "/"):
        if not part.strip():
            gap += 1
            continue
        name, predicates = _predicates(part.strip())
        if not _NAME.fullmatch(name):
            return None
        template = next((t for p in predicates if (t := _template(p, namespaces))), "")
        # a relative pattern begins anywhere, an absolute one at the root
        axis = "/" if gap == (0 if steps else 1) else "//"
        steps.append(_Step(axis, name, template))
        gap = 0
    return tuple(steps)


def _predicates(step: str) -> tuple[str, tuple[str, ...]]:
    name, bracket, rest = step.partition("[")
    if not bracket:
        return step, ()
    inner = [piece.strip()[1:] for piece in split(bracket + rest, "]") if piece.strip()]
    return name.strip(), tuple(inner)


def _template(predicate: str, namespaces: Mapping[str, str]) -> str:
    """The templateId without which `predicate` is false, "" when there is none to be sure of."""
    if len(list(split(predicate, " or "))) > 1:
        return ""
    for part in split(predicate, " and "):
        found = _TEMPLATE.fullmatch(part.strip())
        if found and namespaces.get(found[1] or "") == HL7V3:
            return found[3] or found[5]
    return ""


def split(text: str, mark: str) -> Iterator[str]:
    """Pieces of an expression between `mark`, where it is in no string, parenthesis or predicate."""
    depth, quote, start, at = 0, "", 0, 0
    while at < len(text):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        if not quote and depth == 0 and text.startswith(mark, at):
            yield text[start:at]
            at += len(mark)
            start = at
            continue
        at += 1
    yield text[start:]


@dataclass(slots=True)
class _Tree:
    """Paths that begin alike are walked once."""

    end: bool = False
    below: dict[str, _Tree] = field(default_factory=dict)

    def add(self, steps: tuple[_Step, ...]) -> None:
        node = self
        for step in steps:
            node = node.below.setdefault(step.axis + step.name, _Tree())
        node.end = True

    def expressions(self, *, leading: bool = False) -> list[str]:
        return [
            (name if leading else name.removeprefix("/") if not name.startswith("//") else f".{name}") + node._rest()
            for name, node in self.below.items()
        ]

    def _rest(self) -> str:
        if not self.below:
            return ""
        parts = (["."] if self.end else []) + self.expressions()
        return f"/({' | '.join(parts)})"
