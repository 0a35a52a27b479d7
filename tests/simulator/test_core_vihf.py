"""One mutation of a good VIHF = one named refusal (dmp-interface b; XUA refusals of ihe-rules D.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.directory import Structure
from connector.simulator.server import Simulator
from tests.simulator.rig import AIR, INS, OID, SAML, Client, Vihf, iso, secured, td02_body

GOOD = Vihf()
FUTURE = iso(datetime.now(UTC) + timedelta(hours=2))
PAST = iso(datetime.now(UTC) - timedelta(hours=2))
ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
G15, R01 = ("1.2.250.1.71.1.2.7", "G15"), ("1.2.250.1.71.4.2.5", "R01")
CONTEXT = "<saml:AuthnContext><saml:AuthnContextClassRef>x</saml:AuthnContextClassRef></saml:AuthnContext>"

SECRET = (
    '<saml:Attribute Name="urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code">'
    "<saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>"
)

MUTATIONS: dict[str, tuple[Vihf, str]] = {
    "expired": (replace(GOOD, age=timedelta(minutes=6)), "VIHF-AGE"),
    "from the future": (replace(GOOD, age=timedelta(minutes=-6)), "VIHF-AGE"),
    "local time": (replace(GOOD, instant="2026-11-21T12:00:00+01:00"), "VIHF-INSTANT"),
    "impossible date": (replace(GOOD, instant="2026-13-41T12:00:00Z"), "VIHF-INSTANT"),
    "SAML 1.1": (replace(GOOD, saml_version="1.1"), "VIHF-FORM"),
    "ID starting with a digit": (replace(GOOD, assertion_id="1b2a5a0-55e5"), "VIHF-FORM"),
    "issuer of somebody else": (replace(GOOD, issuer="CN=autre,OU=1120456789,O=Organisation-Y,C=FR"), "VIHF-ISSUER"),
    "issuer with S=": (replace(GOOD, issuer="CN=connecteur,S=Paris (75),C=FR"), "VIHF-ISSUER"),
    "issuer not a DN": (replace(GOOD, issuer_format="urn:autre"), "VIHF-ISSUER"),
    "conditions over": (
        replace(GOOD, conditions=f'<saml:Conditions NotOnOrAfter="{PAST}"/>'),
        "VIHF-EXPIRED",
    ),
    "conditions not yet": (
        replace(GOOD, conditions=f'<saml:Conditions NotBefore="{FUTURE}"/>'),
        "VIHF-NOT-YET-VALID",
    ),
    "audience": (
        replace(GOOD, conditions="<saml:Conditions><saml:AudienceRestriction/></saml:Conditions>"),
        "VIHF-AUDIENCE",
    ),
    "no authentication": (replace(GOOD, authn=""), "VIHF-AUTHN"),
    "authentication in the future": (
        replace(GOOD, authn=f'<saml:AuthnStatement AuthnInstant="{FUTURE}">{CONTEXT}</saml:AuthnStatement>'),
        "VIHF-AUTHN",
    ),
    "second authentication context": (
        replace(GOOD, authn=f'<saml:AuthnStatement AuthnInstant="{PAST}">{CONTEXT * 2}</saml:AuthnStatement>'),
        "VIHF-AUTHN-CONTEXT",
    ),
    "empty NameID": (replace(GOOD, name_id=" "), "VIHF-NAMEID"),
    "version 2.0": (replace(GOOD, changed={"VIHF_Version": "2.0"}), "VIHF-ATTRIBUTE-VALUE"),
    "unknown mode": (replace(GOOD, mode="AUTRE"), "VIHF-ATTRIBUTE-VALUE"),
    "card mode without a card": (replace(GOOD, mode="DIRECTE"), "VIHF-MODE"),
    "other resource": (replace(GOOD, changed={"Ressource_URN": "urn:autre"}), "VIHF-ATTRIBUTE-VALUE"),
    "sector without system": (replace(GOOD, changed={"Secteur_Activite": "SA01"}), "VIHF-SECTOR"),
    "attribute twice": (
        replace(
            GOOD,
            extra='<saml:Attribute Name="LPS_Nom"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>',
        ),
        "VIHF-ATTRIBUTE-TWICE",
    ),
    "two attribute statements": (replace(GOOD, statements=2), "VIHF-ATTRIBUTE-STATEMENT"),
    "connexion secrète of another kind": (replace(GOOD, extra=SECRET.format("AUTRE")), "VIHF-SECRET"),
    "no role": (replace(GOOD, roles=()), "VIHF-ROLE"),
    "role of no value set": (replace(GOOD, roles=(("10", "1.2.3", "X"),)), "VIHF-ROLE"),
    "second role for a nurse": (replace(GOOD, roles=(("60", *G15), ("SM26", *R01))), "VIHF-ROLE"),
    "doctor without speciality": (replace(GOOD, roles=(("10", *G15),)), "VIHF-SPECIALITY"),
    "pharmacist with a doctor's speciality": (replace(GOOD, roles=(("21", *G15), ("SM26", *R01))), "VIHF-SPECIALITY"),
    "second purpose": (replace(GOOD, purpose_count=2), "VIHF-PURPOSE"),
    "unknown purpose": (replace(GOOD, purpose="urgence"), "VIHF-PURPOSE"),
    "resource-id not a CX": (replace(GOOD, resource=INS), "VIHF-RESOURCE"),
    "production INS domain": (replace(GOOD, resource=f"{INS}^^^&1.2.250.1.213.1.4.8&ISO^NH"), "VIHF-INS-OID"),
    "structure other than the OU": (replace(GOOD, structure="1120459876"), "VIHF-STRUCTURE-CERTIFICATE"),
    "unknown structure": (
        replace(GOOD, signer="sign-unknown-structure", structure="1999999999"),
        "VIHF-STRUCTURE-UNKNOWN",
    ),
    "professional of another structure": (replace(GOOD, name_id="801234567866"), "VIHF-LINK"),
    "signed by the authentication pair": (replace(GOOD, signer="auth"), "VIHF-CERTIFICATE-USAGE"),
    "signed by an expired certificate": (replace(GOOD, signer="sign-expired"), "VIHF-CERTIFICATE-EXPIRED"),
    "signed under an unknown CA": (replace(GOOD, signer="sign-unknown-ca"), "VIHF-CERTIFICATE-CHAIN"),
    "certificate of another key": (
        replace(GOOD, certificate="sign-other", structure="1120459876"),
        "VIHF-SIGNATURE-VALUE",
    ),
    "signature last": (replace(GOOD, place=4), "VIHF-SIGNATURE-PLACE"),
    "inclusive canonicalisation": (
        replace(GOOD, c14n="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        "VIHF-SIGNATURE-TRANSFORMS",
    ),
    "no enveloped transform": (replace(GOOD, transforms=GOOD.transforms[1:]), "VIHF-SIGNATURE-TRANSFORMS"),
    "empty reference": (replace(GOOD, reference=""), "VIHF-SIGNATURE-REFERENCE"),
    "reference to another id": (replace(GOOD, reference="#autre"), "VIHF-SIGNATURE-REFERENCE"),
    "two references": (replace(GOOD, references=2), "VIHF-SIGNATURE-REFERENCE"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_one_mutation_one_refusal(shared: Client, name: str) -> None:
    vihf, rule = MUTATIONS[name]
    reply = shared.exists(vihf)
    assert reply.status == 500
    assert reply.fault[1]
    assert shared.last_rule() == rule


@pytest.mark.parametrize(
    "missing",
    [
        "VIHF_Version",
        "Authentification_Mode",
        "Identifiant_Structure",
        "Secteur_Activite",
        ROLE,
        "urn:oasis:names:tc:xspa:1.0:subject:subject-id",
        "Ressource_URN",
        "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse",
        "LPS_Nom",
        "LPS_Version",
        "LPS_ID_HOMOLOGATION_DMP",
    ],
)
def test_each_mandatory_attribute(shared: Client, missing: str) -> None:
    reply = shared.exists(replace(GOOD, changed={missing: None}))
    assert shared.last_rule() == "VIHF-ATTRIBUTE-MISSING"
    assert missing in reply.fault[1]


def test_resource_id_is_needed(shared: Client) -> None:
    shared.exists(replace(GOOD, changed={"urn:oasis:names:tc:xacml:2.0:resource:resource-id": None}))
    assert shared.last_rule() == "VIHF-RESOURCE"


ACCEPTED = {
    "as is": GOOD,
    "version 4.0": replace(GOOD, changed={"VIHF_Version": "4.0"}),
    "other spelling of the mode": replace(GOOD, mode_name="Authentification_mode"),
    "issuer in forward order": replace(
        GOOD, issuer="C=FR, ST=Paris (75), O=Organisation-Y, OU=1120456789, CN=connecteur"
    ),
    "issuer in hex": replace(
        GOOD, issuer="2.5.4.3=#0c0a636f6e6e656374657572,OU=1120456789,O=Organisation-Y,ST=Paris (75),C=FR"
    ),
    "local identifier": replace(GOOD, name_id="3120456789/agent-7"),
    "automaton": replace(GOOD, roles=(("AUTOMATE", "1.2.250.1.213.1.1.4.6", "A00"),)),
    "within five minutes": replace(GOOD, age=timedelta(minutes=4)),
    "conditions in force": replace(GOOD, conditions=f'<saml:Conditions NotBefore="{PAST}" NotOnOrAfter="{FUTURE}"/>'),
    "AIR": AIR,
    "connexion secrète": replace(GOOD, extra=SECRET.format("INVISIBLE_REPRESENTANTS_LEGAUX")),
    "connexion secrète, coded": replace(GOOD, extra=SECRET.format('<v3:c code="INVISIBLE_REPRESENTANTS_LEGAUX"/>')),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_sources_disagree_on_is_accepted(shared: Client, name: str) -> None:
    assert shared.exists(ACCEPTED[name]).status == 200
    assert shared.sim.log.lines()[-1].outcome == "ACTIVE"


def test_observed_texts_of_the_dmp(shared: Client) -> None:
    assert shared.exists(MUTATIONS["signed by the authentication pair"][0]).fault == (
        "DMPInvalidCertificate",
        "Not a valid signature certificate",
    )
    assert shared.exists(MUTATIONS["unknown structure"][0]).fault == ("", "Structure introuvable ou Inactive")
    assert shared.exists(MUTATIONS["professional of another structure"][0]).fault == ("", "PS et Structure non liés")
    text = shared.exists(MUTATIONS["doctor without speciality"][0]).fault[1]
    assert text.startswith("Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins")


def test_inactive_structure(client: Client) -> None:
    client.sim.world.put_structure(Structure("1120456789", "Organisation-Y", active=False))
    assert client.exists().fault == ("", "Structure introuvable ou Inactive")


def test_sha1_is_accepted_and_noted(client: Client) -> None:
    assert client.exists(replace(GOOD, digest="sha1")).status == 200
    assert "signature SHA-1" in client.sim.log.lines()[-1].warnings


def test_sha1_can_be_refused(config: SimConfig) -> None:
    with Simulator(replace(config, allow_sha1=False)) as sim:
        client = Client(sim)
        assert client.exists(replace(GOOD, digest="sha1")).status == 500
        assert client.last_rule() == "VIHF-SIGNATURE-ALGORITHM"


def test_structure_switch(config: SimConfig) -> None:
    with Simulator(replace(config, structure_from_certificate=False)) as sim:
        client = Client(sim)
        geographic = replace(GOOD, structure="1120459876", name_id="801234567897")
        assert client.exists(geographic).status == 200


# -- tampering after the signature ------------------------------------------------------------------------------------


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def evil(text: str) -> str:
    """The same assertion for another patient, its ID changed and its signature removed."""
    start, end = text.index("<ds:Signature"), text.index("</ds:Signature>") + len("</ds:Signature>")
    return (text[:start] + text[end:]).replace(INS, "277076322082910").replace(GOOD.assertion_id, "_evil")


def signature_of(text: str) -> str:
    return text[text.index("<ds:Signature") : text.index("</ds:Signature>") + len("</ds:Signature>")]


TAMPERING: dict[str, tuple[Callable[[str], str], str]] = {
    "patient changed": (swap(INS, "277076322082910"), "VIHF-SIGNATURE-VALUE"),
    "signature removed": (lambda text: text.replace(signature_of(text), ""), "VIHF-SIGNATURE-ABSENT"),
    "signature twice": (lambda text: text.replace(signature_of(text), signature_of(text) * 2), "VIHF-SIGNATURE-PLACE"),
    "evil assertion first": (lambda text: evil(text) + text, "VIHF-COUNT"),
    "evil assertion last": (lambda text: text + evil(text), "VIHF-COUNT"),
    "evil root around the signed one": (
        lambda text: evil(text).replace("<saml:Subject>", f"{text}<saml:Subject>", 1),
        "VIHF-COUNT",
    ),
    "evil root with the signature moved": (
        lambda text: evil(text).replace("<saml:Subject>", f"{signature_of(text)}<saml:Subject>", 1),
        "VIHF-SIGNATURE-REFERENCE",
    ),
    "signed original hidden in ds:Object": (
        lambda text: evil(text).replace(
            "<saml:Subject>",
            signature_of(text).replace("</ds:Signature>", f"<ds:Object>{text}</ds:Object></ds:Signature>")
            + "<saml:Subject>",
            1,
        ),
        "VIHF-COUNT",
    ),
    "timestamp beside": (lambda text: text + '<t xmlns="urn:x"/>', "VIHF-SECURITY"),
    "unknown algorithm": (swap("xmlenc#sha256", "xmlenc#sha512"), "VIHF-SIGNATURE-ALGORITHM"),
    "certificate unreadable": (
        lambda text: text.replace("<ds:X509Certificate>", "<ds:X509Certificate>AAAA"),
        "VIHF-SIGNATURE-KEYINFO",
    ),
    "no certificate": (
        lambda text: text.replace("X509Certificate>", "X509SubjectName>"),
        "VIHF-SIGNATURE-KEYINFO",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_wrapping_and_tampering(shared: Client, name: str) -> None:
    tamper, rule = TAMPERING[name]
    assert shared.exists(tamper=tamper).status == 500
    assert shared.last_rule() == rule


def test_same_id_elsewhere_in_the_envelope(shared: Client) -> None:
    reply = shared.exists(
        tamper_all=swap('ITSVersion="XML_1.0">', f'ITSVersion="XML_1.0"><x ID="{GOOD.assertion_id}"/>')
    )
    assert reply.status == 500
    assert shared.last_rule() == "VIHF-SIGNATURE-ID"


def test_comment_in_a_value_does_not_cut_it(shared: Client) -> None:
    # Canonicalisation drops comments: the signature holds, and the whole value must be read.
    reply = shared.exists(tamper=swap(">3.0<", ">3<!-- -->.0<"))
    assert reply.status == 200


def test_no_assertion(shared: Client) -> None:
    assert shared.exists(tamper=lambda _text: "").fault[0] == "wsse:InvalidSecurity"
    assert shared.last_rule() == "VIHF-ABSENT"


def test_assertion_outside_security(shared: Client) -> None:
    signed = GOOD.signed(shared.sim.pki)
    shared.exists(tamper=lambda _text: "", tamper_all=swap("</PRPA_IN201307UV02>", f"{signed}</PRPA_IN201307UV02>"))
    assert shared.last_rule() == "VIHF-COUNT"


def test_prefix_declared_by_the_envelope_is_kept(shared: Client) -> None:
    """`xs` used only in a value (xsi:type) and declared outside: the copy judged must still bind it."""
    text = GOOD.signed(shared.sim.pki).replace(f' xmlns:saml="{SAML}"', "", 1)
    reply = shared.exists(
        tamper=lambda _text: text, tamper_all=swap("<soap:Envelope ", f'<soap:Envelope xmlns:saml="{SAML}" ')
    )
    assert reply.status == 200


def test_tls_client_of_another_structure(sim: Simulator) -> None:
    client = Client(sim, "auth-other")
    assert client.exists().status == 500
    assert client.last_rule() == "VIHF-TLS-STRUCTURE"


def test_patient_of_the_body_must_be_the_assertion_s(shared: Client) -> None:
    reply = shared.soap("patients", td02_body(ins="277076322082910"))
    assert reply.fault[0] == "XDSPatientIdDoesNotMatch"


def test_known_good_envelope_has_one_security(shared: Client) -> None:
    double = secured(GOOD.signed(shared.sim.pki))
    reply = shared.exists(tamper_all=swap("</soap:Header>", f"{double}</soap:Header>"))
    assert reply.status == 500
    assert shared.last_rule() == "VIHF-COUNT"
    assert OID in GOOD.resource
