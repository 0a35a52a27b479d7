"""The desk letters are handed to: made, wrapped into one message, and given to the same intake as any message.

Nothing here speaks to the DMP: the message is checked, stored, gated, fed, traced and audited like all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from connector.base.clock import Clock
from connector.cda.model import CdaHeader, full_id
from connector.flows.intake import idempotence_key
from connector.flows.letters.config import LettersConfig
from connector.flows.letters.history import (
    ConflictError,
    check_deletion,
    check_predecessor,
    known_cda,
    known_data,
    known_deletion,
    remember_asking,
)
from connector.flows.letters.knowing import stay_of_message
from connector.flows.letters.making import MadeLetter, Predecessor, document_oid, make_from_cda, make_from_data
from connector.flows.letters.model import Asking, LetterReceipt, Source
from connector.flows.letters.stored import handed_before, stored_document
from connector.flows.letters.wrapping import Wrapping, wrap
from connector.flows.snapshot import Snapshot
from connector.hl7.ack import Ack, AckError, parse_ack
from connector.hl7.er7 import parse_header
from connector.hl7.model import Action, Flags, Organization, Provider, Sender
from connector.ins.model import Environment
from connector.journal import Journal, Tx
from connector.journal.documents import can_be_resubmitted
from connector.journal.routing import has_unrouted_before
from connector.letter.errors import Fault, LetterError, fault
from connector.patients.letters import Made, accepted_as, first_handed, made_of, remember_made
from connector.patients.versions import load_version

Hand = Callable[[bytes], Awaitable[bytes | None]]
"""Gives a message to an intake, here or over MLLP; its acknowledgement."""

CATCH_UP: Final = 5.0
"""Seconds the desk waits for admissions received before the letter to be applied."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """`structure` is that of [keys]; `max_bytes` caps a CDA, as the intake does."""

    letters: LettersConfig
    structure: str
    environment: Environment
    max_bytes: int


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """A message ready to be handed to the intake; `source` names what it was made of, "" for a CDA."""

    message: bytes
    unique_id: str
    action: Action
    source: str = ""


class LetterDesk:
    """Turns letters into messages; `hand` is where they go. Safe between threads."""

    def __init__(
        self, journal: Journal, hand: Hand, settings: DeskSettings, *, clock: Clock, executor: Executor | None = None
    ) -> None:
        self._journal = journal
        self._hand = hand
        self._settings = settings
        self._clock = clock
        self._executor = executor

    # -- the three acts --------------------------------------------------------------------------------------------

    async def submit_letter(self, source: Source) -> LetterReceipt:
        """Hands in a new letter, or a new version when it says itself what it replaces. Raises JournalError."""
        await self.caught_up()
        return await self._give(partial(self.prepare, source))

    async def replace_letter(self, source: Source, of: str) -> LetterReceipt:
        """Hands in the letter that replaces the document `of` (uniqueId)."""
        await self.caught_up()
        return await self._give(partial(self.prepare, source, of=of))

    async def delete_letter(self, unique_id: str, cda: bytes = b"", asking: Asking | None = None) -> LetterReceipt:
        """Asks for the deletion of a document; `cda` is the document where the journal no longer keeps it.

        Who asks and why is kept before anything else is done: what follows a refusal or a stop is its own line.
        """
        await self.caught_up()
        return await self._give(partial(self._deletion, unique_id, cda, asking))

    async def caught_up(self) -> None:
        """Returns once admissions received before now are applied, or after CATCH_UP seconds."""
        last = self._journal.query("SELECT max(id) AS last FROM message")[0]["last"] or 0
        limit = asyncio.get_running_loop().time() + CATCH_UP
        while has_unrouted_before(self._journal, last) and asyncio.get_running_loop().time() < limit:
            await asyncio.sleep(0.02)

    # -- preparing, in any thread ----------------------------------------------------------------------------------

    def prepare(self, source: Source, *, of: str = "") -> Prepared | LetterReceipt:
        """The message of a letter, or what is already known of it. Raises LetterError with every fault.

        of  uniqueId of the document to replace; "" leaves it to the letter
        """
        if source.data is None:
            made = make_from_cda(source, self._sql(), self._settings.letters, cap=self._settings.max_bytes)
            if of and full_id(made.header.replaced_id) != of:
                text = "le document ne dit pas qu'il remplace celui qui est demandé"
                raise LetterError([fault("relatedDocument/parentDocument/id", text, of)])
            return known_cda(self._journal, made, _action(made.header)) or self._prepared(source, made, "")
        source = self._under_its_key(source)
        known = made_of(self._sql(), source.name)
        if known is not None and (said := known_data(self._journal, known, source)) is not None:
            return said
        registered = self._journal.transact(lambda tx: remember_made(tx, self._new(tx, source, known)))
        made = make_from_data(
            source,
            self._sql(),
            self._settings.letters,
            made_at=datetime.fromisoformat(registered.made_at),
            replaces=self._predecessor(of) if of else None,
        )
        return self._prepared(source, made, source.name)

    def prepare_deletion(self, unique_id: str, cda: bytes = b"") -> Prepared | LetterReceipt:
        """The message that takes a document back, or what is already known of its deletion.

        Raises LetterError when its CDA is nowhere, or when there is nothing left to delete.
        """
        known = known_deletion(self._journal, unique_id)
        if known is not None:
            return known
        content = cda or stored_document(self._journal, unique_id)
        if not content:
            text = "le journal n'a pas, ou ne garde plus, ce document : donner le fichier CDA à supprimer"
            raise LetterError([fault("unique_id", text, "un document du journal, ou son CDA")])
        check_deletion(self._journal, unique_id, content)
        source = Source(cda=content)
        made = make_from_cda(source, self._sql(), self._settings.letters, cap=self._settings.max_bytes)
        if made.unique_id != unique_id:
            raise LetterError([fault("id", "le CDA donné est un autre document", unique_id, made.unique_id)])
        return self._prepared(source, made, "", action="delete")

    def receipt(self, prepared: Prepared, ack: bytes | None) -> LetterReceipt:
        """What the acknowledgement of a prepared message says."""
        assert ack is not None
        read: Ack = parse_ack(ack)
        findings = tuple(map(_of_ack, read.errors))
        match read.code:
            case "AA" | "CA":
                message_id = self._message_id(prepared.message)
                if prepared.source:
                    self._journal.transact(lambda tx: accepted_as(tx, prepared.source, message_id))
                return LetterReceipt("accepted", prepared.unique_id, prepared.action, message_id)
            case "AR" | "CR":
                return LetterReceipt("unavailable", prepared.unique_id, prepared.action, findings=findings)
            case _:
                return LetterReceipt("refused", prepared.unique_id, prepared.action, findings=findings)

    def _deletion(self, unique_id: str, cda: bytes, asking: Asking | None) -> Prepared | LetterReceipt:
        prepared = self.prepare_deletion(unique_id, cda)
        if asking is not None and isinstance(prepared, Prepared):
            self._journal.transact(lambda tx: remember_asking(tx, unique_id, asking))
        return prepared

    async def _give(self, prepare: Callable[[], Prepared | LetterReceipt]) -> LetterReceipt:
        loop = asyncio.get_running_loop()
        try:
            prepared = await loop.run_in_executor(self._executor, prepare)
        except LetterError as error:
            return LetterReceipt("refused", findings=error.faults, conflict=isinstance(error, ConflictError))
        if isinstance(prepared, LetterReceipt):
            return prepared
        ack = await self._hand(prepared.message)
        return await loop.run_in_executor(self._executor, self.receipt, prepared, ack)

    def _prepared(self, source: Source, made: MadeLetter, name: str, *, action: Action | None = None) -> Prepared:
        letters, header = self._settings.letters, made.header
        done = action or _action(header)
        if done == "replace":
            check_predecessor(self._journal, full_id(header.replaced_id), made.unique_id)
        before = handed_before(self._journal, made.unique_id, done, made.cda)
        given_back = before.delivery_id if before is not None and can_be_resubmitted(before.state) else 0
        facts = Wrapping(
            letters.application,
            letters.facility,
            self._sender(header),
            stay_of_message(made.stay, header),
            made.stay.ipp if made.stay else None,
            _flags(source),
            self._settings.environment,
        )
        message = wrap(made.cda, header, facts, action=done, given_back=given_back)
        return Prepared(message, made.unique_id, done, name)

    def _sender(self, header: CdaHeader) -> Sender:
        """The structure of the settings, else the legal authenticator's; and the person when the settings say so."""
        letters, signer = self._settings.letters, header.legal_authenticator
        own = signer.organization if signer else None
        number = letters.structure or (own.id.extension if own and own.id else "") or self._settings.structure
        person = None
        if letters.sender == "authenticator" and signer is not None and signer.id is not None:
            person = Provider(signer.id.extension, signer.family, signer.given)
        return Sender(person, Organization(name=own.name if own and not letters.structure else "", id=number))

    def _under_its_key(self, source: Source) -> Source:
        """The source as it is known: keys of the body of a request were once kept without their caller's name."""
        if not (source.caller and source.key) or made_of(self._sql(), source.name) is not None:
            return source
        bare = source.without_caller()
        former = made_of(self._sql(), bare.name)
        if former is None or not former.message_id:
            return source
        rows = self._journal.query("SELECT peer FROM message WHERE id = ?", (former.message_id,))
        # of a message no longer kept nobody knows whose it was: the same letter twice would be worse than a refusal
        return bare if not rows or rows[0]["peer"] == entry_of(source.caller) else source

    def _new(self, tx: Tx, source: Source, known: Made | None) -> Made:
        made_at = known.made_at if known else first_handed(self._clock())
        own = source.data.get("id") if source.data else None
        return Made(source.name, source.digest, str(own or document_oid(source.name)), made_at)

    def _predecessor(self, unique_id: str) -> Predecessor:
        """What is known of a document to replace: the DMP took it, or it is still on its way."""
        version = load_version(self._sql(), unique_id)
        if version is not None:
            return Predecessor.of(version)
        content = stored_document(self._journal, unique_id)
        if not content:
            return Predecessor(unique_id)
        header = make_from_cda(Source(cda=content), self._sql(), self._settings.letters, cap=self._settings.max_bytes)
        number = header.header.version
        return Predecessor(unique_id, full_id(header.header.set_id), int(number) if number.isdecimal() else 0)

    def _message_id(self, message: bytes) -> int:
        key = idempotence_key(parse_header(message), message)
        rows = self._journal.query("SELECT id FROM message WHERE key = ? AND verdict = 'accepted'", (key,))
        return int(rows[0]["id"]) if rows else 0

    def _sql(self) -> Snapshot:
        return Snapshot(self._journal)


def entry_of(caller: str) -> str:
    """How the journal names where messages come from: the folder, the command, an application over HTTP."""
    return f"letters:{caller}"


def _action(header: CdaHeader) -> Action:
    return "replace" if header.replaced_id is not None else "create"


def _flags(source: Source) -> Flags:
    said = {name.lower(): True for name in source.hidden}
    return Flags(dest_dmp=True, **said)


def _of_ack(error: AckError) -> Fault:
    return fault(error.location.replace("^", "-", 1), error.app_text or error.text, "", error.app_code or error.code)
