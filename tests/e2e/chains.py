"""What must be left of every chain of versions, in the DMP and in the connector's own table, and what may never be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from types import TracebackType

from connector.journal import JournalConfig, JournalReader
from connector.rules import names
from connector.simulator.registry import Registry
from tests.e2e.stories import DELETED, Letter, act

PERIOD = 0.2
"""Seconds between two looks at the table while the connector works."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one document is: `published`, `replaced` (by `by`) or `deleted`."""

    state: str
    by: str = ""


_STATES = {names.APPROVED: "published", names.DEPRECATED: "replaced", names.DELETED: "deleted"}


def asked_for(letters: Iterable[Letter]) -> dict[str, Standing]:
    """What every document must be once all `letters` have had their effect, in each patient's order."""
    end: dict[str, Standing] = {}
    for letter in letters:
        match letter.action:
            case "create":
                end[letter.unique_id] = Standing("published")
            case "replace":
                end[letter.unique_id] = Standing("published")
                end[letter.replaces] = Standing("replaced", letter.unique_id)
            case "delete":
                end[letter.unique_id] = replace(end[letter.unique_id], state="deleted")
    return end


def in_registry(registry: Registry, unique_ids: Iterable[str]) -> dict[str, Standing]:
    """What the registry made of each document; one that it has twice is in no state at all."""
    found: dict[str, Standing] = {}
    for unique_id in unique_ids:
        fate = registry.fate(unique_id)
        entries = {entry.item.lid for entry in registry.store.by_unique_id(unique_id)}
        if entries:
            state = _STATES[fate.status] if len(entries) == 1 else f"{len(entries)} documents"
            found[unique_id] = Standing(state, fate.replaced_by)
    return found


def in_table(journal: JournalReader) -> dict[str, Standing]:
    """What the connector believes."""
    rows = journal.query("SELECT unique_id, state, replaced_by FROM version")
    return {row["unique_id"]: Standing(row["state"], row["replaced_by"]) for row in rows}


@dataclass(frozen=True, slots=True)
class ChainCounts:
    """Chains that ended otherwise than asked, by setId; and documents the table and the registry disagree about."""

    chains: int
    standing: int
    deleted: int
    broken: list[str]
    believed: list[str]

    @property
    def clean(self) -> bool:
        return not (self.broken or self.believed)

    def __str__(self) -> str:
        return (
            f"{self.chains} chains: {self.standing} with one version standing, {self.deleted} deleted,"
            f" broken {len(self.broken)}; documents the connector is wrong about {len(self.believed)}"
        )


def count_chains(letters: Sequence[Letter], registry: Registry, journal: JournalReader) -> ChainCounts:
    """Judged from the registry's own state: one version stands in each chain, or none once it was deleted."""
    wanted = asked_for(letters)
    found, believed = in_registry(registry, wanted), in_table(journal)
    members: dict[str, list[str]] = {}
    for letter in letters:
        if letter.action != "delete":
            members.setdefault(letter.set_id, []).append(letter.unique_id)
    standing = {chain: sum(found.get(one) == Standing("published") for one in ids) for chain, ids in members.items()}
    return ChainCounts(
        chains=len(members),
        standing=sum(number == 1 for number in standing.values()),
        deleted=sum(any(found.get(one, Standing("")).state == "deleted" for one in ids) for ids in members.values()),
        broken=[chain for chain, ids in members.items() if any(found.get(one) != wanted[one] for one in ids)],
        believed=[one for one in wanted.keys() | believed.keys() if believed.get(one) != found.get(one)],
    )


class Watch:
    """Reads the table all along: nothing is in it before the DMP accepted it. `ahead` says what was."""

    def __init__(self, store: str, accepted: Callable[[], Set[str]]) -> None:
        self._store = store
        self._accepted = accepted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.ahead: set[str] = set()
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        journal = JournalReader(JournalConfig(self._store))
        try:
            while not self._over.wait(PERIOD):
                # the table first: what it says was accepted before
                believed = in_table(journal)
                accepted = self._accepted()
                self.ahead |= {needed for needed in _accepted_before(believed) if needed not in accepted}
                self.looks += 1
        finally:
            journal.close()


def _accepted_before(believed: dict[str, Standing]) -> Iterable[str]:
    for unique_id, standing in believed.items():
        yield unique_id
        if standing.state == "deleted":
            yield act(unique_id, DELETED)
        if standing.by:
            yield standing.by
