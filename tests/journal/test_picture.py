"""The picture in docs/ is the table in the code."""

from __future__ import annotations

from pathlib import Path

from connector.journal.lifecycle import TABLE
from connector.journal.picture import markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md"


def test_the_page_is_drawn_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_every_row_of_the_table_is_in_the_picture() -> None:
    arrows = [line for line in markdown().splitlines() if "-->" in line and ": " in line]
    drawn = {
        (line.split(" --> ")[0].strip(), event, line.split(" --> ")[1].split(":")[0])
        for line in arrows
        for event in line.split(": ", 1)[1].split(", ")
    }
    assert drawn == {(state, event, after) for (state, event), after in TABLE.items()}
