"""A desk beside a running site: its letters go over MLLP to the site's own listener."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from connector.assembly import open_desk
from connector.base.clock import random_uuid, utc_now
from connector.base.oid import oid_from_uuid
from connector.base.resources import resource_dir
from connector.cli.demo_letters import LETTER_ID, SET_ID
from connector.flows.letters import Asking, LetterDesk, LetterReceipt, Source
from connector.hl7.mllp_client import MllpClient
from connector.journal import Journal
from connector.letter.inputs import read_data
from connector.patients.discharges import Awaiting, awaiting
from connector.patients.schema import SCHEMA
from tests.e2e.harness import DEADLINE, Site

T = TypeVar("T")
STAY = "000897406@000897406"
LETTERS = Path(__file__).resolve().parents[2] / "samples" / "lettres"


class Desk:
    """The desk's three acts, done at once."""

    def __init__(self, site: Site, journal: Journal) -> None:
        async def hand(message: bytes) -> bytes | None:
            return await asyncio.to_thread(self._client.exchange, message)

        self._client = MllpClient("127.0.0.1", site.port, timeout=DEADLINE)
        self.desk: LetterDesk = open_desk(site.settings, journal, hand, clock=utc_now)
        self.journal = journal

    def submit(self, source: Source) -> LetterReceipt:
        return run(self.desk.submit_letter(source))

    def replace(self, source: Source, of: str) -> LetterReceipt:
        return run(self.desk.replace_letter(source, of))

    def delete(self, unique_id: str, cda: bytes = b"", asking: Asking | None = None) -> LetterReceipt:
        return run(self.desk.delete_letter(unique_id, cda, asking))

    def awaiting(self) -> tuple[Awaiting, ...]:
        return self.journal.transact(lambda tx: awaiting(tx, ("11490-0",), ("I",)))

    def close(self) -> None:
        self._client.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@contextmanager
def desk_of(site: Site) -> Iterator[Desk]:
    journal = Journal.open(site.settings.journal, utc_now, [SCHEMA])
    desk = Desk(site, journal)
    try:
        yield desk
    finally:
        desk.close()
        journal.close()


def fresh_cda(change: Callable[[bytes], bytes] = lambda cda: cda) -> tuple[bytes, str]:
    """(CDA, uniqueId): the sample letter under an id of its own."""
    unique_id = oid_from_uuid(random_uuid())
    cda = (resource_dir("samples") / "lettre-de-liaison-niveau-1.xml").read_bytes()
    own = unique_id.encode()
    return change(cda.replace(LETTER_ID.encode(), own).replace(SET_ID.encode(), own)), unique_id


def data(name: str = "discharge.yaml", **changes: Any) -> dict[str, Any]:
    """The data of a sample letter with some fields changed; None takes one out."""
    whole = {**read_data((LETTERS / name).read_bytes(), name), **changes}
    return {field: value for field, value in whole.items() if value is not None}


def stays_awaiting(site: Site) -> list[str]:
    """The list as settings make it."""
    letters = site.settings.letters
    journal = Journal.open(site.settings.journal, utc_now, [SCHEMA])
    try:
        return [one.stay for one in journal.transact(lambda tx: awaiting(tx, letters.due_types, letters.due_classes))]
    finally:
        journal.close()
