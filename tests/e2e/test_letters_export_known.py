"""Letters that are in the DMP already: the same one is known, another one under its name is never said to be sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.cli.letters_export import SOME_LEFT
from tests.e2e.conftest import MakeSite
from tests.e2e.exporting import letter, run, settings_file, write
from tests.e2e.harness import Site
from tests.e2e.letters import desk_of, fresh_cda
from tests.e2e.test_letters_export import admit, rows

OTHER = "cet identifiant de document a déjà servi pour un autre contenu"


@pytest.fixture
def ready(make_site: MakeSite) -> Site:
    site = make_site()
    admit(site)
    return site


@pytest.mark.parametrize("name", ["key", "id"])
@pytest.mark.parametrize("rehearsed", [False, True])
def test_another_letter_under_a_name_that_has_served_is_refused(
    ready: Site, tmp_path: Path, name: str, rehearsed: bool
) -> None:
    ready.stop()
    ready.stop = lambda: None  # type: ignore[method-assign]
    config, source = settings_file(ready), tmp_path / "lettres"

    def written(number: int) -> None:
        own = {"letter": letter(number), "key": "K1"} if name == "key" else letter(number, id="1.2.250.1.999.7.1")
        write(source, "a", own)

    written(1)
    assert run(config, tmp_path / "a", source)[0] == 0
    again = ("--dry-run",) if rehearsed else ()
    code, summary = run(config, tmp_path / "b", source, *again)
    assert (code, summary["counts"]["sent"]) == (0, 1), "the very same letter is known"
    written(2)
    code, summary = run(config, tmp_path / "c", source, *again)
    assert (code, summary["counts"]["sent"], summary["counts"]["refused"]) == (SOME_LEFT, 0, 1)
    assert summary["causes"][0]["reason"].startswith(OTHER)
    assert sorted(ready.simulator.world.acceptances().values()) == [1]


def test_another_cda_under_an_id_that_has_served_is_refused(ready: Site, tmp_path: Path) -> None:
    ready.stop()
    ready.stop = lambda: None  # type: ignore[method-assign]
    config, source = settings_file(ready), tmp_path / "lettres"
    source.mkdir()
    cda, _ = fresh_cda()
    (source / "a.xml").write_bytes(cda)
    assert run(config, tmp_path / "a", source)[0] == 0
    assert run(config, tmp_path / "b", source)[0] == 0
    (source / "a.xml").write_bytes(cda.replace(b"<title>", b"<title>Autre "))
    code, summary = run(config, tmp_path / "c", source)
    assert (code, summary["counts"]["refused"]) == (1, 1)
    assert summary["causes"][0]["reason"].startswith(OTHER)
    assert sorted(ready.simulator.world.acceptances().values()) == [1]


@pytest.mark.parametrize("rehearsed", [False, True])
def test_a_letter_that_was_deleted_is_not_sent_again_nor_said_to_be(
    ready: Site, tmp_path: Path, rehearsed: bool
) -> None:
    config, source = settings_file(ready), tmp_path / "lettres"
    write(source, "a", letter(1))
    assert run(config, tmp_path / "a", source)[0] == 0
    (row,) = rows(tmp_path / "a")
    ready.wait_delivery(row["document"], "done")
    with desk_of(ready) as desk:
        assert desk.delete(row["document"]).accepted
    ready.wait(lambda lines: any("supprimé" in line.text for line in lines), document_id=row["document"])
    ready.stop()
    ready.stop = lambda: None  # type: ignore[method-assign]
    code, summary = run(config, tmp_path / "b", source, *(("--dry-run",) if rehearsed else ()))
    assert (code, summary["counts"]["sent"], summary["counts"]["refused"]) == (1, 0, 1)
    assert summary["causes"][0]["reason"].startswith("ce document a été supprimé depuis")
    assert sorted(ready.simulator.world.acceptances().values()) == [1]
