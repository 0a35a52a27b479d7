"""Submissions per second against the simulator, and what one costs: time by step, CPU, memory, beside their floors.

`python -m benchmarks.submissions [--sizes 50k,1m,10m] [--count N] [--kit DIR] [--at-once N] [--json]`

The real client (profile dmp: VIHF, XAdES, MTOM, mutual TLS) and the real simulator, each in a process of its own on the
same cores; letters of the wanted sizes, each with ids of its own. One process per size: its memory is that size's. With
the agency's kit (`--kit` or CONNECTOR_CDA_KIT) the gate runs its suites, apart in the table. Linux only (/proc).

share    of the wall clock, by step; `transfer` is until the answer is read, so it holds what the simulator does
floors   of the same run, one after each submission: two RSA-2048 signatures, the document parsed and canonicalised
         once by lxml, the same bytes posted by bare requests to a server that judges nothing
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.submissions_client import WEIGHED, Measured, Sample, Work, work
from benchmarks.submissions_letters import size_of, write_letters
from benchmarks.submissions_peer import running
from benchmarks.submissions_steps import DIGEST, STEPS, VIHF, WIRE, XADES

SIZES = "50k,1m,10m"
AT_ONCE = 4
_WARM = 3, 20_000
_TIMED_BYTES = 200_000_000
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds unless said otherwise; medians but for the steps, which are means so that they add up."""

    size: str
    bytes: int
    timed: int
    per_second: float
    at_once: int
    at_once_per_second: float
    p50: float
    p99: float
    cpu: float
    simulator_cpu: float
    kit_cpu: float
    own_checks_cpu: float
    idle_mib: float
    peak_mib: float
    steps: dict[str, tuple[float, float]]
    shares: dict[str, float]
    signatures_floor: float
    digest_floor: float
    post_floor: float
    post_floor_cpu: float
    suites: dict[str, float]
    ratios: dict[str, float]


