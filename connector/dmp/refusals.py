"""A server's refusal in plain French: why, who can mend it, what to do, and what the connector may do by itself.

The explanation never replaces the server's code and text, which are kept and shown verbatim beside it
(EX_GEN-1140/1145, dmp-gaps §1). An unknown code is never an error of ours: it gets a generic text.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.base.errors import ServerError, SoapFault
from connector.dmp.refusal_table import DMP_ROWS, FAULT_ROWS, GENERIC, GENERIC_WARNING, WSS_ROWS, XDS_ROWS
from connector.xds.errors import KNOWN_CODES, Klass, classify

__all__ = ["Explanation", "explain", "explain_fault", "server_error"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`cause`, `who` and `what_to_do` are for hospital staff; `klass` decides what a flow does."""

    cause: str
    who: str
    what_to_do: str
    klass: Klass


def explain(error: ServerError) -> Explanation:
    """The explanation of one error, by code first, then by the text of a fault."""
    code = local_code(error.code)
    if found := DMP_ROWS.get(code) or WSS_ROWS.get(code):
        klass, row = found
        return Explanation(*row, klass)
    if code in KNOWN_CODES:
        return Explanation(*XDS_ROWS.get(code, GENERIC_WARNING), classify(code, error.severity))
    text = error.text.lower()
    for part, klass, row in FAULT_ROWS:
        if part in text:
            return Explanation(*row, klass)
    klass = classify(code, error.severity)
    return Explanation(*(GENERIC_WARNING if klass == "warning" else GENERIC), klass)


def explain_fault(fault: SoapFault) -> Explanation:
    """The explanation of a SOAP fault."""
    return explain(server_error(fault))


def server_error(fault: SoapFault) -> ServerError:
    """A fault in the form every channel shares; the subcode is the telling one (`soap:Sender` says nothing)."""
    return ServerError(fault.subcode or fault.code, fault.text, channel="fault")


def local_code(code: str) -> str:
    """Code without its XML prefix: `dmp:DMPInvalidCertificate` and `DMPInvalidCertificate` are one."""
    return code.rsplit(":", 1)[-1]
