"""Durable acknowledgement: frames in, checks, one journal row, AA out; as a ratio of the disk's own fsync loop.

The load generator is a process of its own on the same two cores; the engine is not started, so that only the path
to the acknowledgement is measured. `python -m benchmarks.durable_ack`
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.accept import fsync_floor
from connector.base.clock import random_uuid, utc_now
from connector.base.memory import settle
from connector.flows.config import IntakeConfig
from connector.flows.intake import Intake
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.journal import Journal, JournalConfig

MESSAGE = (
    "MSH|^~\\&|GAM|CHU-X|DPI|CHU-X|20240306111154||ADT^A01^ADT_A01|@@@@@@@@@@@@|T|2.5^FRA^2.11|||||"
    "FRA|UNICODE UTF-8|FR||"
    "2.11^IHE_FRANCE-2.11-PAM\r"
    "EVN||20240306111154||||20240306110000\r"
    "PID|1||000003^^^CHU-X&000897406&N^PI~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20101207||"
    "PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L||19790328|F|||28 Av de Breteuil^^PARIS^^75007^FRA^H~^^^^^^BDL^^63220|||||S||"
    "24000006^^^CHU-X&000897406&M^AN|||||||1|||||N||VALI|20240306111153\r"
    "PD1||U||||||||||N\r"
    "ROL||UC|ODRP|10000023084^AGNES^Isabelle^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS\r"
    "PV1|1|I|^^^CHU-X&000897406&M^O^^|R|||801234567897^Réault^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    "|||||||||N|801234567897^Réault^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS||"
    "000897406^^^CHU-X&000897406&M^VN^^20210409|||N||||||||||||||4||||||||20240306110000|||||||V\r"
    "ZBE|312^CHU-X^000897406|20240306110000||INSERT|N||Chir V^^^^^CHU-X&000897406&N^UF^^^6268||HMS\r"
    "ZFA|ACTIF|20240306111154|||||||INO|20240306111154|IC|20240306111154\r"
    "ZFM|8\rZFD|||Y|N|INSI|20211201\r"
).encode()


def generate(port: int, connections: int, seconds: float, prefix: str) -> int:
    """Closed loop: each connection sends one message, waits for its AA, sends the next. Returns the count of AA."""
    if connections == 1:
        return _one_by_one(port, seconds, prefix)
    # the bare epoll: what the generator spends is taken from the two cores it shares with the connector
    before, after = MESSAGE.split(b"@@@@@@@@@@@@")
    head, tail = b"\x0b" + before + prefix.encode(), after + b"\x1c\r"
    poller, links = select.epoll(), {}
    number = done = 0
    for _ in range(connections):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poller.register(link, select.EPOLLIN)
        links[link.fileno()] = link
        link.sendall(b"%b%08d%b" % (head, number, tail))
        number += 1
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for descriptor, _ in poller.poll(0.1):
            link = links[descriptor]
            answer = link.recv(4096)
            if not answer.endswith(b"\x1c\r") or b"MSA|AA|" not in answer:
                raise SystemExit(f"unexpected answer: {answer[:200]!r}")
            done += 1
            link.send(b"%b%08d%b" % (head, number, tail))
            number += 1
    return done


def _one_by_one(port: int, seconds: float, prefix: str) -> int:
    before, after = MESSAGE.split(b"@@@@@@@@@@@@")
    head, tail = b"\x0b" + before + prefix.encode(), after + b"\x1c\r"
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        link.send(b"%b%08d%b" % (head, done, tail))
        answer = link.recv(4096)
        if not answer.endswith(b"\x1c\r") or b"MSA|AA|" not in answer:
            raise SystemExit(f"unexpected answer: {answer[:200]!r}")
        done += 1
    return done


async def _serve(folder: Path, rounds: int, seconds: float) -> dict[str, list[float]]:
    journal = Journal.open(JournalConfig(folder / "journal.sqlite"))
    executor = ThreadPoolExecutor(1)
    intake = Intake(journal, IntakeConfig(), clock=utc_now, uuid_factory=random_uuid, executor=executor)

    async def handle(raw: bytes, peer: PeerInfo) -> bytes | None:
        return await intake.handle(raw, peer.host)

    server = MllpServer(MllpConfig(port=0), handle)
    await server.start()
    settle()
    rates: dict[str, list[float]] = {"floor": [], "50": [], "1": []}
    for number in range(rounds):
        rates["floor"].append(await asyncio.to_thread(fsync_floor, folder, min(seconds, 2.0)))
        for connections in (50, 1):
            command = [sys.executable, "-m", "benchmarks.durable_ack", "--generate", str(server.port)]
            command += [str(connections), str(seconds), f"{number}{connections:02d}x"]
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
            out, _ = await process.communicate()
            rates[str(connections)].append(int(out) / seconds)
    await server.stop()
    journal.close()
    executor.shutdown()
    return rates


def run(rounds: int = 5, seconds: float = 3.0) -> dict[str, float]:
    """Median rates per second and their ratios to the fsync floor, all taken in one run."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name:
        rates = asyncio.run(_serve(Path(name), rounds, seconds))
    result = {f"{key} per second": statistics.median(values) for key, values in rates.items()}
    for key in ("50", "1"):
        result[f"{key} connections / floor"] = statistics.median(
            rate / floor for rate, floor in zip(rates[key], rates["floor"], strict=True)
        )
    return result


if __name__ == "__main__":
    if sys.argv[1:2] == ["--generate"]:
        print(generate(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]))
    else:
        for name, value in run().items():
            print(f"{name:28} {value:12.2f}")
        print("goals: 50 connections ≥ 3 × floor, 1 connection ≥ 0.6 × floor")
