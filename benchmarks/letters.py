"""Letters per second from plain data to the DMP, and what one costs.

`python -m benchmarks.letters [--count N] [--workers 1,2] [--kit DIR] [--terminologies] [--memory N] [--json]`

The export as an operator runs it (worker processes, journal, engine, mutual TLS) against the real simulator in a
process of its own, on the same cores. With the agency's kit (`--kit` or CONNECTOR_CDA_KIT) its suites judge each one.
Linux only (/proc).

CPU      of all the processes of the export, per letter; beside the floor of the same run: the checks, warm, of such a
         letter (our rules, and the suites with a kit), and two bare RSA-2048 signatures
steps    of one letter at a time, CPU; `pipeline` is what is left of the whole: the journal, the engine, the intake
memory   of each process, at a number of letters and at the end (`--memory`, 20 000 for the whole measure)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from benchmarks.end_to_end import resident
from benchmarks.letters_site import admissions, patients, settings_of, write_letters
from benchmarks.letters_steps import steps_of
from benchmarks.submissions_peer import Peer, running
from benchmarks.submissions_steps import cpu_of
from connector.base.clock import utc_now
from connector.base.logs import configure_logs
from connector.flows.letters.export.crew import Crew
from connector.flows.letters.export.dmp import Backlog, DmpTarget, Door
from connector.flows.letters.export.files import Ignored
from connector.flows.letters.export.ledger import Ledger
from connector.flows.letters.export.model import Item, Ready, Task
from connector.flows.letters.export.prepare import Maker, Making
from connector.flows.letters.export.run import Export, Progress, Stop
from connector.flows.letters.export.sources import Sources
from connector.flows.letters.export.targets import Nowhere
from connector.flows.letters.export.verdicts import KnownVerdicts
from connector.kit.gate import open_gate
from connector.service.pipeline import Pipeline
from connector.settings import Settings
from connector.trust.keys import load_pem

PATIENTS = 40
_WARM = 40
_FLOORS = 20
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Rate:
    """One run. Milliseconds of CPU per letter: of the whole export, of its workers, of the simulator."""

    workers: int
    letters: int
    per_second: float
    cpu: float
    workers_cpu: float
    simulator_cpu: float


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of the process that leads, then of each worker, at `early` letters and at `late` (over all of them)."""

    early: int
    late: int
    early_mib: tuple[float, ...]
    late_mib: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds of CPU; `steps` of one letter by step, in order."""

    kit: bool
    terminologies: bool
    rates: tuple[Rate, ...]
    checks_floor: float
    signatures_floor: float
    steps: dict[str, float]
    memory: Memory

    @property
    def ratio(self) -> float:
        """CPU of the export per letter / floor, with the fewest workers."""
        return self.rates[0].cpu / (self.checks_floor + self.signatures_floor)


def measure(
    count: int, workers: tuple[int, ...], *, kit: str = "", terminologies: bool = False, memory: tuple[int, int]
) -> Result:
    """Each number of workers exports `count` letters of its own to one simulator."""
    configure_logs("error", "console")
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name, ExitStack() as stack:
        folder = Path(name)
        known = patients(folder / "simulator", PATIENTS)
        peer = stack.enter_context(running(folder / "simulator"))
        rates = []
        for number, size in enumerate(workers):
            home = folder / f"run{number}"
            write_letters(home / "warm", known, 2 * number * 1_000_000, _WARM)
            write_letters(home / "letters", known, (2 * number + 1) * 1_000_000, count)
            settings = settings_of(home, folder / "simulator", peer, kit=kit, terminologies=terminologies)
            rates.append(_rate(home, settings, peer, size, admissions(known)))
        making = _making(settings)
        write_letters(home / "alone", known, 2 * len(workers) * 1_000_000, _FLOORS)
        suites, signatures, steps = _one_by_one(home, settings, making, folder / "simulator")
        found = _memory(home, making, max(workers), memory)
    return Result(bool(kit), terminologies, tuple(rates), suites, signatures, steps, found)


def _making(settings: Settings) -> Making:
    return Making(settings.letters, settings.gate, settings.journal)


def _items(folder: Path) -> Iterator[Item]:
    return Sources((str(folder),), None, folder / "out", _MAX_BYTES).read(Ignored())


# -- the whole export --------------------------------------------------------------------------------------------------


def _rate(home: Path, settings: Settings, peer: Peer, workers: int, known: list[bytes]) -> Rate:
    """Warm first; from the first letter read to the last one in the DMP."""
    verdicts = KnownVerdicts(lambda: open_gate(settings.gate))
    with (
        Pipeline(settings, gate=lambda _: verdicts) as pipeline,
        Crew(_making(settings), workers) as crew,
        Ledger(home / "out", "dmp", resume=True) as ledger,
    ):
        for message in known:
            pipeline.run(pipeline.hand(message))
        pipeline.run(pipeline.desk.caught_up())
        door = Door(pipeline.desk, pipeline.hand, pipeline.run)
        target = DmpTarget(pipeline.journal, door, Backlog(pipeline.journal, 200, lambda: pipeline.silent), verdicts)

        def export(letters: Path) -> int:
            run = Export(
                ledger, crew, target, aside=home / "aside", workers=workers, clock=utc_now, stop=Stop(),
                patience=timedelta(minutes=5),
            )  # fmt: skip
            delivered = run.run(_items(letters)).delivered
            run.finish(wait=True)
            return delivered

        export(home / "warm")
        own, simulator = time.process_time(), cpu_of(peer.process)
        theirs = sum(map(cpu_of, crew.processes()))
        began = time.perf_counter()
        delivered = export(home / "letters")
        wall = time.perf_counter() - began
        own, simulator = time.process_time() - own, cpu_of(peer.process) - simulator
        theirs = sum(map(cpu_of, crew.processes())) - theirs
        counts = ledger.counts()
    if counts != {"sent": delivered + _WARM}:
        raise AssertionError(f"not all letters are in the DMP: {counts}")
    each = 1000 / delivered
    return Rate(workers, delivered, delivered / wall, (own + theirs) * each, theirs * each, simulator * each)


# -- one letter at a time ----------------------------------------------------------------------------------------------


def _one_by_one(
    home: Path, settings: Settings, making: Making, simulator: Path
) -> tuple[float, float, dict[str, float]]:
    """Floors, and CPU of each step: milliseconds."""
    maker = Maker(making)
    signer = load_pem(simulator / "pki" / "sign.pem", simulator / "pki" / "sign.key.pem")
    suites, signatures = [], []
    for item in islice(_items(home / "warm"), _FLOORS):
        made = maker.make(Task(item, utc_now()))
        assert isinstance(made, Ready), made
        suites.append(_cpu(partial(maker.verdict, made.cda, None, utc_now())))
        signatures.append(
            _cpu(lambda: [signer.key.sign(b"x" * 1024, padding.PKCS1v15(), hashes.SHA256()) for _ in range(2)])
        )
    steps = steps_of(home, settings, maker, list(_items(home / "alone")), simulator)
    maker.close()
    return statistics.median(suites), statistics.median(signatures), steps


def _cpu(call: Any) -> float:
    """Milliseconds."""
    began = time.process_time()
    call()
    return 1000 * (time.process_time() - began)


# -- memory ------------------------------------------------------------------------------------------------------------


def _memory(home: Path, making: Making, workers: int, span: tuple[int, int]) -> Memory:
    """A rehearsal of an export: the same letters again and again, each under a digest of its own."""
    early, late = span
    items = list(_items(home / "letters"))
    endless = chain.from_iterable(repeat(items))
    seen: list[tuple[float, ...]] = []
    with Crew(making, workers) as crew, Ledger(home / "memory", "folder", resume=False) as ledger:
        processes = (os.getpid(), *sorted(crew.processes()))

        def look(progress: Progress) -> None:
            if progress.delivered >= (early, late)[min(len(seen), 1)]:
                seen.append(tuple(map(resident, processes)))

        run = Export(
            ledger, crew, Nowhere(), aside=home / "aside", workers=workers, clock=utc_now, stop=Stop(),
            patience=timedelta(0), changed=look,
        )  # fmt: skip
        done = run.run(
            replace(item, ref=f"{item.ref}~{number}", digest=str(number))
            for number, item in enumerate(islice(endless, late))
        )
        if done.delivered != late:
            raise AssertionError(done)
    return Memory(early, late, seen[0], seen[-1])


# -- told --------------------------------------------------------------------------------------------------------------


def run(count: int = 60) -> dict[str, float]:
    """What the index of benchmarks shows: few letters; with the kit where there is one."""
    found = measure(count, (2,), kit=os.environ.get("CONNECTOR_CDA_KIT", ""), memory=(20, 60))
    return {"letters per second": found.rates[0].per_second, "CPU / floors": found.ratio}


def lines(found: Result) -> list[str]:
    """What a person reads."""
    how = "own rules" + (", kit" if found.kit else "") + (", terminologies" if found.terminologies else "")
    text = [f"letters, checked by: {how}"]
    for rate in found.rates:
        text.append(
            f"  {rate.workers} worker(s)  {rate.per_second:6.1f} letters/s over {rate.letters}; CPU {rate.cpu:.1f} ms a"
            f" letter ({rate.workers_cpu:.1f} in workers), simulator {rate.simulator_cpu:.1f} ms"
        )
    text += [
        f"  floors, CPU: checks warm {found.checks_floor:.1f} ms, two signatures {found.signatures_floor:.1f} ms",
        f"  CPU / floors {found.ratio:.2f}",
        f"  {'step':24} {'CPU ms':>8} {'share':>6}",
    ]
    whole = found.rates[0].cpu
    steps = {**found.steps, "pipeline": whole - sum(found.steps.values())}
    text += [f"  {step:24} {ms:8.2f} {ms / whole:6.0%}" for step, ms in steps.items()]
    memory = found.memory
    for number, (early, late) in enumerate(zip(memory.early_mib, memory.late_mib, strict=True)):
        who = f"worker {number}" if number else "leader"
        text.append(f"  {who:10} {early:8.1f} MiB at letter {memory.early}, {late:.1f} MiB at letter {memory.late}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.letters", description="What a letter costs.")
    parser.add_argument("--count", type=int, default=300, help="letters of each run")
    parser.add_argument("--workers", default="1,2", help="numbers of worker processes")
    parser.add_argument("--kit", default=os.environ.get("CONNECTOR_CDA_KIT", ""), help="folder of the agency's kit")
    parser.add_argument("--terminologies", action="store_true", help="also the kit's suite of terminologies")
    parser.add_argument("--memory", type=int, default=2_000, help="letters of the memory measure, 20000 for the whole")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    workers = tuple(int(one) for one in options.workers.split(","))
    span = (min(1_000, options.memory // 2), options.memory)
    found = measure(options.count, workers, kit=options.kit, terminologies=options.terminologies, memory=span)
    if options.json:
        print(json.dumps({**asdict(found), "ratio": found.ratio}, indent=2))
        return
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
