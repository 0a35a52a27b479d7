"""The VIHF judge: one assertion, its signature, its age, its attributes, its links (dmp-interface b, simulator table).

Refusals keep the DMP's own texts where they are known (a.11); the others are ours. `SimFault.rule` names each check.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from connector.base.ns import HL7V3, SAML2, WSSE, q
from connector.simulator.config import SimConfig
from connector.simulator.model import Coded, SimFault, VerifiedAssertion
from connector.simulator.names import certificate_rdns, written_rdns
from connector.simulator.saml_signature import failed, verify_signature
from connector.simulator.world import World

X509_SUBJECT = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
PURPOSE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
RESOURCE = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
SUBJECT = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
SECRET = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"
SECRET_CODE = "INVISIBLE_REPRESENTANTS_LEGAUX"
_MANDATORY = (
    "VIHF_Version",
    "Authentification_Mode",
    "Identifiant_Structure",
    "Secteur_Activite",
    ROLE,
    SUBJECT,
    "Ressource_URN",
    PURPOSE,
    "LPS_Nom",
    "LPS_Version",
    "LPS_ID_HOMOLOGATION_DMP",
)
_VERSIONS = frozenset({"3.0", "4.0"})
_MODES = frozenset({"DIRECTE", "INDIRECTE", "INDIRECTE_RENFORCEE"})
_PURPOSES = frozenset({"normal", "bris_de_glace", "centre_15"})
# The value set J38 carries two OIDs in circulation (dmp-gaps 6).
_PURPOSE_SYSTEMS = frozenset({"1.2.250.1.213.1.1.4.248", "1.2.250.1.213.1.1.4.336"})
_SECTOR = re.compile(r"SA\d{2}\^1\.2\.250\.1\.71\.4\.2\.4")
_RESOURCE = re.compile(r"([0-9AB]{15})\^\^\^&([0-9.]+)&ISO\^NH")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z")
_NCNAME = re.compile(r"[A-Za-z_][\w.\-]*")

_FIRST_ROLE_SYSTEMS = frozenset(
    {
        "1.2.250.1.71.1.2.7",
        "1.2.250.1.71.1.2.8",
        "1.2.250.1.213.1.6.1.109",
        "1.2.250.1.213.1.6.1.4",
        "1.2.250.1.213.1.6.1.140",
        "1.2.250.1.213.1.1.4.6",
    }
)
# First role -> systems of its mandatory second value (b.3: 10 and 21, not the kit's 20; 99 has R85 or GENR codes).
_SECOND_ROLE: Mapping[str, frozenset[str]] = {
    "10": frozenset({"1.2.250.1.71.4.2.5"}),
    "21": frozenset({"1.2.250.1.71.4.2.6"}),
    "99": frozenset({"1.2.250.1.213.1.6.1.107", "1.2.250.1.213.1.6.1.19"}),
}
NO_SPECIALITY = "Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins, les Pharmaciens et les rôles"


@dataclass(frozen=True, slots=True)
class AssertionJudge:
    """Judges the VIHF of one request against `world`'s directory and the certificates of `authority`."""

    config: SimConfig
    world: World
    authority: x509.Certificate

    def judge(
        self, envelope: etree._Element, header: etree._Element, client: x509.Certificate | None
    ) -> VerifiedAssertion:
        """The verified assertion of `envelope`; `client` is the TLS client certificate. Raises SimFault."""
        now = self.config.clock()
        assertion = _single_assertion(envelope, header)
        signed = verify_signature(envelope, assertion, self.authority, now)
        if signed.sha1 and not self.config.allow_sha1:
            raise failed("VIHF-SIGNATURE-ALGORITHM", "SHA-1 n'est plus admis")
        content = signed.content
        self._check_form(content, signed.certificate, now)
        verified, warnings = self._read(content, signed.certificate)
        self._check_structure(verified)
        self._check_secret(verified, now)
        self._check_client(verified, client)
        if signed.sha1:
            warnings.append("signature SHA-1")
        return replace(verified, warnings=tuple(warnings))

    # -- form and time ----------------------------------------------------------------------------------------

    def _check_form(self, content: etree._Element, certificate: x509.Certificate, now: datetime) -> None:
        if content.get("Version") != "2.0" or not _NCNAME.fullmatch(content.get("ID", "")):
            raise _invalid("VIHF-FORM", "Version 2.0 et un ID de type NCName sont attendus")
        issuer = content.find(q(SAML2, "Issuer"))
        if issuer is None or issuer.get("Format") != X509_SUBJECT:
            raise _invalid("VIHF-ISSUER", "Issuer au format X509SubjectName attendu")
        try:
            same = written_rdns(issuer.text or "") == certificate_rdns(certificate.subject)
        except ValueError as error:
            raise _invalid("VIHF-ISSUER", "Issuer n'est pas un nom distinctif lisible") from error
        if not same:
            raise _invalid("VIHF-ISSUER", "Issuer diffère du sujet du certificat signataire")
        age = abs(now - _instant(content.get("IssueInstant", ""), "IssueInstant"))
        if age > self.config.assertion_max_age:
            raise _invalid("VIHF-AGE", f"IssueInstant à {int(age.total_seconds())} s de l'heure du serveur")
        self._check_conditions(content, now)
        self._check_authentication(content, now)

    def _check_conditions(self, content: etree._Element, now: datetime) -> None:
        conditions = content.findall(q(SAML2, "Conditions"))
        if len(conditions) > 1:
            raise _invalid("VIHF-CONDITIONS", "Conditions est présent plusieurs fois")
        for block in conditions:
            if block.find(q(SAML2, "AudienceRestriction")) is not None:
                raise _invalid("VIHF-AUDIENCE", "AudienceRestriction ne doit pas être renseigné")
            skew = self.config.assertion_max_age
            start, end = block.get("NotBefore"), block.get("NotOnOrAfter")
            if start and _instant(start, "NotBefore") > now + skew:
                raise _invalid("VIHF-NOT-YET-VALID", "l'assertion n'est pas encore valable")
            if end and _instant(end, "NotOnOrAfter") <= now - skew:
                raise _invalid("VIHF-EXPIRED", "l'assertion n'est plus valable")

    def _check_authentication(self, content: etree._Element, now: datetime) -> None:
        statements = content.findall(q(SAML2, "AuthnStatement"))
        if len(statements) != 1:
            raise _invalid("VIHF-AUTHN", "exactement un AuthnStatement est attendu")
        instant = _instant(statements[0].get("AuthnInstant", ""), "AuthnInstant")
        if instant > now + self.config.assertion_max_age:
            raise _invalid("VIHF-AUTHN", "AuthnInstant est dans le futur")
        contexts = list(statements[0].iter(q(SAML2, "AuthnContext")))
        references = list(statements[0].iter(q(SAML2, "AuthnContextClassRef")))
        if len(contexts) != 1 or len(references) != 1 or not (references[0].text or "").strip():
            raise _invalid("VIHF-AUTHN-CONTEXT", "exactement un AuthnContextClassRef est attendu")

    # -- attributes -------------------------------------------------------------------------------------------

    def _read(self, content: etree._Element, certificate: x509.Certificate) -> tuple[VerifiedAssertion, list[str]]:
        elements = _attributes(content)
        warnings: list[str] = []
        for name in _MANDATORY:
            if name not in elements:
                raise _invalid("VIHF-ATTRIBUTE-MISSING", f"attribut {name} absent")
        secret = elements.pop(SECRET, None)
        if secret is not None and SECRET_CODE not in _texts_or_code(secret):
            raise _invalid("VIHF-SECRET", f"connexion secrète : {SECRET_CODE} attendu")
        if secret is not None and not self.config.minors:
            raise _invalid("VIHF-SECRET", "connexion secrète : la gestion des mineurs n'est pas ouverte")
        texts = {name: _texts(name, element) for name, element in elements.items() if name not in (ROLE, PURPOSE)}
        if secret is not None:
            texts[SECRET] = (SECRET_CODE,)
        for name, expected in (("VIHF_Version", _VERSIONS), ("Authentification_Mode", _MODES)):
            if texts[name][0] not in expected:
                raise _invalid("VIHF-ATTRIBUTE-VALUE", f"attribut {name} : valeur inattendue")
        if texts["Ressource_URN"][0] != "urn:dmp":
            raise _invalid("VIHF-ATTRIBUTE-VALUE", "attribut Ressource_URN : urn:dmp attendu")
        if not _SECTOR.fullmatch(texts["Secteur_Activite"][0]):
            raise _invalid("VIHF-SECTOR", "Secteur_Activite : SAnn^1.2.250.1.71.4.2.4 attendu")
        mode = texts["Authentification_Mode"][0]
        if mode == "DIRECTE":
            raise _invalid("VIHF-MODE", "le mode DIRECTE exige une carte CPS, pas un certificat de structure")
        if mode == "INDIRECTE_RENFORCEE" and next(content.iter(q(SAML2, "AuthnContextDecl")), None) is None:
            warnings.append("AuthnContextDecl absent en AIR")
        ins, oid = self._resource(texts.get(RESOURCE, ("",))[0])
        verified = VerifiedAssertion(
            attributes=texts,
            name_id=_name_id(content),
            mode=mode,
            structure=texts["Identifiant_Structure"][0],
            resource_ins=ins,
            resource_oid=oid,
            purpose=_purpose(elements[PURPOSE]),
            roles=_roles(elements[ROLE], warnings),
            certificate=certificate,
        )
        return verified, warnings

    def _resource(self, text: str) -> tuple[str, str]:
        match = _RESOURCE.fullmatch(text)
        if match is None:
            raise _invalid("VIHF-RESOURCE", "resource-id : <INS>^^^&<OID>&ISO^NH attendu")
        if match[2] not in self.config.ins_oids:
            raise _invalid("VIHF-INS-OID", f"OID d'INS {match[2]} étranger à cet environnement")
        return match[1], match[2]

    # -- links ------------------------------------------------------------------------------------------------

    def _check_structure(self, verified: VerifiedAssertion) -> None:
        if self.config.structure_from_certificate and verified.structure != organisation_unit(verified.certificate):
            raise _invalid("VIHF-STRUCTURE-CERTIFICATE", "Identifiant_Structure diffère de l'OU du certificat")
        structure = self.world.structure(verified.structure)
        if structure is None or not structure.active:
            raise SimFault("Sender", "", "Structure introuvable ou Inactive", rule="VIHF-STRUCTURE-UNKNOWN")
        professional = self.world.professional(verified.name_id)
        linked = professional is None or verified.structure in professional.structures
        if self.config.directory_link and not linked:
            raise SimFault("Sender", "", "PS et Structure non liés", rule="VIHF-LINK")

    def _check_secret(self, verified: VerifiedAssertion, now: datetime) -> None:
        """A secret connection is for the care of a minor (b.5); `majority_age` 0 asks no age."""
        patient = self.world.patient(verified.resource_ins)
        if SECRET not in verified.attributes or not self.config.majority_age or patient is None:
            return
        majority = int(patient.birth_date) + 10000 * self.config.majority_age
        if int(now.strftime("%Y%m%d")) >= majority:
            raise _invalid("VIHF-SECRET-AGE", "connexion secrète : le patient est majeur")

    def _check_client(self, verified: VerifiedAssertion, client: x509.Certificate | None) -> None:
        if client is None or not _is_client_auth(client):
            raise failed("VIHF-TLS-USAGE", "le certificat client TLS n'est pas un certificat d'authentification")
        if organisation_unit(client) != organisation_unit(verified.certificate):
            raise failed("VIHF-TLS-STRUCTURE", "le certificat client TLS est celui d'une autre structure")


