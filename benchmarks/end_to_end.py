"""End to end on one machine: ADT in, identity asked of a local server, done; load generator and server included.

Three processes on the same cores: `connector run` on its embedded store, an identity server that answers at once,
and the sender. `python -m benchmarks.end_to_end [max|half|soak] [--seconds N] [--rate N] [--json]`

max    closed loop: the rate from the first message to the last delivery done
half   messages sent at a fixed rate (half of max by default): acknowledgement times
soak   the same for long: memory and disk of the connector
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connector.base.clock import utc_now
from connector.ins.matricule import key_of
from connector.journal import JournalConfig, JournalReader
from connector.simulator.pki import Pki

CONNECTIONS = 50
PATIENTS = 5000
_STEADY_AFTER = 300.0

_ADT = (
    "MSH|^~\\&|GAM|CHU-X|DPI|CHU-X|20240307130000||ADT^A31^ADT_A05|{control}|T|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|FR||"
    "2.11^IHE_FRANCE-2.11-PAM\r"
    "EVN||20240307130000||||20240307130000\r"
    "PID|1||{ipp}^^^CHU-X&000897406&N^PI~{ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20101207||"
    "PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L||19790328|F|||^^^^^^BDL^^63220|||||||24000006^^^CHU-X&000897406&M^AN||||||||||||N||"
    "VALI|20240306111153\r"
    "PV1|1|N\r"
)


def message(number: int, run: str) -> bytes:
    """One framed A31 with a qualified INS; each patient is generated, valid in form, and comes back every 5 000."""
    patient = number % PATIENTS
    stem = f"2790351{200000 + patient:06d}"[:13]
    text = _ADT.format(control=f"{run}{number:09d}", ipp=f"{patient:06d}", ins=stem + key_of(stem))
    return b"\x0b" + text.encode() + b"\x1c\r"


@dataclass
class Sent:
    """What the sender saw: seconds from frame to AA, and how many were answered."""

    waits: list[float] = field(default_factory=list)
    done: int = 0


class _Link(asyncio.Protocol):
    """One connection of the sender: one message at a time, as MLLP wants it."""

    def __init__(self, source: Iterator[bytes] | None, sent: Sent) -> None:
        self._source, self._sent = source, sent
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._started = 0.0
        self._busy = False
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def pull(self) -> None:
        """Closed loop: the next message as soon as the last one is answered."""
        following = next(self._source, None) if self._source is not None else None
        if following is not None:
            self._send(time.perf_counter(), following)

    def push(self, frame: bytes) -> None:
        """Open loop: a message that finds the connection busy waits, and its waiting counts."""
        if self._busy:
            self._waiting.append((time.perf_counter(), frame))
        else:
            self._send(time.perf_counter(), frame)

    def _send(self, started: float, frame: bytes) -> None:
        self._busy, self._started = True, started
        self.transport.write(frame)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer.endswith(b"\x1c\r"):
            return
        if b"MSA|AA|" not in self._answer:
            raise SystemExit(f"unexpected answer: {self._answer[:200]!r}")
        self._answer = b""
        self._sent.done += 1
        self._sent.waits.append(time.perf_counter() - self._started)
        self._busy = False
        if self._waiting:
            self._send(*self._waiting.popleft())
        else:
            self.pull()


async def _links(port: int, source: Iterator[bytes] | None, sent: Sent) -> list[_Link]:
    """The sender's connections; without `source` they send only what is pushed."""
    links = []
    for _ in range(CONNECTIONS):
        _, link = await asyncio.get_running_loop().create_connection(lambda: _Link(source, sent), "127.0.0.1", port)
        links.append(link)
    return links


async def closed(port: int, frames: list[bytes]) -> Sent:
    """Sends all frames as fast as they are answered."""
    sent = Sent()
    links = await _links(port, iter(frames), sent)
    for link in links:
        link.pull()
    while sent.done < len(frames):
        await asyncio.sleep(0.01)
    return sent


