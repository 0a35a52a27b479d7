"""Which DICOM audit event each transaction is: EventID, action, EventTypeCode, source (IHE ITI TF-2 §3.20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from connector.journal.audit.entry import AuditEntry

DCM: Final = "DCM"
IHE: Final = "IHE Transactions"
DMP: Final = "DMP Transactions"
OURS: Final = "dmp-connector"


@dataclass(frozen=True, slots=True)
class Coded:
    """csd-code, codeSystemName, originalText."""

    code: str
    system: str
    text: str


EXPORT: Final = Coded("110106", DCM, "Export")
IMPORT: Final = Coded("110107", DCM, "Import")
QUERY: Final = Coded("110112", DCM, "Query")
PATIENT_RECORD: Final = Coded("110110", DCM, "Patient Record")
AUTHENTICATION: Final = Coded("110114", DCM, "User Authentication")
LOG_USED: Final = Coded("110101", DCM, "Audit Log Used")
OPERATOR: Final = Coded("operator-act", OURS, "Act of an operator")
PURGED: Final = Coded("audit-purge", OURS, "Audit lines removed after their time")
INTERRUPTED: Final = Coded("interrupted", OURS, "Sending interrupted")

REGISTRY_QUERY: Final = Coded("ITI-18", IHE, "Registry Stored Query")
UPDATE_SET: Final = Coded("ITI-57", IHE, "Update Document Set")


@dataclass(frozen=True, slots=True)
class Event:
    """`inbound`: data comes to us, so the far end is the source. `query` is the IDTypeCode of the query object."""

    id: Coded
    action: Literal["C", "R", "U", "D", "E"]
    types: tuple[Coded, ...]
    inbound: bool = False
    query: Coded | None = None


def _query(*types: Coded) -> Event:
    return Event(QUERY, "E", types, query=types[0])


def _update(dmp: Coded) -> Event:
    return Event(EXPORT, "U", (UPDATE_SET, dmp))


_EVENTS: Final[dict[str, Event]] = {
    "TD0.2": _query(Coded("TD0.2", DMP, "Existence of the DMP and authorisation")),
    "TD0.3": Event(PATIENT_RECORD, "U", (Coded("TD0.3", DMP, "Authorisation to consult"),)),
    "TD2.1": Event(
        EXPORT, "R", (Coded("ITI-41", IHE, "Provide and Register Document Set-b"), Coded("TD2.1", DMP, "Feeding"))
    ),
    "TD3.1": _query(REGISTRY_QUERY, Coded("TD3.1", DMP, "Search")),
    "TD3.1b": _query(REGISTRY_QUERY, Coded("TD3.1b", DMP, "Search of technical identifiers")),
    "TD3.2": Event(
        IMPORT, "C", (Coded("ITI-43", IHE, "Retrieve Document Set"), Coded("TD3.2", DMP, "Retrieval")), inbound=True
    ),
    "TD3.3a": _update(Coded("TD3.3a", DMP, "Masking of a document")),
    "TD3.3b": _update(Coded("TD3.3b", DMP, "Visibility of a document")),
    "TD3.3c": _update(Coded("TD3.3c", DMP, "Deletion of a document")),
    "TD3.3d": _update(Coded("TD3.3d", DMP, "Archiving of a document")),
    "ITI-9": _query(Coded("ITI-9", IHE, "PIX Query")),
    "ITI-45": _query(Coded("ITI-45", IHE, "PIXV3 Query")),
    "ZAM^Z01": Event(EXPORT, "R", (Coded("ZAM^Z01", OURS, "Business acknowledgement"),)),
    "ZAM^Z02": Event(EXPORT, "R", (Coded("ZAM^Z02", OURS, "Business acknowledgement of the secure mail"),)),
    "PSC-userinfo": Event(AUTHENTICATION, "E", (Coded("110122", DCM, "Login"),)),
}


def event_of(entry: AuditEntry) -> Event:
    """The event of a line, whatever its transaction: one that has no row goes under its own name."""
    own = Coded(entry.transaction or "unknown", OURS, entry.transaction or "unknown")
    match entry.kind:
        case "operator":
            return Event(LOG_USED, "R", (own,)) if entry.transaction == "audit.export" else Event(OPERATOR, "E", (own,))
        case "purge":
            return Event(PURGED, "D", (own,))
        case "interrupted":
            return Event(INTERRUPTED, "E", (own,))
        case _:
            return _EVENTS.get(entry.transaction) or Event(EXPORT, "E", (own,))
