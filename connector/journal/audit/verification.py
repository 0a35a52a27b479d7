"""Walking the chain: is every line there, unchanged and in its place?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.journal.audit.chain import FOLLOWER, START, SUSPENDED, Head, Reader, anchor_of
from connector.journal.audit.entry import AuditEntry, DamagedLine, from_line
from connector.journal.audit.key import AuditKey
from connector.journal.model import stamp

if TYPE_CHECKING:
    from connector.journal.db.connection import Row

_PAGE: Final = 1000
_LINES: Final = "SELECT id, at, line, mac FROM audit WHERE id > ? ORDER BY id LIMIT ?"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, from which line on; `text` is French, for the person who verifies."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lines` were good, up to `head`; `fault` is the first one found, None when the chain holds."""

    lines: int
    head: Head
    fault: Fault | None = None

    @property
    def good(self) -> bool:
        return self.fault is None


def verify(journal: Reader, key: AuditKey, *, noted: str = "") -> Verdict:
    """Reads the whole chain, a page at a time, also beside a running daemon.

    `noted` is a head kept elsewhere, `<number>:<mac>` or the mac alone: it must still be in the chain. Without one, a
    chain whose last lines were cut off cannot be told from a shorter one. Raises JournalError.
    """
    walk = _Walk(journal, key, noted)
    fault = walk.run()
    return Verdict(walk.lines, walk.head, fault)


class _Walk:
    def __init__(self, journal: Reader, key: AuditKey, noted: str) -> None:
        self._journal = journal
        self._key = key
        number, _, mac = noted.strip().rpartition(":")
        self._noted_number = int(number) if number.isdigit() else None
        self._noted_mac = mac.lower()
        self._noted_seen = False
        self._vouched = True
        self._anchor = START
        self.lines = 0
        self.head = self._anchor

    def run(self) -> Fault | None:
        sent = _sent(self._journal)
        self._start(anchor_of(self._journal))
        for row in self._rows():
            fault = self._step(row)
            if fault is not None:
                return fault
        return self._end(sent)

    def _rows(self) -> Iterator[Row]:
        while rows := self._journal.query(_LINES, (self.head.number, _PAGE)):
            anchor = anchor_of(self._journal)
            if rows[0]["id"] > self.head.number + 1 and anchor.number > self.head.number:
                # a purge went past us since the last page
                self._start(anchor)
                continue
            yield from rows

    def _start(self, anchor: Head) -> None:
        self._anchor = self.head = anchor
        # a line of the chain must say that this anchor is the connector's own
        self._vouched = anchor.number == 0
        self._meet(anchor)

    def _step(self, row: Row) -> Fault | None:
        number: int = row["id"]
        expected = self.head.number + 1
        if number != expected:
            last = f" à {number - 1}" if number - 1 > expected else ""
            return Fault(expected, f"ligne {expected}{last} absente : la suivante est la ligne {number}")
        mac = self._key.mac(self.head.mac, row["line"])
        told, entry = _read(row["line"])
        if told is not None and told != number:
            return Fault(number, f"ligne {number} : elle porte le numéro {told} (ligne retirée, ajoutée ou déplacée)")
        if mac != row["mac"] or entry is None:
            return Fault(number, f"ligne {number} : son contenu ou son sceau a été modifié, ou elle a été ajoutée")
        if stamp(entry.at) != row["at"]:
            return Fault(number, f"ligne {number} : la date de la table n'est plus celle de la ligne")
        if entry.kind == "purge" and entry.relates_to == str(self._anchor):
            self._vouched = True
        self.head = Head(number, mac)
        self.lines += 1
        self._meet(self.head)
        return None

    def _meet(self, head: Head) -> None:
        if self._noted_mac == head.mac:
            self._noted_seen = True

    def _end(self, sent: int) -> Fault | None:
        after = self.head.number + 1
        if not self._vouched:
            gone = f"lignes jusqu'à {self._anchor.number} retirées"
            return Fault(self._anchor.number + 1, f"{gone} : aucune ligne d'effacement de la chaîne ne le confirme")
        if sent > self.head.number:
            return Fault(after, f"lignes {after} à {sent} absentes : l'envoi ITI-20 les a déjà transmises")
        if not self._noted_mac or self._noted_seen:
            return None
        if self._noted_number is not None and self._noted_number < self._anchor.number:
            text = f"la tête notée (ligne {self._noted_number}) a été effacée depuis par la durée de conservation"
            return Fault(self._noted_number, f"{text} : la comparaison n'est plus possible")
        return Fault(
            after, "la tête notée n'est plus dans la chaîne : des dernières lignes ont été retirées ou refaites"
        )


def _sent(journal: Reader) -> int:
    """The last line that ITI-20 has delivered, also before it was switched off."""
    rows = journal.query("SELECT position FROM follower WHERE name = ?", (FOLLOWER,))
    rows = rows or journal.query("SELECT value FROM meta WHERE name = ?", (SUSPENDED,))
    return int(rows[0][0]) if rows else 0


def _read(line: str) -> tuple[int | None, AuditEntry | None]:
    try:
        return from_line(line)
    except DamagedLine:
        return None, None
