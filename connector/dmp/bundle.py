"""A submission set ready to leave: its documents, their signature where the domain wants one, and how they are tied.

Identifiers and times are arguments: the same documents bundled twice give the same bytes (dmp-interface a.7, c.7, c.8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from connector.base.finding import Finding
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.dmp.metadata import restriction
from connector.soap.parts import Attachment
from connector.trust.keys import KeyPair
from connector.trust.xades import SignedDocument, binary_digest, manifest_digest, sign_submission_set
from connector.xds.model import RPLC, SIGNS, Association, Code, DocumentEntry, Submission, SubmissionSet
from connector.xds.writer import has_member

SIGNATURE_ID = "Signature01"
CANONICALISED = ("text/xml", "application/xslt+xml")
"""Media types of CDA, whose digest is that of the canonical form; anything else is digested as it is (c.8)."""

NORMAL = Code("N", "2.16.840.1.113883.5.25", "Normal")


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


def bundle(
    submission_set: SubmissionSet,
    documents: Sequence[tuple[DocumentEntry, bytes | Path]],
    config: DmpConfig,
    *,
    signer: KeyPair | None,
    signed_at: datetime,
    signature_id: str,
    replaces: Mapping[str, str] | None = None,
) -> PreparedFeed:
    """The set with its `documents` (bytes or the file holding them), everything ordered as the DMP's samples have it.

    `replaces` maps the id of a new entry to the entryUUID it replaces; `signature_id` is the OID of the signature.
    Raises DmpMetadataError (a document over `size_cap`), SignatureError, and ValueError when the domain signs and
    nobody can.
    """
    set_id = submission_set.entry_uuid
    for _, content in documents:
        check_size(content, config.size_cap)
    carried = list(documents)
    ties = [(set_id, entry.entry_uuid) for entry, _ in documents]
    if config.signs:
        if signer is None:
            raise ValueError("this domain signs every submission set: a signer is needed")
        signature = sign_submission_set(
            submission_set.unique_id,
            [_digested(entry, content, config) for entry, content in documents],
            signer=signer,
            now=signed_at,
            signature_id=f"S-{signature_id}",
            algorithm=config.signature_algorithm,
        )
        carried.append((signature_entry(submission_set, documents[0][0], signature_id), signature))
        ties.append((set_id, SIGNATURE_ID))
    associations = [has_member(f"Association{n:02d}", *tie) for n, tie in enumerate(ties, 1)]
    if config.signs:
        original = (("SubmissionSetStatus", ("Original",)),)
        associations.append(Association(_next(associations), SIGNS, SIGNATURE_ID, set_id, original))
    for new, old in (replaces or {}).items():
        associations.append(Association(_next(associations), RPLC, new, old))
    if config.sends_hash:
        carried = [(_weighed(entry, content), content) for entry, content in carried]
    submission = Submission(submission_set, tuple(entry for entry, _ in carried), tuple(associations))
    return PreparedFeed(submission, _attachments(carried, submission_set.unique_id))


def signature_entry(submission_set: SubmissionSet, entry: DocumentEntry, unique_id: str) -> DocumentEntry:
    """The last entry of a signed set: hidden from everybody, it signs the set (dmp-interface c.8)."""
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
        source_patient_id=submission_set.patient_id,
        title="Source",
        authors=submission_set.authors,
        legal_authenticator=entry.legal_authenticator,
        event_codes=(Code("1.2.840.10065.1.12.1.14", "1.2.840.10065.1.12", "Source"),),
        service_start=moment,
        service_stop=moment,
    )


def check_size(content: bytes | Path, cap: int) -> None:
    """Raises DmpMetadataError when `content` is over `cap` bytes."""
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


def _next(associations: Sequence[Association]) -> str:
    return f"Association{len(associations) + 1:02d}"


def _digested(entry: DocumentEntry, content: bytes | Path, config: DmpConfig) -> SignedDocument:
    if entry.mime_type in CANONICALISED:
        return SignedDocument(
            entry.unique_id, manifest_digest(content, config.signature_algorithm, config.size_cap), canonicalised=True
        )
    whole = content if isinstance(content, bytes) else content.read_bytes()
    return SignedDocument(entry.unique_id, binary_digest(whole, config.signature_algorithm), canonicalised=False)


def _attachments(documents: Sequence[tuple[DocumentEntry, bytes | Path]], set_id: str) -> tuple[Attachment, ...]:
    return tuple(Attachment(f"{entry.entry_uuid}@{set_id}", entry.mime_type, content) for entry, content in documents)


def _weighed(entry: DocumentEntry, content: bytes | Path) -> DocumentEntry:
    """`entry` with SHA-1 and size of its content, a file being read in blocks."""
    if isinstance(content, bytes):
        return replace(entry, hash=hashlib.sha1(content, usedforsecurity=False).hexdigest(), size=len(content))
    with content.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    return replace(entry, hash=digest, size=content.stat().st_size)
