"""No sign of life while the writer, a loop of the engine or the event loop itself is stuck."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.journal import Engine, EngineConfig, Journal, JournalConfig
from connector.service.pulse import Pulse

PATIENCE = 0.8


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"))
    yield journal
    journal.close()


class Beats:
    """Counts the signs of life."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


async def watch(pulse: Pulse, beats: Beats, seconds: float) -> int:
    """Beats in the next `seconds`, the pulse running."""
    before = beats.count
    task = asyncio.create_task(pulse.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return beats.count - before


async def test_it_beats_several_times_within_its_patience(journal: Journal) -> None:
    beats = Beats()
    pulse = Pulse(journal, {"engine": lambda: 0.0}, beats, patience=PATIENCE)
    assert await watch(pulse, beats, PATIENCE) >= 2
    assert pulse.complaint == ""


async def test_a_writer_that_is_stuck_is_silence(journal: Journal) -> None:
    beats, release = Beats(), threading.Event()
    pulse = Pulse(journal, {}, beats, patience=PATIENCE)
    stuck = asyncio.create_task(journal.transact_async(lambda tx: release.wait(10)))
    await asyncio.sleep(0.05)
    assert await watch(pulse, beats, 2 * PATIENCE) == 0
    assert "journal writer" in pulse.complaint
    release.set()
    await stuck
    assert await watch(pulse, beats, PATIENCE) >= 1
    assert pulse.complaint == ""


async def test_a_closed_journal_answers_and_is_no_silence(tmp_path: Path) -> None:
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"))
    journal.close()
    beats = Beats()
    assert await watch(Pulse(journal, {}, beats, patience=PATIENCE), beats, PATIENCE) >= 2


async def test_a_loop_of_the_engine_that_no_longer_turns_is_silence(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(journal, router=lambda tx, message: None, handlers={}, config=EngineConfig(poll=0.05))
    await engine.start()
    beats = Beats()
    pulse = Pulse(journal, {"engine": lambda: engine.silent_for}, beats, patience=PATIENCE)
    try:
        assert await watch(pulse, beats, PATIENCE) >= 2
        never = asyncio.Event()

        async def hang(*_: object) -> bool:
            return await never.wait()

        monkeypatch.setattr(engine, "_step", hang)
        engine.wake()
        monkeypatch.setattr(engine, "_seconds_to_due", lambda: 0.0)
        await asyncio.sleep(PATIENCE)
        assert engine.silent_for > PATIENCE / 2
        assert await watch(pulse, beats, 2 * PATIENCE) == 0
        assert "engine" in pulse.complaint
    finally:
        await engine.stop(drain_seconds=0.1)


async def test_an_event_loop_that_is_stuck_is_silence(journal: Journal) -> None:
    beats = Beats()
    pulse = Pulse(journal, {}, beats, patience=PATIENCE)
    task = asyncio.create_task(pulse.run())
    await asyncio.sleep(PATIENCE / 2)
    before = beats.count
    time.sleep(2 * PATIENCE)  # what must not happen, and what is tested
    assert beats.count == before
    assert "boucle principale" in pulse.complaint
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
