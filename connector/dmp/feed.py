"""TD2.1: one CDA, its signature document, the set and its associations (dmp-interface a.7, c.7, c.8).

Identifiers and times are arguments: the same feed prepared twice gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from connector.base.finding import Finding
from connector.base.hl7time import PARIS
from connector.cda.model import CdaHeader
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.dmp.facts import DocumentFacts, facts_of
from connector.dmp.forms import cx
from connector.dmp.metadata import build_entry, build_submission_set, restriction
from connector.dmp.rules import Draft, check
from connector.hl7.model import DocumentRequest
from connector.ins.model import MatriculeIns
from connector.soap.parts import Attachment
from connector.trust.keys import KeyPair
from connector.trust.xades import SignedDocument, manifest_digest, sign_submission_set
from connector.xds.model import RPLC, SIGNS, Association, Code, DocumentEntry, Submission, SubmissionSet
from connector.xds.writer import has_member

SET_ID = "SubmissionSet01"
DOCUMENT_ID = "Document01"
SIGNATURE_ID = "Signature01"

NORMAL = Code("N", "2.16.840.1.113883.5.25", "Normal")


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


@dataclass(frozen=True, slots=True, repr=False)
class PreparedFeed:
    """Ready to leave: metadata, the attachments in the order of the entries, and the warnings met on the way."""

    submission: Submission
    attachments: tuple[Attachment, ...]
    warnings: tuple[Finding, ...] = ()

    def cids(self) -> dict[str, str]:
        """Content-ID of each entry."""
        pairs = zip(self.submission.entries, self.attachments, strict=True)
        return {entry.entry_uuid: attachment.cid for entry, attachment in pairs}


def prepare(
    feed: Feed,
    ins: MatriculeIns,
    config: DmpConfig,
    *,
    signer: KeyPair | None,
    signed_at: datetime,
) -> PreparedFeed:
    """Metadata built, set signed where the domain wants it, everything ordered as the DMP's samples have it.

    Raises DmpMetadataError (a rule blocks, or over `size_cap`), SignatureError, and ValueError when the 'dmp'
    profile has no signer.
    """
    today = feed.ids.submission_time.astimezone(PARIS).date()
    warnings = tuple(f for f in check(Draft(feed.header, feed.facts, ins, config, today)) if not f.blocking)
    entry = build_entry(feed.header, feed.facts, ins, config, entry_uuid=DOCUMENT_ID, today=today)
    _check_size(feed.content, config.size_cap)
    submission_set = build_submission_set(
        entry,
        feed.facts,
        config,
        set_uuid=SET_ID,
        unique_id=feed.ids.set_id,
        submission_time=feed.ids.submission_time,
    )
    documents: list[tuple[DocumentEntry, bytes | Path]] = [(entry, feed.content)]
    associations = [has_member("Association01", SET_ID, DOCUMENT_ID)]
    if config.signs:
        if signer is None:
            raise ValueError("this domain signs every submission set: a signer is needed")
        digest = manifest_digest(feed.content, config.signature_algorithm, config.size_cap)
        signature = sign_submission_set(
            feed.ids.set_id,
            [SignedDocument(entry.unique_id, digest, canonicalised=True)],
            signer=signer,
            now=signed_at,
            signature_id=f"S-{feed.ids.signature_id}",
            algorithm=config.signature_algorithm,
        )
        documents.append((signature_entry(submission_set, entry, ins, config, feed.ids.signature_id), signature))
        associations.append(has_member("Association02", SET_ID, SIGNATURE_ID))
        original = (("SubmissionSetStatus", ("Original",)),)
        associations.append(Association("Association03", SIGNS, SIGNATURE_ID, SET_ID, original))
    if feed.replaces:
        associations.append(Association(f"Association{len(associations) + 1:02d}", RPLC, DOCUMENT_ID, feed.replaces))
    if config.sends_hash:
        documents = [(_weighed(described, content), content) for described, content in documents]
    submission = Submission(submission_set, tuple(described for described, _ in documents), tuple(associations))
    return PreparedFeed(submission, _attachments(documents, feed.ids.set_id), warnings)


def signature_entry(
    submission_set: SubmissionSet, entry: DocumentEntry, ins: MatriculeIns, config: DmpConfig, unique_id: str
) -> DocumentEntry:
    """The second entry of every feed: hidden from everybody, it signs the set (dmp-interface c.8)."""
    moment = submission_set.submission_time
    return DocumentEntry(
        entry_uuid=SIGNATURE_ID,
        unique_id=unique_id,
        patient_id=submission_set.patient_id,
        mime_type="text/xml",
        class_code=Code("urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", "URN", "Digital Signature"),
        type_code=Code("E1762", "ASTM", "Full Document"),
        format_code=Code("http://www.w3.org/2000/09/xmldsig#", "URN", "Default Signature Style"),
        facility_type=entry.facility_type,
        practice_setting=entry.practice_setting,
        confidentiality=(NORMAL, restriction("MASQUE_PS"), restriction("INVISIBLE_PATIENT")),
        creation_time=moment,
        language="art",
        source_patient_id=cx(ins.value, ins.oid, "NH", config.profile),
        title="Source",
        authors=submission_set.authors,
        legal_authenticator=entry.legal_authenticator,
        event_codes=(Code("1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12", "Source"),),
        service_start=moment,
        service_stop=moment,
    )


def _attachments(documents: Sequence[tuple[DocumentEntry, bytes | Path]], set_id: str) -> tuple[Attachment, ...]:
    return tuple(Attachment(f"{entry.entry_uuid}@{set_id}", entry.mime_type, content) for entry, content in documents)


def _check_size(content: bytes | Path, cap: int) -> None:
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if size > cap:
        raise DmpMetadataError(
            [
                Finding(
                    "DMP-SIZE",
                    "error",
                    "document",
                    f"{size} octets",
                    f"au plus {cap} octets",
                    "Le document dépasse la taille admise.",
                    reference="dmp-gaps §3",
                )
            ]
        )


def _weighed(entry: DocumentEntry, content: bytes | Path) -> DocumentEntry:
    """`entry` with SHA-1 and size of its content, a file being read in blocks."""
    if isinstance(content, bytes):
        return replace(entry, hash=hashlib.sha1(content, usedforsecurity=False).hexdigest(), size=len(content))
    with content.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    return replace(entry, hash=digest, size=content.stat().st_size)
