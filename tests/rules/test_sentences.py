"""What a broken rule says to a person: a sentence, and nothing that a finding says in its own fields."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import connector.rules
import connector.simulator
from connector.rules.case import Fault, finding
from connector.rules.sentences import SENTENCES
from tests.rules import catalogue

TOLD_ELSEWHERE = re.compile(r"\b(D|DMP|SIG|UPD|FLD|DUP)-\d|trouvé|attendu|ihe-rules|dmp-interface")
WRITTEN = re.compile(r'"((?:D|DMP|SIG|UPD|FLD|DUP|RPLC)-\d+[a-f]?)"')


@pytest.mark.parametrize("rule", sorted(SENTENCES))
def test_a_sentence_is_one_and_says_no_id_no_value_no_file(rule: str) -> None:
    text = SENTENCES[rule]
    assert re.fullmatch(r"[A-ZÀÉ][^.]+\.", text), text
    assert not TOLD_ELSEWHERE.search(text), text


def test_every_rule_has_its_sentence() -> None:
    folders = [Path(room.__file__ or "").parent for room in (connector.rules, connector.simulator)]
    sources = [file for folder in folders for file in folder.glob("*.py") if file.name != "sentences.py"]
    written = {rule for file in sources for rule in WRITTEN.findall(file.read_text(encoding="utf-8"))}
    assert set(catalogue.listed()) <= set(SENTENCES)
    assert set(SENTENCES) == written


def test_a_finding_says_each_thing_once() -> None:
    fault = Fault("Association01", "NewStatus", "Deleted", "Approved")
    told = finding("D-37", "ihe-rules D.2 D-37", fault, "XDSMetadataUpdateError")
    assert (told.field, told.found, told.expected) == ("NewStatus (Association01)", "Deleted", "Approved")
    assert told.text == "Le changement d'état demandé n'est pas recevable."
