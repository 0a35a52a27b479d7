"""Units: UCUM codes judged by the grammar of UCUM, and the words of a French record for them.

The atoms are those a letter may need, not the whole of UCUM: everyday units, laboratory, doses of radiation. What is
counted (a tablet, a puff) is an annotation in braces, of which the known ones are listed: any other would only be a
word that no software understands. The word a record uses is rewritten; what is neither is refused with what is near.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

from connector.letter.model.base import refusal
from connector.letter.model.text import Line


def _atoms(text: str) -> frozenset[str]:
    return frozenset(text.split())


_METRIC: Final = _atoms("m s g L mol eq osm U kat cal Pa bar Bq Gy Sv Ci [iU] [IU] m[Hg] m[H2O]")
"""Atoms that take a prefix (ug, mmol, k[IU], mm[Hg])."""

_PLAIN: Final = _atoms(
    "% min h d wk mo mo_j mo_s mo_g a a_j a_t a_g deg Cel [pH] [drp] [tsp_m] [tbs_m] [CFU] [PFU] [FFU] [ppm] [ppb] "
    "[diop] [Cal] [arb'U] [USP'U] [anti'Xa'U] [AU] [EU] [ELU] [BAU] [PNU] [IR] [TCID_50] [CCID_50] [EID_50]"
)
"""Atoms that take none. Joule, henry, kelvin and the like are left out: in a record J, H and K are something else."""

_PREFIXES: Final = ("k", "d", "c", "m", "u", "n", "p", "f")
_LARGE: Final = _atoms("MBq GBq TBq")
"""The only great prefixes: elsewhere `Mg` is a milligram in capitals, never a ton."""

TIMES: Final = _atoms("s min h d wk mo mo_j mo_s mo_g a a_j a_t a_g")
"""The units of a duration."""

LASTING: Final = TIMES - _atoms("s min h")
"""Those of a day and more."""

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "{tbl}": ("comprimé", "comprimés", "comprime", "comprimes", "cp", "cps", "cpr", "comp"),
    "{capsule}": ("gélule", "gélules", "gelule", "gelules", "gél", "capsule", "capsules"),
    "{sachet}": ("sachet", "sachets"),
    "{puff}": ("bouffée", "bouffées", "bouffee", "bouffees"),
    "{pulverisation}": ("pulvérisation", "pulvérisations", "pulverisation", "pulverisations"),
    "{inhalation}": ("inhalation", "inhalations"),
    "{ampoule}": ("ampoule", "ampoules", "amp"),
    "{flacon}": ("flacon", "flacons"),
    "{suppositoire}": ("suppositoire", "suppositoires", "suppo", "suppos"),
    "{ovule}": ("ovule", "ovules"),
    "{patch}": ("patch", "patchs", "patches"),
    "{seringue}": ("seringue", "seringues"),
    "{stylo}": ("stylo", "stylos"),
    "{injection}": ("injection", "injections"),
    "{application}": ("application", "applications"),
    "{pastille}": ("pastille", "pastilles"),
    "{dosette}": ("dosette", "dosettes"),
    "{mesure}": ("mesure", "mesures"),
    "{dose}": ("dose", "doses"),
    "{prise}": ("prise", "prises"),
    "{count}": ("unité", "unités", "unite", "unites"),
    "[drp]": ("goutte", "gouttes", "gtte", "gttes", "gtt"),
    "[tsp_m]": ("cuillère à café", "cuillères à café", "cuillere a cafe", "cuilleres a cafe", "càc", "c. à café"),
    "[tbs_m]": ("cuillère à soupe", "cuillères à soupe", "cuillere a soupe", "cuilleres a soupe", "càs", "c. à soupe"),
    "[iU]": ("UI", "u.i.", "unité internationale", "unités internationales"),
    "10*6.[IU]": ("million d'UI", "millions d'UI", "mui"),
    "ug": ("µg", "mcg", "microgramme", "microgrammes"),
    "mg": ("mg", "milligramme", "milligrammes"),
    "g": ("g", "gramme", "grammes"),
    "kg": ("kg", "kilogramme", "kilogrammes"),
    "mL": ("mL", "ml", "millilitre", "millilitres"),
    "dL": ("dL", "dl", "décilitre", "décilitres"),
    "cL": ("cL", "cl", "centilitre", "centilitres"),
    "uL": ("µL", "microlitre", "microlitres"),
    "L": ("L", "l", "litre", "litres"),
    "umol": ("µmol",),
    "s": ("s", "sec", "seconde", "secondes"),
    "min": ("min", "mn", "minute", "minutes"),
    "h": ("h", "heure", "heures"),
    "d": ("jour", "jours", "j", "jr", "jrs"),
    "wk": ("semaine", "semaines", "sem"),
    "mo": ("mois",),
    "a": ("an", "ans", "année", "années", "annee", "annees"),
    "Cel": ("°C", "degré celsius", "degrés celsius"),
    "mm[Hg]": ("mmHg", "mm hg"),
    "%": ("%", "pour cent"),
}
"""UCUM code of what a French record writes, in any case; the first word is the one a reader is shown."""

SAID: Final[Mapping[str, str]] = {**{code: words[0] for code, words in _WORDS.items()}, "[IU]": "UI"}
"""French word of a unit, singular."""

_GROWING: Final = _atoms("d wk a [drp] [tsp_m] [tbs_m] 10*6.[IU]")
"""Units, beside what is counted, whose word takes the mark of the plural."""

_ANNOTATIONS: Final = frozenset(code for code in _WORDS if code.startswith("{")) | _atoms(
    "{tablet} {Tablet} {pill} {pack} {drink} {times} {score} {ratio} {cells} {copies} {creat}"
)
"""What is counted: our words, and those other software writes (official examples), which are read as they are."""

_FRENCH: Final = {word.lower(): code for code, words in _WORDS.items() for word in words}
_EVERYDAY: Final = list(dict.fromkeys([*SAID.values(), *SAID, "ng", "mmol"]))
_EXAMPLES: Final = "par exemple mg, mL, comprimé, goutte, UI, mg/j"

_FACTOR: Final = re.compile(r"[1-9][0-9]{0,9}")
_POWER: Final = re.compile(r"10[*^][+-]?[0-9]{1,2}")
_EXPONENT: Final = re.compile(r"(?<![0-9*^])[+-]?[1-9]$")
_LIMIT: Final = 60


def said(unit: str, *, several: bool = False) -> str:
    """What a reader is shown of a unit: `mg/d` → `mg/jour`, `{ampoule}` → `ampoules` when there are several."""
    first, *others = unit.split("/")
    word = SAID.get(first, first)
    if several and first in SAID and (first in _GROWING or first.startswith("{")):
        noun, *rest = word.split(" ")
        word = " ".join([f"{noun}s", *rest])
    return "/".join([word, *(SAID.get(other, other) for other in others)])


def is_ucum(unit: str) -> bool:
    """True when the grammar of UCUM and the known atoms make the unit: `mg/kg/d`, `10*9/L`, `{tbl}`, `g/(24.h)`."""
    return len(unit) <= _LIMIT and not _FACTOR.fullmatch(unit) and _is_term(unit)


def ucum_of(written: str) -> str:
    """The UCUM code of what a record writes; what is no word of ours comes back as it is, for `is_ucum` to judge."""
    # Unicode has two micro signs, and two ways of an accent.
    composed = unicodedata.normalize("NFC", written).replace("\u03bc", "µ")
    if is_ucum(composed):
        return composed
    first, *others = (_part(part) for part in re.split(r"/| par ", composed))
    # In a ratio the agency's list has only the other writing of international units ([IU]/d).
    return "/".join(["[IU]" if others and first == "[iU]" else first, *others])


def near(written: str) -> str:
    """What to write instead, in French: the words and codes that look like it."""
    tried = (item for word in (written, written.lower()) for item in difflib.get_close_matches(word, _EVERYDAY, 2, 0.6))
    found = list(dict.fromkeys(tried))[:3]
    return f"{' ou '.join(found)} ; {_EXAMPLES}" if found else _EXAMPLES


def _part(text: str) -> str:
    word = text.strip()
    return word if is_ucum(word) else _FRENCH.get(word.lower(), word)


def _is_term(text: str) -> bool:
    return all(_is_component(part) for part in _split(text[1:] if text.startswith("/") else text))


def _split(text: str) -> list[str]:
    """The components between the dots and slashes that no parenthesis, bracket or brace holds."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign in "./":
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _is_component(text: str) -> bool:
    if text.startswith("(") and text.endswith(")"):
        return _is_term(text[1:-1])
    core, brace, label = text.partition("{")
    if brace and f"{{{label}" not in _ANNOTATIONS:
        return False
    return _is_simple(core) if core else bool(brace)


def _is_simple(text: str) -> bool:
    """A number, a power of ten, or an atom with its prefix and its exponent."""
    if _FACTOR.fullmatch(text) or _POWER.fullmatch(text) or _is_atom(text):
        return True
    return _is_atom(_EXPONENT.sub("", text))


def _is_atom(text: str) -> bool:
    if text in _METRIC or text in _PLAIN or text in _LARGE:
        return True
    return any(text.startswith(prefix) and text[len(prefix) :] in _METRIC for prefix in _PREFIXES)


def _unit(value: str) -> str:
    unit = ucum_of(value)
    if not is_ucum(unit):
        raise refusal("l'unité n'est pas un code UCUM", near(value), "autre chose")
    return unit


def _time(value: str) -> str:
    if value not in TIMES:
        raise refusal(
            "ce n'est pas une unité de temps", "s, min, h, d (jour), wk (semaine), mo (mois) ou a (an)", value
        )
    return value


Unit = Annotated[Line, AfterValidator(_unit)]
"""A UCUM unit: mg, mL, d, h, {tbl}…, or a common French word for one."""

TimeUnit = Annotated[Unit, AfterValidator(_time)]
"""A UCUM unit of time: s, min, h, d, wk, mo or a, or its French word."""
