"""The error codes and texts the digests list, kept here, and read from the digests again when they are at hand.

dmp-interface a.11, dmp-gaps §1, ihe-rules D.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

LISTED = frozenset(
    [
        "DMPAccessDeniedByRightsService",
        "DMPClosed",
        "DMPFound",
        "DMPIdentityCertificationFailure",
        "DMPInvalidCertificate",
        "DMPOk",
        "DMPPatientAccessAlreadyExists",
        "DMPPatientAccessOTPAlreadyExists",
        "DocumentQueued",
        "FHIRDocumentNotSupported",
        "InvalidDocumentContent",
        "LocalPolicyRestrictionError",
        "PartialAppendContentNotProcessed",
        "PartialFolderContentNotProcessed",
        "PartialRelationshipContentNotProcessed",
        "PartialReplaceContentNotProcessed",
        "PartialTransformContentNotProcessed",
        "PartialTransformReplaceContentNotProcessed",
        "ReferencesExistException",
        "TranscodingError",
        "UnavailableRecipient",
        "UnknownRecipient",
        "UnmodifiableMetadataError",
        "UnresolvedReferenceException",
        "XDSDocumentUniqueIdError",
        "XDSDuplicateUniqueIdInRegistry",
        "XDSExtraMetadataNotSaved",
        "XDSInvalidRequestException",
        "XDSMetadataAnnotationError",
        "XDSMetadataIdentifierError",
        "XDSMetadataModelException",
        "XDSMetadataUpdateError",
        "XDSMetadataUpdateOperationError",
        "XDSMetadataVersionError",
        "XDSMissingDocument",
        "XDSMissingDocumentMetadata",
        "XDSMissingHomeCommunityId",
        "XDSNonIdenticalHash",
        "XDSNonIdenticalSize",
        "XDSObjectTypeError",
        "XDSPatientIDReconciliationError",
        "XDSPatientIdDoesNotMatch",
        "XDSRegistryBusy",
        "XDSRegistryDeprecatedDocumentError",
        "XDSRegistryDuplicateUniqueIdInMessage",
        "XDSRegistryError",
        "XDSRegistryMetadataError",
        "XDSRegistryNotAvailable",
        "XDSRegistryOutOfResources",
        "XDSRemoveDocumentsError",
        "XDSReplaceFailed",
        "XDSRepositoryBusy",
        "XDSRepositoryDuplicateUniqueIdInMessage",
        "XDSRepositoryError",
        "XDSRepositoryMetadataError",
        "XDSRepositoryOutOfResources",
        "XDSRepositoryWrongRepositoryUniqueId",
        "XDSResultNotSinglePatient",
        "XDSStoredQueryMissingParam",
        "XDSStoredQueryParamNumber",
        "XDSTooManyResults",
        "XDSUnavailableCommunity",
        "XDSUnknownCommunity",
        "XDSUnknownPatientId",
        "XDSUnknownRepositoryId",
        "XDSUnknownStoredQuery",
        "XDSUnreferencedObjectException",
    ]
)

FAULT_TEXTS = (
    "A required header representing a Message Addressing Property is not present",
    "Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins…",
    "PS et Structure non liés",
    "Structure introuvable ou Inactive",
)

_CODE = re.compile(r"(?:XDS|DMP)[A-Za-z]+|[A-Z][A-Za-z]+(?:Error|Exception|Recipient|Queued|Content|Supported)\b")
_FOLDED = re.compile(r"Partial([A-Z][A-Za-z/()]*)ContentNotProcessed")


def codes_of(spec: Path) -> frozenset[str]:
    """Every code in the three tables of the digests in `spec`."""
    found = set(_codes(_section(spec / "dmp-interface.md", "### a.11"), column=2))
    found |= set(_codes(_section(spec / "dmp-gaps.md", "## 1."), column=1))
    found |= set(_codes(_section(spec / "ihe-rules.md", "### D.1"), column=1))
    return frozenset(found)


def texts_of(spec: Path) -> frozenset[str]:
    """The quoted texts of the rows of a.11 that have no code."""
    rows = [row for row in _rows(_section(spec / "dmp-interface.md", "### a.11")) if row[0] == "fault text"]
    return frozenset(text for row in rows for text in re.findall(r'"([^"]+)"', row[1]))


def _section(path: Path, title: str) -> str:
    text = path.read_text(encoding="utf-8")
    start = text.index(f"\n{title}")
    return text[start : text.index("\n##" if title.startswith("## ") else "\n#", start + len(title) + 1)]


def _rows(section: str) -> Iterator[list[str]]:
    """Cells of the table rows, header and ruler left out."""
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    for line in lines:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def _codes(section: str, *, column: int) -> Iterator[str]:
    """Codes of one column; the names a cell folds together are unfolded."""
    for row in _rows(section):
        cell = row[column - 1]
        for folded in _FOLDED.findall(cell):
            yield from (f"Partial{name}ContentNotProcessed" for name in re.findall("[A-Za-z]+", folded))
        yield from _CODE.findall(_FOLDED.sub("", cell))
