"""`python -m tests.soap.weigh MEGABYTES`: sends and retrieves one file, prints its digests and the memory it took.

Growth is of the resident set's high-water mark (Linux), in MiB, after a small call that has loaded everything lazy.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from lxml import etree

from connector.base.resources import resource_dir
from connector.soap.client import SoapClient
from connector.soap.parts import Attachment
from connector.soap.session import tls_session
from tests.soap.conftest import client_context, issue, server_context
from tests.soap.peer import BLOCK, Peer, Reply

XDSB = "urn:ihe:iti:xds-b:2007"
ROOT = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    f'<r:RetrieveDocumentSetResponse xmlns:r="{XDSB}"/></s:Body></s:Envelope>'
)
HEAD = f"--b\r\nContent-ID: <r>\r\n\r\n{ROOT}\r\n--b\r\nContent-ID: <d>\r\n\r\n".encode()
TAIL = b"\r\n--b--\r\n"


def file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def serve(folder: Path, big: Path, channel: Connection) -> None:
    """Two small answers, then the digest of what was uploaded, then the file."""

    def multipart() -> Iterator[bytes]:
        yield HEAD
        yield from file_blocks(big)
        yield TAIL

    length = len(HEAD) + big.stat().st_size + len(TAIL)
    small = Reply(body=ROOT.encode())
    large = Reply(content_type="multipart/related; boundary=b", blocks=multipart, length=length)
    with Peer(small, small, small, large, context=server_context(folder, "server", folder / "ca.pem")) as peer:
        channel.send(peer.url)
        channel.recv()
        upload = peer.seen[1].body
        start = re.search(rb"Content-ID: <d>\r\n\r\n", upload)
        assert start is not None
        channel.send(hashlib.sha256(memoryview(upload)[start.end() : upload.rindex(b"\r\n--MIME-")]).hexdigest())
        channel.recv()


def status(field: str) -> float:
    """MiB of a field of /proc/self/status. getrusage will not do: its peak is inherited from the parent process."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found.group(1)) / 1024


def resident() -> float:
    """Current resident set in MiB; the high-water mark starts again from it."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def growth(before: float) -> str:
    return f"{status('VmHWM') - before:.1f}"


def weigh(megabytes: int) -> dict[str, str]:
    figures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        big = folder / "big.pdf"
        source = random.Random(1)
        with big.open("wb") as file:
            for _ in range(megabytes):
                file.write(source.randbytes(1024 * 1024 - 2) + b"\r\n")
        authority = issue(folder, "ca")
        issue(folder, "server", issuer=authority)
        issue(folder, "client", issuer=authority)
        here, there = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, big, there))
        process.start()
        service = SoapClient(
            resource_dir("wsdl") / "repository.wsdl",
            here.recv(),
            session=tls_session(client_context(folder, "client", folder / "ca.pem")),
            timeout=60,
        )
        provide = etree.Element(f"{{{XDSB}}}ProvideAndRegisterDocumentSetRequest")
        retrieve = etree.Element(f"{{{XDSB}}}RetrieveDocumentSetRequest")
        service.call("ProvideAndRegisterDocumentSet-b", provide, attachments=[Attachment("s", "a/b", b"x" * BLOCK)])
        before = resident()
        service.call("ProvideAndRegisterDocumentSet-b", provide, attachments=[Attachment("d", "a/b", big)])
        figures["sent_mib"] = growth(before)
        service.call("RetrieveDocumentSet", retrieve)
        before = resident()
        with service.call("RetrieveDocumentSet", retrieve) as answer:
            figures["received_mib"] = growth(before)
            received = answer.parts["d"].path
            assert received is not None
            digests = [hashlib.sha256(), hashlib.sha256()]
            for digest, path in zip(digests, (big, received), strict=True):
                for block in file_blocks(path):
                    digest.update(block)
        here.send("digest?")
        figures["sent_sha256"] = here.recv()
        figures["file_sha256"], figures["received_sha256"] = (digest.hexdigest() for digest in digests)
        here.send("done")
        process.join(20)
    return figures


if __name__ == "__main__":
    for key, value in weigh(int(sys.argv[1])).items():
        print(f"{key}={value}")
