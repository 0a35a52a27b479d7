"""One XDS.b domain spoken to on behalf of one caller: submit, query, retrieve, update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import requests

from connector.base.calls import OnCall, nobody
from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.base.oid import oid_from_uuid
from connector.dmp import verbs
from connector.dmp.bundle import bundle
from connector.dmp.config import DmpConfig
from connector.dmp.exchange import Exchange
from connector.dmp.retrieval import Retrieved
from connector.dmp.submission_rules import (
    check_submission,
    check_update,
    parts_of,
    require,
    rule_settings,
    speaker_of,
)
from connector.dmp.updates import software_author
from connector.dmp.verbs import SubmitResult, UpdateResult, xml_text
from connector.ins.model import MatriculeIns
from connector.rules.case import AffinityCodes, Speaker
from connector.soap.transport import WireEvent
from connector.trust.keys import KeyPair
from connector.trust.vihf import Caller, VihfConfig
from connector.xds import iti41
from connector.xds.iti18 import ReturnType
from connector.xds.model import Author, DocumentEntry, QueryAnswer, Submission, SubmissionSet
from connector.xds.queries import StoredQuery
from connector.xds.transactions import ITI_18, ITI_41, ITI_43, ITI_57, TRANSACTIONS


class DomainClient:
    """The four verbs, under their IHE names. `caller` and `ins` are for domains that want an assertion, `codes` are
    the lists of one that publishes some (ihe-rules D-42).

    Every method raises TransportError, SoapFault, ServerRefusal and ClockError as `connector.dmp.client` says.
    """

    def __init__(
        self,
        config: DmpConfig,
        *,
        session: requests.Session,
        signer: KeyPair | None = None,
        vihf: VihfConfig | None = None,
        caller: Caller | None = None,
        ins: MatriculeIns | None = None,
        codes: AffinityCodes | None = None,
        clock: Clock = utc_now,
        uuid_factory: UuidFactory = random_uuid,
        capture: Callable[[WireEvent], None] | None = None,
        on_call: OnCall = nobody,
    ) -> None:
        rows = [row for row in TRANSACTIONS if row.iti in config.urls or row.service in config.urls or config.base_url]
        self._line = Exchange(
            config,
            session=session,
            signer=signer,
            vihf=vihf,
            clock=clock,
            uuid_factory=uuid_factory,
            capture=capture,
            on_call=on_call,
            rows=rows,
        )
        self._caller = caller
        self._ins = ins
        self._settings = rule_settings(config, codes)

    @property
    def config(self) -> DmpConfig:
        return self._line.config

    @property
    def author(self) -> Author:
        """Who makes a set when nobody else is named: our software."""
        return software_author(self._line.presented(self._caller) if self._caller else None, self.config)

    def submit(
        self,
        submission_set: SubmissionSet,
        documents: Sequence[tuple[DocumentEntry, bytes | Path]],
        *,
        signed_at: datetime,
        replaces: Mapping[str, str] | None = None,
    ) -> SubmitResult:
        """ITI-41: `documents` in one set, signed where the domain wants it; `replaces` as in `bundle`.

        Raises DmpMetadataError besides, before anything leaves: a rule refuses, or a document is too large.
        """
        with xml_text():
            prepared = bundle(
                submission_set,
                documents,
                self.config,
                signer=self._line.signer,
                signed_at=signed_at,
                signature_id=oid_from_uuid(self._line.uuid()),
                replaces=replaces,
            )
            submission = prepared.submission
            body = iti41.build_request(submission, prepared.cids())
        parts = parts_of(submission, prepared.attachments, None)
        found = require(check_submission(submission, parts, self._settings, self._speaker()))
        return verbs.submit(self._line, ITI_41, self._ins, self._caller, submission, body, prepared.attachments, found)

    def query(self, asked: StoredQuery, return_type: ReturnType = "LeafClass") -> QueryAnswer:
        """ITI-18."""
        return verbs.query(self._line, ITI_18, self._ins, self._caller, asked, return_type)

    def retrieve(self, entries: Sequence[DocumentEntry], folder: Path) -> list[Retrieved]:
        """ITI-43."""
        return verbs.retrieve(self._line, ITI_43, self._ins, self._caller, entries, folder)

    def update(self, change: Submission, unique_id: str = "") -> UpdateResult:
        """ITI-57. Raises DmpMetadataError besides, before anything leaves."""
        require(check_update(change, self._settings, self._speaker()))
        return verbs.update(self._line, ITI_57, self._ins, self._caller, change, unique_id)

    def _speaker(self) -> Speaker | None:
        """What the assertion says, where the domain wants one."""
        if not self.config.asserts or self._caller is None or self._ins is None:
            return None
        return speaker_of(self._caller, self._ins)
