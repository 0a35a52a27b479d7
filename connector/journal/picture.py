"""The life cycle as a picture, drawn from its table: `python -m connector.journal.picture > docs/lifecycle.md`."""

from __future__ import annotations

import sys

from connector.journal.lifecycle import INITIAL, TABLE, TEXTS


def markdown() -> str:
    """A page with the state diagram (Mermaid) and, per event, the text it writes on the timeline."""
    moves: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in TABLE.items():
        moves.setdefault((state, after), []).append(event)
    lines = [
        "# The life of a delivery",
        "",
        "Drawn from `connector/journal/lifecycle.py` by `python -m connector.journal.picture`, held equal by a test.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *(f"    [*] --> {state}" for state in sorted(INITIAL)),
        *(f"    {state} --> {after}: {', '.join(events)}" for (state, after), events in moves.items()),
        "    done --> [*]",
        "```",
        "",
        "An event that is not in the table is an error. Each move writes one line on the timeline:",
        "",
        "| event | default text |",
        "|---|---|",
        *(f"| `{event}` | {text} |" for event, text in TEXTS.items()),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(markdown())
