"""The list of documents that must be deposited, and what is missing of the stays that ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.base.clock import utc_now
from connector.base.errors import SettingsError
from connector.flows.letters.mandatory import BUILT_IN, load_rules, missing_documents
from connector.journal import Journal, JournalConfig
from connector.patients.discharges import (
    awaiting,
    discharged,
    document_of_stay,
    not_discharged,
)
from connector.patients.schema import SCHEMA
from connector.patients.versions import Version, delete, stand

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LETTER, SUMMARY = "Lettre de liaison à la sortie", "Documents de sortie d'hospitalisation"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(JournalConfig(tmp_path / "journal.db"), utc_now, [SCHEMA])
    yield journal
    journal.close()


def ended(
    journal: Journal, stay: str, unit: str, days: int = 0, patient_class: str = "I", status: str = "closed"
) -> None:
    journal.transact(
        lambda tx: tx.execute(
            "INSERT INTO stay (stay, patient_id, patient_class, unit, status) VALUES (?, 1, ?, ?, ?)",
            (stay, patient_class, unit, status),
        )
    )
    journal.transact(lambda tx: discharged(tx, stay, NOW - timedelta(days=days)))


def stands(journal: Journal, unique_id: str, stay: str, kind: str) -> None:
    journal.transact(lambda tx: document_of_stay(tx, unique_id, stay, kind))
    journal.transact(lambda tx: stand(tx, Version(unique_id, 1), NOW))


def names(journal: Journal) -> list[str]:
    return [one.stay for one in journal.transact(lambda tx: awaiting(tx, ("11490-0",), ("I",)))]


# -- stays ---------------------------------------------------------------------------------------------------------


def test_a_stay_waits_from_its_discharge_to_its_letter(journal: Journal) -> None:
    ended(journal, "1@X", "MED", days=2)
    ended(journal, "2@X", "MED", days=1)
    ended(journal, "3@X", "MED", patient_class="O")
    ended(journal, "4@X", "MED", status="cancelled")
    assert names(journal) == ["1@X", "2@X"]
    stands(journal, "2.25.1", "1@X", "34112-3")
    assert names(journal) == ["1@X", "2@X"]
    stands(journal, "2.25.2", "1@X", "11490-0")
    assert names(journal) == ["2@X"]
    journal.transact(lambda tx: delete(tx, "2.25.2", NOW))
    assert names(journal) == ["1@X", "2@X"]
    journal.transact(lambda tx: not_discharged(tx, "1@X"))
    assert names(journal) == ["2@X"]


def test_a_letter_sent_before_the_discharge_counts(journal: Journal) -> None:
    stands(journal, "2.25.1", "1@X", "11490-0")
    ended(journal, "1@X", "MED")
    assert names(journal) == []


def test_the_list_is_read_page_by_page(journal: Journal) -> None:
    for number in range(7):
        ended(journal, f"{number}@X", "MED", days=number // 3)
    found, after = [], ("", "")
    while page := journal.transact(lambda tx: awaiting(tx, ("11490-0",), ("I",), after=after, limit=2)):  # noqa: B023
        found += [one.stay for one in page]
        after = (page[-1].since, page[-1].stay)
    assert sorted(found) == [f"{number}@X" for number in range(7)]
    assert len(found) == 7


@pytest.mark.parametrize(("types", "classes"), [((), ("I",)), (("11490-0",), ())])
def test_empty_lists_are_no_error(journal: Journal, types: tuple[str, ...], classes: tuple[str, ...]) -> None:
    ended(journal, "1@X", "MED")
    found = journal.transact(lambda tx: awaiting(tx, types, classes))
    assert [one.stay for one in found] == (["1@X"] if classes else [])


# -- the list ------------------------------------------------------------------------------------------------------


def test_the_built_in_list_marks_what_is_not_certain() -> None:
    rules = load_rules().rules
    assert BUILT_IN.is_file()
    by_type = {code: rule for rule in rules for code in rule.types}
    assert by_type["11490-0"].when == by_type["34112-3"].when == "discharge"
    assert by_type["34133-9"] is by_type["34112-3"]
    assert {code for code, rule in by_type.items() if rule.uncertain} == {
        "57833-6", "PRESC-BIO", "55115-0", "89601-9", "CERT_DECL", "96349-6",
    }  # fmt: skip
    assert not by_type["34874-8"].due(datetime(2023, 12, 30, tzinfo=UTC).date())
    assert by_type["34874-8"].due(datetime(2023, 12, 31, tzinfo=UTC).date())


def test_a_site_adds_changes_and_takes_out_with_a_trace(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        '[[document]]\ntypes = ["34874-8"]\ntitle = "CRO"\nwhen = "discharge"\n'
        '[[document]]\ntypes = ["15507-7"]\ntitle = "CR d\'acte"\n'
        '[[document]]\ntypes = ["60591-5"]\ntitle = "VSM"\ndropped = true\n',
        encoding="utf-8",
    )
    found = load_rules(site)
    by_type = {code: rule for rule in found.rules for code in rule.types}
    assert (by_type["34874-8"].title, by_type["15507-7"].title) == ("CRO", "CR d'acte")
    assert "60591-5" not in by_type
    assert [rule.types for rule in found.dropped] == [("60591-5",)]
    assert len(found.rules) == len(load_rules().rules)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[[document]]\ntypes = ["0-0"]\ntitle = "X"\n', "0-0"),
        ('[[document]]\ntypes = ["11490-0"]\n', "title"),
        ('[[document]]\ntypes = ["11490-0"]\ntitle = "X"\nsince = "2023"\n', "2023"),
        ('[[document]]\ntypes = ["11490-0"]\ntitle = "X"\nwhen = "always"\n', "when"),
        ('[[documents]]\ntypes = ["11490-0"]\ntitle = "X"\n', "documents"),
        ("[[", "TOMLDecodeError"),
    ],
)
def test_a_wrong_list_is_refused_by_name(tmp_path: Path, text: str, found: str) -> None:
    site = tmp_path / "site.toml"
    site.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_rules(site)
    assert refused.value.context["name"] == "letters.mandatory (site.toml)"
    assert found in refused.value.context["found"]


def test_what_is_missing_is_counted_by_unit(journal: Journal) -> None:
    for number in range(3):
        ended(journal, f"{number}@X", "MED")
    ended(journal, "4@X", "CHIR")
    ended(journal, "5@X", "CHIR", patient_class="O")
    ended(journal, "6@X", "CHIR", days=400)
    stands(journal, "2.25.1", "0@X", "11490-0")
    stands(journal, "2.25.2", "0@X", "34133-9")
    stands(journal, "2.25.3", "4@X", "34112-3")
    since = NOW - timedelta(days=30)
    report = missing_documents(journal, load_rules(), ("I",), now=NOW, since=since)
    counts = {(line.title.partition(" (")[0], line.unit): (line.closed, line.missing) for line in report.lines}
    assert counts == {
        (LETTER, "MED"): (3, 2),
        (LETTER, "CHIR"): (1, 1),
        (SUMMARY, "MED"): (3, 2),
        (SUMMARY, "CHIR"): (1, 0),
    }
    whole = missing_documents(journal, load_rules(), ("I",), now=NOW)
    assert next(line for line in whole.lines if (line.unit, line.title) == ("CHIR", LETTER)).closed == 2
    assert {code for rule in report.not_counted for code in rule.types} >= {"18761-7", "11502-2", "34874-8"}
    assert report.as_dict()["lines"][0]["types"] == ("11490-0",)
