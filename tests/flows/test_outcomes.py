"""From a server's words to an outcome: the class of the refusal decides, its own code is kept."""

from __future__ import annotations

import pytest

from connector.base.errors import ServerError, ServerRefusal, SoapFault
from connector.dmp.refusals import explain
from connector.flows.outcomes import describe, failure, first_error
from connector.journal import Hold, Refuse, Retry
from connector.xds.model import STATUS_FAILURE


def refusal(*errors: ServerError) -> ServerRefusal:
    return ServerRefusal(errors, status=STATUS_FAILURE)


WARNING = ServerError("XDSExtraMetadataNotSaved", "slot ignoré", severity="warning")


@pytest.mark.parametrize(
    ("code", "kind", "reason_code"),
    [
        ("XDSRegistryBusy", Retry, "XDSRegistryBusy"),
        ("XDSUnknownPatientId", Refuse, "XDSUnknownPatientId"),
        ("XDSReplaceFailed", Refuse, "XDSReplaceFailed"),
        ("XDSMetadataVersionError", Refuse, "XDSMetadataVersionError"),
        ("DMPInvalidCertificate", Hold, "configuration.DMPInvalidCertificate"),
        ("DMPNeverSeen", Hold, "unknown.DMPNeverSeen"),
    ],
)
def test_the_class_decides_and_the_code_stays(code: str, kind: type, reason_code: str) -> None:
    outcome = failure(refusal(ServerError(code, "texte du serveur")))
    assert isinstance(outcome, Retry | Refuse | Hold)
    assert isinstance(outcome, kind)
    assert (outcome.reason_code if isinstance(outcome, Hold) else outcome.code) == reason_code
    assert f"[{code} : texte du serveur]" in outcome.reason


def test_a_warning_said_first_does_not_hide_the_error() -> None:
    found = refusal(WARNING, ServerError("XDSUnknownPatientId", "inconnu"))
    assert first_error(found).code == "XDSUnknownPatientId"
    assert isinstance(failure(found), Refuse)
    assert first_error(refusal(WARNING)).code == "XDSExtraMetadataNotSaved"


def test_a_fault_speaks_by_its_subcode() -> None:
    fault = SoapFault("Sender", "wsse:FailedCheck", "signature", http_status=500)
    assert first_error(fault).code == "wsse:FailedCheck"
    assert isinstance(failure(fault), Hold)


def test_the_sentence_says_who_and_what_and_quotes_the_server() -> None:
    error = ServerError("DMPClosed", "DMP fermé")
    text = describe(explain(error), error)
    assert "à traiter par" in text
    assert text.endswith("[DMPClosed : DMP fermé]")
