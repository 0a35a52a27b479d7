"""What was signed is what is sent: the assertion's bytes are on the wire as given (design rule 4)."""

from __future__ import annotations

import pytest
from lxml import etree

from connector.base.errors import CodecError
from connector.soap.parts import Attachment
from tests.soap.kit import client, echo, query
from tests.soap.peer import Peer, Reply, Tls

PLAIN = (
    b'<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1">\n'
    b"  <saml2:Issuer>C=FR,  O=Organisation-Y</saml2:Issuer>\r\n</saml2:Assertion>"
)
# Declares URIs the envelope declares too, under other prefixes, and a prefix only PrefixList and xsi:type use.
HOSTILE = (
    "<saml2:Assertion xmlns:saml2='urn:oasis:names:tc:SAML:2.0:assertion' "
    "xmlns:sec='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd' "
    "xmlns:adr='http://www.w3.org/2005/08/addressing' xmlns:e='http://www.w3.org/2003/05/soap-envelope' "
    "xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
    "ID='_2' ><ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>"
    "<ds:Transform Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'>"
    "<ec:InclusiveNamespaces xmlns:ec='http://www.w3.org/2001/10/xml-exc-c14n#' PrefixList='xs'/></ds:Transform>"
    "</ds:Signature><saml2:AttributeValue xsi:type='xs:string'>é &#233; &apos;&gt;&#xD;</saml2:AttributeValue>"
    "<sec:Empty></sec:Empty><adr:To/><e:x/><!-- kept --></saml2:Assertion>"
).encode()


@pytest.mark.parametrize("assertion", [PLAIN, HOSTILE], ids=["plain", "hostile"])
def test_assertion_bytes_are_on_the_wire_as_given(tls: Tls, assertion: bytes) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls)
        service.call("RegistryStoredQuery", query(), assertion=assertion)
        service.call(
            "RegistryStoredQuery", query(), assertion=assertion, attachments=[Attachment("a", "text/xml", b"x")]
        )
        plain, multipart = peer.seen
    for body in (plain.body, multipart.body):
        assert body.count(assertion) == 1
        before = body.partition(assertion)[0]
        assert before.endswith(b":Security>") or b":Security" in before[before.rindex(b"<") :]


def test_the_assertion_canonicalises_alike_alone_and_in_the_envelope(tls: Tls) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls).call("RegistryStoredQuery", query(), assertion=HOSTILE)
        root = etree.fromstring(peer.seen[0].body)
    inside = root.find(".//{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
    assert inside is not None
    alone = etree.fromstring(HOSTILE)
    for prefixes in (None, ["xs"]):
        forms = [
            etree.tostring(e, method="c14n", exclusive=True, inclusive_ns_prefixes=prefixes) for e in (alone, inside)
        ]
        assert forms[0] == forms[1]


def test_body_keeps_its_prefixes_and_its_default_namespace(tls: Tls) -> None:
    text = (
        b'<PRPA_IN201309UV02 xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'ITSVersion="XML_1.0"><value xsi:type="CV" code="VALIDE"/></PRPA_IN201309UV02>'
    )
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls, "pixv3").call("PRPA_IN201309UV02", etree.fromstring(text))
        assert peer.seen[0].body.count(text) == 1


@pytest.mark.parametrize(
    ("assertion", "field"),
    [
        (b"<?xml version='1.0'?><a/>", "wsse:Security"),
        ("<a/>".encode("utf-16"), "wsse:Security"),
        ("<a/>".encode("utf-16-le"), "wsse:Security"),
        (b"<a>\xe9</a>", "assertion"),
        (b"<a>", "assertion"),
        (b"<!DOCTYPE a><a/>", "assertion"),
    ],
)
def test_what_cannot_stand_in_an_envelope_never_leaves(tls: Tls, assertion: bytes, field: str) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        with pytest.raises(CodecError) as refused:
            client(peer, tls).call("RegistryStoredQuery", query(), assertion=assertion)
        assert peer.seen == []
    assert refused.value.context["field"] == field
