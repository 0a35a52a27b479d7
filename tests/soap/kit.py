"""What the SOAP tests share: envelopes written by hand, and a client on a scripted peer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from connector.base.resources import resource_dir
from connector.soap.client import SoapClient
from connector.soap.session import tls_session
from tests.soap.peer import Peer, Seen, Tls

QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
STORED_QUERY = "urn:ihe:iti:2007:RegistryStoredQuery"
ANSWER = f'<q:AdhocQueryResponse xmlns:q="{QUERY}" status="ok"/>'


def envelope(body: str, relates_to: str = "", version: str = "http://www.w3.org/2003/05/soap-envelope") -> bytes:
    relates = f"<a:RelatesTo>{relates_to}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xmlns:s="{version}" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>'
        f"<a:Action>{STORED_QUERY}Response</a:Action><a:MessageID>urn:uuid:answer</a:MessageID>{relates}"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def message_id(request: Seen) -> str:
    found = re.search(rb"MessageID[^>]*>([^<]+)<", request.body)
    assert found is not None
    return found.group(1).decode()


def echo(body: str = ANSWER) -> Callable[[Seen], bytes]:
    """An answer that relates to the request, as a good server's does."""
    return lambda request: envelope(body, message_id(request))


def query() -> etree._Element:
    return etree.Element(f"{{{QUERY}}}AdhocQueryRequest")


def counting_uuids() -> Callable[[], uuid.UUID]:
    numbers: Iterator[int] = iter(range(1, 1 << 20))
    return lambda: uuid.UUID(int=next(numbers))


def client(peer: Peer, tls: Tls | None, wsdl: str = "registry", **options: Any) -> SoapClient:
    options.setdefault("session", tls_session(tls.client if tls else None))
    options.setdefault("timeout", 5.0)
    return SoapClient(resource_dir("wsdl") / f"{wsdl}.wsdl", options.pop("url", peer.url), **options)
