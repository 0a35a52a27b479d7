"""A server's refusal in plain French: why, who can mend it, what to do, and what the connector may do by itself.

The explanation never replaces the server's code and text, which are kept and shown verbatim beside it
(EX_GEN-1140/1145, dmp-gaps §1). An unknown code is never an error of ours: it gets a generic text.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from connector.base.errors import ServerError, SoapFault
from connector.dmp.refusal_table import (
    DMP_ROWS,
    FAULT_ROWS,
    GENERIC,
    GENERIC_WARNING,
    OWN_ROWS,
    RECORD,
    WSA_ROWS,
    WSS_ROWS,
    XDS_ROWS,
    Row,
)
from connector.xds.errors import KNOWN_CODES, Klass, classify

__all__ = ["Explanation", "Record", "explain", "explain_fault", "server_error"]


Record = Literal["", "absent", "closed"]
"""What a refusal says of the patient's DMP: "" nothing, there is none, or it is closed."""

_BY_CODE: Final[Mapping[str, tuple[Klass, Row]]] = ChainMap(DMP_ROWS, WSS_ROWS, WSA_ROWS, OWN_ROWS)


@dataclass(frozen=True, slots=True)
class Explanation:
    """`cause`, `who` and `what_to_do` are for hospital staff; `klass` and `record` decide what a flow does."""

    cause: str
    who: str
    what_to_do: str
    klass: Klass
    record: Record = ""

    @property
    def absent(self) -> bool:
        """There is no open DMP to feed: nothing in the document is wrong, it waits (`dmp-absent`, `dmp-closed`)."""
        return bool(self.record)


def explain(error: ServerError) -> Explanation:
    """The explanation of one error, by code first, then by the text of a fault."""
    code = local_code(error.code)
    record: Record = RECORD.get(code, "")
    told = classify(code, error.severity)
    if found := _BY_CODE.get(code):
        klass, row = found
        return Explanation(*row, told if told == "warning" else klass, record)
    if code in KNOWN_CODES:
        return Explanation(*XDS_ROWS[code], told, record)
    text = error.text.lower()
    for part, klass, row in FAULT_ROWS:
        if part in text:
            return Explanation(*row, klass)
    return Explanation(*(GENERIC_WARNING if told == "warning" else GENERIC), told)


def explain_fault(fault: SoapFault) -> Explanation:
    """The explanation of a SOAP fault."""
    return explain(server_error(fault))


def server_error(fault: SoapFault) -> ServerError:
    """A fault in the form every channel shares; the subcode is the telling one (`soap:Sender` says nothing)."""
    return ServerError(fault.subcode or fault.code, fault.text, channel="fault")


def local_code(code: str) -> str:
    """Code without its XML prefix: `dmp:DMPInvalidCertificate` and `DMPInvalidCertificate` are one."""
    return code.rsplit(":", 1)[-1]
