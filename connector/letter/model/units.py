"""Units: UCUM codes judged by the grammar of UCUM, and the words of a French record for them.

The atoms are those a letter may need, not the whole of UCUM: everyday units, laboratory, doses of radiation. What is
counted (a tablet, a puff) is an annotation in braces. The word a record uses is rewritten; what may be read in two ways
is refused, and no other unit is ever offered: another form, or another magnitude, would be another dose.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator

from connector.codes.units import TIMES
from connector.letter.model.base import refusal
from connector.letter.model.text import Line
from connector.letter.model.unit_words import (
    COUNTED,
    NOUNS,
    SAID,
    SYMBOLS,
    WORDS,
    accented,
    key,
    measures,
    numbers,
    plain,
    plural,
)


def _atoms(text: str) -> frozenset[str]:
    return frozenset(text.split())


_METRIC: Final = _atoms("m s g L mol eq osm kat cal Pa bar Bq Gy Sv Ci [iU] [IU] m[Hg] m[H2O]")
"""Atoms that take a prefix (ug, mmol, k[IU], mm[Hg]). No `U`, UCUM's enzyme unit: in a prescription it is an UI."""

_PLAIN: Final = _atoms(
    "% min h d wk mo mo_j mo_s mo_g a a_j a_t a_g deg Cel [pH] [drp] [tsp_m] [tbs_m] [CFU] [PFU] [FFU] [ppm] [ppb] kJ "
    "[diop] [Cal] [arb'U] [USP'U] [anti'Xa'U] [AU] [EU] [ELU] [BAU] [PNU] [IR] [TCID_50] [CCID_50] [EID_50]"
)
"""Atoms that take none. Joule, henry, kelvin and the like are left out: in a record J, H and K are something else."""

_PREFIXES: Final = ("k", "d", "c", "m", "u", "n", "p", "f")
_LARGE: Final = _atoms("MBq GBq TBq")
"""The only great prefixes: elsewhere `Mg` is a milligram in capitals, never a ton."""

LASTING: Final = TIMES - _atoms("s min h")
"""Units of a day and more."""

_SYMBOL_KEYS: Final = frozenset(
    symbol.lower()
    for symbol in (*_PLAIN, *_LARGE, *SYMBOLS, *_METRIC, *(f"{one}{atom}" for one in _PREFIXES for atom in _METRIC))
) - {"mo", "[pH]"}
"""Symbols in small letters: what differs only by its capitals is a symbol misspelt."""

