"""A client written by hand for the tests: raw HTTPS, XML as text, a signature made with two primitives.

It shares nothing with the project's client, so that the simulator is judged by somebody else.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from connector.simulator.pki import Pki
from connector.simulator.server import Simulator

INS = "279035121518989"
OTHER_INS = "277076322082910"
OID = "1.2.250.1.213.1.4.10"
DOCTOR = "801234564895"
STRUCTURE = "1120456789"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
MESSAGE_ID = "urn:uuid:6f3f1f3e-0c0a-4c0e-9d52-7a53a2b5f001"

ACTIONS = {
    "patients": "urn:hl7-org:v3:PRPA_IN201307UV02",
    "habilitations": "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization",
    "registry": "urn:ihe:iti:2007:RegistryStoredQuery",
    "submit": "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
    "retrieve": "urn:ihe:iti:2007:RetrieveDocumentSet",
    "update": "urn:ihe:iti:2010:UpdateDocumentSet",
}

Role = tuple[str, str, str]
DOCTOR_ROLES: tuple[Role, ...] = (("10", "1.2.250.1.71.1.2.7", "G15"), ("SM26", "1.2.250.1.71.4.2.5", "R01"))


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@lru_cache
def _private_key(pem: bytes) -> Any:
    # Reading a PEM key costs forty times one signature.
    return serialization.load_pem_private_key(pem, None)


@dataclass(frozen=True)
class Vihf:
    """One assertion; every default is good, tests replace one value."""

    assertion_id: str = "_b1b2a5a0-55e5-4a5c-8d4f-0123456789ab"
    saml_version: str = "2.0"
    issuer: str | None = None
    issuer_format: str = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
    age: timedelta = timedelta(0)
    instant: str | None = None
    name_id: str = DOCTOR
    conditions: str = ""
    authn: str | None = None
    authn_context: str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
    decl: str = ""
    mode: str = "INDIRECTE"
    mode_name: str = "Authentification_Mode"
    structure: str = STRUCTURE
    roles: tuple[Role, ...] = DOCTOR_ROLES
    purpose: str = "normal"
    purpose_count: int = 1
    resource: str = f"{INS}^^^&{OID}&ISO^NH"
    changed: Mapping[str, str | None] = field(default_factory=dict)
    extra: str = ""
    statements: int = 1
    signer: str = "sign"
    digest: str = "sha256"
    c14n: str = EXC
    transforms: tuple[str, ...] = ("http://www.w3.org/2000/09/xmldsig#enveloped-signature", EXC)
    reference: str | None = None
    references: int = 1
    certificate: str = ""
    place: int = 1

    def attributes(self) -> str:
        simple: dict[str, str | None] = {
            "VIHF_Version": "3.0",
            self.mode_name: self.mode,
            "Identifiant_Structure": self.structure,
            "Secteur_Activite": "SA01^1.2.250.1.71.4.2.4",
            "urn:oasis:names:tc:xspa:1.0:subject:subject-id": "THOMAS Eric",
            "urn:oasis:names:tc:xacml:2.0:resource:resource-id": self.resource,
            "Ressource_URN": "urn:dmp",
            "LPS_Nom": "connecteur",
            "LPS_Version": "1.0",
            "LPS_ID": "1",
            "LPS_ID_HOMOLOGATION_DMP": "TEST",
        }
        coded: dict[str, str | None] = {
            "urn:oasis:names:tc:xacml:2.0:subject:role": "".join(
                _value(f'<v3:Role xsi:type="v3:CE" code="{c}" codeSystem="{s}" codeSystemName="{n}" displayName="-"/>')
                for c, s, n in self.roles
            ),
            "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse": _value(
                f'<v3:PurposeOfUse xsi:type="v3:CE" code="{self.purpose}" codeSystem="1.2.250.1.213.1.1.4.248" '
                'codeSystemName="mode acces VIHF 2.0" displayName="-"/>'
            )
            * self.purpose_count,
        }
        simple.update({name: text for name, text in self.changed.items() if name not in coded})
        coded.update({name: text for name, text in self.changed.items() if name in coded})
        parts = [_attribute(n, _value(escape(t))) for n, t in simple.items() if t is not None]
        parts += [_attribute(n, t) for n, t in coded.items() if t is not None]
        return "".join(parts) + self.extra

    def unsigned(self, pki: Pki, now: datetime) -> str:
        subject = pki.pair(self.signer).load_certificate().subject.rfc4514_string()
        issued = self.instant if self.instant is not None else iso(now - self.age)
        context = f"<saml:AuthnContextClassRef>{self.authn_context}</saml:AuthnContextClassRef>"
        decl = f"<saml:AuthnContextDecl>{self.decl}</saml:AuthnContextDecl>" if self.decl else ""
        authn = (
            f'<saml:AuthnStatement AuthnInstant="{iso(now)}"><saml:AuthnContext>{context}{decl}</saml:AuthnContext>'
            "</saml:AuthnStatement>"
        )
        statement = f"<saml:AttributeStatement>{self.attributes()}</saml:AttributeStatement>" * self.statements
        return (
            f'<saml:Assertion xmlns:saml="{SAML}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:v3="urn:hl7-org:v3" '
            f'Version="{self.saml_version}" ID="{self.assertion_id}" IssueInstant="{issued}">'
            f'<saml:Issuer Format="{self.issuer_format}">{escape(self.issuer or subject)}</saml:Issuer>'
            f"<saml:Subject><saml:NameID>{escape(self.name_id)}</saml:NameID></saml:Subject>"
            f"{self.conditions}{authn if self.authn is None else self.authn}{statement}</saml:Assertion>"
        )

    def signed(self, pki: Pki, now: datetime | None = None) -> str:
        root = etree.fromstring(self.unsigned(pki, now or datetime.now(UTC)))
        signature = etree.fromstring(self._signature(pki, etree.tostring(root, method="c14n", exclusive=True)))
        root.insert(self.place, signature)
        return etree.tostring(root, encoding="unicode")

    def _signature(self, pki: Pki, payload: bytes) -> str:
        legacy = self.digest == "sha1"
        digest_uri = f"{DS}sha1" if legacy else "http://www.w3.org/2001/04/xmlenc#sha256"
        method = f"{DS}rsa-sha1" if legacy else "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
        transforms = "".join(f'<ds:Transform Algorithm="{uri}"/>' for uri in self.transforms)
        target = self.reference if self.reference is not None else f"#{self.assertion_id}"
        value = base64.b64encode(hashlib.new(self.digest, payload).digest()).decode()
        reference = (
            f'<ds:Reference URI="{target}"><ds:Transforms>{transforms}</ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{digest_uri}"/><ds:DigestValue>{value}</ds:DigestValue></ds:Reference>'
        )
        info = (
            f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{self.c14n}"/>'
            f'<ds:SignatureMethod Algorithm="{method}"/>{reference * self.references}</ds:SignedInfo>'
        )
        canonical = etree.tostring(etree.fromstring(info), method="c14n", exclusive=self.c14n == EXC)
        algorithm: Any = hashes.SHA1() if legacy else hashes.SHA256()
        raw = _private_key(pki.pair(self.signer).key.read_bytes()).sign(canonical, padding.PKCS1v15(), algorithm)
        der = pki.pair(self.certificate or self.signer).load_certificate().public_bytes(serialization.Encoding.DER)
        return (
            f'<ds:Signature xmlns:ds="{DS}">{info}<ds:SignatureValue>{base64.b64encode(raw).decode()}'
            f"</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{base64.b64encode(der).decode()}"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
        )


AIR = Vihf(mode="INDIRECTE_RENFORCEE", decl="APP_BROWSER_AUTH")


def _value(content: str) -> str:
    return f"<saml:AttributeValue>{content}</saml:AttributeValue>"


def _attribute(name: str, values: str) -> str:
    return f'<saml:Attribute Name="{name}">{values}</saml:Attribute>'


def td02_body(ins: str = INS, oid: str = OID, reason: str = "TEST_EXST") -> str:
    return (
        '<PRPA_IN201307UV02 xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'ITSVersion="XML_1.0"><id root="1.2.3" extension="question-1"/><creationTime value="20261121120000"/>'
        '<interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201307UV02"/><processingCode code="D"/>'
        '<processingModeCode code="T"/><acceptAckCode code="AL"/>'
        '<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE">'
        '<id root="1.2.250.1.213.4.1.1.1"/><softwareName>DMP</softwareName></device></receiver>'
        '<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE">'
        '<id root="1.2.3.4"/></device></sender>'
        '<attentionLine xsi:nil="true"/><controlActProcess classCode="CACT" moodCode="EVN">'
        f'<reasonCode code="{reason}" codeSystem="1.2.250.1.213.1.1.4.11"/>'
        '<queryByParameter><queryId root="1.2.3" extension="requete-1"/><statusCode code="new"/><parameterList>'
        f'<dataSource xsi:nil="true"/><patientIdentifier><value root="{oid}" extension="{ins}"/>'
        "<semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter>"
        "</controlActProcess></PRPA_IN201307UV02>"
    )


def td03_body(action: str = "AJOUT", role: str = "") -> str:
    extra = f"<role>{role}</role>" if role else ""
    return f'<setAuthorization xmlns="urn:si-dmp-habilitations"><action>{action}</action>{extra}</setAuthorization>'


def query_body(return_type: str = "LeafClass") -> str:
    slots = (("$XDSDocumentEntryPatientId", f"'{INS}^^^&{OID}&ISO^NH'"),
             ("$XDSDocumentEntryStatus", "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"))  # fmt: skip
    text = "".join(
        f'<r:Slot name="{n}"><r:ValueList><r:Value>{escape(v)}</r:Value></r:ValueList></r:Slot>' for n, v in slots
    )
    return (
        '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
        'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">'
        f'<q:ResponseOption returnComposedObjects="true" returnType="{return_type}"/>'
        f'<r:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">{text}</r:AdhocQuery></q:AdhocQueryRequest>'
    )


def retrieve_body(unique_id: str = "2.25.1") -> str:
    return (
        '<x:RetrieveDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007"><x:DocumentRequest>'
        "<x:RepositoryUniqueId>1.2.250.1.213.4.1.1.1.2</x:RepositoryUniqueId>"
        f"<x:DocumentUniqueId>{unique_id}</x:DocumentUniqueId></x:DocumentRequest></x:RetrieveDocumentSetRequest>"
    )


_APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000001"


def update_body(
    new: str = "urn:asip:ci-sis:2010:StatusType:Deleted",
    target: str = NOWHERE,
    *,
    original: str = _APPROVED,
    set_uid: str = "2.25.901",
    patient: str = f"{INS}^^^&{OID}&ISO^NH",
) -> str:
    """A change of status, ITI-57: the set of a laboratory's automaton and one association."""

    def slot(name: str, value: str) -> str:
        return f'<r:Slot name="{name}"><r:ValueList><r:Value>{escape(value)}</r:Value></r:ValueList></r:Slot>'

    def identifier(number: int, scheme: str, name: str, value: str) -> str:
        return (
            f'<r:ExternalIdentifier id="e{number}" registryObject="set" identificationScheme="urn:uuid:{scheme}" '
            f'value="{escape(value)}"><r:Name><r:LocalizedString value="XDSSubmissionSet.{name}"/></r:Name>'
            "</r:ExternalIdentifier>"
        )

    person = "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    house = f"Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^{STRUCTURE}"
    return (
        '<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" '
        'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><r:RegistryObjectList>'
        f'<r:RegistryPackage id="set">{slot("submissionTime", "20261121100000")}'
        '<r:Classification id="c1" classifiedObject="set" '
        'classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>'
        '<r:Classification id="c2" classifiedObject="set" nodeRepresentation="" '
        'classificationScheme="urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d">'
        f"{slot('authorInstitution', house)}{slot('authorPerson', person)}</r:Classification>"
        '<r:Classification id="c3" classifiedObject="set" nodeRepresentation="03" '
        'classificationScheme="urn:uuid:aa543740-bdda-424e-8c96-df4873be8500">'
        f"{slot('codingScheme', '1.2.250.1.213.2.2')}"
        '<r:Name><r:LocalizedString value="Hospitalisation complète"/></r:Name></r:Classification>'
        + identifier(1, "6b5aea1a-874d-4603-a4bc-96a0a7b38446", "patientId", patient)
        + identifier(2, "554ac39e-e3fe-47fe-b233-965d2a147832", "sourceId", "2.25.7")
        + identifier(3, "96fdda7c-d067-4183-912e-bf5ee74998a8", "uniqueId", set_uid)
        + '</r:RegistryPackage><r:Association id="as1" sourceObject="set" '
        'associationType="urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus" '
        f'targetObject="{target}">{slot("OriginalStatus", original)}{slot("NewStatus", new)}</r:Association>'
        "</r:RegistryObjectList></l:SubmitObjectsRequest>"
    )


