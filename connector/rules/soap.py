"""Rules of the SOAP around a request (ihe-rules D.2 D-52, dmp-interface a.1): addressing, and the root part of MTOM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.rules.case import Fault, Rule

ACTIONS = {
    "ProvideAndRegisterDocumentSetRequest": ("urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",),
    "SubmitObjectsRequest": ("urn:ihe:iti:2007:RegisterDocumentSet-b", "urn:ihe:iti:2010:UpdateDocumentSet"),
    "AdhocQueryRequest": ("urn:ihe:iti:2007:RegistryStoredQuery",),
    "RetrieveDocumentSetRequest": ("urn:ihe:iti:2007:RetrieveDocumentSet",),
    "PRPA_IN201307UV02": ("urn:hl7-org:v3:PRPA_IN201307UV02",),
    "setAuthorization": ("urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization",),
}
"""wsa:Action by first element of the body."""


@dataclass(frozen=True, slots=True)
class Head:
    """`body` is the local name of the body's element; `root_type` the Content-Type of the root part, "" without MTOM.

    Each addressing property is its text, "" when absent. `cut_out` is a root part kept without the others: how it
    travelled is not known.
    """

    action: str
    action_understood: bool
    message_id: str
    to: str
    body: str
    root_type: str = ""
    cut_out: bool = False


def _addressing(head: Head) -> Iterator[Fault]:
    for name, value in (("wsa:Action", head.action), ("wsa:MessageID", head.message_id), ("wsa:To", head.to)):
        if not value:
            yield Fault("", name, "absent", "une valeur")
    if head.action and not head.action_understood:
        yield Fault("", "wsa:Action/@mustUnderstand", "absent", "true")
    wanted = ACTIONS.get(head.body, ())
    if head.action and wanted and head.action not in wanted:
        yield Fault("", "wsa:Action", head.action, " ou ".join(wanted))


def _root_part(head: Head) -> Iterator[Fault]:
    written = head.root_type.lower().replace(" ", "")
    if written and not (written.startswith("application/xop+xml") and "application/soap+xml" in written):
        expected = 'application/xop+xml; type="application/soap+xml"'
        yield Fault("", "Content-Type (partie racine)", head.root_type, expected)
    if not written and not head.cut_out and head.body == "ProvideAndRegisterDocumentSetRequest":
        yield Fault("", "Content-Type", "un seul message", "multipart/related (MTOM, EX_2.1-1260)")


SOAP_RULES: tuple[Rule[Head], ...] = (
    Rule("D-52a", "ihe-rules D.2 D-52", _addressing, "MessageAddressingHeaderRequired"),
    Rule("D-52b", "ihe-rules D.2 D-52, dmp-interface a.7 EX_2.1-1260", _root_part, "Sender"),
)
