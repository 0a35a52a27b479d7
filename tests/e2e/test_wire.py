"""What really left the connector, judged by tools that share nothing with it: xmlsec1, xmllint, sha1sum."""

from __future__ import annotations

import base64
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree

from connector.base.ns import DS, SAML2, SOAP12, WSSE, XDSB, q
from connector.base.resources import resource_dir
from connector.cli.demo_letters import LETTER_ID
from connector.simulator.config import SimConfig
from tests.e2e.captured import PROVIDE, Captured, read_captures
from tests.e2e.harness import Site
from tests.trust.xmlsec import verify

ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"
RESOURCE_ID = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
QUERY, RETRIEVE = "urn:ihe:iti:2007:RegistryStoredQuery", "urn:ihe:iti:2007:RetrieveDocumentSet"
ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
NODE = ("--id-attr:ID", f"{SAML2}:Assertion")


@dataclass(frozen=True)
class Wire:
    """The letter as the hospital sent it, every request the simulator captured, the authority of the signatures."""

    letter: bytes
    requests: list[Captured]
    authority: x509.Certificate

    @property
    def submission(self) -> Captured:
        (found,) = (request for request in self.requests if request.action == PROVIDE)
        return found

    @property
    def signature(self) -> bytes:
        """The signature document of the submission set."""
        (found,) = (part for unique_id, part in self.submission.documents().items() if unique_id != LETTER_ID)
        return found

    def manifest(self) -> dict[str, str]:
        """Digest (hex) of each reference of the manifest, by uniqueId."""
        references = etree.fromstring(self.signature).iterfind(f".//{q(DS, 'Manifest')}/{q(DS, 'Reference')}")
        return {
            str(reference.get("URI")).removeprefix("urn:oid:"): base64.b64decode(
                reference.findtext(q(DS, "DigestValue")) or ""
            ).hex()
            for reference in references
        }


def with_instructions(letter: bytes) -> bytes:
    """The sample letter with comments and processing instructions before, inside and after the root."""
    changes = (
        (
            b'encoding="UTF-8"?>\n',
            '\n<!-- avant : é -->\n<?xml-stylesheet type="text/xsl" href="cda.xsl"?>\n<?avant?>\n'.encode(),
        ),
        (b"<realmCode", b"<?dedans  deux espaces ?><!-- dedans -->\r\n  "),
        (b"</ClinicalDocument>", b"<!-- dernier\r\n -->"),
    )
    for place, added in changes:
        assert letter.count(place) == 1
        letter = letter.replace(place, place + added if place.endswith(b"\n") else added + place)
    return letter + "\n<?apres?>\n<!-- après -->\n".encode()


def message_of(letter: bytes) -> bytes:
    """The sample MDM^T02, its document replaced by `letter`."""
    message = (resource_dir("samples") / "mdm-t02-lettre-de-liaison.er7").read_bytes()
    message, count = re.subn(rb"\^Base64\^[^|\r]+", b"^Base64^" + base64.b64encode(letter), message)
    assert count == 1
    return message


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    """One admission that consults and one letter published; then everything captured."""
    folder = tmp_path_factory.mktemp("wire")
    letter = with_instructions((resource_dir("samples") / "lettre-de-liaison-niveau-1.xml").read_bytes())
    captures = folder / "captures"
    with Site(folder, SimConfig(folder=folder / "simulator", capture_dir=captures)) as site:
        site.log_on()
        assert site.sample("adt-a01-admission.er7").code == "AA"
        site.wait(lambda lines: any(line.event == "TD3.2" for line in lines), ipp="000003")
        assert site.send(message_of(letter)).code == "AA"
        site.wait_state("done", document_id=LETTER_ID)
        assert site.accepted(LETTER_ID) == 1
        authority = x509.load_pem_x509_certificate(site.simulator.pki.ca.read_bytes())
    return Wire(letter, read_captures(captures), authority)


