"""The VIHF, judged by xmlsec1 and by its own rules, one mutation at a time."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connector.base import ns
from connector.base.errors import SettingsError
from connector.trust.errors import VihfError
from connector.trust.roles import (
    AUTOMATE,
    CARE_ROLE,
    OTHER_PROFESSION,
    PHARMACIST_SECTION,
    PROFESSION,
    SKILL,
    Role,
    role,
)
from connector.trust.vihf import Caller, VihfConfig, build_assertion
from tests.trust.material import NOW, STRUCTURE, Wish, authority, pair
from tests.trust.xmlsec import verify

ID = "_2b6f0cf4-6f0e-4a4b-9a8e-3f5f3f1f0b11"
INS = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
SAML = {"s": ns.SAML2, "ds": ns.DS, "v3": ns.HL7V3}
DOCTOR = (role("10", PROFESSION), role("SM26", SKILL))
CONFIG = VihfConfig("connector", "0.1.0", "DMP-0000")
INDIRECT = Caller("801234564895", "THOMAS Eric", STRUCTURE, "SA01", DOCTOR)
AIR = dataclasses.replace(
    INDIRECT, mode="INDIRECTE_RENFORCEE", authn_context_decl="APP_BROWSER_AUTH", authn_instant=NOW - timedelta(hours=1)
)


def build(caller: Caller = INDIRECT, config: VihfConfig = CONFIG, resource_id: str | None = INS) -> bytes:
    return build_assertion(caller, config, resource_id=resource_id, signer=pair(), now=NOW, assertion_id=ID)


def attributes(assertion: bytes) -> list[tuple[str, list[str]]]:
    """Every attribute in order, coded values as `code^codeSystem^codeSystemName^displayName`."""
    found = []
    for attribute in etree.fromstring(assertion).iterfind(".//s:Attribute", SAML):
        values = []
        for value in attribute.iterfind("s:AttributeValue", SAML):
            coded = value.find("v3:*", SAML)
            names = ("code", "codeSystem", "codeSystemName", "displayName")
            values.append(value.text or "" if coded is None else "^".join(str(coded.get(name)) for name in names))
        found.append((str(attribute.get("Name")), values))
    return found


def verified(assertion: bytes) -> etree._Element:
    """What signxml, another implementation than xmlsec1, holds for signed."""
    result = XMLVerifier().verify(
        assertion,
        x509_cert=pair().certificate,
        id_attribute="ID",
        expect_config=SignatureConfiguration(
            location="./",
            signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
            digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        ),
    )
    (only,) = result if isinstance(result, list) else [result]
    assert only.signed_xml is not None
    return only.signed_xml


@pytest.mark.parametrize("caller", [INDIRECT, AIR], ids=["INDIRECTE", "AIR"])
@pytest.mark.parametrize("digest", ["sha256", "sha1"])
def test_xmlsec1_verifies(caller: Caller, digest: Any, tmp_path: Path) -> None:
    assertion = build(caller, dataclasses.replace(CONFIG, digest=digest))
    good, said = verify(assertion, authority(), tmp_path, "--id-attr:ID", "Assertion")
    assert good, said
    algorithms = {str(element.get("Algorithm")).rpartition("#")[2] for element in etree.fromstring(assertion).iter()}
    assert {digest, f"rsa-{digest}"} <= algorithms


@pytest.mark.parametrize(
    ("found", "planted"),
    [
        (b">INDIRECTE<", b">DIRECTE<"),
        (b"279035121518989", b"277076322082910"),
        (b">1120456789<", b">1120459876<"),
        (b'code="SM26"', b'code="SM27"'),
        (b'IssueInstant="2026', b'IssueInstant="2027'),
        (b">urn:dmp<", b">urn:dmq<"),
        (b'code="normal"', b'code="centre_15"'),
    ],
)
def test_xmlsec1_sees_every_change(found: bytes, planted: bytes, tmp_path: Path) -> None:
    assertion = build()
    assert assertion.count(found) == 1
    good, said = verify(assertion.replace(found, planted), authority(), tmp_path, "--id-attr:ID", "Assertion")
    assert not good, said


def test_an_untrusted_authority_is_refused(tmp_path: Path) -> None:
    good, said = verify(build(), authority("other"), tmp_path, "--id-attr:ID", "Assertion")
    assert not good, said


def test_order_and_identity_of_the_assertion() -> None:
    root = etree.fromstring(build())
    assert [etree.QName(child).localname for child in root] == [
        "Issuer",
        "Signature",
        "Subject",
        "AuthnStatement",
        "AttributeStatement",
    ]
    assert {str(name): str(value) for name, value in root.items()} == {
        "Version": "2.0",
        "ID": ID,
        "IssueInstant": "2026-11-21T10:00:00.123Z",
    }
    assert root.findtext("s:Subject/s:NameID", None, SAML) == "801234564895"
    issuer = root.find("s:Issuer", SAML)
    assert issuer is not None
    assert issuer.get("Format") == "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
    assert issuer.text == "CN=connector,OU=1120456789,O=Organisation-Y,ST=Paris (75),C=FR"
    references = root.findall(".//ds:Reference", SAML)
    assert [reference.get("URI") for reference in references] == [f"#{ID}"]
    assert [transform.get("Algorithm") for transform in root.iterfind(".//ds:Transform", SAML)] == [
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    ]
    assert len(root.findall(".//ds:KeyInfo/ds:X509Data/ds:X509Certificate", SAML)) == 1


def test_the_bytes_stand_alone_and_survive_splicing() -> None:
    assertion = build()
    assert assertion.startswith(b"<saml2:Assertion ")
    envelope = (
        b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:x="' + ns.SAML2.encode() + b'">'
        b"<e:Header>" + assertion + b"</e:Header></e:Envelope>"
    )
    spliced = etree.fromstring(envelope).find(".//s:Assertion", SAML)
    assert spliced is not None
    alone = etree.tostring(etree.fromstring(assertion), method="c14n", exclusive=True)
    assert etree.tostring(spliced, method="c14n", exclusive=True, with_tail=False) == alone


def test_attributes_of_an_indirect_caller() -> None:
    assert attributes(build(config=dataclasses.replace(CONFIG, lps_id="POSTE-1"))) == [
        ("VIHF_Version", ["3.0"]),
        ("Authentification_Mode", ["INDIRECTE"]),
        ("Identifiant_Structure", [STRUCTURE]),
        ("Secteur_Activite", ["SA01^1.2.250.1.71.4.2.4"]),
        (
            "urn:oasis:names:tc:xacml:2.0:subject:role",
            [
                "10^1.2.250.1.71.1.2.7^G15^Médecin",
                f"SM26^1.2.250.1.71.4.2.5^R01^{DOCTOR[1].display}",
            ],
        ),
        ("urn:oasis:names:tc:xspa:1.0:subject:subject-id", ["THOMAS Eric"]),
        ("urn:oasis:names:tc:xacml:2.0:resource:resource-id", [INS]),
        ("Ressource_URN", ["urn:dmp"]),
        (
            "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse",
            ["normal^1.2.250.1.213.1.1.4.248^mode acces VIHF 2.0^Accès normal"],
        ),
        ("LPS_ID", ["POSTE-1"]),
        ("LPS_Nom", ["connector"]),
        ("LPS_Version", ["0.1.0"]),
        ("LPS_ID_HOMOLOGATION_DMP", ["DMP-0000"]),
    ]


def test_coded_values_are_typed_in_hl7v3() -> None:
    root = etree.fromstring(build())
    coded = [element for element in root.iter() if element.get(f"{{{ns.XSI}}}type")]
    assert [etree.QName(element).localname for element in coded] == ["Role", "Role", "PurposeOfUse"]
    for element in coded:
        assert element.get(f"{{{ns.XSI}}}type") == "CE"
        assert element.nsmap[None] == ns.HL7V3
        assert etree.QName(element).namespace == ns.HL7V3


def test_optional_attributes_are_absent_until_asked_for() -> None:
    names = [name for name, _ in attributes(build(resource_id=None))]
    assert "urn:oasis:names:tc:xacml:2.0:resource:resource-id" not in names
    assert "LPS_ID" not in names
    assert "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code" not in names
    secret = dict(attributes(build(dataclasses.replace(INDIRECT, secret=True))))
    assert secret["urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"] == [
        "INVISIBLE_REPRESENTANTS_LEGAUX"
    ]


def test_indirect_has_no_declaration_and_air_has_one() -> None:
    plain, strong = etree.fromstring(build()), etree.fromstring(build(AIR))
    assert plain.find(".//s:AuthnContextDecl", SAML) is None
    assert strong.findtext(".//s:AuthnContextDecl", None, SAML) == "APP_BROWSER_AUTH"
    statement = strong.find("s:AuthnStatement", SAML)
    assert statement is not None
    assert statement.get("AuthnInstant") == "2026-11-21T09:00:00.123Z"
    context = strong.find(".//s:AuthnContext", SAML)
    assert context is not None
    assert [etree.QName(child).localname for child in context] == ["AuthnContextClassRef", "AuthnContextDecl"]


def test_an_automaton_logs_on_at_each_call() -> None:
    statement = etree.fromstring(build(dataclasses.replace(INDIRECT, roles=(AUTOMATE,)))).find("s:AuthnStatement", SAML)
    assert statement is not None
    assert statement.get("AuthnInstant") == "2026-11-21T10:00:00.123Z"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": "4.0"}, ("VIHF_Version", ["4.0"])),
        ({"mode_attribute": "Authentification_mode"}, ("Authentification_mode", ["INDIRECTE"])),
        ({"lps_name": "autre"}, ("LPS_Nom", ["autre"])),
        ({"lps_version": "9"}, ("LPS_Version", ["9"])),
        ({"homologation_id": "H"}, ("LPS_ID_HOMOLOGATION_DMP", ["H"])),
    ],
)
def test_settings_reach_the_assertion(change: dict[str, Any], expected: tuple[str, list[str]]) -> None:
    assert expected in attributes(build(config=dataclasses.replace(CONFIG, **change)))


def test_name_id_form() -> None:
    local = build(config=dataclasses.replace(CONFIG, name_id_form="local"))
    assert etree.fromstring(local).findtext(".//s:NameID", None, SAML) == f"{STRUCTURE}/801234564895"
    already = dataclasses.replace(INDIRECT, name_id=f"{STRUCTURE}/42")
    again = build(already, dataclasses.replace(CONFIG, name_id_form="local"))
    assert etree.fromstring(again).findtext(".//s:NameID", None, SAML) == f"{STRUCTURE}/42"


def test_a_local_name_id_may_have_the_prefix_of_a_person() -> None:
    person = dataclasses.replace(CONFIG, name_id_prefix="person")
    for name, config, expected in (
        (f"{STRUCTURE}/connector", person, "3120456789/connector"),
        ("801234564895", person, "801234564895"),
        ("801234564895", dataclasses.replace(person, name_id_form="local"), "3120456789/801234564895"),
        (f"{STRUCTURE}/connector", CONFIG, f"{STRUCTURE}/connector"),
    ):
        assertion = build(dataclasses.replace(INDIRECT, name_id=name), config)
        assert etree.fromstring(assertion).findtext(".//s:NameID", None, SAML) == expected


SECRET = b'<saml2:Attribute Name="urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code">'


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("string", b"INVISIBLE_REPRESENTANTS_LEGAUX"),
        (
            "coded",
            '<ConfidentialityCode xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            ' xsi:type="CE" code="INVISIBLE_REPRESENTANTS_LEGAUX" codeSystem="1.2.250.1.213.1.1.4.13"'
            ' codeSystemName="A07" displayName="Non visible par les représentants légaux du patient"/>'.encode(),
        ),
    ],
)
def test_the_bytes_of_a_secret_connection(form: Any, value: bytes) -> None:
    secret = dataclasses.replace(INDIRECT, secret=True)
    assertion = build(secret, dataclasses.replace(CONFIG, secret_form=form))
    expected = SECRET + b"<saml2:AttributeValue>" + value + b"</saml2:AttributeValue></saml2:Attribute>"
    assert assertion.count(expected) == 1
    assert verified(assertion) is not None
    assert SECRET not in build()


def test_issuer_forward_order_and_labels() -> None:
    names = (x509.NameAttribute(NameOID.SURNAME, "THOMAS"), x509.NameAttribute(NameOID.GIVEN_NAME, "Eric"))
    signer = pair(Wish(names=names))
    assertion = build_assertion(
        INDIRECT,
        dataclasses.replace(CONFIG, issuer_order="forward"),
        resource_id=INS,
        signer=signer,
        now=NOW,
        assertion_id=ID,
    )
    issuer = etree.fromstring(assertion).findtext("s:Issuer", None, SAML)
    assert issuer == "C=FR, ST=Paris (75), O=Organisation-Y, OU=1120456789, CN=connector, SN=THOMAS, GN=Eric"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name_id": " "}, "Subject/NameID"),
        ({"subject_id": ""}, "subject-id"),
        ({"structure_id": ""}, "Identifiant_Structure"),
        ({"sector": "SA999"}, "Secteur_Activite"),
        ({"mode": "DIRECTE"}, "Authentification_Mode"),
        ({"authn_context": ""}, "AuthnContextClassRef"),
        ({"purpose": "urgence"}, "purposeofuse"),
        ({"purpose": "bris_de_glace"}, "purposeofuse"),
        ({"authn_context_decl": "APP_BROWSER_AUTH"}, "AuthnContextDecl"),
        ({"mode": "INDIRECTE_RENFORCEE"}, "AuthnContextDecl"),
        ({"authn_instant": NOW + timedelta(minutes=5)}, "AuthnInstant"),
        ({"roles": ()}, "subject:role"),
        ({"roles": (*DOCTOR, AUTOMATE)}, "subject:role"),
        ({"roles": DOCTOR[:1]}, "subject:role[2]"),
        ({"roles": (role("10", PROFESSION), role("H", PHARMACIST_SECTION))}, "subject:role[2]"),
        ({"roles": (role("21", PROFESSION),)}, "subject:role[2]"),
        ({"roles": (role("99", OTHER_PROFESSION),)}, "subject:role[2]"),
        ({"roles": (role("60", PROFESSION), role("SM26", SKILL))}, "subject:role[2]"),
        ({"roles": (Role("10", "1.2.3"),)}, "subject:role"),
        ({"roles": DOCTOR[1:]}, "subject:role[1]"),
        ({"subject_id": "THOMAS\x00"}, "urn:oasis:names:tc:xspa:1.0:subject:subject-id"),
        ({"name_id": "8\ud800"}, "NameID"),
    ],
)
def test_refused_callers(change: dict[str, Any], field: str) -> None:
    with pytest.raises(VihfError) as caught:
        build(dataclasses.replace(INDIRECT, **change))
    assert caught.value.context["field"] == field
    assert caught.value.context["found"]
    assert caught.value.context["expected"]
    assert "THOMAS" not in str(caught.value)


@pytest.mark.parametrize(
    "roles",
    [
        DOCTOR,
        (role("21", PROFESSION), role("H", PHARMACIST_SECTION)),
        (role("99", OTHER_PROFESSION), role("310", CARE_ROLE)),
        (role("60", PROFESSION),),
        (AUTOMATE,),
    ],
)
def test_allowed_roles(roles: tuple[Role, ...]) -> None:
    assert len(dict(attributes(build(dataclasses.replace(INDIRECT, roles=roles))))) == 12


def test_labels_a_caller_left_out_are_filled_in() -> None:
    bare = tuple(Role(item.code, item.system) for item in DOCTOR)
    assert attributes(build(dataclasses.replace(INDIRECT, roles=bare))) == attributes(build())


def test_break_the_glass_needs_air() -> None:
    found = dict(attributes(build(dataclasses.replace(AIR, purpose="bris_de_glace"))))
    assert found["urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"][0].startswith("bris_de_glace^")


@pytest.mark.parametrize("resource", ["", "279035121518989", INS.replace("^NH", "^PI"), "x" + INS])
def test_a_resource_that_is_no_cx_is_refused_without_being_shown(resource: str) -> None:
    with pytest.raises(VihfError) as caught:
        build(resource_id=resource)
    assert caught.value.context["field"] == "resource-id"
    assert "279035121518989" not in str(caught.value)


@pytest.mark.parametrize("assertion_id", ["", "2b6f", "a b", "#x"])
def test_an_id_that_is_no_ncname_is_refused(assertion_id: str) -> None:
    with pytest.raises(VihfError) as caught:
        build_assertion(INDIRECT, CONFIG, resource_id=INS, signer=pair(), now=NOW, assertion_id=assertion_id)
    assert caught.value.context["field"] == "Assertion/@ID"


@pytest.mark.parametrize(
    ("name", "value"),
    [("version", "2.0"), ("mode_attribute", "Mode"), ("digest", "md5"), ("issuer_order", "x"), ("lps_name", " ")],
)
def test_wrong_settings_are_named(name: str, value: str) -> None:
    change: dict[str, Any] = {name: value}
    with pytest.raises(SettingsError) as caught:
        dataclasses.replace(CONFIG, **change)
    assert caught.value.context["name"] == f"vihf.{name}"


# Any character XML can carry: everything but controls, surrogates and the two non-characters.
xml_text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(name=xml_text, display=xml_text)
@example(name='<evil/>&"]]>\r\n', display="<!-- c -->'\"\r")
@example(name="Réault Hélène", display="日本語 \U0001f600")
def test_any_name_round_trips_and_still_verifies(name: str, display: str) -> None:
    caller = dataclasses.replace(
        INDIRECT, subject_id=f"x{name}", name_id=f"8{name}", roles=(dataclasses.replace(AUTOMATE, display=display),)
    )
    assertion = build(caller)
    assert verified(assertion).findtext("s:Subject/s:NameID", None, SAML) == f"8{name}"
    found = dict(attributes(assertion))
    assert found["urn:oasis:names:tc:xspa:1.0:subject:subject-id"] == [f"x{name}"]
    assert found["urn:oasis:names:tc:xacml:2.0:subject:role"] == [f"AUTOMATE^1.2.250.1.213.1.1.4.6^A00^{display}"]


@settings(max_examples=60, deadline=None)
@given(name=st.text(), purpose=st.text(), resource=st.text())
def test_garbage_is_refused_by_name(name: str, purpose: str, resource: str) -> None:
    caller = dataclasses.replace(INDIRECT, subject_id=name, purpose=purpose)
    with pytest.raises(VihfError):
        build(caller, resource_id=resource)


def test_a_comment_planted_in_a_value_does_not_hide_what_follows() -> None:
    planted = build().replace(b">THOMAS Eric<", b">THOMAS<!-- --> Eric<")
    found = dict(attributes(etree.tostring(verified(planted))))
    assert found["urn:oasis:names:tc:xspa:1.0:subject:subject-id"] == ["THOMAS Eric"]


def test_signxml_agrees_and_refuses_a_change() -> None:
    assert verified(build()).get("ID") == ID
    with pytest.raises((InvalidDigest, InvalidSignature)):
        verified(build().replace(b">urn:dmp<", b">urn:dmq<"))


def test_a_caller_shows_no_name() -> None:
    assert "THOMAS" not in repr(INDIRECT)
    assert "801234564895" not in repr(INDIRECT)
