"""Mail beside the DMP: what protects someone refuses, the printed matrix only warns (hl7v2-interface §3.8)."""

from __future__ import annotations

from itertools import product

import pytest

from connector.hl7.model import Flags
from connector.hl7.volet_mail import in_matrix
from tests.hl7_readers.messages import META, ORU, edit, switch, without
from tests.hl7_readers.test_volet import V12, V20, read, refused, rules

PATIENT = "PRT||UC||RCT^^participation|2790"
BOTH = switch(switch(ORU, "DESTMSSANTEPS", "Y"), "DESTMSSANTEPAT", "Y")
TO_PS, TO_PATIENT = (f"OBX^{META[code]}^5" for code in ("DESTMSSANTEPS", "DESTMSSANTEPAT"))
BY_PS, BY_PATIENT = (TO_PS, "207", "906"), (TO_PATIENT, "207", "906")
NO_REP = switch(BOTH, "INVISIBLE_REP_LEGAUX", "Y")
ANOTHER = "274075176079430^PAT-TROIS^MARIE^^^^^^1.2.250.1.213.1.4.10^L^^^INS"
MINOR = "20100309"  # the message is of 6 June 2021


def test_mail_to_both_beside_the_dmp_is_the_first_line_of_the_matrix() -> None:
    assert rules(read(BOTH)) == {"VOLET-MSS"}


@pytest.mark.parametrize(
    ("message", "errors"),
    [
        (switch(BOTH, "INVISIBLE_PATIENT", "Y"), [BY_PATIENT]),
        (edit(NO_REP, "PID-7", MINOR), [BY_PATIENT]),
        (edit(NO_REP, "PRT[3]-5", ANOTHER), [BY_PATIENT]),
        (without(BOTH, "PRT||UC||RCT"), [BY_PS, BY_PATIENT]),
        (without(BOTH, PATIENT), [BY_PATIENT]),
        (without(BOTH, "PRT||UC||RCT^^participation|8012"), [BY_PS]),
    ],
    ids=[
        "hidden-patient",
        "representatives-of-a-minor",
        "mailbox-of-another",
        "nobody",
        "no-patient",
        "no-professional",
    ],
)
def test_a_hard_rule_refuses_on_the_switch_that_asks(message: str, errors: list[tuple[str, str, str]]) -> None:
    assert refused(message) == errors


def test_a_hard_rule_is_told_beside_mail_only() -> None:
    message = switch(switch(BOTH, "INVISIBLE_PATIENT", "Y"), "DESTDMP", "N")
    assert refused(message) == [BY_PS, BY_PATIENT]


@pytest.mark.parametrize(
    "message",
    [
        NO_REP,
        edit(NO_REP, "PID-7", "20030606"),
        edit(NO_REP, "PRT[3]-5", "2" * 20 + "^^^^^^^^^^^^INS"),
        switch(switch(ORU, "DESTMSSANTEPS", "Y"), "MASQUE_PS", "Y"),
        switch(ORU, "DESTMSSANTEPS", "Y"),
        switch(ORU, "DESTMSSANTEPAT", "Y"),
    ],
    ids=["adult", "adult-today", "mistyped-mailbox", "hidden-from-professionals", "ps-alone", "patient-and-dmp"],
)
def test_the_rest_of_the_matrix_only_warns(message: str) -> None:
    assert "VOLET-MSS-MATRICE" in rules(read(message))


def test_majority_is_the_birthday_itself() -> None:
    assert refused(edit(NO_REP, "PID-7", "20030607")) == [BY_PATIENT]


def test_the_switches_say_nothing_when_no_mail_is_asked_for() -> None:
    message = ORU
    for code in ("MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX"):
        message = switch(message, code, "Y")
    assert rules(read(message)) == set()


def test_recipients_of_volet_1_2_are_in_the_cda() -> None:
    older = edit(without(BOTH, "PRT||UC||RCT"), "ORC-1", "SC")
    assert refused(edit(older, "MSH-21", V20)) == [BY_PS, BY_PATIENT]
    assert read(edit(older, "MSH-21", V12)).flags.dest_mssante_ps


def test_the_matrix_has_the_three_lines_of_the_volet() -> None:
    names = ("masque_ps", "invisible_patient", "invisible_rep_legaux", "connexion_secrete", "dest_dmp")
    accepted = 0
    for values in product((False, True), repeat=7):
        ps, pat, *others = values
        if ps or pat:
            accepted += in_matrix(
                Flags(dest_mssante_ps=ps, dest_mssante_pat=pat, **dict(zip(names, others, strict=True)))
            )
    assert accepted == 4 + 4 + 4
