"""From a refusal or a failure to an outcome: the classification table decides, never a guess in a flow."""

from __future__ import annotations

from connector.base.errors import ConnectorError, ServerError, ServerRefusal, SoapFault, TransportError
from connector.dmp.refusals import Explanation, explain
from connector.flows.french import in_french
from connector.journal import Hold, Outcome, Refuse, Retry, Unknown
from connector.xds.model import STATUS_PARTIAL


def first_error(error: ConnectorError) -> ServerError:
    """The server's own code and text, wherever it put them (dmp-interface a.11: four places).

    Of a list the first error is meant: a warning said before it is not why the server refused.
    """
    if isinstance(error, ServerRefusal) and error.errors:
        return next((one for one in error.errors if explain(one).klass != "warning"), error.errors[0])
    if isinstance(error, SoapFault):
        return ServerError(error.subcode or error.code, error.text, channel="fault")
    return ServerError("", str(error), channel="transport")


def describe(explanation: Explanation, error: ServerError) -> str:
    """One French line: cause, who mends it, what to do, and the server's words verbatim."""
    own = f" [{error.code} : {error.text}]" if error.text else f" [{error.code}]"
    return f"{explanation.cause} — à traiter par {explanation.who} : {explanation.what_to_do}{own}"


def failure(error: ConnectorError, *, effect: bool = False) -> Outcome:
    """The outcome of a failed call. `effect` is True when the call may have changed the far end (ITI-41)."""
    if isinstance(error, TransportError):
        if effect and error.sent:
            return Unknown(f"la liaison a été coupée après l'envoi ({in_french(error)})", unreachable=True)
        return Retry(f"Service injoignable ({in_french(error)})", code="transport", unreachable=True)
    server = first_error(error)
    explanation = explain(server)
    text = describe(explanation, server)
    if effect and _may_have_happened(error, explanation):
        return Unknown(f"le serveur a échoué sans dire où il en était : {text}")
    if _server_failed(error, explanation):
        # it only failed to answer a question: asked again, nobody has to look
        return Retry(text, code=server.code)
    match explanation.klass:
        case "retry":
            return Retry(text, code=server.code)
        case "configuration":
            return Hold(text, f"configuration.{server.code}")
        case "operator" | "settled":
            return Refuse(text, server.code)
        case _:
            return Hold(text, f"unknown.{server.code}")


def leaves_doubt(error: ConnectorError) -> bool:
    """True for a failure after which the registry is asked before any resend (ihe-rules D.1: busy, unknown words)."""
    if isinstance(error, TransportError):
        return error.sent
    return explain(first_error(error)).klass not in ("configuration", "operator")


def announces_duplicate(error: ConnectorError) -> bool:
    """True when the server says, in a list or in a fault, that it already has what was sent."""
    errors = error.errors if isinstance(error, ServerRefusal) else (first_error(error),)
    return any(explain(one).klass == "settled" for one in errors)


_REGISTRY_UNREACHED = "XDSRegistryNotAvailable"
_SERVER_SIDE = ("Receiver", "Server")
"""SOAP 1.2 and 1.1: the fault is not the request's."""


def _may_have_happened(error: ConnectorError, explanation: Explanation) -> bool:
    """A failure that does not say where the server stood: the document may be there, or come later.

    A fault of the server's own with no known meaning; a submission taken in part, which D-49 excludes; a repository
    that lost the registry half-way.
    """
    if _server_failed(error, explanation):
        return True
    if isinstance(error, ServerRefusal) and error.context.get("status") == STATUS_PARTIAL:
        return True
    return first_error(error).code == _REGISTRY_UNREACHED


def _server_failed(error: ConnectorError, explanation: Explanation) -> bool:
    """A fault that the server takes upon itself, in words that mean nothing more."""
    return isinstance(error, SoapFault) and error.code in _SERVER_SIDE and explanation.klass == "unknown"