def c14n_sha1(content: bytes, folder: Path) -> str:
    """`xmllint --huge --c14n FILE | sha1sum`."""
    file = folder / "part"
    file.write_bytes(content)
    canonical = subprocess.run(["xmllint", "--huge", "--c14n", file], capture_output=True, timeout=30, check=True)
    summed = subprocess.run(["sha1sum"], input=canonical.stdout, capture_output=True, timeout=30, check=True)
    return summed.stdout.split()[0].decode()


def test_both_modes_and_every_transaction_were_seen(wire: Wire) -> None:
    modes = [
        (request.action.rpartition(":")[2], *request.attributes()["Authentification_Mode"]) for request in wire.requests
    ]
    assert ("ProvideAndRegisterDocumentSet-b", "INDIRECTE") in modes
    assert ("PRPA_IN201307UV02", "INDIRECTE") in modes
    for action in ("PRPA_IN201307UV02", "setAuthorization", "RegistryStoredQuery", "RetrieveDocumentSet"):
        assert (action, "INDIRECTE_RENFORCEE") in modes


def test_xmlsec1_verifies_the_assertion_of_every_request(wire: Wire, tmp_path: Path) -> None:
    for request in wire.requests:
        good, said = verify(request.assertion, wire.authority, tmp_path, *NODE, moment="")
        assert good, (request.action, said)
        assert "SignedInfo References (ok/all): 1/1" in said


def test_xmlsec1_verifies_the_assertion_where_it_stands(wire: Wire, tmp_path: Path) -> None:
    """Inside the envelope too: nothing it inherits there changes what was signed."""
    for request in wire.requests:
        good, said = verify(request.root, wire.authority, tmp_path, *NODE, moment="")
        assert good, (request.action, said)


@pytest.mark.parametrize("spot", [b">INDIRECT", b"2790351215", b'IssueInstant="202', b">urn:d", b'codeSystem="1'])
def test_one_flipped_byte_fails_the_assertion(wire: Wire, tmp_path: Path, spot: bytes) -> None:
    good, _ = verify(flip(wire.submission.assertion, spot), wire.authority, tmp_path, *NODE, moment="")
    assert not good


def test_xmlsec1_verifies_the_signature_of_the_set(wire: Wire, tmp_path: Path) -> None:
    good, said = verify(wire.signature, wire.authority, tmp_path, "--ignore-manifests", moment="")
    assert good, said
    assert "SignedInfo References (ok/all): 2/2" in said


@pytest.mark.parametrize(
    "spot", [b"IHEManifes", b"<xad:SigningTime>202", b"SignaturePolicyImplie", b"urn:oid:2", b"<ds:DigestValue>"]
)
def test_one_flipped_byte_fails_the_signature_of_the_set(wire: Wire, tmp_path: Path, spot: bytes) -> None:
    good, _ = verify(flip(wire.signature, spot), wire.authority, tmp_path, "--ignore-manifests", moment="")
    assert not good


def test_the_manifest_names_the_documents_of_the_set(wire: Wire) -> None:
    manifest = wire.manifest()
    (set_id,) = manifest.keys() - wire.submission.documents().keys()
    assert manifest[set_id] == "00"
    assert f'value="{set_id}"'.encode() in wire.submission.root
    assert manifest.keys() == {set_id, LETTER_ID}


def test_the_manifest_digest_is_the_one_xmllint_makes_of_the_part(wire: Wire, tmp_path: Path) -> None:
    part = wire.submission.documents()[LETTER_ID]
    assert wire.manifest()[LETTER_ID] == c14n_sha1(part, tmp_path)


@pytest.mark.parametrize(
    "spot", ["avant :", "cda.xs", "<?avan", "deux espa", "<!-- de", "PAT-TROI", "dernie", "<?ap", "apr"]
)
def test_one_flipped_byte_of_the_part_changes_the_digest(wire: Wire, tmp_path: Path, spot: str) -> None:
    flipped = flip(wire.submission.documents()[LETTER_ID], spot.encode())
    assert wire.manifest()[LETTER_ID] != c14n_sha1(flipped, tmp_path)


