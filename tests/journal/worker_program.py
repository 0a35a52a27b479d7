"""A worker process on a PostgreSQL store, for ever.

    python -m tests.journal.worker_program URL KEY PORT LEASE BEAT SIZE

Each delivery is one message of SIZE bytes to the far end at PORT; a resumed one asks first.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from connector.hl7.mllp_client import MllpClient
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.scaleout import ScaleOutEngine
from connector.journal.job import Done, Handler, Job, Outcome
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.journal.support import FAST, no_router


def sender(port: int, size: int) -> Handler:
    def handle(job: Job) -> Outcome:
        with MllpClient("127.0.0.1", port, timeout=60.0) as client:
            if job.resumed and client.exchange(b"ASK %d " % job.delivery_id) == b"YES":
                return Done("retrouvé")
            job.sending({})
            client.exchange(b"SEND %d " % job.delivery_id + b"x" * size)
        return Done("envoyé")

    return handle


async def live(store: JournalConfig, port: int, config: EngineConfig, size: int) -> None:
    """Works for ever: only a kill ends this process."""
    journal = Journal.open(store)
    engine = ScaleOutEngine(journal, router=no_router, handlers={"send": sender(port, size)}, config=config)
    await engine.start()
    print(engine.node, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    url, key, port, lease, beat, size = sys.argv[1:]
    config = EngineConfig(workers=4, backoff=FAST, lease=float(lease), beat=float(beat))
    asyncio.run(live(JournalConfig(url, audit_key=Path(key)), int(port), config, int(size)))
