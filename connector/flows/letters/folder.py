"""The watched folder: each file a letter (or a file with its header), taken once, answered beside itself.

    lettre.json, lettre.yaml, lettre.xml       data, or a CDA
    lettre.pdf with lettre.pdf.yaml (.json)    a level-1 document and its header
    working/     being handed in; what a stop left there goes on at the next start
    done/        handed in, with NAME.recu.json (its uniqueId)
    refused/     refused, with NAME.motif.txt (every reason, French)

A file is taken by a rename, once it did not change between two looks. One that is wrong, or that cannot be moved, stops
no other one.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from connector.base.errors import where
from connector.base.logs import logger
from connector.flows.letters.config import LettersConfig
from connector.flows.letters.desk import LetterDesk
from connector.flows.letters.folder_names import free, headers, is_header, longest, not_yet, shortened, too_long
from connector.flows.letters.model import LetterReceipt, Source
from connector.flows.letters.sources import NamedFile, kind_of, source_of
from connector.journal import JournalError
from connector.letter.errors import Fault, LetterError, fault

WORKING, DONE, REFUSED = "working", "done", "refused"
_VERDICT: Final = ".verdict"
_NUMBER: Final = 8
"""Bytes of the number a name may be given in done/ or refused/."""
_BATCH: Final = 500
"""Files taken in one look; the next look follows at once while there are more."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file seen in the folder: its name, its header's, and what tells whether it still changes."""

    name: str
    header: str
    state: tuple[tuple[int, int], ...]
    since: float


