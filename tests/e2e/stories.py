"""What one patient's sender writes: letters, and in a story of versions their replacements and deletions."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, replace
from typing import Final, Literal

from connector.base.oid import oid_from_uuid
from connector.base.resources import resource_dir
from connector.cli.demo_letters import LETTER_ID, REPLACEMENT_ID, SET_ID, fresh_letter
from tests.e2e.messages import deletion, edit_cda

WANTS_ZAM = "ACK_RECEPTION^Accusé de réception^MetaDMPMSS||Y^".encode()
_NO_ZAM = WANTS_ZAM.replace(b"Y^", b"N^")

Mix = Literal["creations", "versions"]
"""New letters only, or chains: a letter, its replacements one after the other, its deletion."""

Action = Literal["create", "replace", "delete"]

DELETED: Final = "TD3.3c"
OPEN_CHAINS: Final = 3
"""Chains of one patient that may still be replaced or taken back; the oldest is then left as it is."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One request sent; `patient` is its sender's index, `set_id` the chain, `replaces` the version that goes."""

    unique_id: str
    control_id: str
    patient: int
    wants_zam: bool
    action: Action = "create"
    set_id: str = ""
    replaces: str = ""

    @property
    def act(self) -> str:
        """What the DMP accepts of it, once."""
        return act(self.unique_id, DELETED) if self.action == "delete" else self.unique_id


def act(unique_id: str, operation: str) -> str:
    """An acceptance by name: the uniqueId alone is a feed, new or replacing."""
    return f"{unique_id} {operation}" if operation == DELETED else unique_id


@dataclass(frozen=True, slots=True)
class _Chain:
    """A chain: its newest version, and the last message about it."""

    set_id: str
    newest: str
    number: int
    message: bytes


class Author:
    """The requests of one patient, each of which follows from those before; `personalise` makes a sample theirs."""

    def __init__(self, patient: int, letter: bytes, replacement: bytes, chance: random.Random, mix: Mix) -> None:
        self._patient = patient
        self._letter = letter
        self._replacement = replacement
        self._chance = chance
        self._mix = mix
        self._open: list[_Chain] = []

    def next(self, control_id: str, *, wants_zam: bool) -> tuple[bytes, Letter]:
        """The next message, and what it asks."""
        match self._draw():
            case "create":
                letter, chain = self._create(control_id)
            case "replace":
                letter, chain = self._replace(control_id, self._take())
            case "delete":
                letter, chain = self._delete(control_id, self._take())
        if letter.action != "delete":
            self._open = [*self._open, chain][-OPEN_CHAINS:]
        raw = chain.message
        assert WANTS_ZAM in raw
        return raw if wants_zam else raw.replace(WANTS_ZAM, _NO_ZAM), replace(letter, wants_zam=wants_zam)

    def _draw(self) -> Action:
        if self._mix == "creations" or not self._open:
            return "create"
        (action,) = self._chance.choices(("create", "replace", "delete"), (35, 40, 25))
        return action  # type: ignore[return-value]

    def _take(self) -> _Chain:
        return self._open.pop(self._chance.randrange(len(self._open)))

    def _create(self, control_id: str) -> tuple[Letter, _Chain]:
        raw, unique_id = fresh_letter(self._letter, control_id, self._uuid())
        letter = Letter(unique_id, control_id, self._patient, wants_zam=True, set_id=unique_id)
        return letter, _Chain(unique_id, unique_id, 1, raw)

    def _replace(self, control_id: str, chain: _Chain) -> tuple[Letter, _Chain]:
        unique_id, number = oid_from_uuid(self._uuid()), chain.number + 1
        ids = {REPLACEMENT_ID: unique_id, LETTER_ID: chain.newest}
        version = {SET_ID: chain.set_id, '<versionNumber value="2"/>': f'<versionNumber value="{number}"/>'}
        raw = edit_cda(self._replacement, lambda cda: _exchanged(cda, ids | version))
        raw = _exchanged(raw, ids | {"MDM0002": control_id})
        letter = Letter(unique_id, control_id, self._patient, True, "replace", chain.set_id, chain.newest)
        return letter, _Chain(chain.set_id, unique_id, number, raw)

    def _delete(self, control_id: str, chain: _Chain) -> tuple[Letter, _Chain]:
        letter = Letter(chain.newest, control_id, self._patient, True, "delete", chain.set_id)
        return letter, replace(chain, message=deletion(control_id, chain.message))

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._chance.getrandbits(128), version=4)


def _exchanged(content: bytes, changes: dict[str, str]) -> bytes:
    for old, new in changes.items():
        content = content.replace(old.encode(), new.encode())
    return content


def samples() -> tuple[bytes, bytes]:
    """The letter and the replacement every story is made from."""
    folder = resource_dir("samples")
    letter = (folder / "mdm-t02-lettre-de-liaison.er7").read_bytes()
    return letter, (folder / "mdm-t10-remplacement.er7").read_bytes()
