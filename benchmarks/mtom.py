"""50 MB through our SOAP transport beside the same bytes through bare requests, over mutual TLS, keep-alive.

`run()["sent_ratio"]` and `["received_ratio"]` are medians over rounds of (ours) / (requests), both in the same round;
`*_mib` is how far the resident set of this process rose during one call of ours. The peer is a process of its own on
the same cores. Linux only (/proc). `python -m benchmarks.mtom`
"""

from __future__ import annotations

import hashlib
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import requests
from lxml import etree

from connector.base.resources import resource_dir
from connector.soap.client import SoapClient
from connector.soap.limits import BLOCK
from connector.soap.parts import Attachment
from connector.soap.session import tls_session
from tests.soap.conftest import client_context, issue, server_context
from tests.soap.peer import Peer, Reply
from tests.soap.weigh import HEAD, ROOT, TAIL, XDSB, growth, resident

MEGABYTES = 50
BOUNDARY = "uuid:5d6c7a52-3d0e-4b4f-9a2a-0c1d2e3f4a5b"
"""As long as servers write them: how fast a delimiter is found depends on it."""


def serve(folder: Path, size: int, channel: Connection) -> None:
    """Answers the n-th request with the document when the client has asked so, with an empty answer otherwise."""
    block = bytes(BLOCK)
    head, tail = (text.replace(b"--b", b"--" + BOUNDARY.encode()) for text in (HEAD, TAIL))

    def document() -> Iterator[bytes]:
        yield head
        for _ in range(size // BLOCK):
            yield block
        yield tail

    small = Reply(body=ROOT.encode())
    content_type = f'multipart/related; boundary="{BOUNDARY}"'
    large = Reply(content_type=content_type, blocks=document, length=len(head) + size + len(tail))
    with Peer(small, context=server_context(folder, "server", folder / "ca.pem"), keep=False) as peer:
        channel.send(peer.url)
        while (order := channel.recv()) != "stop":
            peer.replies = [large if order == "large" else small]
            channel.send("ready")


def requests_upload(session: requests.Session, url: str, file: Path) -> None:
    with file.open("rb") as source:
        session.post(url, data=source, headers={"Content-Type": "application/octet-stream"}, timeout=60)


def requests_download(session: requests.Session, url: str, target: Path) -> None:
    """Hash included: whoever retrieves a document has to check it."""
    sha1 = hashlib.sha1(usedforsecurity=False)
    with session.post(url, data=b"x", timeout=60, stream=True) as response, target.open("wb") as out:
        for block in response.iter_content(BLOCK):
            sha1.update(block)
            out.write(block)


def upload(service: SoapClient, file: Path) -> None:
    body = etree.Element(f"{{{XDSB}}}ProvideAndRegisterDocumentSetRequest")
    service.call("ProvideAndRegisterDocumentSet-b", body, attachments=[Attachment("d", "text/xml", file)])


def download(service: SoapClient) -> None:
    service.call("RetrieveDocumentSet", etree.Element(f"{{{XDSB}}}RetrieveDocumentSetRequest")).close()


def run(rounds: int = 7, megabytes: int = MEGABYTES) -> dict[str, float]:
    """Milliseconds, ratios and MiB."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        big = folder / "document"
        size = megabytes * 1024 * 1024
        with big.open("wb") as file:
            file.truncate(size)
        authority = issue(folder, "ca")
        for certificate in ("server", "client"):
            issue(folder, certificate, issuer=authority)
        here, there = spawn.Pipe()
        peer = spawn.Process(target=serve, args=(folder, size, there))
        peer.start()
        url = here.recv()
        session = tls_session(client_context(folder, "client", folder / "ca.pem"))
        service = SoapClient(resource_dir("wsdl") / "repository.wsdl", url, session=session, timeout=60)

        def order(what: str) -> None:
            here.send(what)
            here.recv()

        order("small")
        sent = _compare(rounds, partial(upload, service, big), partial(requests_upload, session, url, big))
        order("large")
        received = _compare(
            rounds, partial(download, service), partial(requests_download, session, url, folder / "received")
        )
        here.send("stop")
        peer.join(20)
    return {f"sent_{k}": v for k, v in sent.items()} | {f"received_{k}": v for k, v in received.items()}


def _compare(rounds: int, ours: Callable[[], None], bare: Callable[[], None]) -> dict[str, float]:
    ours()
    bare()
    before = resident()
    ours()
    mib = float(growth(before))
    pairs = [(_milliseconds(ours), _milliseconds(bare)) for _ in range(rounds)]
    return {
        "ms": statistics.median(o for o, _ in pairs),
        "requests_ms": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(o / b for o, b in pairs),
        "mib": mib,
    }


def _milliseconds(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:22} {value:8.2f}")
