"""XML as text, written from the inside out: what is not XML already is escaped, so nothing can break the markup."""

from __future__ import annotations

from collections.abc import Iterable
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
    written = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None:
            written.append(f' {_PREFIXED.get(key, key)}="{value.translate(_ATTRIBUTE)}"')
    opening = len(written)
    written.append(">")
    _write(content, written)
    if len(written) == opening + 1:
        written[opening] = "/>"
    else:
        written.append(f"</{name}>")
    return Xml("".join(written))


def _write(content: Iterable[Content], written: list[str]) -> None:
    """Adds what is not void."""
    for item in content:
        if isinstance(item, Xml):
            written.append(item)
        elif isinstance(item, str):
            if item:
                written.append(item.translate(_TEXT))
        elif item is not None:
            _write(item, written)