def test_the_part_is_the_letter_byte_for_byte(wire: Wire) -> None:
    assert wire.submission.documents()[LETTER_ID] == wire.letter
    assert len(wire.submission.documents()) == len(wire.submission.parts) == 2


def test_addressing_headers(wire: Wire) -> None:
    seen = set()
    for request in wire.requests:
        headers = request.addressing()
        assert {name: len(found) for name, found in headers.items()} == {
            "MessageID": 1,
            "To": 1,
            "ReplyTo": 1,
            "Action": 1,
        }
        identifier = headers["MessageID"][0].text or ""
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", identifier)
        seen.add(identifier)
        assert (headers["To"][0].text or "").startswith("https://localhost:")
        assert headers["ReplyTo"][0].findtext("{*}Address") == ANONYMOUS
        assert [headers[name][0].get("mustUnderstand") for name in ("ReplyTo", "Action")] == ["true", "true"]
        assert f'action="{request.action}"' in request.content_type
        security = request.envelope.find(f"{q(SOAP12, 'Header')}/{q(WSSE, 'Security')}")
        assert security is not None
        assert [child.tag for child in security] == [q(SAML2, "Assertion")]
    assert len(seen) == len(wire.requests)


ALWAYS = {
    "VIHF_Version": ["3.0"],
    "Identifiant_Structure": ["1120456789"],
    "Secteur_Activite": ["SA01^1.2.250.1.71.4.2.4"],
    "urn:oasis:names:tc:xacml:2.0:resource:resource-id": [RESOURCE_ID],
    "Ressource_URN": ["urn:dmp"],
    "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse": ["normal^1.2.250.1.213.1.1.4.248"],
    "LPS_Nom": ["dmp-connector"],
    "LPS_Version": ["0.1.0"],
    "LPS_ID_HOMOLOGATION_DMP": ["TEST-0000"],
}
MODES = {
    PROVIDE: {
        "Authentification_Mode": ["INDIRECTE"],
        "urn:oasis:names:tc:xspa:1.0:subject:subject-id": ["THOMAS Eric"],
        ROLE: ["AUTOMATE^1.2.250.1.213.1.1.4.6"],
    },
    QUERY: {
        "Authentification_Mode": ["INDIRECTE_RENFORCEE"],
        "urn:oasis:names:tc:xspa:1.0:subject:subject-id": ["Eric THOMAS"],
        ROLE: ["10^1.2.250.1.71.1.2.7", "SM26^1.2.250.1.71.4.2.5"],
    },
}
MODES[RETRIEVE] = MODES[QUERY]


@pytest.mark.parametrize("action", MODES)
def test_attributes_of_the_assertion(wire: Wire, action: str) -> None:
    """Each attribute of dmp-interface b.2, once, with its value; nothing of the secret connection."""
    (request,) = (found for found in wire.requests if found.action == action)
    assert request.attributes() == {**ALWAYS, **MODES[action]}
    assertion = etree.fromstring(request.assertion)
    assert assertion.findtext(f"{q(SAML2, 'Subject')}/{q(SAML2, 'NameID')}") == "801234564895"
    strong = request.attributes()["Authentification_Mode"] == ["INDIRECTE_RENFORCEE"]
    assert (next(assertion.iter(q(SAML2, "AuthnContextDecl")), None) is not None) == strong
    assert next(assertion.iter(q(SAML2, "AuthnContextClassRef"))).text


def test_every_document_is_an_xop_part_and_no_base64(wire: Wire) -> None:
    root = wire.submission.envelope
    documents = list(root.iter(q(XDSB, "Document")))
    assert len(documents) == 2
    assert all((document.text or "").strip() == "" for document in documents)
    assert base64.b64encode(wire.letter)[:60] not in wire.submission.body


def flip(content: bytes, spot: bytes) -> bytes:
    """`content`, still well-formed, with the lowest bit changed in the byte after the last `spot`."""
    at = content.rindex(spot) + len(spot)
    flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    etree.fromstring(flipped)
    return flipped
