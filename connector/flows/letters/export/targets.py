"""Where the letters of an export go, and the one that is a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Protocol

from connector.flows.letters.export.ledger import Ledger
from connector.flows.letters.export.model import Failure, Ready, State

_SAFE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,120}")


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """One letter to deliver; `at` is the time the ledger fixed for it."""

    digest: str
    ready: Ready
    at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What the target made of it: a state of the ledger, or a failure; `code` and `reason` say why it waits."""

    state: State
    message_id: int = 0
    code: str = ""
    reason: str = ""


Room = int | Literal["unreachable"]


class Target(Protocol):
    """Takes letters in order; called from one thread."""

    def room(self) -> Room:
        """How many letters it takes now; 0 is back-pressure."""

    def put(self, letters: Sequence[Letter]) -> Sequence[Taken | Failure]:
        """Delivers them, those of one patient in their order; answers in the order given."""

    def settle(self, ledger: Ledger, *, last: bool) -> bool:
        """Writes down what became of letters put before; True when all of them have ended.

        last  also look again at those that had ended otherwise than well
        """


class FolderTarget:
    """Writes each CDA to `lettres/<two characters>/<document id>.xml`, whole or not at all, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "lettres"

    def room(self) -> Room:
        return 1_000

    def put(self, letters: Sequence[Letter]) -> Sequence[Taken | Failure]:
        return [self._write(letter) for letter in letters]

    def settle(self, ledger: Ledger, *, last: bool) -> bool:
        return True

    def _write(self, letter: Letter) -> Taken | Failure:
        path = self._folder / file_of(letter.ready.document_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            if path.read_bytes() == letter.ready.cda:
                return Taken("written")
            reason = "un autre document de cet export porte le même identifiant"
            return Failure("remise", "id", reason, unit=letter.ready.unit, type=letter.ready.type)
        partial = path.with_suffix(".part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(letter.ready.cda)
        partial.replace(path)
        return Taken("written")


def file_of(document_id: str) -> str:
    """Path of a document below `lettres`: its own id, or what stands for one that is no file name."""
    name = document_id.replace("^", "-")
    if _SAFE.fullmatch(name) is None:
        name = f"id-{document_id.encode().hex()[:120]}"
    return f"{name[-2:].strip('.-') or '0'}/{name}.xml"


class Nowhere:
    """A rehearsal of a folder: every letter made and checked would be written."""

    def room(self) -> Room:
        return 1_000

    def put(self, letters: Sequence[Letter]) -> Sequence[Taken | Failure]:
        return [Taken("written") for _ in letters]

    def settle(self, ledger: Ledger, *, last: bool) -> bool:
        return True