def count_of(size: int) -> int:
    """Submissions timed when nobody says how many: about 200 MB of them, 20 at least and 200 at most."""
    return max(20, min(200, _TIMED_BYTES // size))


def measure(size: str, count: int, *, kit: str = "", at_once: int = AT_ONCE) -> Result:
    """One size, `count` submissions timed and as many sent several at once."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONNECTOR_BENCH_DIR")) as name:
        folder = Path(name)
        for letters, number, length in (
            ("warm", *_WARM),
            ("letters", WEIGHED + 2 * count, size_of(size)),
        ):
            (folder / letters).mkdir()
            write_letters(folder / letters, length, number)
        with running(folder / "simulator") as peer:
            order = Work(folder / "simulator", peer, folder / "warm", folder / "letters", count, at_once, kit)
            return result(size, at_once, _in_a_process(order))


def _in_a_process(order: Work) -> Measured:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    client = spawn.Process(target=work, args=(order, there))
    client.start()
    # Ours is closed so that a client that dies is heard.
    there.close()
    try:
        found: Measured = here.recv()
    except EOFError as error:
        raise RuntimeError("the client process stopped: its error is above") from error
    finally:
        client.join(20)
    return found


def result(size: str, at_once: int, found: Measured) -> Result:
    """What was measured, as it is reported."""
    samples, count = found.samples, len(found.samples)
    walls = sorted(1000 * sample.wall for sample in samples)
    steps = {
        step: (1000 * found.walls.get(step, 0.0) / count, 1000 * found.cpus.get(step, 0.0) / count)
        for steps in STEPS.values()
        for step in steps
    }
    whole = sum(wall for wall, _ in steps.values())

    def median(of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, samples))

    return Result(
        size=size,
        bytes=found.document,
        timed=count,
        per_second=count / sum(sample.wall for sample in samples),
        at_once=at_once,
        at_once_per_second=found.at_once_per_second,
        p50=statistics.median(walls),
        p99=walls[min(count - 1, int(count * 0.99))],
        cpu=1000 * median(lambda s: s.cpu),
        simulator_cpu=1000 * median(lambda s: s.simulator_cpu),
        kit_cpu=1000 * median(lambda s: s.kit_cpu),
        own_checks_cpu=1000 * median(lambda s: s.own_checks_cpu),
        idle_mib=found.idle_mib,
        peak_mib=found.peak_mib,
        steps=steps,
        shares={share: sum(steps[step][0] for step in names) / whole for share, names in STEPS.items()},
        signatures_floor=1000 * median(lambda s: s.signatures_cpu),
        digest_floor=1000 * median(lambda s: s.digest_cpu),
        post_floor=1000 * median(lambda s: s.post),
        post_floor_cpu=1000 * median(lambda s: s.post_cpu),
        suites={name: 1000 * seconds for name, seconds in found.suites.items()},
        ratios={
            "memory / document": found.peak_mib * _MIB / found.document,
            "CPU / floors": median(lambda s: s.cpu / (s.signatures_cpu + s.digest_cpu + s.post_cpu)),
            "signature / floors": sum(steps[step][1] for step in (DIGEST, XADES, VIHF))
            / (1000 * median(lambda s: s.signatures_cpu + s.digest_cpu)),
            "transfer / requests": steps[WIRE][1] / (1000 * median(lambda s: s.post_cpu)),
        },
    )


def run(counts: Mapping[str, int] = MappingProxyType({"50k": 40, "10m": 4})) -> dict[str, float]:
    """What the index of benchmarks shows: few submissions, no kit; the ratios of each size."""
    sizes = {size: measure(size, count) for size, count in counts.items()}
    return {f"{size} {name}": ratio for size, found in sizes.items() for name, ratio in found.ratios.items()}


def lines(found: Result) -> list[str]:
    """What a person reads."""
    whole = sum(wall for wall, _ in found.steps.values())
    text = [
        f"{found.size}: {found.bytes} bytes, {found.timed} submissions",
        f"  submissions/s      {found.per_second:8.1f} one at a time, {found.at_once_per_second:.1f}"
        f" {found.at_once} at a time",
        f"  whole submission   {found.p50:8.1f} ms p50, {found.p99:.1f} ms p99",
        f"  CPU of the client  {found.cpu:8.1f} ms; simulator {found.simulator_cpu:.1f} ms,"
        f" workers of the kit {found.kit_cpu:.1f} ms",
        f"  memory             {found.peak_mib:8.1f} MiB over {found.idle_mib:.0f} MiB idle",
        f"  {'step':18} {'ms':>8} {'share':>6} {'CPU ms':>8}",
    ]
    for share, names in STEPS.items():
        wall, cpu = (sum(found.steps[name][n] for name in names) for n in (0, 1))
        text.append(f"  {share:18} {wall:8.2f} {wall / whole:6.0%} {cpu:8.2f}")
        if len(names) > 1:
            text += [f"    {name:16} {found.steps[name][0]:8.2f} {'':6} {found.steps[name][1]:8.2f}" for name in names]
        if share == "gate":
            text += [f"    {name:32} {ms:8.2f}" for name, ms in found.suites.items()]
    text += [
        "  floors of the same run, CPU",
        f"    two signatures   {found.signatures_floor:8.2f}",
        f"    one digest       {found.digest_floor:8.2f}",
        f"    bare post        {found.post_floor_cpu:8.2f} ({found.post_floor:.2f} ms)",
        f"    own checks alone {found.own_checks_cpu:8.2f}",
    ]
    return text + [f"  {name:24} {ratio:6.2f}" for name, ratio in found.ratios.items()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.submissions", description="What a submission costs.")
    parser.add_argument("--sizes", default=SIZES, help=f"of the CDA, {SIZES} by default")
    parser.add_argument("--count", type=int, default=0, help="submissions timed per size; by size otherwise")
    parser.add_argument("--kit", default=os.environ.get("CONNECTOR_CDA_KIT", ""), help="folder of the agency's kit")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="submissions at a time, for the second rate")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = []
    for size in options.sizes.split(","):
        count = options.count or count_of(size_of(size))
        found.append(measure(size, count, kit=options.kit, at_once=options.at_once))
        if not options.json:
            print("\n".join(lines(found[-1])), flush=True)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))


if __name__ == "__main__":
    main()
