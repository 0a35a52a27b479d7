"""Several processes on PostgreSQL: one chain, one key, one follower at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.journal.audit import AtnaConfig, key_of_journal, verify
from connector.journal.audit.atna.follower import Follower
from connector.journal.audit.key import create_key
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.audit.collector import Collector
from tests.audit.trail import call, until
from tests.hl7_core.certificates import Authority


@pytest.fixture
def config(postgres_database: str, tmp_path: Path) -> JournalConfig:
    return JournalConfig(postgres_database, audit_key=tmp_path / "audit.key")


@pytest.fixture
def pair(config: JournalConfig) -> Iterator[tuple[Journal, Journal]]:
    first, second = Journal.open(config), Journal.open(config)
    yield first, second
    second.close()
    first.close()


def write(journal: Journal, first: int, last: int) -> None:
    for number in range(first, last + 1):
        journal.transact(lambda tx, number=number: tx.audit(call(number)))  # type: ignore[misc]


def test_two_processes_append_to_one_chain(pair: tuple[Journal, Journal], config: JournalConfig) -> None:
    threads = [threading.Thread(target=write, args=(journal, 1, 100)) for journal in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(pair[0], key_of_journal(pair[0], config))
    assert (verdict.good, verdict.lines) == (True, 200)


def test_a_machine_with_a_key_of_its_own_is_refused(
    pair: tuple[Journal, Journal], config: JournalConfig, tmp_path: Path
) -> None:
    path = tmp_path / "another.key"
    for _ in range(2):
        # first without a file: none is made, as the trail has begun already
        with pytest.raises(SettingsError) as refused:
            Journal.open(replace(config, audit_key=path))
        assert pair[0].audit_key.fingerprint in refused.value.context["allowed"]
        create_key(path)


def test_without_a_key_file_no_line_is_written_and_the_setting_is_named(postgres_database: str) -> None:
    journal = Journal.open(JournalConfig(postgres_database))
    with pytest.raises(SettingsError) as refused:
        _ = journal.audit_key
    assert refused.value.context["name"] == "audit.key_file"
    journal.close()


def test_one_follower_at_a_time(pair: tuple[Journal, Journal], tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    write(pair[0], 1, 40)
    with Collector(authority, authority.issue("server")) as collector:
        atna = AtnaConfig(host="127.0.0.1", port=collector.port, ca_file=authority.file, retry_longest=0.1)
        followers = [Follower(journal, atna, settle=0.1, poll=0.02, first=0.02) for journal in pair]
        for follower in followers:
            follower.start()
        until(lambda: len(collector.numbers()) == 40)
        write(pair[1], 41, 60)
        until(lambda: len(collector.numbers()) >= 60)
        for follower in followers:
            follower.stop()
        assert collector.numbers() == list(range(1, 61))
        assert collector.connections == 1
