"""A letter to fill: every field of the model with what it means, in YAML, complete but for what only a person knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from connector.base.resources import resource_dir
from connector.letter.inputs import read_data
from connector.letter.model import AdmissionLetter, DischargeLetter, LetterHeader, UnstructuredLetter
from connector.patients.letters import StayFacts

KINDS: Final[Mapping[str, tuple[type[LetterHeader], str]]] = {
    "discharge": (DischargeLetter, "discharge.yaml"),
    "admission": (AdmissionLetter, "admission.yaml"),
    "unstructured": (UnstructuredLetter, "header.yaml"),
}
"""Kind -> its model, and the sample its examples are taken from."""

_ALWAYS: Final = (
    "authors",
    "legal_authenticator",
    "custodian",
    "treatments_at_discharge",
    "treatments_at_admission",
    "allergies",
    "medical_history",
)
"""Asked for although the model or the settings could do without: who signs, and what a reader looks for first."""

_NEVER: Final = ("kind", "id", "set_id", "version", "replaces", "body")
"""Said by the connector, or by the command that replaces a letter; `body` is the file beside its header."""


_HEAD: Final = (
    "# Lettre à compléter. D'abord ce qu'il faut remplir, chaque champ suivi d'un exemple : enlever le # devant les",
    "# lignes de l'exemple et y mettre ce qui est vrai. Ensuite ce qui est facultatif : de même.",
)


def template(kind: str, stay: StayFacts | None = None, defaults: Mapping[str, Any] | None = None) -> str:
    """YAML: fields to fill first, then what may be added, each with an example as a comment. Ends with a line feed.

    stay      the stay it is about: the patient and the dates then come from the journal
    defaults  what the settings complete: shown as a comment only
    """
    model, sample = KINDS[kind]
    examples = read_data((resource_dir("samples") / "lettres" / sample).read_bytes(), sample)
    given = {**(defaults or {})}
    lines = list(_HEAD)
    if stay is not None:
        lines += [f"stay: {_scalar(stay.stay)}  # le patient et les dates viennent de ce séjour", "letter:"]
    body = [f"kind: {kind}", *_fields(model, examples, given, completed=stay is not None)]
    indent = "  " if stay is not None else ""
    return "\n".join([*lines, *(f"{indent}{line}".rstrip() for line in body)]) + "\n"


def _fields(
    model: type[LetterHeader], examples: Mapping[str, Any], given: Mapping[str, Any], *, completed: bool
) -> Iterator[str]:
    asked: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for name, field in model.model_fields.items():
        if name in _NEVER:
            continue
        by_the_stay = completed and (name == "patient" or (name == "stay" and _placed(given.get("stay"))))
        filled = bool(field.json_schema_extra) and name not in ("patient", "stay")
        # a level-1 document has no title of its own
        needed = field.is_required() and (not filled or (name == "title" and not model.KIND_TITLE))
        wanted = (needed or name in _ALWAYS) and not by_the_stay and (name == "stay" or name not in given)
        (asked if wanted else others).append((name, field.description or ""))
    for name, told in asked:
        yield from ("", *_comment(told), *_to_fill(name, examples))
    yield from ("", "# ---- facultatif ----")
    for name, told in others:
        yield from ("", *_comment(told))
        yield from (f"# {line}" for line in _example(name, examples) or [f"{name}:"])


def _to_fill(name: str, examples: Mapping[str, Any]) -> Iterator[str]:
    example = examples.get(name)
    if example is None:
        yield f"{name}:"
    elif isinstance(example, Mapping | list):
        yield from (f"{name}:", "# exemple :")
        yield from (f"# {line}" for line in _example(name, examples)[1:])
    else:
        # several lines are written as one, in quotes: a comment has no second line
        style = '"' if isinstance(example, str) and "\n" in example else None
        said = yaml.safe_dump([example], default_style=style, allow_unicode=True, width=10_000)
        yield f"{name}:  # exemple : {said.removeprefix('- ').strip()}"


def _placed(stay: object) -> bool:
    """Whether the settings say what no admission says: the sector and the setting of the hospital."""
    return isinstance(stay, Mapping) and {"facility_type", "practice_setting"} <= set(stay)


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in text.splitlines())


def _example(name: str, examples: Mapping[str, Any]) -> list[str]:
    if name not in examples:
        return []
    return yaml.safe_dump({name: examples[name]}, allow_unicode=True, sort_keys=False, width=100).splitlines()


def _scalar(text: str) -> str:
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1000).strip()
