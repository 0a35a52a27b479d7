"""Characters that the fonts on board can draw; the others are written as their number, never as an empty box."""

from __future__ import annotations

import io
import json
import re
import threading
import unicodedata
from collections.abc import Iterable
from typing import Final

import typst
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

_SURE: Final = frozenset([*map(chr, range(0x20, 0x7F)), *map(chr, range(0xA1, 0x100)), *"\n\u00a0ŒœŸ–—‘’‚“”„†‡•…‰‹›€™"])
_WORD: Final = re.compile(r"\S+")
_INVISIBLE: Final = frozenset({"Cf", "Cc"})
_UNASSIGNED: Final = frozenset({"Cn", "Co", "Cs"})
_PROBE: Final = b"""#set page(width: 40pt, height: 40pt)
#set text(font: ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"))
#json(bytes(sys.inputs.letters)).map(c => text(c)).join(pagebreak())"""
_MOST: Final = 500
"""Characters probed at once; a letter that has more of them is not one of ours to typeset."""

_known: dict[str, bool] = dict.fromkeys(_SURE, True)
_lock: Final = threading.Lock()


def drawable(text: str, missing: set[str], longest: int = 30) -> str:
    """`text` with characters no font has as `[U+65E5]`, added to `missing`; invisible ones dropped, long words broken.

    Words of more than `longest` characters get zero-width blanks, where a line may end: an OID would leave its cell.
    """
    text = unicodedata.normalize("NFC", text)
    if not _SURE.issuperset(text):
        text = "".join(_drawn(char, missing) for char in text)
    if len(text) <= longest:
        return text
    return _WORD.sub(
        lambda word: "\u200b".join(_pieces(word[0], longest // 2)) if len(word[0]) > longest else word[0], text
    )


def learn(texts: Iterable[str]) -> None:
    """Asks the fonts about every character of `texts` not met before, in one go."""
    with _lock:
        unknown = {char for text in texts for char in unicodedata.normalize("NFC", text)} - _known.keys()
        odd = {char for char in unknown if unicodedata.category(char) in _INVISIBLE | _UNASSIGNED}
        _known.update(dict.fromkeys(odd, False))
        asked = sorted(unknown - odd)
        for start in range(0, len(asked), _MOST):
            batch = asked[start : start + _MOST]
            pdf = typst.compile(
                _PROBE, format="pdf", ignore_system_fonts=True, sys_inputs={"letters": json.dumps(batch)}
            )
            assert isinstance(pdf, bytes)
            pages = PdfReader(io.BytesIO(pdf)).pages
            _known.update(zip(batch, (_has_glyph(page) for page in pages), strict=True))


def _drawn(char: str, missing: set[str]) -> str:
    if _known.get(char, True):
        return char
    if unicodedata.category(char) in _INVISIBLE:
        return " " if char == "\t" else ""
    missing.add(char)
    return f"[U+{ord(char):04X}]"


def _has_glyph(page: PageObject) -> bool:
    """False when the page shows glyph 0, which is no character of any font."""
    contents = page.get_contents()
    for operands, operator in [] if contents is None else ContentStream(contents, None).operations:
        if operator in (b"Tj", b"TJ"):
            shown = operands[0] if operator == b"TJ" else operands
            if any(_glyphs(part).startswith(b"\0\0") for part in shown if isinstance(part, (str, bytes))):
                return False
    return True


def _glyphs(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else getattr(part, "original_bytes", part.encode("latin-1", "replace"))


def _pieces(word: str, size: int) -> list[str]:
    return [word[start : start + size] for start in range(0, len(word), size)]
