"""Documents that must be deposited: the list (dmp-gaps §5, and the site's own), and what is missing by unit.

The duty is the professional's (L.1111-15): the connector tells, it does not decide. A site widens the list freely;
what it takes out of the built-in one is said in each report.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from connector import codes
from connector.base.errors import SettingsError
from connector.flows.snapshot import Snapshot
from connector.journal import JournalReader
from connector.patients.discharges import count_by_unit

BUILT_IN: Final = Path(__file__).parent / "data" / "mandatory.toml"


@dataclass(frozen=True, slots=True)
class Rule:
    """One document of the list.

    types      codes of J07, any of which will do
    when       'discharge': due once per stay that ended; "" : nothing announces it, what is missing cannot be counted
    since, until  days (AAAA-MM-JJ) between which it is due, `until` excluded; "" without bound
    mail       also due by MSSanté, which this connector does not serve
    uncertain  what could not be verified, French; "" when nothing
    dropped    True in a site's file takes the built-in entry of the same types out
    """

    types: tuple[str, ...]
    title: str
    when: Literal["discharge", ""] = ""
    condition: str = ""
    since: str = ""
    until: str = ""
    mail: tuple[Literal["pro", "patient"], ...] = ()
    source: str = ""
    uncertain: str = ""
    dropped: bool = False

    def due(self, day: date) -> bool:
        """Whether the rule counts on that day."""
        return self.since <= day.isoformat() and (not self.until or day.isoformat() < self.until)


@dataclass(frozen=True, slots=True)
class Rules:
    """The list in use; `dropped` are the built-in entries the site took out."""

    rules: tuple[Rule, ...]
    dropped: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """One unit and one rule: stays that ended, and those of them without the document in the DMP."""

    unit: str
    title: str
    types: tuple[str, ...]
    closed: int
    missing: int


@dataclass(frozen=True, slots=True)
class MissingReport:
    """`lines` by rule then unit; `not_counted` are rules in force whose missing documents nothing announces."""

    lines: tuple[Missing, ...]
    not_counted: tuple[Rule, ...]
    dropped: tuple[Rule, ...]

    def as_dict(self) -> dict[str, Any]:
        """camelCase, as the report it goes into."""
        return {
            "lines": [asdict(line) for line in self.lines],
            "notCounted": [asdict(rule) for rule in self.not_counted],
            "dropped": [asdict(rule) for rule in self.dropped],
        }


def load_rules(site: Path | None = None) -> Rules:
    """The built-in list with the site's: an entry of the same types takes the place of the built-in one.

    Raises SettingsError naming the file, the entry and what is allowed.
    """
    known = {frozenset(rule.types): rule for rule in _read(BUILT_IN)}
    added = _read(site) if site is not None else ()
    dropped = []
    for rule in added:
        former = known.pop(frozenset(rule.types), None)
        if not rule.dropped:
            known[frozenset(rule.types)] = rule
        elif former is not None:
            dropped.append(former)
    return Rules(tuple(known.values()), tuple(dropped))


def missing_documents(
    journal: JournalReader,
    rules: Rules,
    classes: Sequence[str],
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> MissingReport:
    """What is missing of the stays of `classes` (PV1-2) that ended from `since` (included) to `until` (excluded).

    A rule counts when it is in force on the last day asked for, `now` by default. Times are aware. Raises JournalError.
    """
    day = min(until or now, now).date()
    due = [rule for rule in rules.rules if rule.due(day)]
    lines = []
    for rule in due:
        if rule.when != "discharge":
            continue
        for unit, (closed, missing) in count_by_unit(Snapshot(journal), rule.types, classes, since, until).items():
            lines.append(Missing(unit, rule.title, rule.types, closed, missing))
    return MissingReport(tuple(lines), tuple(rule for rule in due if not rule.when), rules.dropped)


def _read(path: Path) -> tuple[Rule, ...]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        found = TypeAdapter(tuple[Rule, ...]).validate_python(table.get("document", []))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, type(error).__name__, "a TOML file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _wrong(path, f"{place}: {first['msg']}", "[[document]] with types and title") from error
    if unknown := sorted(set(table) - {"document"}):
        raise _wrong(path, ", ".join(unknown), "[[document]] only")
    listed = codes.load("J07")
    for rule in found:
        for code in rule.types:
            if listed.get(code) is None:
                raise _wrong(path, code, "a code of JDV_J07")
        for day in (rule.since, rule.until):
            if day and not _is_day(day):
                raise _wrong(path, day, "a day, AAAA-MM-JJ")
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _wrong(path: Path, found: str, allowed: str) -> SettingsError:
    name = f"letters.mandatory ({path.name})"
    return SettingsError("wrong list of mandatory documents", name=name, found=found, allowed=allowed)
