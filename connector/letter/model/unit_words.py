"""Words of units: what a French record writes, its UCUM code, and the word that readers are shown.

A whole word means one thing in any case; a symbol is only itself (mL, not ML: a megalitre). What is counted (a tablet,
a puff) is an annotation of UCUM, in the form that the agency's terminology suite reads: ASCII letters, no sign between.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

_COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "{tbl}": ("comprimé", "cp", "cps", "cpr", "tbl", "tablet"),
    "{gelule}": ("gélule", "gél"),
    "{capsule}": ("capsule",),
    "{puff}": ("bouffée", "puff"),
    "{ampoule}": ("ampoule", "amp"),
    "{suppositoire}": ("suppositoire", "suppo"),
    "{patch}": ("patch", "patches"),
    "{dosekg}": ("dose-kg",),
    "{cuilleremesure}": ("cuillère-mesure",),
    "{sachetdose}": ("sachet-dose",),
    "{fois}": ("fois", "time"),
    "{count}": ("unité", "unit", "count"),
    "[drp]": ("goutte", "gtte", "gtt", "drop"),
    "[tsp_m]": ("cuillère à café", "càc", "c à c", "c à café"),
    "[tbs_m]": ("cuillère à soupe", "càs", "c à s", "c à soupe"),
    "10*6.[IU]": ("million d'UI", "million d'unités internationales"),
    "10*6{count}": ("million d'unités",),
    "10*6.[CFU]": ("million d'UFC",),
    "10*9.[CFU]": ("milliard d'UFC",),
    "d": ("jour", "jr", "journée", "day"),
    "wk": ("semaine", "sem", "week"),
    "mo": ("mois", "month"),
    "a": ("an", "année", "year"),
}
"""Code, the word shown, then others that mean the same; their plurals are understood."""

_NOUNS: Final = (
    "anneau application bande boîte cartouche compresse crayon culot cure cycle dispositif dose dosette dragée "
    "emplâtre film flacon gel globule gomme graduation granule implant inhalation injection lavement lyophilisat "
    "mesure mesurette nuit ovule pansement pastille pilule pipette poche pot pression prise pulvérisation repas sachet "
    "séance seringue séjour spray stylo timbre tube unidose kit"
)
"""Nouns whose annotation is the word itself."""

_MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    "[iU]": ("UI", "IU", "unité internationale", "unité inter"),
    "[anti'Xa'U]": ("UI anti-Xa", "unité anti-Xa"),
    "ug": ("µg", "microgramme"),
    "mg": ("mg", "milligramme"),
    "g": ("g", "gramme"),
    "kg": ("kg", "kilogramme", "kilo"),
    "mL": ("mL", "millilitre"),
    "dL": ("dL", "décilitre"),
    "cL": ("cL", "centilitre"),
    "uL": ("µL", "microlitre"),
    "L": ("L", "litre"),
    "mol": ("mol", "mole"),
    "mmol": ("mmol", "millimole", "mmole"),
    "meq": ("mEq", "milliéquivalent"),
    "mosm": ("mOsm", "milliosmole"),
    "kcal": ("kcal", "kilocalorie"),
    "s": ("s", "seconde", "sec"),
    "min": ("min", "minute", "min"),
    "h": ("h", "heure", "hour"),
    "Cel": ("°C", "degré celsius"),
    "%": ("%", "pour cent"),
}
"""Code, the symbol shown, then whole words for it."""

SAID: Final[Mapping[str, str]] = {
    **{code: words[0] for code, words in _COUNTED.items()},
    **{code: words[0] for code, words in _MEASURES.items()},
    "{1.73_m2}": "1,73 m²",
    "[IU]": "UI",
    "[CFU]": "UFC",
    "eq": "Eq",
    "osm": "Osm",
    "m[Hg]": "mHg",
    "m[H2O]": "mH2O",
    "deg": "°",
    "[pH]": "pH",
    **dict.fromkeys(("mo_j", "mo_s", "mo_g"), "mois"),
    **dict.fromkeys(("a_j", "a_t", "a_g"), "an"),
}
"""French word of a code, singular; that of any other noun is in NOUNS."""

COUNTED: Final = frozenset(_COUNTED) | {"a_j", "a_t", "a_g"}
"""Codes whose word takes the mark of the plural."""

SYMBOLS: Final[Mapping[str, str]] = {
    "mcg": "ug",
    "Kg": "kg",
    "l": "L",
    "ml": "mL",
    "cl": "cL",
    "dl": "dL",
    "ul": "uL",
    "µl": "uL",
    "Eq": "eq",
    "mEq": "meq",
    "µEq": "ueq",
    "Osm": "osm",
    "mOsm": "mosm",
    "UFC": "[CFU]",
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "cmH2O": "cm[H2O]",
    "°C": "Cel",
    "mUI": "m[IU]",
    "µUI": "u[IU]",
    "kUI": "k[IU]",
    "MUI": "10*6.[IU]",
    "M UI": "10*6.[IU]",
    "j": "d",
    "J": "d",
    "jrs": "d",
    "H": "h",
    "mn": "min",
    **dict.fromkeys(("1,73m2", "1,73 m2", "1.73m2", "1.73 m2"), "{1.73_m2}"),
}
"""Symbols of a record, each in this very case. J and H are no atoms of ours (joule, henry): they are jour and heure."""

_MEASURING: Final = re.compile(
    "gram|litr|liter|mole|mol$|unit|calor|equiv|osmol|inter|kilo|milli|mega|giga|micro?g|gamma|heure|minute|second"
)
"""What a word holds that is a measure misspelt: no one counts it."""


_DIGITS: Final = (
    "un une deux trois quatre cinq six sept huit neuf dix onze douze quinze vingt trente quarante cinquante cent mille "
    "demi demie quart tiers moitié double triple dizaine douzaine vingtaine centaine "
    "half quarter two three four five ten hundred"
)
_NUMBERS: Final = frozenset(_DIGITS.split())


def plain(text: str) -> str:
    """Without accents."""
    parts = unicodedata.normalize("NFD", text.replace("œ", "oe").replace("æ", "ae"))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def key(text: str) -> str:
    """By which a word is looked up: `Comprimé(s)` and `comprimé`, `c.à.s.` and `càs` are one."""
    bare = re.sub(r"\((?:e?s|x)\)", "", text.lower().replace("’", "'"))
    return " ".join(re.sub(r"[-_ ]+", " ", bare.replace(".", "")).split())


def plural(word: str) -> str:
    """Of the first noun: `cuillère à café` → `cuillères à café`."""
    noun = re.split("[ -]", word)[0]
    mark = "" if noun.endswith(("s", "x", "z")) else "x" if noun.endswith("eau") else "s"
    return f"{noun}{mark}{word[len(noun) :]}"


def _forms(code: str, words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for word in words:
        yield key(word), code
        yield key(plural(word)), code
        # "unités internationales": the adjective too; an article keeps its own.
        yield key(" ".join(plural(part) if len(part) > 2 else part for part in word.split())), code


NOUNS: Final[Mapping[str, str]] = {f"{{{plain(noun)}}}": noun for noun in _NOUNS.split()}
"""Code of a noun → the noun."""

_WRITTEN: Final = dict(
    pair
    for code, words in (
        *_COUNTED.items(),
        *((code, (noun,)) for code, noun in NOUNS.items()),
        # The symbol itself is looked up in its case; `UI` is a word, its letters mean one thing in any case.
        *((code, words if words[0].startswith("UI") else words[1:]) for code, words in _MEASURES.items()),
    )
    for pair in _forms(code, words)
)
WORDS: Final[Mapping[str, str]] = {**{plain(word): code for word, code in _WRITTEN.items()}, **_WRITTEN}
"""Key of a word → its code, accents left out or not; a word that exists without accent (gel, not gél) is itself."""

_OTHERS: Final = "sécable pelliculé enrobé préremplie concentré créatinine"
_ACCENTED: Final = {
    plain(part): part for word in (*_WRITTEN, *_OTHERS.split()) for part in word.split() if len(part) > 3
}


def accented(text: str) -> str:
    """Words of an ASCII annotation as French writes them: `demi_comprime` → `demi comprimé`."""
    return " ".join(_ACCENTED.get(part, part) for part in text.replace("_", " ").split())


def measures(word: str) -> bool:
    """True when a word, by its key, is a measure, well or badly written: it is never an annotation."""
    code = WORDS.get(word, "{")
    return not (code[0] == "{" or code in ("[drp]", "[tsp_m]", "[tbs_m]")) or (
        word not in WORDS and bool(_MEASURING.search(plain(word)))
    )


def numbers(text: str) -> bool:
    """True when words hold a number: `demi-comprimé` and `deux cuillères` hide a part of the dose in its unit."""
    return any({word, word.removesuffix("s")} & (_NUMBERS | {"moitie"}) for word in key(text.strip("{}")).split())
