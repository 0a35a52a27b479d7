"""What an export was asked, and the command line that asks it again: whole, and quoted to be pasted."""

from __future__ import annotations

import os
import shlex
import shutil
import string
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

OUT: Final = Path("export-lettres")
WORKERS: Final = min(2, os.cpu_count() or 1)
DEPTH: Final = 200
PATIENCE: Final = 900.0

_PLAIN: Final = frozenset(f"{string.ascii_letters}{string.digits} ./-_#*?".encode())

To = Literal["dmp", "folder"]


@dataclass(frozen=True, slots=True)
class Order:
    """The options of the command, as they were given."""

    config: Path
    words: tuple[str, ...]
    to: To
    out: Path
    mapping: Path | None
    template: Path | None
    workers: int
    depth: int
    patience: float
    dry_run: bool
    resume: bool
    as_json: bool

    @property
    def again(self) -> str:
        """The command that goes on where this one stopped; for a rehearsal, the one that rehearses again."""
        order = self if self.dry_run else replace(self, resume=True)
        return order.line()

    def elsewhere(self) -> str:
        """The same export in a folder that holds none."""
        free, number = self.out, 2
        while free.exists():
            free, number = self.out.with_name(f"{self.out.name}-{number}"), number + 1
        return replace(self, out=free, resume=False).line()

    def line(self) -> str:
        """The command line; what is left out has the value it has here."""
        told: list[tuple[str, object, object]] = [
            ("--to", self.to, "dmp"),
            ("--out", self.out, OUT),
            ("--mapping", self.mapping, None),
            ("--template", self.template, None),
            ("--workers", self.workers, WORKERS),
            ("--depth", self.depth, DEPTH),
            ("--patience", f"{self.patience:.15g}", f"{PATIENCE:.15g}"),
        ]
        words = [*_program(), "letters", "export", *map(_no_option, self.words), "-c", str(self.config)]
        words += [word for name, value, usual in told if value != usual for word in (name, str(value))]
        asked = (("--dry-run", self.dry_run), ("--resume", self.resume), ("--json", self.as_json))
        words += [name for name, wanted in asked if wanted]
        return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """For a shell; a name whose bytes are no text is spelt out, since nobody could paste it."""
    if word.isprintable():
        return shlex.quote(word)
    plain = (chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(plain)}'"


def _no_option(word: str) -> str:
    """A source that begins as an option does, said so that it is taken for none."""
    return f"./{word}" if word.startswith("-") else word


def _program() -> list[str]:
    """The program as it can be called from here."""
    program = Path(sys.argv[0])
    if program.name != "connector":
        return [sys.executable, "-m", "connector"]
    found = shutil.which("connector")
    return ["connector"] if found is not None and program.exists() and program.samefile(found) else [str(program)]
