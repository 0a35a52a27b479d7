"""A letter that cannot be taken: every fault at once, with the field's path, in French.

`found` says what was seen without showing it: a code or a shape, never an identity nor a text of the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connector.base.errors import ConnectorError
from connector.letter.model.base import RULE, Broken

WHOLE: Final = "(lettre)"
"""Path of a fault that concerns the letter as a whole."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `path` like `treatments_at_discharge[2].dose.value`, `text` a French sentence for people."""

    path: str
    found: str
    expected: str
    text: str

    @property
    def sentence(self) -> str:
        """Path, what is wrong, what is expected: one line for a terminal or a page."""
        wanted = f" (attendu : {self.expected})" if self.expected else ""
        return f"{self.path} : {self.text}{wanted}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class LetterError(ConnectorError):
    """The data are not a letter; `faults` holds every reason, in the order of the fields."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        super().__init__(f"the letter has {count} fault{'s' if count > 1 else ''}", paths=[f.path for f in self.faults])

    def french(self) -> str:
        """One line per fault."""
        return "\n".join(fault.sentence for fault in self.faults)


def fault(path: str, text: str, expected: str = "", found: str = "") -> Fault:
    """A fault worded by hand."""
    return Fault(path or WHOLE, found, expected, text)


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """The French faults of a refusal by pydantic; none is dropped, none quotes a value."""
    return tuple(item for details in error.errors(include_url=False) for item in _faults(details))


_KINDS: Final = ("discharge", "admission", "unstructured")


def _faults(details: ErrorDetails) -> Iterator[Fault]:
    path = path_of(details["loc"])
    context: Mapping[str, Any] = details.get("ctx", {})
    if details["type"] == "too_short" and len(details["input"]) >= context["min_length"]:
        # Only the sound items are counted; what is wrong with the others is told by itself.
        return
    if details["type"] == RULE:
        for broken in context["broken"]:
            yield _of_rule(path, broken)
        return
    text, expected = _wording(details["type"], context)
    yield Fault(path or WHOLE, _shape(details["type"], details.get("input")), expected, text)


def _of_rule(path: str, broken: Broken) -> Fault:
    joined = f"{path}.{broken.field}" if path and broken.field else path or broken.field
    return Fault(joined or WHOLE, broken.found, broken.expected, broken.text)


def path_of(location: Iterable[int | str]) -> str:
    """`("discharge", "authors", 0, "@person", "rpps")` → `authors[0].rpps`: the tags of unions are left out.

    Places in a list are counted from 0, as in a mapping file.
    """
    path = ""
    for place, step in enumerate(location):
        if isinstance(step, int):
            path += f"[{step}]"
        elif not (step.startswith("@") or (place == 0 and step in _KINDS)):
            # A key we do not know may be anything, even a name.
            name = step if _NAME.fullmatch(step) else "?"
            path += f".{name}" if path else name
    return path


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("le champ manque", "une valeur"),
    "extra_forbidden": ("le champ n'existe pas dans le modèle", "un champ du modèle"),
    "string_type": ("un texte est attendu", "un texte entre guillemets"),
    "string_too_long": ("le texte est trop long", "un texte plus court"),
    "string_too_short": ("le texte est vide", "un texte, ou l'absence du champ"),
    "int_parsing": ("un nombre entier est attendu", "un nombre entier"),
    "int_type": ("un nombre entier est attendu", "un nombre entier"),
    "int_from_float": ("un nombre entier est attendu", "un nombre entier"),
    "bool_parsing": ("la réponse doit être oui ou non", "oui ou non"),
    "bool_type": ("la réponse doit être oui ou non", "oui ou non"),
    "tuple_type": ("une liste est attendue", "une liste"),
    "model_type": ("un groupe de champs est attendu", "un groupe de champs"),
    "model_attributes_type": ("un groupe de champs est attendu", "un groupe de champs"),
    "dict_type": ("un groupe de champs est attendu", "un groupe de champs"),
    "string_unicode": ("un nom ou un texte contient un caractère interdit", "des caractères imprimables"),
    "union_tag_not_found": ("le genre de lettre manque", ", ".join(_KINDS)),
}


def _wording(kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    if kind in _WORDS:
        return _WORDS[kind]
    match kind:
        case "literal_error":
            return "la valeur n'est pas de celles qui sont permises", str(context.get("expected", "")).replace(
                " or ", " ou "
            )
        case "union_tag_invalid":
            return "le genre de lettre est inconnu", ", ".join(_KINDS)
        case "too_short":
            return "la liste est trop courte", f"au moins {context.get('min_length')} élément(s)"
        case "too_long":
            return "la liste est trop longue", f"{context.get('max_length')} élément(s) au plus"
        case "greater_than_equal":
            return "le nombre est trop petit", f"{context.get('ge')} ou plus"
        case "less_than_equal":
            return "le nombre est trop grand", f"{context.get('le')} ou moins"
    return "la valeur n'est pas utilisable", ""


def _shape(kind: str, value: object) -> str:
    """What was seen, without its content."""
    if kind in ("missing", "union_tag_not_found") or value is None:
        return "absent"
    if kind == "extra_forbidden":
        return "champ inconnu"
    match value:
        case bool():
            return "oui ou non"
        case int() | float() | Decimal():
            return "nombre"
        case str():
            return f"texte de {len(value)} caractères" if value else "vide"
        case list() | tuple():
            return f"liste de {len(value)}"
        case dict():
            return "groupe de champs"
    return "autre chose"
