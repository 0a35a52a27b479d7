"""A CDA as plain text, for a terminal: the same page once more, one line per fact."""

from __future__ import annotations

from collections.abc import Iterator

from connector.cda.header import CDA_CAP
from connector.render.html.page import page_tree, read_document
from connector.render.pdf.blocks import Block, Images, Run, page_blocks


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
                yield from ("", title, ("=" if block["l"] == 1 else "-") * len(title))
            case "terms":
                for term, said in block["i"]:
                    yield f"{_words(term)} : {_inline(said)}"
            case "columns":
                for column in block["i"]:
                    yield from _lines(column)
            case "list":
                yield from (f"- {_inline(item)}" for item in block["i"])
            case "table":
                yield from _rows(block)
            case "image":
                yield f"[{block['alt']}]"
            case _:
                yield _words(block["r"])


def _rows(table: Block) -> Iterator[str]:
    rows: dict[int, list[str]] = {}
    for cell in table["cells"]:
        rows.setdefault(cell["y"], []).append(_inline(cell["b"]))
    for y in sorted(rows):
        yield " | ".join(rows[y])


def _inline(blocks: list[Block]) -> str:
    return " ; ".join(line for line in _lines(blocks) if line)


def _words(runs: list[Run]) -> str:
    return "".join(text for text, _ in runs)
