"""Rules of a document retrieval, ITI-43 (ihe-rules D.3 D-60, D-61; dmp-interface a.9). D-62 is the server's memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.base.oid import is_oid
from connector.rules.case import Fault, Rule
from connector.rules.forms import is_home_community


@dataclass(frozen=True, slots=True)
class Line:
    """One DocumentRequest."""

    repository: str
    document: str
    home: str = ""


@dataclass(frozen=True, slots=True)
class RetrieveRequest:
    """The lines asked; `repositories` are those that answer here, empty: any."""

    lines: tuple[Line, ...]
    repositories: frozenset[str] = frozenset()


def _lines(request: RetrieveRequest) -> Iterator[Fault]:
    if not request.lines:
        yield Fault("", "DocumentRequest", "0", "au moins une ligne")
    for number, line in enumerate(request.lines, start=1):
        where = f"ligne {number}"
        if not line.repository:
            yield Fault(where, "RepositoryUniqueId", "absent", "l'OID de l'entrepôt, donné par la recherche")
        if not line.document:
            yield Fault(where, "DocumentUniqueId", "absent", "le uniqueId du document")


def _repository(request: RetrieveRequest) -> Iterator[Fault]:
    for number, line in enumerate(request.lines, start=1):
        known = line.repository in request.repositories if request.repositories else is_oid(line.repository)
        if line.repository and not known:
            expected = " ou ".join(sorted(request.repositories)) or "un OID"
            yield Fault(f"ligne {number}", "RepositoryUniqueId", line.repository, expected)


def _document_id(request: RetrieveRequest) -> Iterator[Fault]:
    for number, line in enumerate(request.lines, start=1):
        # An entryUUID in its place is the usual mistake (a.9).
        if line.document.startswith("urn:"):
            yield Fault(f"ligne {number}", "DocumentUniqueId", line.document, "le uniqueId, jamais l'entryUUID")


def _home(request: RetrieveRequest) -> Iterator[Fault]:
    for number, line in enumerate(request.lines, start=1):
        if line.home and not is_home_community(line.home):
            yield Fault(f"ligne {number}", "HomeCommunityId", line.home, "urn:oid: suivi d'un OID")


RETRIEVE_RULES: tuple[Rule[RetrieveRequest], ...] = (
    Rule("D-60", "ihe-rules D.3 D-60", _lines, "XDSRepositoryError"),
    Rule("D-61", "ihe-rules D.3 D-61", _repository, "XDSUnknownRepositoryId"),
    Rule("D-62", "ihe-rules D.3 D-62, dmp-interface a.9", _document_id, "XDSDocumentUniqueIdError"),
    Rule("D-39", "ihe-rules D.2 D-39", _home, "XDSRepositoryError"),
)
