"""Every known code has its own French explanation; an unknown one is shown, never retried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import ServerError, SoapFault
from connector.dmp.refusal_table import DMP_ROWS, FAULT_ROWS, GENERIC, OWN_ROWS, WSA_ROWS, WSS_ROWS, XDS_ROWS
from connector.dmp.refusals import Explanation, explain, explain_fault
from connector.hl7.zam import OWN_CODES
from connector.xds.errors import KNOWN_CODES, classify
from tests.dmp.listed_codes import FAULT_TEXTS, LISTED, codes_of, texts_of

KLASSES = {"retry", "operator", "settled", "configuration", "warning", "unknown"}


@pytest.mark.parametrize(
    ("code", "klass"),
    [
        ("DMPOk", "settled"),
        ("DMPFound", "settled"),
        ("DMPClosed", "operator"),
        ("DMPInvalidCertificate", "configuration"),
        ("wsse:DMPInvalidCertificate", "configuration"),
        ("DMPAccessDeniedByRightsService", "operator"),
        ("DMPPatientAccessAlreadyExists", "settled"),
        ("DMPPatientAccessOTPAlreadyExists", "settled"),
        ("DMPIdentityCertificationFailure", "operator"),
        ("wsse:InvalidSecurity", "configuration"),
        ("wsa:EndpointUnavailable", "retry"),
        ("MustUnderstand", "configuration"),
        ("904", "operator"),
        ("XDSReplaceFailed", "operator"),
        ("XDSMetadataVersionError", "operator"),
        ("UnmodifiableMetadataError", "operator"),
        ("PartialReplaceContentNotProcessed", "warning"),
        ("XDSRegistryBusy", "retry"),
        ("XDSUnknownPatientId", "operator"),
        ("XDSDuplicateUniqueIdInRegistry", "settled"),
        ("XDSUnknownRepositoryId", "configuration"),
        ("XDSRegistryError", "unknown"),
    ],
)
def test_the_class_of_each_dmp_code(code: str, klass: str) -> None:
    assert explain(ServerError(code, "texte du serveur")).klass == klass


def test_every_xds_code_is_explained_and_keeps_the_class_of_the_standard() -> None:
    assert set(XDS_ROWS) == KNOWN_CODES
    for code in KNOWN_CODES:
        assert explain(ServerError(code, "")).klass == classify(code)


def test_every_explanation_is_complete_and_written_for_people() -> None:
    classed = [*DMP_ROWS.values(), *WSS_ROWS.values(), *WSA_ROWS.values(), *OWN_ROWS.values()]
    rows = [row for _, row in classed] + list(XDS_ROWS.values()) + [row for _, _, row in FAULT_ROWS]
    for cause, who, action in rows:
        assert cause.endswith(".")
        assert action.endswith(".")
        assert who
        assert not re.search(r"[a-z]Exception|Error", cause + action)


@pytest.mark.parametrize(
    ("text", "klass"),
    [
        ("Structure introuvable ou Inactive", "configuration"),
        ("PS et Structure non liés", "operator"),
        ("Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins et Pharmaciens", "operator"),
        ("A required header representing a Message Addressing Property is not present", "configuration"),
        ("Not a valid signature certificate", "configuration"),
    ],
)
def test_the_fault_texts_seen_live(text: str, klass: str) -> None:
    fault = SoapFault("Sender", "", text, http_status=500)
    assert explain_fault(fault).klass == klass


def test_the_subcode_of_a_fault_is_what_speaks() -> None:
    fault = SoapFault("Sender", "DMPInvalidCertificate", "whatever", http_status=500)
    assert "ORG_SIGN" in explain_fault(fault).what_to_do


def test_an_unknown_code_is_generic_and_never_retried() -> None:
    assert explain(ServerError("DMPNeverSeen", "texte")) == Explanation(*GENERIC, "unknown")


def test_a_warning_is_a_warning_whatever_its_code() -> None:
    assert explain(ServerError("DMPNeverSeen", "", severity="warning")).klass == "warning"
    assert explain(ServerError("XDSRegistryMetadataError", "", severity="warning")).klass == "warning"


@given(st.text(), st.text(), st.sampled_from(["error", "warning", ""]))
def test_any_error_has_an_explanation(code: str, text: str, severity: str) -> None:
    found = explain(ServerError(code, text, severity=severity))
    assert found.klass in KLASSES
    assert found.cause
    assert found.what_to_do


@pytest.mark.parametrize("code", sorted(LISTED))
def test_every_listed_code_has_an_explanation_of_its_own(code: str) -> None:
    told = explain(ServerError(code, ""))
    assert told.cause != GENERIC[0]
    assert told.who
    assert told.klass in KLASSES


@pytest.mark.parametrize("text", FAULT_TEXTS)
def test_every_listed_text_has_an_explanation_of_its_own(text: str) -> None:
    assert explain(ServerError("soap:Sender", text, channel="fault")).cause != GENERIC[0]


def test_nothing_listed_in_the_digests_is_missing_here(official_data: Path) -> None:
    found = codes_of(official_data / "spec")
    assert len(found) > 50
    assert found <= LISTED
    assert texts_of(official_data / "spec") <= set(FAULT_TEXTS)


def test_the_published_partial_list_is_covered(official_data: Path) -> None:
    path = official_data / "codes" / "DMPERRORCODE_partial.json"
    if not path.is_file():
        pytest.skip("official data absent: list of DMP codes")
    listed = set(re.findall(r'"code":\s*"([A-Za-z]+)"', path.read_text(encoding="utf-8")))
    assert listed
    assert listed <= LISTED


def test_our_own_refusals_are_explained_too() -> None:
    assert set(OWN_ROWS) == OWN_CODES


@pytest.mark.parametrize(
    ("code", "record"),
    [("DMPClosed", "closed"), ("x:DMPClosed", "closed"), ("XDSUnknownPatientId", "absent"), ("DMPNeverSeen", "")],
)
def test_no_open_dmp_is_told_apart_from_a_fault_of_the_document(code: str, record: str) -> None:
    told = explain(ServerError(code, ""))
    assert (told.record, told.absent) == (record, bool(record))


def test_only_two_codes_speak_of_the_record() -> None:
    assert {code for code in LISTED if explain(ServerError(code, "")).absent} == {"DMPClosed", "XDSUnknownPatientId"}
