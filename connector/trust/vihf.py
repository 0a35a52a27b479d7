"""The VIHF: the SAML 2.0 assertion that says who calls the DMP, for which patient, and why (dmp-interface b).

`build_assertion` returns the exact bytes to splice into the SOAP header: they are serialised once, declare their own
namespaces, and must never be parsed and written again (design rule 4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod

from connector.base import ns
from connector.base.errors import SettingsError
from connector.base.hl7time import iso_utc
from connector.base.ns import q
from connector.codes import load
from connector.trust.caller import SECTOR_OID, Caller, check_caller, want
from connector.trust.dn import IssuerOrder, issuer_name
from connector.trust.errors import VihfError
from connector.trust.keys import KeyPair
from connector.trust.national import person_form
from connector.trust.roles import Role, complete
from connector.trust.signing import Digest, Signer

__all__ = ["Caller", "Role", "VihfConfig", "build_assertion", "check_caller", "name_id"]

_SAML = q(ns.SAML2, "")
NAMEID_X509 = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
XSPA = "urn:oasis:names:tc:xspa:1.0"
ROLE_ATTRIBUTE = "urn:oasis:names:tc:xacml:2.0:subject:role"
RESOURCE_ATTRIBUTE = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
SUBJECT_ATTRIBUTE = f"{XSPA}:subject:subject-id"
PURPOSE_ATTRIBUTE = f"{XSPA}:subject:purposeofuse"
SECRET_ATTRIBUTE = f"{XSPA}:resource:patient:hl7:confidentiality-code"

PURPOSE_NAME = "mode acces VIHF 2.0"
SECRET_CODE = "INVISIBLE_REPRESENTANTS_LEGAUX"
SECRET_SYSTEM = "1.2.250.1.213.1.1.4.13"
SECRET_NAME = "A07"
NameIdForm = Literal["any", "local"]
NameIdPrefix = Literal["structure", "person"]
SecretForm = Literal["string", "coded"]

# CX of b.2: the matricule (15 characters, or 22 for the old INS-C), its OID, NH.
_RESOURCE = re.compile(r"[0-9AB]{15,22}\^\^\^&[0-9.]+&ISO\^NH")
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class VihfConfig:
    """What every assertion of this installation says alike. Raises SettingsError on a value outside the choices.

    version          VIHF_Version, "3.0" or "4.0" (dmp-gaps §6)
    mode_attribute   spelling of the mode attribute: sources disagree on its case
    digest           "sha256", or "sha1" for an old server
    issuer_order     order of the Issuer DN: RFC 2253 or as written in the certificate
    name_id_form     "any" sends the NameID as given; "local" prefixes it with the structure (b.6)
    name_id_prefix   what a FINESS has before it in a local NameID: that of a structure (1, as the samples) or that of a
                     person (3, as c.4 has it)
    secret_form      connexion secrète as a plain string, or as a coded element: no source says which (b.5)
    """

    lps_name: str
    lps_version: str
    homologation_id: str
    lps_id: str = ""
    version: str = "3.0"
    mode_attribute: str = "Authentification_Mode"
    digest: Digest = "sha256"
    issuer_order: IssuerOrder = "rfc2253"
    name_id_form: NameIdForm = "any"
    name_id_prefix: NameIdPrefix = "structure"
    secret_form: SecretForm = "string"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise SettingsError(
                    f"vihf.{name} is wrong", name=f"vihf.{name}", found=getattr(self, name), allowed=allowed
                )
        for name in ("lps_name", "lps_version", "homologation_id"):
            if not getattr(self, name).strip():
                raise SettingsError(f"vihf.{name} is missing", name=f"vihf.{name}", found="", allowed="a text")


_CHOICES: dict[str, tuple[str, ...]] = {
    "version": ("3.0", "4.0"),
    "mode_attribute": ("Authentification_Mode", "Authentification_mode"),
    "digest": ("sha256", "sha1"),
    "issuer_order": ("rfc2253", "forward"),
    "name_id_form": ("any", "local"),
    "name_id_prefix": ("structure", "person"),
    "secret_form": ("string", "coded"),
}


def build_assertion(
    caller: Caller,
    config: VihfConfig,
    *,
    resource_id: str | None,
    signer: KeyPair,
    now: datetime,
    assertion_id: str,
) -> bytes:
    """The signed assertion as UTF-8 bytes without XML declaration.

    `resource_id` is the French CX of the patient's INS, None for a call that names no patient; `now` is aware;
    `assertion_id` is an NCName, `_` + uuid by custom. Raises VihfError (`field`, `found`, `expected`).
    """
    check_caller(caller, now)
    want(_NCNAME.fullmatch(assertion_id) is not None, "Assertion/@ID", assertion_id, "_ followed by a uuid")
    if resource_id is not None:
        want(_RESOURCE.fullmatch(resource_id) is not None, "resource-id", resource_id, "<INS>^^^&<OID>&ISO^NH")
    assertion = etree.Element(
        q(ns.SAML2, "Assertion"),
        {"Version": "2.0", "ID": assertion_id, "IssueInstant": iso_utc(now)},
        {"saml2": ns.SAML2},
    )
    issuer = _child(assertion, "Issuer", issuer_name(signer.certificate, config.issuer_order))
    issuer.set("Format", NAMEID_X509)
    # Without this placeholder signxml puts the signature last, which the SAML schema refuses.
    etree.SubElement(assertion, q(ns.DS, "Signature"), {"Id": "placeholder"}, {"ds": ns.DS})
    _child(_child(assertion, "Subject"), "NameID", name_id(caller, config))
    _add_statement(assertion, caller, now)
    _add_attributes(assertion, caller, config, resource_id)
    # The only reference is to the root's own ID; naming it makes signxml search and copy the tree once more.
    signed = Signer(
        SignatureConstructionMethod.enveloped, config.digest, CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    ).sign(assertion, key=signer.key, cert=[signer.certificate])
    return etree.tostring(signed, encoding="UTF-8", xml_declaration=False)


def name_id(caller: Caller, config: VihfConfig) -> str:
    """The NameID under which the assertion presents this caller (b.6)."""
    name = caller.name_id
    if config.name_id_form == "local" and "/" not in name:
        name = f"{caller.structure_id}/{name}"
    return person_form(name) if config.name_id_prefix == "person" else name


def _add_statement(assertion: etree._Element, caller: Caller, now: datetime) -> None:
    statement = _child(assertion, "AuthnStatement")
    statement.set("AuthnInstant", iso_utc(caller.authn_instant or now))
    context = _child(statement, "AuthnContext")
    _child(context, "AuthnContextClassRef", caller.authn_context)
    if caller.authn_context_decl:
        _child(context, "AuthnContextDecl", caller.authn_context_decl)


def _add_attributes(assertion: etree._Element, caller: Caller, config: VihfConfig, resource_id: str | None) -> None:
    statement = _child(assertion, "AttributeStatement")

    def add(name: str, value: str) -> None:
        _child(_attribute(statement, name), "AttributeValue", value)

    add("VIHF_Version", config.version)
    add(config.mode_attribute, caller.mode)
    add("Identifiant_Structure", caller.structure_id)
    add("Secteur_Activite", f"{caller.sector_code}^{SECTOR_OID}")
    roles = _attribute(statement, ROLE_ATTRIBUTE)
    for item in caller.roles:
        full = complete(item)
        _add_coded(roles, "Role", full.code, full.system, full.system_name, full.display)
    add(SUBJECT_ATTRIBUTE, caller.subject_id)
    if resource_id is not None:
        add(RESOURCE_ATTRIBUTE, resource_id)
    add("Ressource_URN", "urn:dmp")
    purpose = load("J38").get(caller.purpose)
    if purpose is not None:
        attribute = _attribute(statement, PURPOSE_ATTRIBUTE)
        _add_coded(attribute, "PurposeOfUse", purpose.code, purpose.system, PURPOSE_NAME, purpose.display)
    if caller.secret and config.secret_form == "string":
        add(SECRET_ATTRIBUTE, SECRET_CODE)
    elif caller.secret:
        concept = load("J22").get(SECRET_CODE, SECRET_SYSTEM)
        display = concept.display if concept is not None else SECRET_CODE
        attribute = _attribute(statement, SECRET_ATTRIBUTE)
        _add_coded(attribute, "ConfidentialityCode", SECRET_CODE, SECRET_SYSTEM, SECRET_NAME, display)
    if config.lps_id:
        add("LPS_ID", config.lps_id)
    add("LPS_Nom", config.lps_name)
    add("LPS_Version", config.lps_version)
    add("LPS_ID_HOMOLOGATION_DMP", config.homologation_id)


def _attribute(statement: etree._Element, name: str) -> etree._Element:
    attribute = _child(statement, "Attribute")
    attribute.set("Name", name)
    return attribute


def _add_coded(attribute: etree._Element, tag: str, code: str, system: str, system_name: str, display: str) -> None:
    # HL7v3 is the default namespace here, so that the unprefixed xsi:type="CE" names the type of HL7v3.
    spaces = {None: ns.HL7V3, "xsi": ns.XSI}
    # lxml's stubs forget the default namespace.
    element = etree.SubElement(_child(attribute, "AttributeValue"), q(ns.HL7V3, tag), nsmap=spaces)  # type: ignore[arg-type]
    element.set(q(ns.XSI, "type"), "CE")
    for name, value in (
        ("code", code),
        ("codeSystem", system),
        ("codeSystemName", system_name),
        ("displayName", display),
    ):
        _set(element, name, value, tag)


def _child(parent: etree._Element, tag: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _SAML + tag)
    if text is not None:
        try:
            element.text = text
        except ValueError as error:
            raise _not_xml(parent.get("Name") or tag) from error
    return element


def _set(element: etree._Element, name: str, value: str, field: str) -> None:
    try:
        element.set(name, value)
    except ValueError as error:
        raise _not_xml(f"{field}/@{name}") from error


def _not_xml(field: str) -> VihfError:
    return VihfError(f"{field} cannot be written in XML", field=field, found="control characters", expected="text")
