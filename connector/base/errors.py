"""The error family: every exception keeps its context as attributes, never only in its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def where(error: BaseException) -> str:
    """`module.py:line` where the exception was raised: its text may quote a patient, its place cannot."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"


class ConnectorError(Exception):
    """Root of every error raised on purpose by the connector.

    `context` holds what a program needs to decide; `str(error)` is for people and never carries
    an INS, a name or a document (design rule 9).
    """

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.context: dict[str, Any] = context


class SettingsError(ConnectorError):
    """A setting is missing or wrong; `context` has `name`, `found`, `allowed`."""


class CodecError(ConnectorError):
    """Bytes that cannot be read as what they claim to be; `context` has `field`, `found`, `expected`."""


class LimitError(CodecError):
    """A size, count or depth limit was passed; `context` has `limit` and `found`."""


class TransportError(ConnectorError):
    """The far end could not be reached or broke the connection.

    `sent` is False only when it is certain that no byte of the request left: then a retry is safe.
    Otherwise the outcome is unknown (design rule 7).
    """

    def __init__(self, message: str, *, sent: bool, **context: Any) -> None:
        super().__init__(message, **context)
        self.sent = sent


class SoapFault(ConnectorError):
    """The far end answered a SOAP fault; code, subcode and text are the server's, verbatim."""

    def __init__(self, code: str, subcode: str, text: str, *, http_status: int, **context: Any) -> None:
        super().__init__(f"SOAP fault {subcode or code}", **context)
        self.code = code
        self.subcode = subcode
        self.text = text
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class ServerError:
    """One error as a server worded it (RegistryError, HL7v3 acknowledgementDetail, status/context).

    `channel` is one of 'registry', 'fault', 'ack', 'status' (dmp-interface a.11: four places).
    """

    code: str
    text: str
    severity: str = "error"
    location: str = ""
    channel: str = "registry"


class ServerRefusal(ConnectorError):
    """The far end understood and said no. `errors` holds every ServerError, first one first."""

    def __init__(self, errors: tuple[ServerError, ...], **context: Any) -> None:
        super().__init__(f"refused by the server: {', '.join(e.code for e in errors) or 'no code'}", **context)
        self.errors = errors

    @property
    def code(self) -> str:
        return self.errors[0].code if self.errors else ""

    @property
    def text(self) -> str:
        return self.errors[0].text if self.errors else ""