def organisation_unit(certificate: x509.Certificate) -> str:
    """The OU of the subject, which is the Struct_IdNat (b.8); "" when absent."""
    found = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def _is_client_auth(certificate: x509.Certificate) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages


def _single_assertion(envelope: etree._Element, header: etree._Element) -> etree._Element:
    security = header.findall(q(WSSE, "Security"))
    everywhere = list(envelope.iter(q(SAML2, "Assertion")))
    if not security or not everywhere:
        raise SimFault("Sender", "wsse:InvalidSecurity", "VIHF absent de wsse:Security", rule="VIHF-ABSENT")
    children = [child for child in security[0] if isinstance(child.tag, str)]
    inside = [child for child in children if child.tag == q(SAML2, "Assertion")]
    if len(security) > 1 or len(everywhere) > 1 or len(inside) != 1:
        raise failed("VIHF-COUNT", "exactement une assertion est attendue, fille de wsse:Security")
    if len(children) > 1:
        raise failed("VIHF-SECURITY", "wsse:Security ne doit porter que l'assertion")
    return inside[0]


def _attributes(content: etree._Element) -> dict[str, etree._Element]:
    statements = content.findall(q(SAML2, "AttributeStatement"))
    if len(statements) != 1:
        raise _invalid("VIHF-ATTRIBUTE-STATEMENT", "exactement un AttributeStatement est attendu")
    found: dict[str, etree._Element] = {}
    for element in statements[0].findall(q(SAML2, "Attribute")):
        name = element.get("Name", "")
        # Both spellings of the mode are in circulation (b.2).
        key = "Authentification_Mode" if name.lower() == "authentification_mode" else name
        if key in found:
            raise _invalid("VIHF-ATTRIBUTE-TWICE", f"attribut {key} présent plusieurs fois")
        found[key] = element
    return found


