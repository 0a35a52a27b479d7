"""The DMP client: one method per transaction, typed values in and out.

Every method raises TransportError (its `sent` says whether the outcome is unknown), SoapFault (the server's own words)
or ServerRefusal (its errors in full, with the channel they came by); those that sign raise ClockError when our clock
cannot be trusted, before anything leaves or in place of the security fault that shows it. Errors arrive in four places
(dmp-interface a.11): fault, acknowledgement, status, list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import requests
from lxml import etree

from connector import codes
from connector.base.calls import OnCall, nobody
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.errors import SettingsError
from connector.dmp import td02, td03, verbs
from connector.dmp.config import DmpConfig
from connector.dmp.exchange import Exchange
from connector.dmp.facts import DocumentFacts
from connector.dmp.feed import Feed, PreparedFeed, prepare
from connector.dmp.forms import cx
from connector.dmp.retrieval import PartialRetrieval, Retrieved
from connector.dmp.submission_rules import (
    check_submission,
    check_update,
    parts_of,
    require,
    rule_settings,
    speaker_of,
)
from connector.dmp.td02 import Existence
from connector.dmp.td03 import StatusAnswer
from connector.dmp.transactions import (
    TD0_2,
    TD0_3,
    TD2_1,
    TD3_1,
    TD3_1B,
    TD3_2,
    TD3_3A,
    TD3_3B,
    TD3_3C,
    TD3_3D,
)
from connector.dmp.updates import NO_FACTS, UpdateIds, deleted_status, update_set
from connector.dmp.verbs import SubmitResult, UpdateResult, xml_text
from connector.ins.model import MatriculeIns
from connector.soap.transport import WireEvent
from connector.trust.clockwatch import ClockWatch
from connector.trust.keys import KeyPair
from connector.trust.vihf import Caller, VihfConfig
from connector.xds import iti41, iti57
from connector.xds.model import (
    APPROVED,
    ARCHIVED,
    Code,
    DocumentEntry,
    QueryAnswer,
    Submission,
)
from connector.xds.queries import FindDocuments, GetDocuments
from connector.xds.transactions import Transaction

__all__ = [
    "DmpClient",
    "Existence",
    "PartialRetrieval",
    "Retrieved",
    "StatusAnswer",
    "Stored",
    "SubmitResult",
    "UpdateIds",
    "UpdateResult",
]


@dataclass(frozen=True, slots=True)
class Stored:
    """A document the registry has. `hash` is its SHA-1 in lower-case hex, "" where the caller may not read it."""

    entry_uuid: str
    hash: str = ""


class DmpClient:
    """Speaks to one DMP (or one IHE domain); the arguments are those of `Exchange`. Safe across threads."""

    def __init__(
        self,
        config: DmpConfig,
        *,
        session: requests.Session,
        signer: KeyPair | None,
        vihf: VihfConfig | None,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
        clockwatch: ClockWatch | None = None,
        capture: Callable[[WireEvent], None] | None = None,
        on_call: OnCall = nobody,
    ) -> None:
        self._config = config
        self._line = Exchange(
            config,
            session=session,
            signer=signer,
            vihf=vihf,
            clock=clock,
            uuid_factory=uuid_factory,
            clockwatch=clockwatch,
            capture=capture,
            on_call=on_call,
        )

    def test_existence(self, ins: MatriculeIns, caller: Caller) -> Existence:
        """TD0.2: state of the DMP and of the caller's authorisation."""
        body = td02.build(
            ins,
            lps_oid=self._config.lps_oid,
            lps_name=self._config.lps_name,
            now=self._line.clock(),
            message=str(self._line.uuid()),
            query=str(self._line.uuid()),
        )
        return self._line.ask(TD0_2, body, ins, caller, lambda answer: td02.parse(answer.body))

    def add_authorization(self, ins: MatriculeIns, caller: Caller) -> StatusAnswer:
        """TD0.3 AJOUT: the patient agrees that the caller consults; repeating it is harmless."""
        return self._line.ask(TD0_3, td03.build("AJOUT"), ins, caller, lambda answer: td03.parse(answer.body))

    def remove_authorization(self, ins: MatriculeIns, caller: Caller) -> StatusAnswer:
        """TD0.3 SUPPRESSION."""
        return self._line.ask(TD0_3, td03.build("SUPPRESSION"), ins, caller, lambda answer: td03.parse(answer.body))

    def find_documents(
        self, ins: MatriculeIns, caller: Caller, *, since: datetime | None, type_codes: Sequence[str] = ()
    ) -> QueryAnswer:
        """TD3.1: approved documents whose act began at or after `since` (aware; None: no lower bound).

        `type_codes` are codes of JDV_J66 or JDV_J07, an OR; SettingsError on another one. A partial answer is
        returned with its errors.
        """
        query = FindDocuments(
            cx(ins.value, ins.oid, "NH", self._config.profile),
            type_codes=tuple(map(_type_code, type_codes)),
            service_start_from=since,
        )
        return verbs.query(self._line, TD3_1, ins, caller, query)

    def find_stored(self, ins: MatriculeIns, caller: Caller, unique_id: str) -> tuple[Stored, ...]:
        """TD3.1b: what the registry has of a document known by its uniqueId; () when it does not have it.

        Open to the structure certificate, which gets references alone (dmp-interface d.2): this is what decides after
        an unknown outcome. Who may read metadata asks for it, and gets the hash to compare.
        """
        reads = self._reads_metadata(caller)
        query = GetDocuments(unique_ids=(unique_id,))
        row = TD3_1 if reads else TD3_1B
        found = verbs.query(
            self._line, row, ins, caller, query, "LeafClass" if reads else "ObjectRef", unique_ids=(unique_id,)
        )
        # Some registries answer full objects to an ObjectRef query, or references to a LeafClass one.
        stored = {reference: Stored(reference) for reference in found.references}
        stored |= {
            entry.entry_uuid: Stored(entry.entry_uuid, entry.hash.lower() if reads else "") for entry in found.entries
        }
        return tuple(stored.values())

    def is_deleted(self, ins: MatriculeIns, caller: Caller, entry_uuid: str) -> bool:
        """TD3.1b by status: whether the registry has this reference among the patient's deleted documents.

        What decides after a deletion whose answer was lost, as a registry may go on giving the reference of a deleted
        document. References alone, which d.2 opens to the structure certificate; UNCERTAIN whether the DMP serves
        FindDocuments that way: its refusal leaves the question open.
        """
        profile = self._config.profile
        query = FindDocuments(cx(ins.value, ins.oid, "NH", profile), statuses=(deleted_status(profile),))
        found = verbs.query(self._line, TD3_1B, ins, caller, query, "ObjectRef")
        return entry_uuid in {*found.references, *(entry.entry_uuid for entry in found.entries)}

    def _reads_metadata(self, caller: Caller) -> bool:
        """Functional rights of dmp-interface d.2: card and AIR, not the certificate alone; IHE has no such limit."""
        return self._config.profile == "ihe" or caller.mode != "INDIRECTE"

    def retrieve(
        self, ins: MatriculeIns, caller: Caller, entries: Sequence[DocumentEntry], folder: Path
    ) -> list[Retrieved]:
        """TD3.2: the content of `entries` as files in `folder`, hash and size checked against the metadata.

        Raises PartialRetrieval (a ServerRefusal holding what did arrive) when some document is refused or missing.
        Bytes that are not those announced count as an unreadable answer.
        """
        return verbs.retrieve(self._line, TD3_2, ins, caller, entries, folder)

    def submit(self, ins: MatriculeIns, caller: Caller, feed: Feed) -> SubmitResult:
        """TD2.1: the document with its signature. Raises besides DmpMetadataError, before anything leaves.

        An answer that cannot be read is an unknown outcome (TransportError, `sent`), never a refusal.
        """
        prepared, body = self._prepared(ins, caller, feed)
        submission, warnings = prepared.submission, prepared.warnings
        return verbs.submit(self._line, TD2_1, ins, caller, submission, body, prepared.attachments, warnings)

    def rehearse(self, ins: MatriculeIns, caller: Caller, feed: Feed) -> PreparedFeed:
        """All that `submit` does before the first byte leaves: metadata, rules, signature, assertion. Sends nothing.

        Raises what `submit` raises before sending.
        """
        prepared, _ = self._prepared(ins, caller, feed)
        self._line.assertion(caller, ins)
        return prepared

    def _prepared(self, ins: MatriculeIns, caller: Caller, feed: Feed) -> tuple[PreparedFeed, etree._Element]:
        """The request of `feed`, once every numbered rule let it pass."""
        now = self._line.trusted_now()
        with xml_text():
            feeding = self._line.presented(caller).structure_id
            signer = self._line.signer
            prepared = prepare(feed, ins, self._config, signer=signer, signed_at=now, feeding=feeding)
            body = iti41.build_request(prepared.submission, prepared.cids())
        parts = parts_of(prepared.submission, prepared.attachments, feed.header)
        speaker = speaker_of(caller, ins) if self._config.asserts else None
        found = require(check_submission(prepared.submission, parts, rule_settings(self._config), speaker))
        return replace(prepared, warnings=(*prepared.warnings, *found)), body

    def delete(
        self,
        ins: MatriculeIns,
        caller: Caller,
        entry_uuid: str,
        ids: UpdateIds,
        *,
        facts: DocumentFacts = NO_FACTS,
        unique_id: str = "",
        original: str = APPROVED,
    ) -> UpdateResult:
        """TD3.3c: the document is no longer published; the DMP keeps it (logical deletion), IHE deprecates it.

        `entry_uuid` is the current one (`find_stored`), `original` its status. `facts` name the author of the change,
        `unique_id` tells the audit which document it was. Outcomes as in `submit`: refused, or unknown.
        """
        change = (original, deleted_status(self._config.profile))
        return self._change_status(TD3_3C, ins, caller, entry_uuid, change, ids, facts, unique_id)

    def archive(
        self,
        ins: MatriculeIns,
        caller: Caller,
        entry_uuid: str,
        ids: UpdateIds,
        *,
        undo: bool = False,
        facts: DocumentFacts = NO_FACTS,
        unique_id: str = "",
    ) -> UpdateResult:
        """TD3.3d: archived, still current; `undo` brings it back. Everything else as in `delete`."""
        change = (ARCHIVED, APPROVED) if undo else (APPROVED, ARCHIVED)
        return self._change_status(TD3_3D, ins, caller, entry_uuid, change, ids, facts, unique_id)

    def update_metadata(
        self,
        ins: MatriculeIns,
        caller: Caller,
        entry: DocumentEntry,
        ids: UpdateIds,
        *,
        facts: DocumentFacts = NO_FACTS,
        visibility: bool = False,
    ) -> UpdateResult:
        """TD3.3a (masking), or TD3.3b with `visibility`: `entry` as TD3.1 answered it, its confidentiality changed.

        Making a document visible to the legal representatives cannot be undone (EX_3.3-1045). Raises besides
        CodecError when the entry lacks its logical id or its version, before anything leaves.
        """
        change = iti57.new_version(update_set(ins, self._line.presented(caller), ids, self._config, facts), entry)
        return self._update(TD3_3B if visibility else TD3_3A, ins, caller, change, entry.unique_id)

    def _change_status(
        self,
        row: Transaction,
        ins: MatriculeIns,
        caller: Caller,
        entry_uuid: str,
        change: tuple[str, str],
        ids: UpdateIds,
        facts: DocumentFacts,
        unique_id: str,
    ) -> UpdateResult:
        made = update_set(ins, self._line.presented(caller), ids, self._config, facts)
        changed = iti57.status_change(made, entry_uuid, *change)
        return self._update(row, ins, caller, changed, unique_id)

    def _update(
        self, row: Transaction, ins: MatriculeIns, caller: Caller, change: Submission, unique_id: str
    ) -> UpdateResult:
        """Sends a change that every numbered rule lets pass; raises DmpMetadataError otherwise."""
        speaker = speaker_of(caller, ins) if self._config.asserts else None
        require(check_update(change, rule_settings(self._config), speaker))
        return verbs.update(self._line, row, ins, caller, change, unique_id)


def _type_code(code: str) -> Code:
    concept = codes.load("J66").get(code) or codes.load("J07").get(code)
    if concept is None:
        raise SettingsError("unknown document type", name="type_codes", found=code, allowed="a code of JDV_J66")
    return Code(concept.code, concept.system, concept.display)
