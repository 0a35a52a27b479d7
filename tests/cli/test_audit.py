"""`connector audit`: verified and exported beside a running daemon; exit codes a script can trust."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from connector.journal.audit import current_operator
from connector.settings import load_settings
from tests.cli.conftest import Known, Run

INS = "279035121518989"


def lines(run: Run, known: Known, *options: str) -> list[dict[str, Any]]:
    result = run("audit", "export", "-c", known.config, "--json", *options)
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


@pytest.fixture
def copied(known: Known, tmp_path: Path) -> tuple[Path, Path]:
    """(settings, store) of a copy of the site's journal and key, to tamper with."""
    settings = load_settings(known.config)
    source = settings.journal.path
    store = tmp_path / source.name
    with sqlite3.connect(source) as opened, sqlite3.connect(store) as copy:
        opened.backup(copy)
    key = source.with_name(f"{source.name}.audit-key")
    target = tmp_path / key.name
    target.touch(mode=0o600)
    target.write_bytes(key.read_bytes())
    config = tmp_path / "copy.toml"
    config.write_text(known.config.read_text(encoding="utf-8").replace(str(source), str(store)), encoding="utf-8")
    assert load_settings(config).journal.path == store
    return config, store


def test_the_trail_of_a_running_site_is_whole(run: Run, known: Known) -> None:
    result = run("audit", "verify", "-c", known.config)
    assert result.code == 0, result.err
    assert "chaîne intacte" in result.out
    assert "--head" in result.out


def test_verify_for_machines_gives_a_head_to_note(run: Run, known: Known) -> None:
    first = run("audit", "verify", "-c", known.config, "--json").json()
    assert first["good"]
    assert first["fault"] is None
    assert first["lines"] > 3
    lines(run, known)  # adds a line of its own
    again = run("audit", "verify", "-c", known.config, "--json", "--head", first["head"])
    assert again.code == 0
    assert again.json()["lines"] == first["lines"] + 1


def test_each_call_of_a_publication_has_its_line(run: Run, known: Known) -> None:
    trail = lines(run, known)
    feeding = [line for line in trail if known.document in line.get("unique_ids", [])]
    assert [line["transaction"] for line in feeding][:1] == ["TD2.1"]
    first = feeding[0]
    assert (first["outcome"], first["structure"], first["purpose"]) == ("success", "1120456789", "normal")
    assert first["message_id"].startswith("urn:uuid:")
    assert first["relates_to"] == first["message_id"]
    assert len(first["ins_hash"]) == 64
    assert first["set_id"].startswith("2.25.")
    assert first["delivery_id"] > 0
    identity = [line for line in trail if line["transaction"] in ("ITI-9", "ITI-45")]
    assert identity
    assert {line["ins_hash"] for line in identity if line["delivery_id"] == first["delivery_id"]} <= {first["ins_hash"]}
    assert any(line["transaction"] == "TD0.2" for line in trail)


def test_no_line_names_a_patient(run: Run, known: Known) -> None:
    text = run("audit", "export", "-c", known.config, "--json").out
    assert INS not in text
    assert "PAT-TROIS" not in text


def test_an_export_is_itself_an_act_with_its_reason(run: Run, known: Known) -> None:
    last = lines(run, known, "--reason", "demande de la CNIL", "--since", "2020-01-01")[-1]
    assert (last["kind"], last["transaction"]) == ("operator", "audit.export")
    assert last["operator"] == current_operator()
    assert last["reason"] == "demande de la CNIL (since=2020-01-01)"


def test_an_export_can_be_narrowed(run: Run, known: Known) -> None:
    delivery = next(line["delivery_id"] for line in lines(run, known) if line["transaction"] == "TD2.1")
    chosen = lines(run, known, "--delivery", str(delivery))
    assert {line["delivery_id"] for line in chosen} == {delivery}
    assert lines(run, known, "--until", "2020-01-01") == []


def test_csv_for_a_spreadsheet(run: Run, known: Known) -> None:
    result = run("audit", "export", "-c", known.config, "--csv", "--reason", "=cmd()")
    rows = list(csv.DictReader(io.StringIO(result.out), delimiter=";"))
    assert rows[-1]["reason"] == "'=cmd()"
    assert [int(row["n"]) for row in rows] == list(range(1, len(rows) + 1))
    assert all(len(row["mac"]) == 64 for row in rows)


def test_text_for_people(run: Run, known: Known) -> None:
    result = run("audit", "export", "-c", known.config)
    assert result.code == 0
    (line,) = (line for line in result.out.splitlines() if known.document in line and " TD2.1 " in line)
    assert " TD2.1 success " in line


def test_a_changed_line_is_named_and_the_exit_code_says_so(run: Run, copied: tuple[Path, Path]) -> None:
    config, store = copied
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE audit SET line = replace(line, 'success', 'refused') WHERE id = 2")
    result = run("audit", "verify", "-c", config)
    assert result.code == 1
    assert "ligne 2" in result.out
    told = run("audit", "verify", "-c", config, "--json")
    assert told.code == 1
    assert (told.json()["good"], told.json()["fault"]["line"]) == (False, 2)


def test_a_line_made_unreadable_stops_the_export_at_its_number(run: Run, copied: tuple[Path, Path]) -> None:
    config, store = copied
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE audit SET line = 'x' WHERE id = 3")
    result = run("audit", "export", "-c", config, "--json")
    assert result.code == 1
    assert "line 3" in result.err
    assert len(result.out.splitlines()) == 2


def test_a_key_that_others_may_read_is_refused(run: Run, copied: tuple[Path, Path]) -> None:
    config, store = copied
    key = store.with_name(f"{store.name}.audit-key")
    key.chmod(0o640)
    result = run("audit", "verify", "-c", config)
    assert result.code == 2
    assert "0640" in result.err


def test_a_lost_key_is_a_matter_of_settings(run: Run, copied: tuple[Path, Path]) -> None:
    config, store = copied
    store.with_name(f"{store.name}.audit-key").unlink()
    for command in ("verify", "export"):
        assert run("audit", command, "-c", config).code == 2


@pytest.mark.parametrize("options", [("--since", "hier"), ("--json", "--csv")])
def test_wrong_options_are_refused(run: Run, known: Known, options: tuple[str, ...]) -> None:
    assert run("audit", "export", "-c", known.config, *options).code == 2
