r"""The text of an RTF file: control words are dropped, groups that hold no text are skipped.

Enough to read a letter; its look, images and tables' frames are in the file, which is offered beside the text.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SKIPPED: Final = frozenset(
    b"fonttbl colortbl stylesheet info pict object header footer listtable listoverridetable generator themedata "
    b"colorschememapping latentstyles datastore rsidtbl xmlnstbl fldinst".split()
)
_WRITTEN: Final = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"cell": "\t", b"tab": "\t",
    b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”",
}  # fmt: skip
_SYMBOLS: Final = {
    b"~": "\u00a0",
    b"-": "",
    b"_": "\u2011",
    b"\\": "\\",
    b"{": "{",
    b"}": "}",
    b"\n": "\n",
    b"\r": "\n",
}
_DEEPEST: Final = 500


def rtf_text(content: bytes) -> str:
    """Text of `content`; bytes are read as windows-1252, `\\u` as Unicode. Never raises."""
    said: list[str] = []
    # one entry per open group: (nothing of it is text, characters to drop after a \u)
    groups: list[tuple[bool, int]] = []
    skipped, fallback, to_drop = False, 1, 0
    for word, number, byte, symbol, brace, plain in _TOKEN.findall(content):
        if brace == b"{":
            if len(groups) < _DEEPEST:
                groups.append((skipped, fallback))
        elif brace == b"}":
            skipped, fallback = groups.pop() if groups else (False, 1)
        elif word in _SKIPPED or symbol == b"*":
            skipped = True
        elif skipped:
            continue
        elif word == b"uc":
            fallback = max(0, min(int(number or 1), 8))
        elif word == b"u" and number:
            said.append(_character(int(number)))
            to_drop = fallback
        elif word:
            said.append(_WRITTEN.get(word, ""))
        else:
            text = bytes.fromhex(byte.decode()).decode("cp1252", "replace") if byte else _SYMBOLS.get(symbol, "")
            text = plain.decode("cp1252", "replace") if plain else text
            said.append(text[to_drop:])
            to_drop = max(0, to_drop - len(text))
    return _paired("".join(said)).strip()


def _character(number: int) -> str:
    r"""`\u` counts as a signed unit of UTF-16; two of them may make one character, in `_paired`."""
    code = number % 65536
    return "\ufffd" if code < 32 else chr(code)


def _paired(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
