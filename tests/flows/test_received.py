"""Files retrieved from the DMP: the old ones of finished admissions go, nobody else's."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.flows.received import remove_received, size_of_received

NOW = datetime(2027, 3, 1, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
LIMIT = NOW - timedelta(days=30)
STEM = "1.2.250.1.213.1.4.2.1234"
DIGEST = "0f" * 32


def put(path: Path, written: datetime, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def remove(folder: Path, *unfinished: int) -> int:
    return remove_received(folder, LIMIT, lambda delivery: delivery in unfinished, threading.Event())


def test_old_documents_go_with_their_sidecars_and_their_folder(tmp_path: Path) -> None:
    for name in (f"{STEM}.xml", f"{STEM}.xml.json", f"{DIGEST}.pdf", f"{STEM}.pdf.part", f"{STEM}.pdf.partial"):
        put(tmp_path / "admission-7" / name, OLD)
    young = put(tmp_path / "admission-8" / f"{STEM}.xml", YOUNG)
    assert remove(tmp_path) == 5
    assert sorted(tmp_path.rglob("*")) == [young.parent, young]


def test_documents_of_an_unfinished_admission_stay(tmp_path: Path) -> None:
    kept = put(tmp_path / "admission-7" / f"{STEM}.xml", OLD)
    assert remove(tmp_path, 7) == 0
    assert kept.exists()
    assert remove(tmp_path) == 1


@pytest.mark.parametrize(
    "name",
    ["admission-7/lisez-moi.txt", "admission-7/sub/1.2.3.xml", "1.2.3.xml", "autre/1.2.3.xml", "admission-7b/1.2.xml"],
)
def test_what_is_not_ours_stays(tmp_path: Path, name: str) -> None:
    other = put(tmp_path / name, OLD)
    assert remove(tmp_path) == 0
    assert other.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere" / "1.2.3.xml", OLD)
    received = tmp_path / "received"
    (received / "admission-1").mkdir(parents=True)
    (received / "admission-1" / "1.2.3.xml").symlink_to(elsewhere)
    (received / "admission-2").symlink_to(elsewhere.parent, target_is_directory=True)
    assert remove(received) == 0
    assert elsewhere.exists()


def test_no_folder_no_work(tmp_path: Path) -> None:
    assert remove(tmp_path / "nowhere") == 0
    assert size_of_received(tmp_path / "nowhere", NOW) == (0, 0)


def test_a_stop_is_heard(tmp_path: Path) -> None:
    put(tmp_path / "admission-7" / f"{STEM}.xml", OLD)
    stopping = threading.Event()
    stopping.set()
    assert remove_received(tmp_path, LIMIT, lambda _: False, stopping) == 0


def test_sizes(tmp_path: Path) -> None:
    put(tmp_path / "admission-7" / f"{STEM}.xml", OLD, 100)
    put(tmp_path / "admission-8" / f"{STEM}.xml", YOUNG, 23)
    assert size_of_received(tmp_path, LIMIT) == (123, 23)
