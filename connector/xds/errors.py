"""What to do about an XDS error code: one table (ihe-rules D.1, client classification)."""

from __future__ import annotations

from typing import Literal

Klass = Literal["retry", "operator", "settled", "configuration", "warning", "unknown"]
"""retry: later, after asking the registry · operator: a person mends the data · settled: already there ·
configuration: our settings or certificates · warning: not a failure · unknown: shown, never retried blindly."""

_TABLE: dict[str, Klass] = {
    "XDSRegistryBusy": "retry",
    "XDSRepositoryBusy": "retry",
    "XDSRegistryOutOfResources": "retry",
    "XDSRepositoryOutOfResources": "retry",
    "XDSRegistryNotAvailable": "retry",
    "XDSUnavailableCommunity": "retry",
    "XDSUnknownPatientId": "operator",
    "XDSPatientIdDoesNotMatch": "operator",
    "XDSRegistryMetadataError": "operator",
    "XDSRepositoryMetadataError": "operator",
    "XDSNonIdenticalHash": "operator",
    "XDSNonIdenticalSize": "operator",
    "XDSMissingDocument": "operator",
    "XDSMissingDocumentMetadata": "operator",
    "XDSRegistryDuplicateUniqueIdInMessage": "operator",
    "XDSRepositoryDuplicateUniqueIdInMessage": "operator",
    "XDSRegistryDeprecatedDocumentError": "operator",
    "XDSReplaceFailed": "operator",
    "XDSDocumentUniqueIdError": "operator",
    "XDSTooManyResults": "operator",
    "XDSResultNotSinglePatient": "operator",
    "UnresolvedReferenceException": "operator",
    "XDSDuplicateUniqueIdInRegistry": "settled",
    "XDSUnknownRepositoryId": "configuration",
    "XDSRepositoryWrongRepositoryUniqueId": "configuration",
    "XDSUnknownStoredQuery": "configuration",
    "XDSStoredQueryMissingParam": "configuration",
    "XDSStoredQueryParamNumber": "configuration",
    "XDSUnknownCommunity": "configuration",
    "XDSMissingHomeCommunityId": "configuration",
    "XDSExtraMetadataNotSaved": "warning",
    "DocumentQueued": "warning",
}


def classify(code: str, severity: str = "error") -> Klass:
    """Class of `code`; anything of severity warning is a warning, anything not in the table is unknown."""
    if severity.endswith(("Warning", "warning")):
        return "warning"
    return _TABLE.get(code, "unknown")
