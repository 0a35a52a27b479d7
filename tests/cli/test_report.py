"""`connector report feeding`: for people, for machines, for a spreadsheet, for paper."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from connector.base.clock import utc_now
from connector.journal import Journal, JournalConfig
from connector.patients.discharges import discharged
from connector.patients.schema import SCHEMA
from tests.cli.conftest import Known, Run
from tests.watch.test_feeding import DONE, held, not_for_dmp, publish, refuse_at_door, refused


@pytest.fixture
def config(known: Known, tmp_path: Path) -> Path:
    """Settings of a site whose journal holds a little of everything."""
    old = known.site.settings.journal.path
    file = tmp_path / "connector.toml"
    text = known.config.read_text(encoding="utf-8").replace(str(old), str(tmp_path / "journal.db"))
    file.write_text(text, encoding="utf-8")
    journal = Journal.open(JournalConfig(tmp_path / "journal.db"), utc_now, [SCHEMA])
    publish(journal, *DONE)
    publish(journal, *held("configuration.tls", "Certificat refusé"))
    publish(journal, *refused("XDSRegistryError", "=cmd()<script>"), unit="=CHIR")
    publish(journal, *DONE, shadow=True)
    not_for_dmp(journal, unit="MED1", type="11490-0", cause="DESTDMP = N")
    refuse_at_door(journal, b"")
    journal.close()
    return file


def test_for_people(run: Run, config: Path) -> None:
    result = run("report", "feeding", "-c", config)
    assert result.code == 0, result.err
    words = " ".join(result.out.split())
    for expected in ("MED1", "50,0 %", "Certificat", "configuration.tls", "1 envois du mode ombre"):
        assert expected in words, expected


def test_for_machines(run: Run, config: Path) -> None:
    report = run("report", "feeding", "-c", config, "--json").json()
    assert report["total"]["received"] == 5
    assert report["total"]["counts"]["sent"] == 1
    assert [line["unit"] for line in report["lines"]] == ["", "=CHIR", "MED1"]
    told = next(cause for cause in report["causes"] if cause["code"] == "configuration.tls")
    assert told["numbers"] == [2]
    assert told["commands"][1] == f'connector queue retry -c {config} 2 --reason "…"'


def test_the_command_it_gives_works(run: Run, config: Path) -> None:
    report = run("report", "feeding", "-c", config, "--json").json()
    told = next(cause for cause in report["causes"] if cause["code"] == "configuration.tls")
    command = told["commands"][1].replace('"…"', "corrigé").split()
    assert run(*command[1:]).code == 0
    after = run("report", "feeding", "-c", config, "--json").json()
    assert "configuration.tls" not in [cause["code"] for cause in after["causes"]]


def test_shadow(run: Run, config: Path) -> None:
    report = run("report", "feeding", "-c", config, "--shadow", "--json").json()
    assert report["total"]["counts"]["would-send"] == 1
    assert report["total"]["rate"] == 1.0


def test_for_a_spreadsheet(run: Run, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    assert run("report", "feeding", "-c", config, "--csv", file).code == 0
    text = file.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
    assert sum(int(row["nombre"]) for row in rows) == 5
    # what a spreadsheet would compute is text
    assert {row["unité"] for row in rows} == {"", "MED1", "'=CHIR"}
    assert "'=cmd()<script>" in {row["motif"] for row in rows}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_for_paper(run: Run, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert run("report", "feeding", "-c", config, "--html", file).code == 0
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert not page.attributes & {"src", "href", "onload"}
    words = " ".join(page.words)
    for expected in ("=cmd()<script>", "MED1", "50,0 %", "@media print", "Lettre de liaison"):
        assert expected.lower() in words.lower(), expected


def test_a_period_without_documents(run: Run, config: Path) -> None:
    report = run("report", "feeding", "-c", config, "--until", "2020-01-31", "--json").json()
    assert (report["lines"], report["total"]["rate"]) == ([], None)
    assert run("report", "feeding", "-c", config, "--until", "2020-01-31").code == 0
    today = f"{utc_now().astimezone():%Y-%m-%d}"
    whole = run("report", "feeding", "-c", config, "--since", today, "--until", today, "--json").json()
    assert whole["total"]["counts"]["waiting"] == 1


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_date_that_is_none(run: Run, config: Path, option: str) -> None:
    result = run("report", "feeding", "-c", config, option, "hier")
    assert result.code == 2
    assert option in result.err


def test_before_the_connector_ever_ran(run: Run, config: Path, tmp_path: Path) -> None:
    (tmp_path / "journal.db").unlink()
    result = run("report", "feeding", "-c", config)
    assert result.code == 2
    assert "journal" in result.err


def test_what_should_have_been_deposited_is_told(run: Run, config: Path, tmp_path: Path) -> None:
    journal = Journal.open(JournalConfig(tmp_path / "journal.db"), utc_now, [SCHEMA])
    journal.transact(
        lambda tx: tx.execute(
            "INSERT INTO stay (stay, patient_id, patient_class, unit, status) VALUES ('1@X', 1, 'I', '=MED', 'closed')"
        )
    )
    journal.transact(lambda tx: discharged(tx, "1@X", utc_now()))
    journal.close()
    missing = run("report", "feeding", "-c", config, "--json").json()["missing"]
    assert [(line["unit"], line["closed"], line["missing"]) for line in missing["lines"]] == [("=MED", 1, 1)] * 2
    said = run("report", "feeding", "-c", config).out
    assert "Documents à déposer" in said
    assert "incertain" in said
    file = tmp_path / "report.csv"
    run("report", "feeding", "-c", config, "--csv", file)
    assert "'=MED;11490-0;Lettre de liaison à la sortie;non déposés" in file.read_text(encoding="utf-8-sig")
    run("report", "feeding", "-c", config, "--html", file)
    assert "<td>=MED</td><td>Lettre de liaison à la sortie</td>" in file.read_text(encoding="utf-8")
