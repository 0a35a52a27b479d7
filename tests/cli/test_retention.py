"""`connector retention`: what it removes, what it foresees, and the pages it gives back."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.base.clock import utc_now
from connector.base.resources import resource_dir
from connector.journal.db.alone import alone
from connector.journal.model import Incoming, JournalConfig, key_of
from connector.journal.store import Journal
from tests.cli.conftest import Run

MESSAGES = 40


def long_ago() -> datetime:
    return utc_now() - timedelta(days=100)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file whose journal holds messages of a hundred days ago, and a file retrieved then."""
    text = (resource_dir("conf") / "demo.toml").read_text(encoding="utf-8")
    text = text.replace("../.demo/", f"{tmp_path}/")
    path = tmp_path / "connector.toml"
    path.write_text(text, encoding="utf-8")
    journal = Journal.open(JournalConfig(tmp_path / "connector.sqlite"), long_ago)
    for number in range(MESSAGES):
        journal.accept_sync(
            Incoming(
                raw=os.urandom(20_000),
                peer="",
                key=key_of(str(number)),
                type="ADT",
                event="A01",
                control_id=str(number),
                sender="",
                received_at=long_ago(),
                verdict="refused",
                ack=b"ack",
                route="adt-act",
            )
        )
    journal.close()
    received = tmp_path / "received" / "admission-1" / "1.2.3.xml"
    received.parent.mkdir(parents=True)
    received.write_bytes(b"x")
    os.utime(received, (time.time() - 100 * 86400,) * 2)
    return path


def test_a_dry_run_counts_and_a_run_removes(run: Run, config: Path) -> None:
    counted = run("retention", "run", "-c", config, "--dry-run", "--json").json()
    assert counted["removed"]["content"] == MESSAGES
    assert counted["freedBytes"] > MESSAGES * 20_000
    done = run("retention", "run", "-c", config, "--json").json()
    assert done["removed"] == counted["removed"] | {"files": 1}
    assert done["freedBytes"] == counted["freedBytes"]
    assert run("retention", "run", "-c", config, "--dry-run", "--json").json()["removed"]["content"] == 0
    assert "nothing" in run("retention", "run", "-c", config).out


def test_a_forecast_for_people_and_for_machines(run: Run, config: Path) -> None:
    told = run("retention", "forecast", "-c", config, "--content-days", "10", "--json").json()
    assert told["messages"] == MESSAGES
    assert told["diskFreeBytes"] > 0
    assert [part["part"] for part in told["current"]["parts"]] == ["content", "attachments", "traces", "audit"]
    assert told["proposed"]["parts"][0]["days"] == 10
    words = run("retention", "forecast", "-c", config).out
    assert "disk full" in words
    assert "90 days" in words


def test_a_proposal_that_cannot_be_is_refused(run: Run, config: Path) -> None:
    result = run("retention", "forecast", "-c", config, "--trace-days", "5")
    assert result.code == 2
    assert "retention.trace_days" in result.err


def test_compact_gives_the_room_back(run: Run, config: Path) -> None:
    assert run("retention", "run", "-c", config).code == 0
    done = run("retention", "compact", "-c", config, "--json").json()
    assert done["afterBytes"] < done["beforeBytes"] / 3
    assert run("retention", "forecast", "-c", config, "--json").json()["freeInsideBytes"] == 0


def test_compact_waits_for_no_engine_and_for_no_room(
    run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alone(tmp_path / "connector.sqlite"):
        result = run("retention", "compact", "-c", config)
    assert (result.code, "already works" in result.err) == (1, True)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("connector.journal.retention.compact.shutil.disk_usage", lambda folder: usage)
    result = run("retention", "compact", "-c", config)
    assert (result.code, "not enough room" in result.err) == (1, True)
