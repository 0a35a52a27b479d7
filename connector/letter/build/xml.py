"""XML as text, written from the inside out: what is not XML already is escaped, so nothing can break the markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias


class Xml(str):
    """Text that is XML already."""

    __slots__ = ()


Content: TypeAlias = str | Iterable["Content"] | None
"""What an element may hold: XML, text to escape, nothing, or any nesting of these."""

_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
)
_PREFIXED: Final = {"xsi_type": "xsi:type"}


def element(name: str, *content: Content, **attributes: str | None) -> Xml:
    """The element `name`; attributes in the order given, those that are None left out (`xsi_type` is `xsi:type`)."""
    opening = name + "".join(
        f' {_PREFIXED.get(key, key)}="{value.translate(_ATTRIBUTE)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(_flat(content))
    return Xml(f"<{opening}>{inner}</{name}>" if inner else f"<{opening}/>")


def _flat(content: Content) -> Iterator[str]:
    if isinstance(content, Xml):
        yield content
    elif isinstance(content, str):
        yield content.translate(_TEXT)
    elif content is not None:
        for item in content:
            yield from _flat(item)
