"""What to do about an XDS error code: one table (ihe-rules D.1, client classification)."""

from __future__ import annotations

from typing import Literal

Klass = Literal["retry", "operator", "settled", "configuration", "warning", "unknown"]
"""retry: later, after asking the registry · operator: a person mends the data · settled: already there ·
configuration: our settings or certificates · warning: not a failure · unknown: shown, never retried blindly."""

RETRY = (
    "XDSRegistryBusy",
    "XDSRepositoryBusy",
    "XDSRegistryOutOfResources",
    "XDSRepositoryOutOfResources",
    "XDSRegistryNotAvailable",
    "XDSUnavailableCommunity",
)
OPERATOR = (
    "XDSUnknownPatientId",
    "XDSPatientIdDoesNotMatch",
    "XDSResultNotSinglePatient",
    "XDSPatientIDReconciliationError",
    "XDSRegistryMetadataError",
    "XDSRepositoryMetadataError",
    "XDSRegistryDuplicateUniqueIdInMessage",
    "XDSRepositoryDuplicateUniqueIdInMessage",
    "XDSNonIdenticalHash",
    "XDSNonIdenticalSize",
    "XDSMissingDocument",
    "XDSMissingDocumentMetadata",
    "XDSRegistryDeprecatedDocumentError",
    "XDSReplaceFailed",
    "XDSDocumentUniqueIdError",
    "XDSTooManyResults",
    "XDSMetadataUpdateError",
    "XDSMetadataUpdateOperationError",
    "XDSMetadataVersionError",
    "XDSMetadataAnnotationError",
    "XDSMetadataIdentifierError",
    "XDSObjectTypeError",
    "XDSUnreferencedObjectException",
    "XDSMetadataModelException",
    "XDSRemoveDocumentsError",
    "UnmodifiableMetadataError",
    "LocalPolicyRestrictionError",
    "UnresolvedReferenceException",
    "ReferencesExistException",
    "InvalidDocumentContent",
    "UnknownRecipient",
    "UnavailableRecipient",
)
SETTLED = ("XDSDuplicateUniqueIdInRegistry",)
CONFIGURATION = (
    "XDSUnknownRepositoryId",
    "XDSRepositoryWrongRepositoryUniqueId",
    "XDSUnknownStoredQuery",
    "XDSStoredQueryMissingParam",
    "XDSStoredQueryParamNumber",
    "XDSUnknownCommunity",
    "XDSMissingHomeCommunityId",
    "XDSInvalidRequestException",
)
WARNING = (
    "XDSExtraMetadataNotSaved",
    "DocumentQueued",
    "PartialFolderContentNotProcessed",
    "PartialAppendContentNotProcessed",
    "PartialReplaceContentNotProcessed",
    "PartialTransformContentNotProcessed",
    "PartialTransformReplaceContentNotProcessed",
    "PartialRelationshipContentNotProcessed",
)
UNKNOWN = ("XDSRegistryError", "XDSRepositoryError", "TranscodingError", "FHIRDocumentNotSupported")
"""Known names that say nothing of the cause (internal errors, last resort): never retried blindly."""

_TABLE: dict[str, Klass] = {
    **dict.fromkeys(RETRY, "retry"),
    **dict.fromkeys(OPERATOR, "operator"),
    **dict.fromkeys(SETTLED, "settled"),
    **dict.fromkeys(CONFIGURATION, "configuration"),
    **dict.fromkeys(WARNING, "warning"),
    **dict.fromkeys(UNKNOWN, "unknown"),
}

KNOWN_CODES = frozenset(_TABLE)


def classify(code: str, severity: str = "error") -> Klass:
    """Class of `code`; anything of severity warning is a warning, anything not in the table is unknown."""
    if severity.lower().endswith("warning"):
        return "warning"
    return _TABLE.get(code, "unknown")
