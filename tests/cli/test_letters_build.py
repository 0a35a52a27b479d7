"""`connector letters build` without a time: one name never stands for two contents."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.cda.header import read_header
from connector.cda.model import full_id
from tests.cli.conftest import Run
from tests.cli.test_letters import config, filled, make_site, pki_folder, site
from tests.e2e.harness import Site
from tests.e2e.letters import STAY
from tests.letter.letters import SAMPLES

__all__ = ["config", "make_site", "pki_folder", "site"]

LETTER = SAMPLES / "discharge.json"


def _letter(path: Path, **changes: object) -> Path:
    data = {**json.loads(LETTER.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({name: value for name, value in data.items() if value is not None}), encoding="utf-8")
    return path


def test_the_same_data_at_the_same_time_are_the_same_document(run: Run, tmp_path: Path) -> None:
    letter = _letter(tmp_path / "lettre.json", effective_time=None)
    times = ("2024-03-10T10:30:00+01:00", "2024-03-10T09:30:00Z", "2024-03-11T10:30:00+01:00")
    made = [tmp_path / f"{number}.xml" for number in range(3)]
    told = [run("letters", "build", letter, "-o", path, "--at", time) for path, time in zip(made, times, strict=True)]
    assert [result.code for result in told] == [0, 0, 0]
    headers = [read_header(path.read_bytes()) for path in made]
    assert "daté du 20240310103000+0100" in told[0].out
    # A time in another zone is other bytes: another document too.
    assert len({full_id(header.id) for header in headers}) == len({full_id(header.set_id) for header in headers}) == 3
    assert run("letters", "build", letter, "-o", tmp_path / "again.xml", "--at", times[0]).code == 0
    assert (tmp_path / "again.xml").read_bytes() == made[0].read_bytes()


def test_two_runs_of_the_clock_are_two_documents(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letter = _letter(tmp_path / "lettre.json", effective_time=None)
    made = []
    for day in (10, 11):
        monkeypatch.setattr("connector.base.clock.utc_now", lambda day=day: datetime(2024, 3, day, 12, tzinfo=UTC))
        assert run("letters", "build", letter, "-o", tmp_path / f"{day}.xml").code == 0
        made.append(full_id(read_header((tmp_path / f"{day}.xml").read_bytes()).id))
    assert made[0] != made[1]


def test_a_document_with_its_time_is_the_same_at_every_run(run: Run, tmp_path: Path) -> None:
    letter = _letter(tmp_path / "lettre.json")
    for name in ("a.xml", "b.xml"):
        assert run("letters", "build", letter, "-o", tmp_path / name).code == 0
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()


def test_a_named_document_without_a_time_is_refused(run: Run, tmp_path: Path) -> None:
    letter = _letter(tmp_path / "lettre.json", effective_time=None, id="2.25.7")
    result = run("letters", "build", letter, "-o", tmp_path / "a.xml")
    assert result.code == 1
    assert "effective_time" in result.out + result.err
    assert not (tmp_path / "a.xml").exists()
    assert run("letters", "build", letter, "-o", tmp_path / "a.xml", "--at", "2024-03-10T10:30:00+01:00").code == 0


@pytest.mark.parametrize("at", ["demain", "2024-03-10", "2024-03-10T10:30:00"])
def test_a_time_without_zone_is_no_time_of_a_document(run: Run, tmp_path: Path, at: str) -> None:
    letter = _letter(tmp_path / "lettre.json", effective_time=None)
    assert run("letters", "build", letter, "-o", tmp_path / "a.xml", "--at", at).code == 2


def test_a_letter_handed_in_is_built_again_as_it_was(run: Run, site: Site, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "lettre.yaml"
    assert run("letters", "new", "discharge", "--stay", STAY, "-c", config, "-o", file).code == 0
    text = filled(file.read_text(encoding="utf-8"))
    file.write_text(re.sub(r"(?m)^effective_time:.*\n", "", text), encoding="utf-8")
    (receipt,) = run("letters", "send", file, "-c", config, "--json").json()
    site.wait_delivery(receipt["unique_id"])
    for name in ("a.xml", "b.xml"):
        built = run("letters", "build", file, "-c", config, "-o", tmp_path / name, "--json").json()
        assert built["unique_id"] == receipt["unique_id"]
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()
