"""From a refusal or a failure to an outcome: the classification table decides, never a guess in a flow."""

from __future__ import annotations

from connector.base.errors import ConnectorError, ServerError, ServerRefusal, SoapFault, TransportError
from connector.dmp.refusals import Explanation, explain
from connector.flows.french import in_french
from connector.journal import Hold, Outcome, Refuse, Retry, Unknown


def first_error(error: ConnectorError) -> ServerError:
    """The server's own code and text, wherever it put them (dmp-interface a.11: four places)."""
    if isinstance(error, ServerRefusal) and error.errors:
        return error.errors[0]
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
            return Unknown(f"la liaison a été coupée après l'envoi ({in_french(error)})")
        return Retry(f"Service injoignable ({in_french(error)})", code="transport")
    server = first_error(error)
    explanation = explain(server)
    text = describe(explanation, server)
    match explanation.klass:
        case "retry":
            return Retry(text, code=server.code)
        case "configuration":
            return Hold(text, f"configuration.{server.code}")
        case "operator" | "settled":
            return Refuse(text, server.code)
        case _:
            return Hold(text, f"unknown.{server.code}")
