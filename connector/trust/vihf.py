"""The VIHF: the SAML 2.0 assertion that says who calls the DMP, for which patient, and why (dmp-interface b).

`build_assertion` returns the exact bytes to splice into the SOAP header: they are serialised once, declare their own
namespaces, and must never be parsed and written again (design rule 4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod

from connector.base import ns
from connector.base.errors import SettingsError
from connector.base.hl7time import iso_utc
from connector.base.ns import q
from connector.codes import load
from connector.trust.dn import IssuerOrder, issuer_name
from connector.trust.errors import VihfError
from connector.trust.keys import KeyPair
from connector.trust.roles import Role, check_roles
from connector.trust.signing import Digest, Signer

NAMEID_X509 = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
XSPA = "urn:oasis:names:tc:xspa:1.0"
ROLE_ATTRIBUTE = "urn:oasis:names:tc:xacml:2.0:subject:role"
RESOURCE_ATTRIBUTE = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
SUBJECT_ATTRIBUTE = f"{XSPA}:subject:subject-id"
PURPOSE_ATTRIBUTE = f"{XSPA}:subject:purposeofuse"
SECRET_ATTRIBUTE = f"{XSPA}:resource:patient:hl7:confidentiality-code"

SECTOR_OID = "1.2.250.1.71.4.2.4"
PURPOSE_NAME = "mode acces VIHF 2.0"
SECRET_CODE = "INVISIBLE_REPRESENTANTS_LEGAUX"
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far after our own clock a log-on may be dated: another machine wrote it."""

Mode = Literal["INDIRECTE", "INDIRECTE_RENFORCEE"]
NameIdForm = Literal["any", "local"]

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
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the source system knows them (b.2, b.6, b.7).

    name_id         PS_IdNat, `<Struct_IdNat>/<internal id>`, or PSC's SubjectNameID
    subject_id      the user's name, or the software's name and model
    structure_id    Struct_IdNat; which one (certificate OU, sending site) is the caller's policy
    sector          code of JDV_J61 ("SA01"), with or without its `^OID`
    roles           one or two values, see roles.py
    authn_context   AuthnContextClassRef, true to the local log-on
    authn_context_decl  AuthnContextDecl, in AIR only
    authn_instant   when the user logged on (aware); None for an automaton: the instant of the call
    secret          connexion secrète (b.5)
    """

    name_id: str
    subject_id: str
    structure_id: str
    sector: str
    roles: tuple[Role, ...]
    mode: Mode = "INDIRECTE"
    authn_context: str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
    authn_context_decl: str = ""
    purpose: str = "normal"
    authn_instant: datetime | None = None
    secret: bool = False

    def __repr__(self) -> str:
        return f"Caller(structure_id={self.structure_id!r}, mode={self.mode!r}, purpose={self.purpose!r})"


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
    _want(_NCNAME.fullmatch(assertion_id) is not None, "Assertion/@ID", assertion_id, "_ followed by a uuid")
    if resource_id is not None:
        _want(_RESOURCE.fullmatch(resource_id) is not None, "resource-id", resource_id, "<INS>^^^&<OID>&ISO^NH")
    assertion = etree.Element(
        q(ns.SAML2, "Assertion"),
        {"Version": "2.0", "ID": assertion_id, "IssueInstant": iso_utc(now)},
        {"saml2": ns.SAML2},
    )
    issuer = _child(assertion, "Issuer", issuer_name(signer.certificate, config.issuer_order))
    issuer.set("Format", NAMEID_X509)
    # Without this placeholder signxml puts the signature last, which the SAML schema refuses.
    etree.SubElement(assertion, q(ns.DS, "Signature"), {"Id": "placeholder"}, {"ds": ns.DS})
    _child(_child(assertion, "Subject"), "NameID", _name_id(caller, config))
    _add_statement(assertion, caller, now)
    _add_attributes(assertion, caller, config, resource_id)
    signed = Signer(
        SignatureConstructionMethod.enveloped, config.digest, CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    ).sign(
        assertion,
        key=signer.key,
        cert=[signer.certificate],
        reference_uri=f"#{assertion_id}",
        id_attribute="ID",
    )
    return etree.tostring(signed, encoding="UTF-8", xml_declaration=False)


def check_caller(caller: Caller, now: datetime) -> None:
    """Raises VihfError when the rules of b.2 to b.7 forbid this caller."""
    for field, value in (
        ("Subject/NameID", caller.name_id),
        ("subject-id", caller.subject_id),
        ("Identifiant_Structure", caller.structure_id),
        ("AuthnContextClassRef", caller.authn_context),
    ):
        _want(bool(value.strip()), field, "empty", "a value")
    _want(
        caller.mode in ("INDIRECTE", "INDIRECTE_RENFORCEE"),
        "Authentification_Mode",
        caller.mode,
        "INDIRECTE[_RENFORCEE]",
    )
    _want(_sector(caller) in load("J61"), "Secteur_Activite", caller.sector, "a code of JDV_J61")
    _want(caller.purpose in load("J38"), "purposeofuse", caller.purpose, "normal, bris_de_glace or centre_15")
    strong = caller.mode == "INDIRECTE_RENFORCEE"
    if not strong:
        _want(caller.purpose != "bris_de_glace", "purposeofuse", caller.purpose, "normal or centre_15 in INDIRECTE")
    _want(
        bool(caller.authn_context_decl) == strong,
        "AuthnContextDecl",
        caller.authn_context_decl or "none",
        "a value in INDIRECTE_RENFORCEE, none in INDIRECTE",
    )
    check_roles(caller.roles)
    if caller.authn_instant is not None:
        late = caller.authn_instant > now + CLOCK_TOLERANCE
        _want(not late, "AuthnInstant", iso_utc(caller.authn_instant), f"not after {iso_utc(now)}")


def _name_id(caller: Caller, config: VihfConfig) -> str:
    if config.name_id_form == "local" and "/" not in caller.name_id:
        return f"{caller.structure_id}/{caller.name_id}"
    return caller.name_id


def _sector(caller: Caller) -> str:
    return caller.sector.removesuffix(f"^{SECTOR_OID}")


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
    add("Secteur_Activite", f"{_sector(caller)}^{SECTOR_OID}")
    roles = _attribute(statement, ROLE_ATTRIBUTE)
    for item in caller.roles:
        _add_coded(roles, "Role", item.code, item.system, item.system_name, item.display)
    add(SUBJECT_ATTRIBUTE, caller.subject_id)
    if resource_id is not None:
        add(RESOURCE_ATTRIBUTE, resource_id)
    add("Ressource_URN", "urn:dmp")
    purpose = load("J38").get(caller.purpose)
    if purpose is not None:
        attribute = _attribute(statement, PURPOSE_ATTRIBUTE)
        _add_coded(attribute, "PurposeOfUse", purpose.code, purpose.system, PURPOSE_NAME, purpose.display)
    if caller.secret:
        add(SECRET_ATTRIBUTE, SECRET_CODE)
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
    element = etree.SubElement(parent, q(ns.SAML2, tag))
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


def _want(condition: bool, field: str, found: str, expected: str) -> None:
    # `found` may be an identity: it stays in the context, never in the message.
    if not condition:
        raise VihfError(f"the VIHF is refused: {field}", field=field, found=found, expected=expected)
