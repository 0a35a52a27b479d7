"""Programmed faults: what the simulator does wrong on purpose, chosen by selector, told by JSON.

One rule = a selector (transaction, patient INS, document uniqueId, nth matching call, times) and one effect.
The same JSON is read from a file at start and accepted by the control API.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Effect = Literal[
    "fault",
    "registry-error",
    "ack",
    "status",
    "delay",
    "hang-after",
    "cut-before",
    "cut-then-accept",
    "cut-after",
    "cut-in-headers",
    "cut-during",
    "http-500",
    "proxy-error",
    "proxy-error-after",
    "fault-after",
    "empty-answer",
    "garbage-answer",
    "wrong-relates-to",
    "truncated-multipart",
]
BEFORE_SERVICE: frozenset[str] = frozenset(
    {"fault", "registry-error", "ack", "status", "cut-before", "http-500", "proxy-error"}
)
"""Effects that replace the service: nothing is stored or accepted."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Fires from the `nth` matching call on (0 or 1: the first), `times` times at most (0: no end).

    fault            SOAP fault `code` (subcode `subcode`, default Receiver), text `text`
    registry-error   RegistryErrorList with one `code`, `text` as codeContext, `severity` Error or Warning
    ack, status      HL7 V3 acknowledgementDetail (TD0.2), `status/context` (TD0.3)
    delay            answers after `seconds`; `seconds` also precedes any effect but the next two
    hang-after       everything happened at once, the answer leaves after `seconds`
    cut-then-accept  the connection is closed at once, everything happens `seconds` later
    cut-before       the connection is closed, nothing happened
    cut-after        everything happened, no byte of the answer leaves
    cut-in-headers   everything happened, the answer stops inside its HTTP headers
    cut-during       everything happened, the answer stops half-way through its body
    http-500         an HTTP 500 that is not SOAP, nothing happened
    proxy-error      a proxy answers HTTP `code` (default 502) in HTML, nothing happened
    proxy-error-after  everything happened, then a proxy answers HTTP `code` (default 502) in HTML
    fault-after      everything happened, the answer is SOAP fault `code` (subcode `subcode`), text `text`
    empty-answer     everything happened, HTTP 200 without a body
    garbage-answer   everything happened, HTTP 200 with a page that is no XML
    wrong-relates-to everything happened, the answer names somebody else's MessageID
    truncated-multipart  everything happened, a complete HTTP answer holds half of it
    """

    effect: Effect
    transaction: str = ""
    ins: str = ""
    unique_id: str = ""
    nth: int = 0
    times: int = 1
    code: str = ""
    subcode: str = ""
    text: str = ""
    severity: str = "Error"
    seconds: float = 0.0
    id: int = 0


def rule_from_json(data: Mapping[str, Any]) -> FaultRule:
    """A rule of its JSON form. Raises ValueError on an unknown effect, field or type."""
    known = {name: kind for name, kind in FaultRule.__annotations__.items() if name != "id"}
    unknown = sorted(set(data) - set(known) - {"id"})
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(unknown)}")
    if data.get("effect") not in get_args(Effect):
        raise ValueError(f"effect must be one of {', '.join(get_args(Effect))}")
    for name, value in data.items():
        if name != "id" and not _fits(value, str(known[name])):
            raise ValueError(f"wrong type for {name}")
    return FaultRule(**{name: value for name, value in data.items() if name != "id"})


def _fits(value: object, kind: str) -> bool:
    if kind == "int":
        return isinstance(value, int)
    return isinstance(value, int | float) if kind == "float" else isinstance(value, str)


class Faults:
    """The live rules, thread-safe; the first one that matches a call fires."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        # By the document they select, "" for any: a proof programs ten thousand of them.
        self._rules: dict[str, list[_Live]] = {}
        for rule in rules:
            self.add(rule)

    def load(self, path: Path) -> None:
        """Adds the rules of a JSON list. Raises ValueError when the file is not one; no rule is added then."""
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, list):
            raise ValueError("a fault file is a JSON list of rules")
        for rule in [rule_from_json(item) for item in data]:
            self.add(rule)

    def add(self, rule: FaultRule) -> int:
        """Adds one rule after the others and returns its id."""
        with self._lock:
            live = _Live(rule, next(self._ids))
            self._rules.setdefault(rule.unique_id, []).append(live)
            return live.id

    def remove(self, rule_id: int) -> bool:
        with self._lock:
            found = next((live for live in self._all() if live.id == rule_id), None)
            if found is not None:
                self._rules[found.rule.unique_id].remove(found)
            return found is not None

    def clear(self) -> None:
        with self._lock:
            self._rules = {}

    def describe(self) -> list[dict[str, Any]]:
        """Every rule with its counters, for the control API."""
        with self._lock:
            return [live.as_dict() for live in self._all()]

    def take(self, transaction: str, ins: str, unique_ids: Iterable[str]) -> FaultRule | None:
        """The rule that fires on this call, counted; None when the call goes well."""
        documents = frozenset(unique_ids) - {""}
        with self._lock:
            candidates = [live for document in ("", *documents) for live in self._rules.get(document, ())]
            for live in sorted(candidates, key=_by_id):
                if live.matches(transaction, ins) and live.fires():
                    return live.rule
        return None

    def _all(self) -> list[_Live]:
        return sorted((live for rules in self._rules.values() for live in rules), key=_by_id)


class _Live:
    """A rule and its counters."""

    def __init__(self, rule: FaultRule, rule_id: int) -> None:
        self.rule = rule
        self.id = rule_id
        self.seen = 0
        self.fired = 0

    def matches(self, transaction: str, ins: str) -> bool:
        rule = self.rule
        return rule.transaction in ("", transaction) and rule.ins in ("", ins)

    def fires(self) -> bool:
        self.seen += 1
        exhausted = bool(self.rule.times) and self.fired >= self.rule.times
        if exhausted or self.seen < self.rule.nth:
            return False
        self.fired += 1
        return True

    def as_dict(self) -> dict[str, Any]:
        rule = self.rule
        fields = {name: getattr(rule, name) for name in FaultRule.__annotations__ if name not in ("id", "ins")}
        # The selector's INS is told by its presence only: this goes out on the control port and into logs.
        return {"id": self.id, **fields, "for_one_patient": bool(rule.ins), "seen": self.seen, "fired": self.fired}


def _by_id(live: _Live) -> int:
    return live.id