class LetterFolder:
    """`run` until cancelled, in the daemon's loop; `look` once, for tests.

    now  seconds since the epoch, as the file system counts
    """

    def __init__(self, folder: Path, desk: LetterDesk, config: LettersConfig, now: Callable[[], float] = time.time):
        self._folder = folder
        self._desk = desk
        self._config = config
        self._now = now
        self._seen: dict[str, tuple[tuple[int, int], ...]] = {}
        self._stuck: dict[str, str] = {}
        self._strange: Counter[str] = Counter()
        self._longest = longest(folder)
        self._log = logger("letters")

    async def run(self) -> None:
        """Looks every `folder_seconds`. A folder that is away is looked for again."""
        while True:
            taken = 0
            try:
                taken = await self.look()
            except OSError as error:
                self._log.error("letter folder cannot be used", cause=error.strerror or type(error).__name__)
            except JournalError:
                self._log.error("letters wait: the journal takes nothing")
            if taken < _BATCH:
                await asyncio.sleep(self._config.folder_seconds)

    async def look(self) -> int:
        """Takes what is ready and hands it in, oldest first; gives how many files were treated.

        Raises OSError when the folder cannot be used, JournalError when nothing can be stored: both leave every
        file where it is. A file that cannot be moved, or answered, stays where it is and is tried again at each look.
        """
        await asyncio.to_thread(self._prepare)
        before, in_hand = set(self._stuck), await asyncio.to_thread(self._left)
        for left in in_hand:
            await self._guarded(left.name, self._treat(left))
        treated = 0
        for found in await asyncio.to_thread(self._ready):
            treated += await self._guarded(found.name, self._hand_in(found))
        there = {left.name for left in in_hand} | set(self._seen)
        self._stuck = {name: cause for name, cause in self._stuck.items() if name in there}
        causes = [cause for name, cause in self._stuck.items() if name not in before]
        if causes:
            self._log.error("files of the letter folder cannot be moved", count=len(causes), cause=causes[0])
        return treated

    async def _guarded(self, name: str, work: Awaitable[bool]) -> bool:
        """What `work` says, False when it failed: what the file system refuses for one file is no other's business."""
        try:
            treated = await work
        except OSError as error:
            self._stuck[name] = error.strerror or type(error).__name__
            return False
        self._stuck.pop(name, None)
        return treated

    async def _hand_in(self, found: _Found) -> bool:
        """Whether it was treated; not when a file of the same name is still in hand."""
        if too_long(found.name, self._longest):
            await asyncio.to_thread(self._refuse_name, found)
            return True
        taken = await asyncio.to_thread(self._take, found)
        return taken is not None and await self._treat(taken)

    # -- finding and taking ----------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        for name in (WORKING, DONE, REFUSED):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def _left(self) -> list[Path]:
        """What a stop, or a store that was full, left in hand."""
        return sorted(path for path in (self._folder / WORKING).iterdir() if path.is_dir())

    def _ready(self) -> list[_Found]:
        """Files that did not change since the last look, oldest first; those that could not be moved come last."""
        found = {one.name: one for one in self._files()}
        ready = [one for one in found.values() if self._seen.get(one.name) == one.state]
        self._seen = {name: one.state for name, one in found.items()}
        return sorted(ready, key=lambda one: (one.name in self._stuck, one.since, one.name))[:_BATCH]

    def _files(self) -> Iterator[_Found]:
        stats, strange = {}, Counter[str]()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if not_yet(entry.name):
                    continue
                if entry.is_file(follow_symlinks=False):
                    stats[entry.name] = entry.stat()
                elif entry.name not in (WORKING, DONE, REFUSED):
                    strange[_kind(entry)] += 1
        self._tell_strange(strange)
        with_header = headers(stats)
        for name, stat in stats.items():
            header = with_header.get(name, "")
            named = [stat] + ([stats[header]] if header else [])
            since = max(one.st_mtime for one in named)
            lonely = (kind_of(name) == "enclosed" and not header) or is_header(name)
            if is_header(name) and PurePath(name).stem in stats:
                # it goes with its file
                continue
            if lonely and self._now() - since < self._config.orphan_seconds:
                continue
            yield _Found(name, header, tuple((one.st_size, one.st_mtime_ns) for one in named), since)

    def _tell_strange(self, strange: Counter[str]) -> None:
        """Once for what is there; never its name, which may be a person's."""
        if strange and strange != self._strange:
            self._log.warning("letter folder holds what is no file: left there", **strange)
        self._strange = strange

    def _take(self, found: _Found) -> Path | None:
        """The working folder of a file, None when somebody else took it."""
        place = self._folder / WORKING / found.name
        try:
            place.mkdir()
            # the header first: a file in hand has everything it needs
            for name in filter(None, (found.header, found.name)):
                (self._folder / name).rename(place / name)
        except FileExistsError:
            # a file of the same name is still in hand
            return None
        except FileNotFoundError:
            self._give_back(place)
            return None
        return place

    def _give_back(self, place: Path) -> None:
        for path in sorted(place.iterdir()):
            back, refused = self._folder / path.name, self._folder / REFUSED
            # when a newer file of that name is there already, neither is lost
            path.rename(refused / free(refused, [path.name])[path.name] if back.exists() else back)
        place.rmdir()

    # -- handing in ------------------------------------------------------------------------------------------------

    async def _treat(self, place: Path) -> bool:
        """Whether it is put away now. Never raises for what a file says; JournalError and OSError leave it in hand."""
        if await asyncio.to_thread((place / _VERDICT).exists):
            await asyncio.to_thread(self._put_away, place)
            return True
        if not await asyncio.to_thread((place / place.name).exists):
            # the header of a file that was not taken yet
            await asyncio.to_thread(self._give_back, place)
            return False
        receipt = await self._receipt(place)
        if receipt.verdict == "unavailable":
            raise JournalError("letters cannot be stored for now")
        await asyncio.to_thread(self._judge, place, receipt)
        self._log.info("letter of the folder", verdict=receipt.verdict, document=receipt.unique_id)
        return True

    async def _receipt(self, place: Path) -> LetterReceipt:
        try:
            source = await asyncio.to_thread(self._read, place)
            return await self._desk.submit_letter(source)
        except LetterError as error:
            return LetterReceipt("refused", findings=error.faults)
        except (JournalError, FileNotFoundError):
            raise
        except Exception as error:  # noqa: BLE001 - one bad file never stops the rest
            self._log.error("letter of the folder failed", what=type(error).__name__, where=where(error))
            return LetterReceipt("refused", findings=(_failed(error),))

    def _read(self, place: Path) -> Source:
        path = place / place.name
        beside = headers(one.name for one in place.iterdir()).get(place.name)
        header = place / beside if beside is not None else None
        size = sum(one.stat().st_size for one in (path, header) if one is not None)
        if size > self._config.max_bytes:
            wanted = f"{self._config.max_bytes} octets au plus"
            raise LetterError([fault("(fichier)", "le fichier est trop grand", wanted, f"{size} octets")])
        if is_header(place.name):
            raise LetterError([fault("(fichier)", "l'en-tête attend un fichier qui n'est pas venu", path.stem)])
        named = NamedFile(header.name, header.read_bytes()) if header is not None else None
        return source_of(NamedFile(path.name, path.read_bytes()), named)

    # -- putting away ----------------------------------------------------------------------------------------------

    def _judge(self, place: Path, receipt: LetterReceipt) -> None:
        """The verdict is written first: what was accepted is never handed in again because of a stop here."""
        self._write_verdict(place, receipt)
        self._put_away(place)

    def _write_verdict(self, place: Path, receipt: LetterReceipt) -> None:
        away = DONE if receipt.accepted else REFUSED
        text = _receipt_text(receipt) if receipt.accepted else _reasons(receipt)
        part = place / f"{_VERDICT}.part"
        part.write_text(f"{away}\n{text}", encoding="utf-8")
        part.replace(place / _VERDICT)

    def _refuse_name(self, found: _Found) -> None:
        """Under a shorter name: no answer could be written beside its own. The verdict is there before the file is."""
        short = shortened(found.name)
        place = self._folder / WORKING / short
        place.mkdir(exist_ok=True)
        text = "le nom du fichier est trop long : sa réponse ne pourrait pas être écrite à côté de lui"
        expected = f"{self._longest} octets au plus"
        self._write_verdict(place, LetterReceipt("refused", findings=(fault("(fichier)", text, expected),)))
        if found.header:
            (self._folder / found.header).rename(place / f"{short}{PurePath(found.header).suffix}")
        (self._folder / found.name).rename(place / short)
        self._put_away(place)
        self._log.info("letter of the folder", verdict="refused", document="")

    def _put_away(self, place: Path) -> None:
        away, _, text = (place / _VERDICT).read_text(encoding="utf-8").partition("\n")
        target = self._folder / away
        files = [path for path in sorted(place.iterdir()) if not path.name.startswith(_VERDICT)]
        names = free(target, [path.name for path in files])
        suffix = ".recu.json" if away == DONE else ".motif.txt"
        written = names.get(place.name, place.name)
        if too_long(written, self._longest + _NUMBER):
            written = shortened(written)
        (target / f"{written}{suffix}").write_text(text, encoding="utf-8")
        for path in files:
            path.rename(target / names[path.name])
        (place / _VERDICT).unlink()
        with suppress(OSError):
            (place / f"{_VERDICT}.part").unlink()
        place.rmdir()


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "links"
    return "folders" if entry.is_dir(follow_symlinks=False) else "others"


def _receipt_text(receipt: LetterReceipt) -> str:
    return json.dumps(receipt.as_dict(), ensure_ascii=False, indent=2) + "\n"


def _reasons(receipt: LetterReceipt) -> str:
    """Every reason on a line of its own, for whoever opens the file."""
    lines = [finding.sentence for finding in receipt.findings]
    return "\n".join(["Lettre refusée, rien n'a été enregistré :", *lines]) + "\n"


def _failed(error: Exception) -> Fault:
    if isinstance(error, OSError):
        return fault("(fichier)", "le fichier ne peut pas être lu", "un fichier lisible par le connecteur")
    return fault("(fichier)", "erreur interne, à signaler ; le fichier peut être redéposé")