async def paced(port: int, rate: float, seconds: float, run: str, tick: float = 0.005) -> Sent:
    """Sends `rate` messages per second whatever the answers, spread over the connections."""
    sent = Sent()
    links = await _links(port, None, sent)
    started = time.perf_counter()
    number = 0
    while (now := time.perf_counter() - started) < seconds:
        while number < now * rate:
            links[number % CONNECTIONS].push(message(number, run))
            number += 1
        await asyncio.sleep(tick)
    while sent.done < number:
        await asyncio.sleep(0.01)
    return sent


@contextmanager
def site(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """(MLLP port, connector's pid, journal file) of a running connector; its identity server is a process too."""
    stub = subprocess.Popen([sys.executable, "-m", "benchmarks.identity_stub"], stdout=subprocess.PIPE, text=True)
    assert stub.stdout is not None
    identity_port = int(stub.stdout.readline())
    port = _free_port()
    settings = folder / "connector.toml"
    settings.write_text(_settings(folder, port, identity_port), encoding="utf-8")
    log = (folder / "connector.log").open("wb")
    connector = subprocess.Popen(
        [sys.executable, "-m", "connector", "run", "-c", str(settings)], stdout=log, stderr=log
    )
    try:
        _wait_listening(port, connector, folder / "connector.log")
        yield port, connector.pid, folder / "journal.sqlite"
    finally:
        connector.terminate()
        connector.wait(60)
        stub.kill()
        stub.wait()
        stub.stdout.close()
        log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise SystemExit(f"the connector does not listen:\n{log.read_text(errors='replace')[-2000:]}")


def _settings(folder: Path, port: int, identity_port: int) -> str:
    pki = Pki.create(folder / "pki", utc_now())
    return f"""
[journal]
store = "sqlite:///{folder / "journal.sqlite"}"
[listener]
host = "127.0.0.1"
port = {port}
[keys]
structure = "1120456789"
ca_file = "{pki.ca}"
sign_certificate = "{pki.sign.certificate}"
sign_key = "{pki.sign.key}"
auth_certificate = "{pki.auth.certificate}"
auth_key = "{pki.auth.key}"
[vihf]
lps_name = "dmp-connector"
lps_version = "0.1.0"
homologation_id = "TEST-0000"
[dmp]
base_url = "https://127.0.0.1:9/"
environment = "test"
lps_oid = "1.2.250.1.999.1.1"
lps_name = "dmp-connector"
source_id = "1.2.250.1.999.1.2"
[pix]
protocol = "v2"
host = "127.0.0.1"
port = {identity_port}
ins_domain = "1.2.250.1.213.1.4.10"
[api]
port = 0
[log]
level = "warning"
"""


def wait_done(journal: JournalReader, wanted: int, seconds: float = 600.0) -> None:
    """Until every message is routed and every delivery done; a delivery that ends otherwise is an error."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy = journal.query("SELECT 1 FROM delivery WHERE state IN ('queued','running','sending','retry') LIMIT 1")
        routed = journal.query("SELECT position FROM routing")[0]["position"]
        if not busy and routed >= wanted:
            states = {
                row["state"]: row["n"]
                for row in journal.query("SELECT state, count(*) AS n FROM delivery GROUP BY state")
            }
            if states != {"done": wanted}:
                raise SystemExit(f"not all done: {states}, wanted {wanted}")
            return
        time.sleep(0.05)
    raise SystemExit("the deliveries are not done in time")


def resident(pid: int) -> float:
    """MiB of memory the process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds(pid: int) -> float:
    """Seconds of processor the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def maximum(count: int) -> dict[str, float]:
    """Messages per second from the first frame to the last delivery done, and to the last AA."""
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name,
        site(Path(name)) as (port, pid, file),
    ):
        warm = [message(n, "W") for n in range(500)]
        asyncio.run(closed(port, warm))
        journal = JournalReader(JournalConfig(file))
        wait_done(journal, len(warm))
        frames = [message(n, "M") for n in range(count)]
        before = processor_seconds(pid)
        started = time.perf_counter()
        asyncio.run(closed(port, frames))
        acknowledged = time.perf_counter() - started
        wait_done(journal, len(warm) + count)
        finished = time.perf_counter() - started
        spent = processor_seconds(pid) - before
        journal.close()
    return {
        "messages": float(count),
        "done per second": count / finished,
        "AA per second": count / acknowledged,
        "connector CPU ms per message": spent / count * 1000,
    }


def at_rate(rate: float, seconds: float) -> dict[str, float]:
    """Acknowledgement times at a fixed rate, in milliseconds."""
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name,
        site(Path(name)) as (port, _, file),
    ):
        asyncio.run(closed(port, [message(n, "W") for n in range(500)]))
        journal = JournalReader(JournalConfig(file))
        wait_done(journal, 500)
        sent = asyncio.run(paced(port, rate, seconds, "H"))
        wait_done(journal, 500 + sent.done)
        journal.close()
    cuts = statistics.quantiles(sent.waits, n=100)
    p50, p99 = cuts[49] * 1000, cuts[98] * 1000
    return {"rate": rate, "messages": float(sent.done), "p50 ms": p50, "p99 ms": p99, "p99 / p50": p99 / p50}


@dataclass
class Sample:
    """The connector at one instant of the soak."""

    seconds: float
    mib: float


def soak(rate: float, seconds: float, every: float = 10.0) -> dict[str, float]:
    """Memory slope in MiB per 10 minutes, by linear fit after the first five, and disk per 1 000 messages."""
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name,
        site(Path(name)) as (port, pid, file),
    ):
        samples: list[Sample] = []

        async def watch(started: float) -> None:
            while True:
                samples.append(Sample(time.perf_counter() - started, resident(pid)))
                print(f"{samples[-1].seconds:7.0f} s {samples[-1].mib:8.2f} MiB", file=sys.stderr, flush=True)
                await asyncio.sleep(every)

        async def both() -> Sent:
            watcher = asyncio.create_task(watch(time.perf_counter()))
            sent = await paced(port, rate, seconds, "S")
            watcher.cancel()
            return sent

        sent = asyncio.run(both())
        journal = JournalReader(JournalConfig(file))
        wait_done(journal, sent.done)
        journal.close()
        disk = sum(part.stat().st_size for part in file.parent.glob("journal.sqlite*"))
    steady = [s for s in samples if s.seconds >= min(_STEADY_AFTER, seconds / 6)]
    slope = statistics.linear_regression([s.seconds for s in steady], [s.mib for s in steady]).slope
    cuts = statistics.quantiles(sent.waits, n=100)
    return {
        "rate": rate,
        "messages": float(sent.done),
        "MiB per 10 minutes": slope * 600,
        "MiB at the end": samples[-1].mib,
        "disk KiB per 1000 messages": disk / 1024 / sent.done * 1000,
        "p50 ms": cuts[49] * 1000,
        "p99 ms": cuts[98] * 1000,
    }


def run(count: int = 10_000, seconds: float = 10.0) -> dict[str, float]:
    """The rate, and the acknowledgement times at half of it."""
    figures = maximum(count)
    return figures | at_rate(figures["done per second"] / 2, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["max", "half", "soak"], default="max")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--rate", type=float, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.what == "max":
        result = maximum(options.count)
    else:
        rate = options.rate or maximum(options.count)["done per second"] / 2
        result = (
            at_rate(rate, options.seconds or 30.0) if options.what == "half" else soak(rate, options.seconds or 1800.0)
        )
    if options.json:
        print(json.dumps(result))
        return
    for title, value in result.items():
        print(f"{title:28} {value:12.2f}")


if __name__ == "__main__":
    main()
