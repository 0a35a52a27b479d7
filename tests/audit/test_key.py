"""The key: made once, for its owner alone, and never replaced behind a trail's back."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.journal.audit import AuditConfig, key_of_journal, verify
from connector.journal.audit.key import create_key, load_key
from connector.journal.model import JournalConfig
from connector.journal.store import Journal
from tests.audit.trail import INS, call


def test_a_new_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    create_key(tmp_path / "a.key")
    create_key(tmp_path / "b.key")
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.key", "b.key"]
    assert load_key(tmp_path / "a.key").fingerprint != load_key(tmp_path / "b.key").fingerprint


def test_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    create_key(path)
    before = path.read_bytes()
    threads = [threading.Thread(target=create_key, args=(path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o700 | 0o010])
def test_a_key_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    create_key(path)
    path.chmod(mode)
    with pytest.raises(SettingsError) as refused:
        load_key(path)
    assert refused.value.context["name"] == "audit.key_file"
    assert f"{mode:04o}" in refused.value.context["found"]


@pytest.mark.parametrize("content", [b"", b"secret", b"ab" * 31, b"\xff" * 64, b"zz" * 32])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load_key(path)
    assert "hexadecimal" in refused.value.context["allowed"]


def test_the_hash_of_a_patient_depends_on_the_key_and_shows_nothing(tmp_path: Path) -> None:
    for name in ("a.key", "b.key"):
        create_key(tmp_path / name)
    one, other = load_key(tmp_path / "a.key"), load_key(tmp_path / "b.key")
    assert one.hash_ins(INS) == load_key(tmp_path / "a.key").hash_ins(INS)
    assert one.hash_ins(INS) != other.hash_ins(INS)
    assert one.hash_ins(INS) != one.hash_ins("277076322082910")
    assert INS not in one.hash_ins(INS)
    assert "object at" in repr(one)


def test_the_key_is_made_at_first_start_beside_the_store(tmp_path: Path) -> None:
    Journal.open(JournalConfig(tmp_path / "journal.db")).close()
    assert (tmp_path / "journal.db.audit-key").exists()


def test_a_lost_key_is_said_and_not_replaced(tmp_path: Path) -> None:
    config = JournalConfig(tmp_path / "journal.db")
    Journal.open(config).close()
    (tmp_path / "journal.db.audit-key").unlink()
    with pytest.raises(SettingsError) as refused:
        Journal.open(config)
    assert "No such file" in refused.value.context["found"]
    assert not (tmp_path / "journal.db.audit-key").exists()


def test_another_key_is_refused_by_its_fingerprint(tmp_path: Path) -> None:
    config = JournalConfig(tmp_path / "journal.db")
    Journal.open(config).close()
    create_key(tmp_path / "other.key")
    other = JournalConfig(tmp_path / "journal.db", audit_key=tmp_path / "other.key")
    with pytest.raises(SettingsError) as refused:
        Journal.open(other)
    assert load_key(tmp_path / "other.key").fingerprint in refused.value.context["found"]
    assert load_key(tmp_path / "journal.db.audit-key").fingerprint in refused.value.context["allowed"]


def test_two_writers_on_one_store_make_one_chain(tmp_path: Path) -> None:
    """A command beside the daemon: each append reads the head that the other one left."""
    config = JournalConfig(tmp_path / "journal.db")
    daemon, command = Journal.open(config), Journal.open(config)
    for number in range(20):
        for journal in (daemon, command):
            journal.post(lambda tx, number=number: tx.audit(call(number)))  # type: ignore[misc]
    for journal in (daemon, command):
        journal.transact(lambda tx: None)
    verdict = verify(daemon, key_of_journal(daemon, config))
    assert (verdict.good, verdict.lines) == (True, 40)
    command.close()
    daemon.close()


def test_a_rolled_back_act_leaves_no_line(tmp_path: Path) -> None:
    journal = Journal.open(JournalConfig(tmp_path / "journal.db"))

    def act(tx: object) -> None:
        tx.audit(call(1))  # type: ignore[attr-defined]
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        journal.transact(act)
    assert journal.query("SELECT count(*) AS n FROM audit")[0]["n"] == 0
    journal.close()


@pytest.mark.parametrize("days", [0, 182, -1])
def test_traces_are_kept_six_months_at_least(days: int) -> None:
    with pytest.raises(SettingsError) as refused:
        AuditConfig(keep_days=days)
    assert refused.value.context["name"] == "audit.keep_days"
