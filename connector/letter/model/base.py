"""What every part of a letter shares: frozen, no unknown key, rules that are told together, and a silent `repr`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

RULE: Final = "letter_rule"
"""Type of every error our own rules raise; its context holds `broken`, a tuple of Broken."""

COMPLETED: Final = {"x-completed": True}
"""`json_schema_extra` of a field that the connector fills when the file leaves it out (letter/inputs/complete.py)."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule that a value breaks: `field` is relative to the value, `found` never holds an identity or a text."""

    field: str
    text: str
    expected: str
    found: str = ""


def refusal(text: str, expected: str, found: str = "", field: str = "") -> PydanticCustomError:
    """The error of a single value, as our rules word it."""
    return refusals(Broken(field, text, expected, found))


def refusals(*broken: Broken) -> PydanticCustomError:
    """The error of a value that breaks several rules at once."""
    return PydanticCustomError(RULE, "the value breaks a rule of the letter", {"broken": broken})


class Plain(BaseModel):
    """A part of a letter. `broken()` yields what the fields break together; all of it is told at once."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    def broken(self) -> Iterator[Broken]:
        """Rules between fields; the default has none."""
        yield from ()

    @model_validator(mode="after")
    def _hold_the_rules(self) -> Plain:
        if broken := tuple(self.broken()):
            raise refusals(*broken)
        return self

    # A letter is a patient's: neither a log nor a traceback shows one by accident.
    def __repr__(self) -> str:
        return f"{type(self).__name__}(<hidden>)"

    __str__ = __repr__

    def __repr_args__(self) -> Any:
        return ()

    def data(self) -> dict[str, Any]:
        """The part as plain data (text, numbers, lists), without what is absent or empty: what a file would hold."""
        plain = _without_nothing(self.model_dump(mode="json"))
        return plain if isinstance(plain, dict) else {}


class Short(Plain):
    """A part that may be given as one value alone, that of the field named by SHORT."""

    SHORT: ClassVar[str] = "text"
    SHORT_TYPES: ClassVar[tuple[type, ...]] = (str,)

    @model_validator(mode="before")
    @classmethod
    def _from_one_value(cls, value: Any) -> Any:
        if isinstance(value, cls.SHORT_TYPES):
            return cls._spelled(value)
        # A number where a text or oui/non is wanted is refused as such, not for want of a group of fields.
        return {cls.SHORT: value} if value is None or isinstance(value, bool | int | float | Decimal) else value

    @classmethod
    def _spelled(cls, value: Any) -> dict[str, Any]:
        return {cls.SHORT: value}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = handler(schema)
        whole = handler.resolve_ref_schema(reference)
        alone = [{"type": _JSON_TYPES[kind]} for kind in cls.SHORT_TYPES]
        described: dict[str, Any] = {name: whole.pop(name) for name in ("title", "description") if name in whole}
        parts: dict[str, Any] = dict(whole)
        whole.clear()
        whole.update(described, anyOf=[*alone, parts])
        return reference


_JSON_TYPES: Final[dict[type, str]] = {str: "string", bool: "boolean"}


def _without_nothing(value: object) -> object:
    if isinstance(value, dict):
        kept = {name: _without_nothing(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not None and item not in ([], {})}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value
