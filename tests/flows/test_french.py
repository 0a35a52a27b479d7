"""Texts for hospital staff: every cause is said in French, none with the developer's words or an identity."""

from __future__ import annotations

import pytest

from connector.base.errors import CodecError, ConnectorError, SettingsError, TransportError
from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.flows.french import error_of, in_french
from connector.hl7.ack import AckError
from connector.hl7.er7 import Er7Error, Limits, parse
from connector.kit.pool import GateUnavailable
from connector.soap.errors import RelatesToMismatch, UnreadableAnswer
from connector.trust.errors import ClockError, KeyMaterialError, SessionError, SignatureError, VihfError

CASES = [
    (TransportError("connection refused", sent=False, cause="refused"), "connexion refusée"),
    (
        TransportError("MLLP pix:3700: no reply", sent=True, host="pix", port=3700, cause="no reply"),
        "pix:3700 : pas de réponse dans le délai",
    ),
    (
        TransportError("TLS refused", sent=False, cause="client-certificate", reason="TLSV1_ALERT_UNKNOWN_CA"),
        "notre certificat est refusé par le serveur (TLSV1_ALERT_UNKNOWN_CA)",
    ),
    (TransportError("HTTP 500 without a SOAP answer", sent=True, http_status=500), "réponse HTTP 500"),
    (RelatesToMismatch(found="urn:uuid:1", expected="urn:uuid:2"), "la réponse reçue répond à une autre demande"),
    (UnreadableAnswer("unreadable answer", field="Envelope", http_status=200), "réponse illisible"),
    (
        ClockError("drift", source="DMP", offset_seconds=-301.2, limit_seconds=120.0),
        "l'horloge du connecteur s'écarte de 301 s de celle de « DMP » (limite 120 s)",
    ),
    (VihfError("refused", field="name_id"), "l'assertion VIHF ne peut pas être faite (champ name_id)"),
    (SignatureError("no", field="digest"), "le lot de soumission ne peut pas être signé (champ digest)"),
    (SettingsError("wrong", name="dmp.paths"), "réglage dmp.paths faux ou absent"),
    (KeyMaterialError("unreadable", field="sign.pem"), "clé ou certificat inutilisable (sign.pem)"),
    (SessionError("la session est terminée", field="session"), "la session est terminée"),
    (GateUnavailable("closed"), "le contrôle du CDA est momentanément indisponible"),
    (CodecError("odd", field="Slot"), "CodecError (champ Slot)"),
]


@pytest.mark.parametrize(
    ("error", "expected"), CASES, ids=[type(e).__name__ + str(n) for n, (e, _) in enumerate(CASES)]
)
def test_a_cause_is_told_in_french(error: ConnectorError, expected: str) -> None:
    assert in_french(error) == expected


NOT_CDA = [
    (b"PK\x03\x04rest", "c'est une archive ZIP"),
    (b"%PDF-1.4", "c'est un PDF"),
    (b"MSH|^~\\&|", "c'est un message HL7v2"),
    (b"<a>\n<b></a>", "XML mal formé (ligne 2)"),
    (b"<!DOCTYPE a><a/>", "une déclaration DOCTYPE y est interdite"),
    (b"<a/>", "la racine n'est pas ClinicalDocument"),
    (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "un CDA concerne un patient et un seul (recordTarget)"),
    (
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget/></ClinicalDocument>',
        "identifiant du document absent (id)",
    ),
    (
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2"/><recordTarget/></ClinicalDocument>',
        "élément obligatoire absent ou vide (code/@code)",
    ),
]


@pytest.mark.parametrize(("content", "expected"), NOT_CDA)
def test_a_document_that_is_no_cda_is_refused_in_french(content: bytes, expected: str) -> None:
    with pytest.raises(CdaError) as refused:
        read_header(content, cap=1000)
    assert in_french(refused.value) == expected


def test_a_document_too_large_says_both_sizes() -> None:
    with pytest.raises(CdaError) as refused:
        read_header(b"<a>" + b" " * 100 + b"</a>", cap=50)
    assert in_french(refused.value) == "document trop volumineux (107, limite 50)"


GOOD_HEADER = b"MSH|^~\\&|A|B|C|D|20240310||ADT^A01|1|T|2.5"
NOT_HL7 = [
    (b"bonjour", "MSH", "100", "le message ne commence pas par MSH"),
    (GOOD_HEADER + b"\rMSH|^~\\&|\r", "MSH^2", "100", "deux messages en un : un seul MSH attendu"),
    (GOOD_HEADER + b"|||||FRA|KLINGON\r", "MSH^1^18", "103", "jeu de caractères non pris en charge (MSH-18)"),
    (b"MSH|^^^^|A\r", "MSH^1^2", "102", "délimiteurs inutilisables (MSH-2)"),
    (GOOD_HEADER + b"\rPID|1\rPV1|1\r", "", "198", "limite dépassée (3, 2 au plus)"),
]


@pytest.mark.parametrize(("raw", "location", "code", "text"), NOT_HL7)
def test_bytes_that_are_no_message_are_refused_in_french(raw: bytes, location: str, code: str, text: str) -> None:
    with pytest.raises(Er7Error) as refused:
        parse(raw, Limits(max_segments=2)).segments  # noqa: B018 - reading is what raises
    assert error_of(refused.value) == AckError(location, code, text)