def envelope(action: str, body: str, security: str, *, headers: str | None = None) -> str:
    addressing = (
        f"<wsa:MessageID>{MESSAGE_ID}</wsa:MessageID><wsa:To/>"
        f'<wsa:Action soap:mustUnderstand="true">{action}</wsa:Action>'
    )
    return (
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}"><soap:Header>'
        f"{addressing if headers is None else headers}{security}</soap:Header>"
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    )


def secured(assertion: str) -> str:
    return f'<wsse:Security xmlns:wsse="{WSSE}">{assertion}</wsse:Security>'


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, its root part parsed when it is SOAP."""

    status: int
    content_type: str
    raw: bytes
    parts: tuple[bytes, ...] = ()

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.parts[0] if self.parts else self.raw)

    def find(self, path: str) -> etree._Element:
        found = self.root.find(path)
        assert found is not None, f"{path} absent"
        return found

    def text(self, path: str) -> str:
        return (self.find(path).text or "").strip()

    @property
    def fault(self) -> tuple[str, str]:
        """(subcode or "", text) of the fault; fails when the answer is not one."""
        subcode = self.root.find(f".//{{{SOAP}}}Subcode/{{{SOAP}}}Value")
        return ("" if subcode is None else subcode.text or "", self.text(f".//{{{SOAP}}}Fault/{{{SOAP}}}Reason/*"))


def client_context(pki: Pki, pair: str | None = "auth") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki.ca))
    if pair is not None:
        files = pki.pair(pair)
        context.load_cert_chain(files.certificate, files.key)
    return context


@dataclass(frozen=True)
class Client:
    """Calls one simulator, a new connection each time unless `connection` is used."""

    sim: Simulator
    pair: str | None = "auth"

    @contextmanager
    def connection(self, port: int | None = None) -> Iterator[http.client.HTTPSConnection]:
        where = port or int(self.sim.urls["base"].split(":")[2].split("/")[0])
        made = http.client.HTTPSConnection(
            "localhost", where, context=client_context(self.sim.pki, self.pair), timeout=20
        )
        with closing(made):
            yield made

    def post(self, path: str, data: bytes, content_type: str = "application/soap+xml") -> Reply:
        with self.connection() as made:
            return exchange(made, path, data, content_type)

    def soap(
        self,
        service: str,
        body: str,
        vihf: Vihf | None = None,
        *,
        tamper: Callable[[str], str] = str,
        tamper_all: Callable[[str], str] = str,
        headers: str | None = None,
    ) -> Reply:
        """One SOAP call; `tamper` changes the signed assertion, `tamper_all` the whole envelope."""
        assertion = tamper((vihf or Vihf()).signed(self.sim.pki))
        text = tamper_all(envelope(ACTIONS[service], body, secured(assertion), headers=headers))
        return self.post(path_of(service), text.encode())

    def exists(self, vihf: Vihf | None = None, **changes: Any) -> Reply:
        return self.soap("patients", td02_body(), vihf, **changes)

    def last_rule(self) -> str:
        return self.sim.log.lines()[-1].rule


def path_of(service: str) -> str:
    return "/si-dmp-server/v2/services/" + {
        "submit": "repository",
        "retrieve": "repository",
        "update": "registry",
    }.get(service, service)


def exchange(
    made: http.client.HTTPSConnection, path: str, data: bytes, content_type: str = "application/soap+xml"
) -> Reply:
    made.request("POST", path, data, {"Content-Type": content_type})
    response = made.getresponse()
    raw, answered = response.read(), response.getheader("Content-Type", "")
    parts: tuple[bytes, ...] = ()
    if answered.startswith("multipart/"):
        boundary = b"--" + answered.split('boundary="')[1].split('"')[0].encode()
        parts = tuple(piece.split(b"\r\n\r\n", 1)[1][:-2] for piece in raw.split(boundary)[1:-1])
    return Reply(response.status, answered, raw, parts)


def multipart(root: str, documents: Mapping[str, bytes], **changes: str) -> tuple[bytes, str]:
    """An MTOM body and its Content-Type; `changes` replace a parameter or the root's own type."""
    boundary, start = "limite", "racine@client"
    inner = changes.get("inner", 'application/xop+xml; charset=UTF-8; type="application/soap+xml"')
    blocks = [f"--{boundary}\r\nContent-Type: {inner}\r\nContent-ID: <{start}>\r\n\r\n{root}".encode()]
    for cid, content in documents.items():
        head = f"\r\n--{boundary}\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\n"
        blocks.append(head.encode() + f"Content-ID: <{cid}>\r\n\r\n".encode() + content)
    end = changes.get("end", f"\r\n--{boundary}--\r\n")
    content_type = (
        f'multipart/related; type="{changes.get("type", "application/xop+xml")}"; boundary="{boundary}"; '
        f'start="<{changes.get("start", start)}>"; start-info="application/soap+xml"'
    )
    return b"".join(blocks) + end.encode(), content_type
