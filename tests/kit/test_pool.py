"""Worker processes: they answer from any thread, are replaced when they fail, and end with the gate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.kit import frames
from connector.kit.config import GateConfig
from connector.kit.gate import open_gate
from connector.kit.pool import GateUnavailable, WorkerPool
from tests.kit import small

TITLE = "<title>Lettre de liaison\n    du service <!-- brouillon --> de cardiologie</title>"
GOOD = small.letter()
HANGING = small.letter((TITLE, "<title>HANG</title>"))


def config(kit: Path, cache: Path, *, workers: int = 1, time_limit: float = 30.0) -> GateConfig:
    return GateConfig(kit=str(kit), cache=cache, workers=workers, time_limit=time_limit)


@pytest.fixture
def pool(small_kit: Path, cache: Path) -> Iterator[WorkerPool]:
    pool = WorkerPool(config(small_kit, cache))
    yield pool
    pool.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(what: Callable[[], object]) -> None:
    """Fails unless `what()` becomes true within some seconds."""

    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_gate_with_a_kit_judges_in_its_workers(small_kit: Path, cache: Path) -> None:
    with open_gate(config(small_kit, cache)) as gate:
        good, bad = gate.judge(GOOD), gate.judge(GOOD.replace(b"POCD_HD000040", b"POCD"))
    assert (good.blocking, good.kit[:4], good.suites[1]) == (False, "kit ", "XSD")
    assert [finding.rule for finding in bad.findings] == ["CDA-10"]


def test_workers_are_told_the_moment(small_kit: Path, cache: Path) -> None:
    """SOUND was signed in November 2026; the moment is asked for each document."""
    moments = iter([datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)])
    with open_gate(config(small_kit, cache), lambda: next(moments)) as gate:
        assert {finding.rule for finding in gate.judge(GOOD).findings if finding.blocking} == {"CDA-90"}
        assert not gate.judge(GOOD).blocking


def test_workers_know_for_which_environment_they_judge(small_kit: Path, cache: Path) -> None:
    with open_gate(replace(config(small_kit, cache), environment="production")) as gate:
        refused = [finding.rule for finding in gate.judge(GOOD).findings if finding.blocking]
    assert refused == ["CDA-52"]


def test_many_threads_share_few_workers(small_kit: Path, cache: Path) -> None:
    with open_gate(config(small_kit, cache, workers=2)) as gate, ThreadPoolExecutor(8) as threads:
        contents = [GOOD if n % 2 else GOOD.replace(b"POCD_HD000040", b"POCD") for n in range(60)]
        blocked = [verdict.blocking for verdict in threads.map(gate.judge, contents)]
    assert blocked == [not n % 2 for n in range(60)]


def test_a_worker_that_died_is_replaced_and_the_document_judged_all_the_same(pool: WorkerPool) -> None:
    (first,) = pool.processes()
    os.kill(first, signal.SIGKILL)
    assert not pool.judge(GOOD).blocking
    assert pool.processes() != (first,)
    assert not alive(first)


def test_a_document_that_takes_too_long_is_refused_and_its_worker_replaced(small_kit: Path, cache: Path) -> None:
    pool = WorkerPool(config(small_kit, cache, time_limit=1.0))
    (first,) = pool.processes()
    began = time.monotonic()
    verdict = pool.judge(HANGING)
    assert time.monotonic() - began < 10
    assert (verdict.blocking, verdict.suites) == (True, ("contrôle interrompu",))
    assert "délai de 1 s" in verdict.findings[0].text
    assert not alive(first)
    # a new worker compiles the kit before its own time begins
    assert not pool.judge(GOOD).blocking
    pool.close()


def test_a_document_that_kills_its_worker_twice_is_refused(pool: WorkerPool) -> None:
    with ThreadPoolExecutor(1) as thread:
        judged = thread.submit(pool.judge, HANGING)
        for _ in range(2):
            until(lambda: any(busy(pid) for pid in children()))
            kill(children())
        verdict = judged.result(30)
    assert [finding.rule for finding in verdict.findings] == ["KIT-RUN"]
    assert not pool.judge(GOOD).blocking


def test_a_worker_that_does_not_start_says_nothing_of_the_document(pool: WorkerPool) -> None:
    (first,) = children()
    with ThreadPoolExecutor(1) as thread:
        judged = thread.submit(pool.judge, HANGING)
        until(lambda: busy(first))
        os.kill(first, signal.SIGKILL)
        until(lambda: children() - {first})
        kill(children())
        with pytest.raises(GateUnavailable, match="does not start"):
            judged.result(30)
    assert not pool.judge(GOOD).blocking


def kill(pids: set[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def busy(pid: int) -> bool:
    """It has worked longer than the small kit takes to compile: it judges."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11]
    except OSError:
        return False
    return int(ticks) > os.sysconf("SC_CLK_TCK")


