"""A transaction is a value: what it is called on the wire, where it goes, how it is audited (design rule 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Audit = Literal["query", "export", "import", "application"]
"""Kind of audit line: a query, data leaving us (export), data coming to us (import), access rights (application)."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row. `service` is the key of the service path in the configuration, `operation` the name in our WSDL.

    `response_action` is the wsa:Action a conforming peer answers with; it is informative, peers vary. `iti` is the IHE
    transaction this is, whatever a domain calls it; "" for one that is not IHE's.
    """

    id: str
    action: str
    response_action: str
    service: str
    wsdl: str
    operation: str
    audit: Audit
    iti: str = ""


ITI_18 = Transaction(
    "ITI-18",
    "urn:ihe:iti:2007:RegistryStoredQuery",
    "urn:ihe:iti:2007:RegistryStoredQueryResponse",
    "registry",
    "registry.wsdl",
    "RegistryStoredQuery",
    "query",
    "ITI-18",
)
ITI_41 = Transaction(
    "ITI-41",
    "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
    "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse",
    "repository",
    "repository.wsdl",
    "ProvideAndRegisterDocumentSet-b",
    "export",
    "ITI-41",
)
ITI_43 = Transaction(
    "ITI-43",
    "urn:ihe:iti:2007:RetrieveDocumentSet",
    "urn:ihe:iti:2007:RetrieveDocumentSetResponse",
    "repository",
    "repository.wsdl",
    "RetrieveDocumentSet",
    "import",
    "ITI-43",
)
ITI_57 = Transaction(
    "ITI-57",
    "urn:ihe:iti:2010:UpdateDocumentSet",
    "urn:ihe:iti:2010:UpdateDocumentSetResponse",
    "registry",
    "registry.wsdl",
    "UpdateDocumentSet",
    "export",
    "ITI-57",
)

TRANSACTIONS: tuple[Transaction, ...] = (ITI_18, ITI_41, ITI_43, ITI_57)