def _texts(name: str, element: etree._Element) -> tuple[str, ...]:
    values = [(value.text or "").strip() for value in element.findall(q(SAML2, "AttributeValue"))]
    if len(values) != 1 or not values[0]:
        raise _invalid("VIHF-ATTRIBUTE-VALUE", f"attribut {name} : une valeur non vide est attendue")
    return tuple(values)


def _texts_or_code(element: etree._Element) -> set[str]:
    """Plain string or coded element: the sources do not say which (b.5)."""
    values = element.findall(q(SAML2, "AttributeValue"))
    return {(value.text or "").strip() for value in values} | {
        child.get("code", "") for value in values for child in value.iter("*")
    }


def _coded(element: etree._Element, local: str) -> list[Coded]:
    return [
        Coded(
            item.get("code", ""),
            item.get("codeSystem", ""),
            item.get("codeSystemName", ""),
            item.get("displayName", ""),
        )
        for item in element.iterfind(f"{q(SAML2, 'AttributeValue')}/{q(HL7V3, local)}")
    ]


def _purpose(element: etree._Element) -> str:
    values = _coded(element, "PurposeOfUse")
    if len(values) != 1:
        raise _invalid("VIHF-PURPOSE", "exactement un PurposeOfUse est attendu")
    if values[0].code not in _PURPOSES or values[0].system not in _PURPOSE_SYSTEMS:
        raise _invalid("VIHF-PURPOSE", "PurposeOfUse : code ou système inconnu")
    return values[0].code