def children() -> set[int]:
    """Workers of this very process."""
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return {int(line.split()[0]) for line in found.stdout.splitlines() if "connector.kit.worker" in line}


def test_closing_waits_for_the_document_in_hand_and_ends_every_process(small_kit: Path, cache: Path) -> None:
    pool = WorkerPool(config(small_kit, cache, workers=2))
    pids = pool.processes()
    with ThreadPoolExecutor(4) as threads:
        judged = [threads.submit(pool.judge, GOOD) for _ in range(4)]
        judged[0].result(30)
        pool.close()
    assert not any(alive(pid) for pid in pids)
    with pytest.raises(GateUnavailable, match="closed"):
        pool.judge(GOOD)


def test_a_kit_that_cannot_be_used_is_refused_at_start_in_plain_words(small_kit: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no CDA kit") as refused:
        open_gate(GateConfig(kit=str(tmp_path), cache=tmp_path))
    assert refused.value.context["name"] == "gate.kit"
    broken = small.build(tmp_path / "kit")
    (broken / "schematrons/profils/IHE.sch").unlink()
    with pytest.raises(SettingsError, match="file of the kit is missing") as refused:
        open_gate(GateConfig(kit=str(broken), cache=tmp_path))
    assert refused.value.context["found"] == "schematrons/profils/IHE.sch"
    assert not children()


def test_a_worker_uses_every_processor_and_knows_no_secret(
    small_kit: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_KEY_PASSWORD", "hunter2")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        pool = WorkerPool(config(small_kit, cache))
    finally:
        os.sched_setaffinity(0, before)
    (pid,) = pool.processes()
    assert os.sched_getaffinity(pid) == before
    assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()
    pool.close()


def test_a_worker_ends_with_the_daemon_even_one_that_is_killed(small_kit: Path, cache: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from connector.kit.config import GateConfig\n"
        "from connector.kit.pool import WorkerPool\n"
        f"pool = WorkerPool(GateConfig(kit={str(small_kit)!r}, cache=Path({str(cache)!r})))\n"
        "print(*pool.processes(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        daemon.kill()
    until(lambda: not alive(pid))


# -- the pipes -----------------------------------------------------------------------------------------------------


def test_a_frame_larger_than_the_pipe_goes_through_whole() -> None:
    reading, writing = os.pipe()
    content = os.urandom(3_000_000)
    sender = threading.Thread(target=frames.send, args=(writing, content))
    sender.start()
    assert frames.receive(reading) == content
    sender.join()
    os.close(writing)
    with pytest.raises(frames.PipeClosed):
        frames.receive(reading)
    os.close(reading)


def test_a_pipe_nobody_serves_is_late_on_both_ends() -> None:
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    with pytest.raises(frames.PipeLate):
        frames.receive(reading, time.monotonic() + 0.05)
    with pytest.raises(frames.PipeLate):
        frames.send(writing, bytes(1_000_000), time.monotonic() + 0.05)
    os.close(reading)
    with pytest.raises(frames.PipeClosed):
        frames.send(writing, b"x", time.monotonic() + 1)
    os.close(writing)
