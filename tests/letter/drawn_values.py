"""Values drawn at random: texts of any script, codes of real lists, dates, numbers, periods."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any

from hypothesis import strategies as st

from connector.base.oid import oid_from_uuid
from connector.codes import load
from connector.letter.model.text import visible

Data = dict[str, Any]
Drawn = st.SearchStrategy[Any]

_HARD = "&<>\"'\\ éÉœß–’…€№Ωж漢\u200d\u0301🙂"
_ANY = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf"), exclude_characters="\ufffe\uffff")
_CHARACTER = st.sampled_from(_HARD) | _ANY | st.sampled_from("abcdefghijklmnopqrstuvwxyz ")


def _text(alphabet: Drawn, longest: int) -> Drawn:
    drawn = st.text(alphabet, min_size=1, max_size=longest).filter(visible)
    return st.sampled_from(_PHRASES) | drawn


_PHRASES = (
    "Épisode psychotique – cachexie/anorexie",
    "1 comprimé le matin & le soir si SpO2 < 92 %",
    "]]> <script>alert('x')</script> &amp; &#13;",
    "L'état s'améliore \"nettement\"",
)


@cache
def lines(longest: int = 60) -> Drawn:
    """One line."""
    return _text(_CHARACTER, longest)


@cache
def prose(longest: int = 200) -> Drawn:
    """Several lines, sometimes thousands of characters."""
    drawn = _text(_CHARACTER | st.sampled_from("\n\t"), longest)
    return drawn | st.builds(lambda text: "\n\n".join([text] * 40), drawn)


@cache
def listed(name: str) -> Drawn:
    """A code of a list, alone or with its system and a label."""
    concepts = [concept for concept in load(name) if concept.system.count(".") > 1]
    return st.sampled_from(concepts).flatmap(
        lambda concept: st.sampled_from(
            [
                {"code": concept.code, "system": concept.system},
                {"code": concept.code, "system": concept.system, "display": concept.display or concept.code},
            ]
        )
    )


@cache
def coded(*codes: str) -> Drawn:
    """A code of a known system, with or without label."""
    return st.fixed_dictionaries({"code": st.sampled_from(codes)}, optional={"display": lines()})


def group(required: dict[str, Drawn], optional: dict[str, Drawn] | None = None) -> Drawn:
    return st.fixed_dictionaries(required, optional=optional or {})


def some(strategy: Drawn, least: int = 0, most: int = 3) -> Drawn:
    return st.lists(strategy, min_size=least, max_size=most)


ZONES = st.integers(-11, 13).map(lambda hours: timezone(timedelta(hours=hours)))
DAYS = st.dates(date(1950, 1, 1), date(2030, 12, 31)).map(date.isoformat)
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2030, 12, 31), timezones=ZONES).map(
    lambda moment: moment.replace(microsecond=0).isoformat()
)
WHENS = DAYS | MOMENTS
PARTIAL = WHENS | DAYS.map(lambda day: day[:4]) | DAYS.map(lambda day: day[:7])
NUMBERS = st.decimals("0.01", 999, places=2, allow_nan=False).map(str) | st.integers(1, 99).map(str)
# of those the terminologies of the kit know: their list is closed, m[IU] and ug/(72.h) are right and not in it
_UNITS = "mg g mL ug {tbl} {count} [iU] [drp] {ampoule} mg/d % 10*6.[IU] meq mg/m2"
UNITS = st.sampled_from(_UNITS.split())
TIMES = st.sampled_from(["h", "d", "wk", "mo", "mo_j", "a_j"])


@st.composite
def periods(draw: st.DrawFn, dates: Drawn = PARTIAL) -> Data:
    """A start, an end, both in order, or nothing."""
    found = sorted(draw(st.lists(dates, max_size=2)), key=lambda value: value.ljust(10, "-")[:10])
    if len(found) == 2 and found[0][:4] == found[1][:4]:
        # Two dates of one year may be of different precision or zone: the same one is always in order.
        found = [found[0], found[0]]
    names = draw(st.permutations(["start", "end"])) if len(found) == 1 else ["start", "end"]
    return dict(zip(names, found, strict=False))


@cache
def identifiers() -> Drawn:
    roots = st.uuids().map(oid_from_uuid) | st.sampled_from(["1.2.250.1.999.1", "2.16.840.1.113883.19.5"])
    return group({"root": roots}, {"extension": lines(20)})
