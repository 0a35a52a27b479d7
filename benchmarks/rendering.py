"""A letter as a page, against the floor nobody can go below: parsing it and serialising it again; and as PDF/A-1b.

`run()["ratio"]` is the median over rounds of (page) / (floor), both in the same round. The PDF has no floor: its time
is told, the check of its rules included.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from functools import partial

from lxml import etree

from benchmarks.timing import microseconds
from connector.base.resources import resource_dir
from connector.letter.build import build
from connector.letter.inputs import read_data
from connector.letter.plain import letter_of
from connector.render.html import to_html
from connector.render.pdf import to_pdf

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def sample_letter() -> bytes:
    """The whole sample discharge letter, about 27 kB."""
    path = resource_dir("samples") / "lettres" / "discharge.json"
    data = read_data(path.read_bytes(), path.name)
    return build(letter_of({"id": "2.25.1", "set_id": "2.25.2", **data}))


def floor(cda: bytes) -> bytes:
    return etree.tostring(etree.fromstring(cda))


def run(rounds: int = 7, calls: int = 20) -> dict[str, float]:
    """Microseconds of all three, and the median ratio; measured in alternation."""
    cda = sample_letter()
    pages, floors, papers = [], [], []
    for _ in range(rounds):
        floors.append(microseconds(partial(floor, cda), calls))
        pages.append(microseconds(partial(to_html, cda), calls))
        papers.append(microseconds(partial(to_pdf, cda, now=NOW), max(1, calls // 10)))
    return {
        "page_us": statistics.median(pages),
        "floor_us": statistics.median(floors),
        "pdf_us": statistics.median(papers),
        "ratio": statistics.median(page / least for page, least in zip(pages, floors, strict=True)),
    }


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name:10} {value:10.2f}")
