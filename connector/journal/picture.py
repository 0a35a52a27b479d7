"""The three lives as pictures, drawn from their tables: `python -m connector.journal.picture > docs/lifecycle.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from connector.journal.documents import DOCUMENT, FOLLOWS
from connector.journal.lifecycle import DELIVERY, E, Lifecycle, S
from connector.journal.messages import MESSAGE

_INTRODUCTION = """\
# The lives of a message, a delivery and a document

Drawn from `connector/journal/messages.py`, `lifecycle.py` and `documents.py` by
`python -m connector.journal.picture`, held equal by a test. An event that is not in a table is an error. Each move is
one line of the timeline.
"""
_MESSAGE = """\
## Message

A message is stored before it is acknowledged, then routed once. Its reception and its routing are lines read from its
own row; the other moves write theirs.
"""
_DELIVERY = """\
## Delivery

One piece of work for one patient: a question, a document to publish, an acknowledgement to give back.
"""
_DOCUMENT = """\
## Document

A document is moved by the delivery that carries it and by nothing else. Both moves are one line of the timeline: the
delivery's, which names the document's move in its data.
"""


def markdown() -> str:
    """The page: per life a state diagram (Mermaid) and, per event, the text it writes on the timeline."""
    return "\n".join(
        [
            _INTRODUCTION,
            *_section(_MESSAGE, MESSAGE),
            *_section(_DELIVERY, DELIVERY),
            *_section(_DOCUMENT, DOCUMENT),
            *_follows(),
        ]
    )


def arrows(life: Lifecycle[S, E]) -> Iterator[str]:
    """One Mermaid line per pair of states, with every event that leads from the one to the other."""
    moves: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in life.table.items():
        moves.setdefault((state, after), []).append(event)
    yield from (f"    [*] --> {state}" for state in sorted(life.initial))
    yield from (f"    {state} --> {after}: {', '.join(events)}" for (state, after), events in moves.items())
    yield from (f"    {state} --> [*]" for state in sorted(life.final))


def _section(introduction: str, life: Lifecycle[S, E]) -> Iterator[str]:
    yield introduction
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield from arrows(life)
    yield "```"
    yield ""
    yield "| event | default text |"
    yield "|---|---|"
    yield from (f"| `{event}` | {text} |" for event, text in life.texts.items())
    yield ""


def _follows() -> Iterator[str]:
    yield "What a move of the delivery means for its document, by whether an unconfirmed effect may exist after it:"
    yield ""
    yield "| delivery | no doubt | doubt |"
    yield "|---|---|---|"
    for event in dict.fromkeys(event for event, _ in FOLLOWS):
        cells = (FOLLOWS.get((event, unsettled), "") for unsettled in (False, True))
        yield f"| `{event}` | " + " | ".join(f"`{cell}`" if cell else "" for cell in cells) + " |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(markdown())
