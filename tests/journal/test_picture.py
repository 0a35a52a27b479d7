"""The picture in docs/ is the tables in the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.journal.documents import DOCUMENT, FOLLOWS
from connector.journal.lifecycle import DELIVERY, Lifecycle
from connector.journal.messages import MESSAGE
from connector.journal.picture import arrows, markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md"


def test_the_page_is_drawn_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown()


@pytest.mark.parametrize("life", [MESSAGE, DELIVERY, DOCUMENT], ids=lambda life: life.name)
def test_every_row_of_the_table_is_in_the_picture(life: Lifecycle[Any, Any]) -> None:
    lines = list(arrows(life))
    assert "\n".join(lines) in markdown()
    drawn = {
        (line.split(" --> ")[0].strip(), event, line.split(" --> ")[1].split(":")[0])
        for line in lines
        if ": " in line
        for event in line.split(": ", 1)[1].split(", ")
    }
    assert drawn == {(state, event, after) for (state, event), after in life.table.items()}
    assert {line.strip() for line in lines if "[*]" in line} == {
        *(f"[*] --> {state}" for state in life.initial),
        *(f"{state} --> [*]" for state in life.final),
    }


def test_what_follows_is_in_the_page() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]
    for (event, unsettled), meaning in FOLLOWS.items():
        cells = next(row for row in rows if row.startswith(f"| `{event}` ") and row.count("|") == 4).split("|")
        assert cells[2 + unsettled].strip() == f"`{meaning}`"