_FACTOR: Final = re.compile(r"[1-9][0-9]{0,9}")
_POWER: Final = re.compile(r"10[*^]([+-]?[0-9]{1,2})")
_EXPONENT: Final = re.compile(r"(?<![0-9*^])[+-]?[1-9]$")
_LABEL: Final = re.compile(r"#|[A-Za-z][A-Za-z_'-]*")
_NOUN: Final = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){0,4}")
_NUMBERED: Final = re.compile(r"([1-9][0-9]{0,4}) ?([^0-9 .,].*)")
_TEN: Final = re.compile(r"×? ?10([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_ENZYMES: Final = re.compile(r"[kKmMµunN]?[uU]")
_RAISED: Final = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_LOWERED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_LIMIT: Final = 60

_ADVICE: Final = (
    "un code UCUM ou un mot français, avec ses majuscules et minuscules : mg, mL, comprimé, goutte, UI, mg/j… ; "
    "à défaut, la posologie en clair dans dosing"
)
_TWO_WAYS: Final = {
    "S": "s (seconde) ou sem (semaine)",
    "M": "min (minute), mois ou m (mètre), en toutes lettres",
    "G": "g (gramme), ou 10*9 (milliard)",
    "T": "10*12 (mille milliards), ou un mot entier",
}
_UI_OR_COUNT: Final = "UI (unité internationale), ou unité (ce qui se compte)"
_THOUSANDTH_OR_MILLION: Final = "mUI (millième d'UI), ou MUI (million d'UI)"


def said(unit: str, *, several: bool = False) -> str:
    """What a reader is shown of a unit: `mg/d` → `mg/jour`, `{ampoule}` → `ampoules` when there are several."""
    first, *others = _split(unit, "/")
    return "/".join([_said_part(first, several), *(_said_under(other) for other in others)])


def is_ucum(unit: str) -> bool:
    """True when the grammar of UCUM and the known atoms make the unit: `mg/kg/d`, `10*9/L`, `{tbl}`, `g/(24.h)`.

    A factor is only what opens a parenthesis under the bar, mg/(100.mL): elsewhere (100.mg, mg/100.mL) a reader would
    see, after the number of a dose, another one. Alone, `1` is the unity.
    """
    if len(unit) > _LIMIT or not _is_term(unit):
        return False
    first, *others = _split(unit, "/")
    factors = any(_FACTOR.fullmatch(part) for part in re.split(r"[.()]", first))
    return (first == "1" or not factors) and all(_is_readable(other) for other in others)


def _is_readable(under: str) -> bool:
    if len(_split(under, ".")) > 1:
        return False
    inner = re.split(r"[./()]", under[1:-1]) if under.startswith("(") else [under]
    return not any(_FACTOR.fullmatch(part) for part in (inner[1:] if len(inner) > 1 else inner))


def ucum_of(written: str) -> str:
    """The UCUM code of what a record writes; what is no word of ours comes back as it is, for `is_ucum` to judge."""
    # Unicode has two micro signs, and two ways of an accent.
    text = unicodedata.normalize("NFC", written).replace("\u03bc", "µ").strip()
    text = _TEN.sub(lambda found: f"10*{found[1].translate(_LOWERED)}", text)
    text = re.sub(r"(?<=[A-Za-z\]])[²³]", lambda found: found[0].translate(_LOWERED), text)
    if is_ucum(text):
        return text
    first, *others = (part.strip() for part in _parts(text))
    code, under = _code(first), [_code_under(other) for other in others]
    if under:
        # In a ratio the agency's list has only the other writing of international units ([IU]/d).
        return "/".join(part.replace("[iU]", "[IU]") for part in (code, *under))
    return code


def two_ways(written: str) -> str | None:
    """What to write instead of a part that may be read in two ways, None when there is no such part."""
    parts = [part.strip(" ().") for part in _parts(unicodedata.normalize("NFC", written).replace("\u03bc", "µ"))]
    for place, part in enumerate(parts):
        if _ENZYMES.fullmatch(part):
            return _UI_OR_COUNT
        if key(part).replace(" ", "") == "mui" and part not in SYMBOLS:
            return _THOUSANDTH_OR_MILLION
        if part in _TWO_WAYS or (place and part == "m"):
            return _TWO_WAYS[part.upper()]
    return None


def _parts(text: str) -> list[str]:
    return [piece for part in _split(text, "/") for piece in part.split(" par ")]


def _code(text: str) -> str:
    """Code of one part: a symbol in its case, a word in any, a noun as an annotation; else the text itself."""
    if is_ucum(text):
        return text
    if code := SYMBOLS.get(text):
        return code
    if is_ucum(micro := text.replace("µ", "u")):
        return micro
    if power := re.fullmatch(r"(10\*[0-9]{1,2}) ?([^0-9 ].*)", text):
        return f"{power[1]}.{_code(power[2]).replace('[iU]', '[IU]')}"
    label = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    word = key(label)
    if (code := WORDS.get(word)) and (label is text or not measures(word)):
        return code
    noun = re.sub(r"\((?:e?s|x)\)", "", label).rstrip(".")
    return _annotation(noun) if label is not text or _is_noun(noun) else text


def _annotation(noun: str) -> str:
    return "{" + re.sub(r"[ '’-]+", "_", plain(noun.lower())) + "}"


def _is_noun(text: str) -> bool:
    """True for words of four letters and more: what is shorter, or has no vowel, is a symbol misspelt."""
    if not _NOUN.fullmatch(text):
        return False
    words = [word for word in re.split(r"[ '’-]+", text.lower()) if word not in _atoms("à a de du d l la en")]
    return bool(words) and all(len(word) > 3 and re.search("[aeiouy]", plain(word)) for word in words)


def _code_under(text: str) -> str:
    """Code of a part under the bar: `24 h` → `(24.h)`."""
    if not is_ucum(text) and text not in SYMBOLS and (numbered := _NUMBERED.fullmatch(text)):
        number, code = numbered[1], _code(numbered[2].strip())
        return code if number == "1" else f"({number}.{code})"
    code = _code(text)
    # What was already a product is left to be refused: UCUM and a reader divide by different things (mg/100.mL).
    return f"({code})" if code != text and len(_split(code, ".")) > 1 else code


def _split(text: str, signs: str = "./") -> list[str]:
    """The components between the signs that no parenthesis, bracket or brace holds."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign in signs:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _is_term(text: str) -> bool:
    return all(_is_component(part) for part in _split(text[1:] if text.startswith("/") else text))


def _is_component(text: str) -> bool:
    if text.startswith("(") and text.endswith(")"):
        return _is_term(text[1:-1])
    core, brace, label = text.partition("{")
    if brace and not (label.endswith("}") and _is_label(label[:-1])):
        return False
    return _is_simple(core) if core else bool(brace)


def _is_label(text: str) -> bool:
    """True for what may be counted or precised: never a unit, nor what is read in two ways, under cover of braces."""
    if f"{{{text}}}" in SAID:
        return True
    words = key(text)
    if not _LABEL.fullmatch(text) or numbers(text) or two_ways(text) or text in SYMBOLS or words in _SYMBOL_KEYS:
        return False
    return not measures(words) and not any(measures(word) or _is_hidden(word) for word in words.split()[1:])


def _is_hidden(word: str) -> bool:
    return word in _SYMBOL_KEYS and word not in ("a", "d", "l")


def _is_simple(text: str) -> bool:
    """A number, a power of ten, or an atom with its prefix and its exponent."""
    if _FACTOR.fullmatch(text) or _POWER.fullmatch(text) or _is_atom(text):
        return True
    return _is_atom(_EXPONENT.sub("", text))


def _is_atom(text: str) -> bool:
    if text in _METRIC or text in _PLAIN or text in _LARGE:
        return True
    return any(text.startswith(prefix) and text[len(prefix) :] in _METRIC for prefix in _PREFIXES)


def _said_part(part: str, several: bool) -> str:
    if part == "1":
        return ""
    if part in SAID:
        return plural(SAID[part]) if several and part in COUNTED else SAID[part]
    # The mark of the plural is for what a number counts alone.
    components = _split(part, ".")
    words = [_said_component(component, several and len(components) == 1) for component in components]
    power = f"{words.pop(0)} " if len(words) > 1 and _POWER.fullmatch(components[0]) else ""
    return power + "·".join(words)


def _said_under(part: str) -> str:
    """`(24.h)` → `24 h`, `(kg.min)` → `kg/min`."""
    if not (part.startswith("(") and part.endswith(")")):
        return _said_part(part, False)
    inner = part[1:-1]
    if len(_split(inner, "/")) > 1:
        return f"({said(inner)})"
    first, *others = _split(inner, ".")
    if _FACTOR.fullmatch(first) and others:
        one, *rest = others
        return "/".join([f"{first} {_said_part(one, int(first) > 1)}", *(_said_part(other, False) for other in rest)])
    if _POWER.fullmatch(first):
        return _said_part(inner, False)
    return "/".join(_said_part(other, False) for other in (first, *others))


def _said_component(text: str, several: bool) -> str:
    if text.startswith("("):
        return f"({said(text[1:-1])})"
    core, brace, label = text.partition("{")
    if not brace:
        return _said_simple(text)
    noun = _said_noun(label[:-1], several and not core)
    return f"{_said_simple(core)} {noun}" if core else noun


def _said_noun(label: str, several: bool) -> str:
    code = WORDS.get(key(label), f"{{{label}}}")
    known = SAID.get(code) or NOUNS.get(code)
    if known is None:
        return accented(label)
    return plural(known) if several else known


def _said_simple(text: str) -> str:
    if text in SAID:
        return SAID[text]
    if power := _POWER.fullmatch(text):
        return f"×10{power[1].translate(_RAISED)}"
    if _FACTOR.fullmatch(text):
        return text
    if not _is_atom(text) and (exponent := _EXPONENT.search(text)):
        return _said_simple(text[: exponent.start()]) + exponent[0].translate(_RAISED)
    for prefix in _PREFIXES:
        if text not in _PLAIN | _METRIC and text.startswith(prefix) and (atom := text[len(prefix) :]) in _METRIC:
            return prefix.replace("u", "µ") + SAID.get(atom, atom)
    return text.strip("[]")


def _unit(value: str) -> str:
    if advice := two_ways(value):
        raise refusal("l'unité peut se lire de deux façons", advice, "autre chose")
    if any(numbers(part) for part in _parts(value)):
        raise refusal(
            "l'unité contient un nombre", "le nombre dans value (0,5), l'unité seule (comprimé)", "autre chose"
        )
    unit = ucum_of(value)
    if not is_ucum(unit):
        raise refusal("l'unité n'est pas un code UCUM", _ADVICE, "autre chose")
    return unit


def _time(value: str) -> str:
    if value not in TIMES:
        expected = "s, min, h, d (jour), wk (semaine), mo (mois) ou a (an) ; sinon en clair, dans timing.text ou dosing"
        raise refusal("ce n'est pas une unité de temps", expected, value)
    return value


Unit = Annotated[Line, AfterValidator(_unit)]
"""A UCUM unit: mg, mL, d, h, {tbl}…, or a common French word for one."""

TimeUnit = Annotated[Unit, AfterValidator(_time)]
"""A UCUM unit of time: s, min, h, d, wk, mo or a, or its French word."""
