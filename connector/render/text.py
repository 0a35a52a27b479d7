"""A CDA as plain text, for a terminal: the same page once more, one line per fact."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from connector.cda.header import CDA_CAP
from connector.render.html.page import page_tree, read_document
from connector.render.pdf.blocks import Block, Images, Run, page_blocks

_ROMAN: Final = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")


def to_text(cda: bytes, *, cap: int = CDA_CAP) -> str:
    """The letter in lines; images are named. Raises CdaError when `cda` is no ClinicalDocument, LimitError for a table
    of more places than paper holds.
    """
    page, _, _ = page_tree(read_document(cda, cap))
    return "\n".join(_lines(page_blocks(page, Images()))).strip() + "\n"


def _lines(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        match block["t"]:
            case "h":
                title = _words(block["r"])
                width = max(map(len, title.split("\n")))
                yield from ("", title, ("=" if block["l"] == 1 else "-") * width)
            case "terms":
                for term, said in block["i"]:
                    yield f"{_words(term)} : {_inline(said)}"
            case "columns":
                for column in block["i"]:
                    yield from _lines(column)
            case "list":
                yield from (f"{_mark(block['n'], rank)} {_inline(item)}" for rank, item in enumerate(block["i"], 1))
            case "table":
                yield from _rows(block)
            case "image":
                yield f"[{block['alt']}]"
            case _:
                yield _words(block["r"])


def _mark(numbering: str, rank: int) -> str:
    """Of an item, in the style of its list (`blocks.py`): other texts may speak of it by that name."""
    style = numbering.removesuffix(".")
    match style.lower():
        case "":
            return "-"
        case "a" if rank <= 26:
            said = chr(ord("a") + rank - 1)
        case "i" if rank < 40:
            said = "x" * (rank // 10) + _ROMAN[rank % 10]
        case _:
            return f"{rank}."
    return f"{said.upper() if style.isupper() else said}."


def _rows(table: Block) -> Iterator[str]:
    rows: dict[int, list[str]] = {}
    for cell in table["cells"]:
        rows.setdefault(cell["y"], []).append(_inline(cell["b"]))
    for y in sorted(rows):
        yield " | ".join(rows[y])


def _inline(blocks: list[Block]) -> str:
    return " ; ".join(line for line in _lines(blocks) if line)


def _words(runs: list[Run]) -> str:
    """What paper shows by its looks is written: what is struck out is no fact any more, and 10⁹ is not 109."""
    return "".join(_written(style, "".join(text for text, _ in same)) for style, same in groupby(runs, key=_style))


def _style(run: Run) -> str:
    """Of the flags of a run (`blocks.py`), the one that changes what is understood: "d" struck out, "^" above."""
    return next((flag for flag in "d^" if flag in run[1]), "")


def _written(style: str, text: str) -> str:
    match style:
        case "d" if text.strip():
            return f"[supprimé : {text.strip()}]"
        case "^" if text.strip():
            return f"^{text}" if text.isalnum() else f"^({text})"
        case _:
            return text
