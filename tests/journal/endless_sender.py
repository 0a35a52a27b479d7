"""A process that stores messages for ever and prints each acknowledgement, until it is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count

from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.journal.support import message


async def main(store: str) -> None:
    journal = Journal.open(JournalConfig(store))
    numbers = count()

    async def send() -> None:
        while True:
            number = next(numbers)
            incoming = message(number)
            stored = await journal.accept(incoming)
            os.write(1, f"{stored.message_id} {incoming.key}\n".encode())

    await asyncio.gather(*(send() for _ in range(20)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
