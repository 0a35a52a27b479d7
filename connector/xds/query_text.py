"""How a value of a stored query is written: quotes, lists, codes, identifiers (ihe-rules D-86 to D-91)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from connector.base.errors import CodecError
from connector.xds.model import Code

Profile = Literal["dmp", "ihe"]

_MAX_VALUE = 256
"""ebRIM's LongName: a longer list is spread over several Value elements, which still means OR."""

_ITEM = re.compile(r"\s*'((?:[^']|'')*)'\s*(,|$)")


def quote(text: str) -> str:
    """`'text'`, inner quotes doubled (ihe-rules D-86)."""
    return "'" + text.replace("'", "''") + "'"


def quoted_list(texts: Iterable[str]) -> list[str]:
    """`('a','b')`, cut into several lists when one would pass ebRIM's length; [] when there is nothing."""
    values: list[str] = []
    current = ""
    for item in map(quote, texts):
        if current and len(current) + len(item) + 3 > _MAX_VALUE:
            values.append(f"({current})")
            current = ""
        current = f"{current},{item}" if current else item
    return [*values, f"({current})"] if current else values


def coded(codes: Iterable[Code]) -> Iterator[str]:
    """`code^^scheme` (ihe-rules D-87)."""
    return (f"{code.code}^^{code.scheme}" for code in codes)


def patient_cx(cx: str, profile: Profile) -> str:
    """The CX as each profile wants it: France keeps the type in CX-5 (`^NH`), IHE forbids it (ihe-rules D.8)."""
    return cx if profile == "dmp" else "^".join(cx.split("^")[:4])


def read_texts(value: str) -> list[str]:
    """The texts of a value as a person or a request writes it: `('a','b')`, `'a'`, or bare text.

    Raises CodecError on a list or a quote that does not end.
    """
    text = value.strip()
    if not text.startswith(("(", "'")):
        return [text] if text else []
    if text.startswith("("):
        text = text[1:-1].strip() if text.endswith(")") else text
    found: list[str] = []
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            raise CodecError(
                "unreadable list of a query parameter", field="value", found=value[:200], expected="('a','b')"
            )
        found.append(match.group(1).replace("''", "'"))
        position = match.end()
    return found


def read_code(text: str) -> Code:
    """The code of `code^^scheme`. Raises CodecError when one of the two parts is missing (ihe-rules D-87)."""
    code, separator, scheme = text.partition("^^")
    if not (code and separator and scheme):
        raise CodecError("a code names its system", field="code", found=text[:200], expected="code^^scheme")
    return Code(code, scheme)