def _roles(element: etree._Element, warnings: list[str]) -> tuple[Coded, ...]:
    roles = _coded(element, "Role")
    if not 1 <= len(roles) <= 2 or not roles[0].code or roles[0].system not in _FIRST_ROLE_SYSTEMS:
        raise _invalid("VIHF-ROLE", "un ou deux Role sont attendus, le premier dans une nomenclature de J65")
    wanted = _SECOND_ROLE.get(roles[0].code)
    if wanted is not None and (len(roles) < 2 or not roles[1].code or roles[1].system not in wanted):
        raise SimFault("Sender", "", NO_SPECIALITY, rule="VIHF-SPECIALITY")
    if wanted is None and len(roles) == 2:
        raise _invalid("VIHF-ROLE", "un second Role n'est pas prévu pour cette profession")
    if any(not role.system_name for role in roles):
        warnings.append("Role sans codeSystemName")
    return tuple(roles)


def _name_id(content: etree._Element) -> str:
    found = content.findall(f"{q(SAML2, 'Subject')}/{q(SAML2, 'NameID')}")
    text = (found[0].text or "").strip() if len(found) == 1 else ""
    if not text:
        raise _invalid("VIHF-NAMEID", "un NameID non vide est attendu")
    return text


def _instant(text: str, what: str) -> datetime:
    match = _INSTANT.fullmatch(text)
    try:
        if match is not None:
            return datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise _invalid("VIHF-INSTANT", f"{what} n'est pas une date") from error
    raise _invalid("VIHF-INSTANT", f"{what} : date UTC (Z) attendue")


def _invalid(rule: str, text: str) -> SimFault:
    return SimFault("Sender", "wsse:InvalidSecurityToken", f"VIHF refusé : {text}", rule=rule)
