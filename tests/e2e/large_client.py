"""`python -m tests.e2e.large_client FOLDER URL PROFILE`: one document to a DMP and back; what it cost, as JSON.

FOLDER has `pki/` (the simulator's), `message.er7`, `header.xml` and `document`; `received/` is made. Growth is of the
resident set's high-water mark (Linux), in MiB, from what the process held once it had spoken to the server.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import date, timedelta
from pathlib import Path

from connector.base.clock import random_uuid, utc_now
from connector.base.oid import oid_from_uuid
from connector.cda.header import read_header
from connector.cda.model import CdaHeader
from connector.dmp.client import DmpClient
from connector.dmp.config import DmpConfig
from connector.dmp.facts import facts_of
from connector.dmp.feed import Feed, FeedIds
from connector.hl7.er7 import parse
from connector.hl7.volet import read_document
from connector.ins.model import OID_NIR_TEST, MatriculeIns
from connector.soap.session import tls_session
from connector.trust.keys import load_pem
from connector.trust.psc import AUTHN_CONTEXT, AUTHN_CONTEXT_DECL
from connector.trust.roles import AUTOMATE, PROFESSION, SKILL, role
from connector.trust.tls import client_context
from connector.trust.vihf import Caller, VihfConfig
from connector.xds.iti18 import Profile
from tests.soap.weigh import file_blocks, growth, resident

CAP = 64 * 1024 * 1024
INS = MatriculeIns("279035121518989", OID_NIR_TEST)
FEEDER = Caller("801234564895", "THOMAS Eric", "1120456789", "SA01", (AUTOMATE,))
READER = Caller(
    "801234564895",
    "THOMAS Eric",
    "1120456789",
    "SA01",
    (role("10", PROFESSION), role("SM26", SKILL)),
    "INDIRECTE_RENFORCEE",
    AUTHN_CONTEXT,
    AUTHN_CONTEXT_DECL,
)


def client(folder: Path, url: str, profile: Profile) -> DmpClient:
    pki = folder / "pki"
    config = DmpConfig(
        base_url=url,
        lps_oid="1.2.250.1.999.1.1",
        lps_name="dmp-connector",
        source_id="1.2.250.1.999.1.2",
        environment="test",
        profile=profile,
        assertion=True,
        size_cap=CAP,
        receive_cap=CAP,
    )
    return DmpClient(
        config,
        session=tls_session(client_context(pki / "auth.pem", pki / "auth.key.pem", pki / "ca.pem")),
        signer=load_pem(pki / "sign.pem", pki / "sign.key.pem"),
        vihf=VihfConfig("dmp-connector", "0.1.0", "TEST-0000"),
    )


def header_of(folder: Path, profile: Profile) -> CdaHeader:
    """Apart from the document in profile `ihe`; read from the document itself when it is a signed CDA."""
    source = folder / ("header.xml" if profile == "ihe" else "document")
    return read_header(source.read_bytes(), cap=CAP)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in file_blocks(path):
        digest.update(block)
    return digest.hexdigest()


def exchange(folder: Path, url: str, profile: Profile) -> dict[str, object]:
    """Publishes `document`, finds it, retrieves it."""
    dmp = client(folder, url, profile)
    request = read_document(parse((folder / "message.er7").read_bytes()), environment="test", today=date(2024, 3, 10))
    dmp.test_existence(INS, FEEDER)
    dmp.add_authorization(INS, READER)

    before = resident()
    header = header_of(folder, profile)
    ids = FeedIds(oid_from_uuid(random_uuid()), oid_from_uuid(random_uuid()), utc_now())
    dmp.submit(INS, FEEDER, Feed(header, folder / "document", facts_of(request), ids))
    sent = growth(before)

    found = dmp.find_documents(INS, READER, since=utc_now() - timedelta(days=3650))
    entries = [entry for entry in found.entries if entry.unique_id == header.id.root]
    before = resident()
    (retrieved,) = dmp.retrieve(INS, READER, entries, folder / "received")
    received = growth(before)
    return {
        "sent_mib": float(sent),
        "received_mib": float(received),
        "document_mib": (folder / "document").stat().st_size / 2**20,
        "sha256": sha256(folder / "document"),
        "received_sha256": sha256(retrieved.path),
    }


if __name__ == "__main__":
    where = Path(sys.argv[1])
    (where / "received").mkdir()
    print(json.dumps(exchange(where, sys.argv[2], "ihe" if sys.argv[3] == "ihe" else "dmp")))
