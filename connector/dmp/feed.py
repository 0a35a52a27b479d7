"""TD2.1: one CDA, its signature document, the set and its associations (dmp-interface a.7, c.7, c.8).

Identifiers and times are arguments: the same feed prepared twice gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from connector.base.hl7time import PARIS
from connector.cda.model import CdaHeader
from connector.dmp.bundle import NORMAL, SIGNATURE_ID, PreparedFeed, bundle
from connector.dmp.config import DmpConfig
from connector.dmp.draft import Draft
from connector.dmp.facts import DocumentFacts, facts_of
from connector.dmp.metadata import build_submission_set, entry_of, let_pass
from connector.hl7.model import DocumentRequest
from connector.ins.model import MatriculeIns
from connector.trust.keys import KeyPair

__all__ = ["DOCUMENT_ID", "NORMAL", "SET_ID", "SIGNATURE_ID", "Feed", "FeedIds", "PreparedFeed", "prepare"]

SET_ID = "SubmissionSet01"
DOCUMENT_ID = "Document01"


@dataclass(frozen=True, slots=True)
class FeedIds:
    """Identifiers fixed once for every attempt: OIDs of the set and of the signature, aware time of submission."""

    set_id: str
    signature_id: str
    submission_time: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Feed:
    """A document to submit. `content` is its bytes or the file holding them; `replaces` the entryUUID it replaces."""

    header: CdaHeader
    content: bytes | Path
    facts: DocumentFacts
    ids: FeedIds
    replaces: str = ""

    @classmethod
    def from_request(
        cls, request: DocumentRequest, index: int, header: CdaHeader, ids: FeedIds, *, replaces: str = ""
    ) -> Feed:
        """The feed of the `index`-th document of a message."""
        return cls(header, request.documents[index].content, facts_of(request), ids, replaces)


def prepare(
    feed: Feed,
    ins: MatriculeIns,
    config: DmpConfig,
    *,
    signer: KeyPair | None,
    signed_at: datetime,
    feeding: str = "",
) -> PreparedFeed:
    """Metadata built, set signed where the domain wants it, everything ordered as the DMP's samples have it.

    `feeding` is the structure that feeds, for a sender that says none.

    Raises DmpMetadataError (a rule blocks, or over `size_cap`), SignatureError, and ValueError when the 'dmp'
    profile has no signer.
    """
    today = feed.ids.submission_time.astimezone(PARIS).date()
    draft = Draft(feed.header, feed.facts, ins, config, today)
    warnings = let_pass(draft)
    entry = entry_of(draft, DOCUMENT_ID)
    submission_set = build_submission_set(
        entry,
        feed.facts,
        config,
        set_uuid=SET_ID,
        unique_id=feed.ids.set_id,
        submission_time=feed.ids.submission_time,
        feeding=feeding,
    )
    bundled = bundle(
        submission_set,
        [(entry, feed.content)],
        config,
        signer=signer,
        signed_at=signed_at,
        signature_id=feed.ids.signature_id,
        replaces={DOCUMENT_ID: feed.replaces} if feed.replaces else None,
    )
    return replace(bundled, warnings=warnings)
