"""What is added in words to an entry (comment, instruction to the patient), and the entries that say "not"."""

from __future__ import annotations

from collections.abc import Iterator

from connector.letter.build.section import CCD, PCC
from connector.letter.read.cursor import Cursor
from connector.letter.read.story import referred

_COMMENT = frozenset({f"{CCD}.40", f"{PCC}.4.2"})
_INSTRUCTION = frozenset({f"{CCD}.49", f"{PCC}.4.3"})


def has_template(node: Cursor, *roots: str) -> bool:
    """True when the entry claims one of these templates."""
    return any(item.peek("root") in roots for item in node.each("templateId"))


def comment(entry: Cursor) -> str | None:
    """The comment tied to the entry."""
    return _remark(entry, _COMMENT, "48767-8")


def instruction(entry: Cursor) -> str | None:
    """The instruction to the patient tied to the entry."""
    return _remark(entry, _INSTRUCTION, "PINSTRUCT")


def _remark(entry: Cursor, templates: frozenset[str], code: str) -> str | None:
    for act in entry.each("entryRelationship/act"):
        if has_template(act, *templates) or act.at("code").peek("code") == code:
            technical(act)
            act.at("code").take()
            return referred(act.at("text"))
    return None


def technical(entry: Cursor, status: str = "completed") -> None:
    """Accounts for what only tells an entry from another: its made-up identifier, the status all such entries have."""
    for item in entry.each("id"):
        item.take()
    entry.at("statusCode").settle("code", status)


def affirmed(entries: Iterator[Cursor], *moods: str) -> Iterator[Cursor]:
    """The entries of these moods (of what was, by default) that say that something is; the others stay to be listed.

    Those that deny are set aside as such, never read as the contrary.
    """
    return (entry for entry in entries if entry.peek("moodCode") in ("", *(moods or ("EVN",))) and affirms(entry))


def affirms(entry: Cursor) -> bool:
    """True unless the entry denies; one that denies is set aside."""
    if entry.peek("negationInd") == "true":
        entry.keep("entrée qui nie (negationInd)")
        return False
    entry.settle("negationInd", "false")
    return True
