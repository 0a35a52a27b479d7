"""Where the CPU of one letter goes: each step alone, one letter after the other, by the export's own parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.submissions_steps import BUILD as EBRIM
from benchmarks.submissions_steps import DIGEST, DRAFT, READ, RULES, VIHF, WIRE, XADES, Stopwatch
from connector.assembly import open_desk
from connector.base.clock import random_uuid, utc_now
from connector.base.oid import oid_from_uuid
from connector.dmp.client import DmpClient
from connector.dmp.feed import Feed, FeedIds
from connector.flows.document_check import check_document, read_request
from connector.flows.letters.desk import Prepared
from connector.flows.letters.export.model import Item, Ready, Task
from connector.flows.letters.export.prepare import Maker
from connector.flows.letters.model import Source
from connector.journal import Journal
from connector.patients.schema import SCHEMA
from connector.settings import Settings
from connector.soap.session import tls_session
from connector.soap.transport import WireEvent
from connector.trust.keys import load_pem
from connector.trust.tls import client_context
from tests.e2e.large_client import FEEDER

STEPS = {
    "read, complete, build": ("read", "build"),
    "check": ("check",),
    "wrap": ("wrap",),
    "intake": ("intake",),
    "read again": (READ,),
    "metadata": (DRAFT, RULES, EBRIM),
    "sign": (DIGEST, XADES, VIHF),
    "transfer": (WIRE,),
}


async def _nobody(_message: bytes) -> bytes | None:
    return None


def steps_of(home: Path, settings: Settings, maker: Maker, items: Sequence[Item], simulator: Path) -> dict[str, float]:
    """Milliseconds of CPU per letter, by step."""
    watch = Stopwatch()
    pki = simulator / "pki"
    journal = Journal.open(settings.journal, utc_now, (SCHEMA,))
    desk = open_desk(settings, journal, _nobody, clock=utc_now)
    session = tls_session(client_context(pki / "auth.pem", pki / "auth.key.pem", pki / "ca.pem"))

    def hear(event: WireEvent) -> None:
        if event.direction == "answer":
            watch.end()
        else:
            watch.begin(WIRE)

    signer = load_pem(pki / "sign.pem", pki / "sign.key.pem")
    dmp = DmpClient(settings.dmp, session=session, signer=signer, vihf=settings.vihf, capture=hear)
    today = utc_now().date()
    with watch.watching():
        for item in items:
            began = time.process_time()
            made = maker.make(Task(item, utc_now()))
            assert isinstance(made, Ready), made
            spent = time.process_time() - began
            whole = sum(made.seconds.values())
            # the steps are told in wall clock, by a process that does nothing else
            for step, seconds in made.seconds.items():
                watch.cpu[step] += spent * seconds / whole
            with watch.step("wrap"):
                prepared = desk.prepare(Source(cda=made.cda))
            assert isinstance(prepared, Prepared)
            with watch.step("intake"):
                check_document(prepared.message, settings.intake, today=today)
            with watch.step(READ):
                read = read_request(prepared.message, settings.intake, today=today)
            ins = read.headers[0].ins()
            assert ins is not None
            ids = FeedIds(oid_from_uuid(random_uuid()), oid_from_uuid(random_uuid()), utc_now())
            with watch.step("rest"):
                dmp.submit(ins, FEEDER, Feed.from_request(read.request, 0, read.headers[0], ids))
    journal.close()
    return {name: 1000 * sum(watch.cpu[step] for step in steps) / len(items) for name, steps in STEPS.items()}
