"""The offline check: good messages are clean, one change gives one named finding, hostile ones stay cheap."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.base.finding import Finding
from connector.hl7.conformance import MAX_FINDINGS, check_message
from connector.hl7.er7 import parse_header
from connector.hl7.grammar import Misfit, slots_of, walk
from tests.hl7_readers.messages import ACK, ADT, MDM, MERGE, ORU, ZAM, edit, insert, switch, without


def check(message: str) -> list[Finding]:
    return check_message(message.encode())


def seen(message: str) -> set[tuple[str, str, str]]:
    """Rule, severity and field of each finding."""
    return {(finding.rule, finding.severity, finding.field) for finding in check(message)}


@pytest.mark.parametrize("message", [ADT, MERGE, ORU, MDM, ACK, ZAM])
def test_good_messages_are_clean(message: str) -> None:
    assert check(message) == []


@pytest.mark.parametrize(
    ("message", "rule", "severity", "field"),
    [
        (edit(ADT, "MSH-7", ""), "PROFIL-REQUIS", "error", "MSH[1]-7"),
        (edit(ADT, "EVN-2", ""), "PROFIL-REQUIS", "error", "EVN[1]-2"),
        (edit(ADT, "PID-32", ""), "PROFIL-REQUIS", "error", "PID[1]-32"),
        (edit(ADT, "PID-5", "PAT-TROIS^DOMINIQUE"), "PROFIL-REQUIS", "error", "PID[1]-5.7"),
        (edit(ADT, "PID-3", "000003"), "PROFIL-REQUIS", "error", "PID[1]-3.4"),
        (edit(ADT, "PID-18", ""), "PROFIL-REQUIS", "error", "PID[1]-18"),
        (edit(ADT, "PV1-19", ""), "PROFIL-REQUIS", "error", "PV1[1]-19"),
        (edit(ADT, "ZBE-1", ""), "PROFIL-REQUIS", "error", "ZBE[1]-1"),
        (edit(ADT, "ZBE-9", ""), "PROFIL-REQUIS", "error", "ZBE[1]-9"),
        (edit(ADT, "ZBE-4", "CANCEL"), "PROFIL-REQUIS", "error", "ZBE[1]-6"),
        (edit(edit(MERGE, "MSH-9", "ADT^A44^ADT_A43"), "MRG-3", ""), "PROFIL-REQUIS", "error", "MRG[1]-3"),
        (edit(ADT, "ZBE-4", "CREATE"), "PROFIL-TABLE", "warning", "ZBE[1]-4"),
        (edit(ADT, "ZFA-9", "OUI"), "PROFIL-TABLE", "warning", "ZFA[1]-9"),
        (edit(ADT, "PID-32", "VALI~XXXX"), "PROFIL-TABLE", "warning", "PID[1]-32"),
        (edit(ADT, "MSH-11", "X"), "PROFIL-TABLE", "warning", "MSH[1]-11"),
        (edit(ADT, "PID-19", "279035121518989"), "PROFIL-INTERDIT", "warning", "PID[1]-19"),
        (edit(ADT, "PV1-9", "1^X"), "PROFIL-INTERDIT", "warning", "PV1[1]-9"),
        (edit(ADT, "PID-32", "PROV"), "INS-STATUT", "info", "PID"),
        (edit(ADT, "PID-7", "1979032X"), "HL7-DEF", "warning", "PID[1]-7.1"),
        (edit(ADT, "PV1-1", "un"), "HL7-DEF", "warning", "PV1[1]-1"),
        (edit(ADT, "EVN-12", "x"), "HL7-DEF", "warning", "EVN[1]-12"),
        (edit(ADT, "PID-7", "19790328~19790328"), "HL7-DEF", "warning", "PID[1]-7"),
        (insert(ADT, "PID", "QQQ|1"), "HL7-DEF", "warning", "QQQ[1]"),
        (insert(ADT, "PID", "QQQ|1"), "STRUCTURE", "warning", "QQQ"),
        (insert(without(ADT, "ZBE"), "EVN", "ZBE|1"), "STRUCTURE", "warning", "ZBE"),
        (without(ADT, "ZBE"), "STRUCTURE", "error", "ZBE"),
        (without(ADT, "ZBE"), "ACK-100", "error", "ZBE^1"),
        (edit(ADT, "MSH-9", "ADT^A60^ADT_A01"), "ACK-201", "error", "MSH^1^9^1^2"),
        (edit(ORU, "PV1-2", ""), "ACK-101", "error", "PV1^1^2"),
        (edit(ORU, "ORC-1", "CA"), "ACK-207", "error", "ORC^1^1"),
        (edit(ORU, "OBX-5", "^^^^***"), "ACK-102", "error", "OBX^1^5^1^5"),
        (edit(ORU, "MSH-21", ""), "PROFIL-REQUIS", "error", "MSH[1]-21"),
        (edit(ORU, "PRT-2", "AD"), "PROFIL-TABLE", "warning", "PRT[1]-2"),
        (switch(ORU, "DESTMSSANTEPS", "Y"), "VOLET-MSS", "warning", "DESTMSSANTE"),
        (edit(ORU, "OBX[2]-5", "N"), "PROFIL-REQUIS", "warning", "OBX[2]-5.3"),
        (edit(MDM, "TXA-17", "DI"), "PROFIL-TABLE", "warning", "TXA[1]-17"),
        (edit(ACK, "MSA-2", ""), "PROFIL-REQUIS", "error", "MSA[1]-2"),
        (edit(ACK, "MSA-1", "OK"), "PROFIL-TABLE", "warning", "MSA[1]-1"),
        (edit(ACK, "MSA-1", "AE"), "PROFIL-REQUIS", "error", "ERR"),
        (without(ACK, "MSA"), "STRUCTURE", "error", "MSA"),
        (edit(ZAM, "ERR-5", ""), "PROFIL-REQUIS", "error", "ERR[1]-5"),
        (edit(ZAM, "OBX-5", "O^^expandedYes-NoIndicator"), "PROFIL-TABLE", "warning", "OBX[1]-5"),
        (without(ZAM, "EVN"), "STRUCTURE", "error", "EVN"),
        ("MSH|", "ER7", "error", "MSH^1^2"),
        ("", "ER7", "error", "MSH"),
    ],
)
def test_one_change_gives_its_finding(message: str, rule: str, severity: str, field: str) -> None:
    assert (rule, severity, field) in seen(message)


ALL_WRONG: dict[str, tuple[str, dict[str, str]]] = {
    # field to break, and the findings (rule, field) it must give
    "ADT": (
        ADT,
        {
            "MSH-12=2.3": "ACK-203 MSH^1^12",
            "MSH-7=": "PROFIL-REQUIS MSH[1]-7",
            "MSH-11=X": "PROFIL-TABLE MSH[1]-11",
            "MSH-17=FR": "PROFIL-TABLE MSH[1]-17",
            "EVN-1=A01": "PROFIL-INTERDIT EVN[1]-1",
            "EVN-2=": "PROFIL-REQUIS EVN[1]-2",
            "PID-3=000003": "PROFIL-REQUIS PID[1]-3.4",
            "PID-5=PAT-TROIS": "PROFIL-REQUIS PID[1]-5.7",
            "PID-8=X": "PROFIL-TABLE PID[1]-8",
            "PID-18=": "PROFIL-REQUIS PID[1]-18",
            "PID-32=PROV": "INS-STATUT PID",
            "PV1-19=": "PROFIL-REQUIS PV1[1]-19",
            "ZBE-1=": "PROFIL-REQUIS ZBE[1]-1",
            "ZBE-4=CREATE": "PROFIL-TABLE ZBE[1]-4",
            "ZFA-9=OUI": "PROFIL-TABLE ZFA[1]-9",
            "ZFA-11=NON": "PROFIL-TABLE ZFA[1]-11",
        },
    ),
    "ORU": (
        without(ORU, "PV1"),
        {
            "MSH-12=2.3": "ACK-203 MSH^1^12",
            "MSH-21=": "PROFIL-REQUIS MSH[1]-21",
            "PID-3=": "ACK-101 PID^1^3",
            "PID-5=PAT-TROIS^^^^^^L": "ACK-207/905 PID^1^5^1^2",
            "ORC-1=CA": "ACK-207/906 ORC^1^1",
            "OBR-4=": "ACK-101 OBR^1^4",
            "OBX[1]-5=^TEXT^XML^Base64^***": "ACK-102 OBX^1^5^1^5",
            "PRT[1]-2=AD": "PROFIL-TABLE PRT[1]-2",
            "PRT[1]-4=XX": "ACK-101 PRT^1",
            "OBX[2]-5=O": "ACK-103 OBX^2^5^1^1",
            "OBX[8]-5=Y": "VOLET-MSS DESTMSSANTE",
            "OBX[9]-5=Z": "ACK-103 OBX^9^5^1^1",
            "OBX[4]-5=Y": "VOLET-MSS-MATRICE OBX-5",
        },
    ),
    "MDM": (
        without(MDM, "EVN"),
        {
            "PID-7=": "ACK-207/905 PID^1^7",
            "PV1-2=": "ACK-101 PV1^1^2",
            "ORC-1=": "ACK-101 ORC^1^1",
            "TXA-2=": "PROFIL-REQUIS TXA[1]-2",
            "TXA-12=": "ACK-101 TXA^1^12",
            "TXA-17=DI": "PROFIL-TABLE TXA[1]-17",
            "OBX[1]-3=": "ACK-101 OBX^1^3",
            "OBX[6]-5=Z": "ACK-103 OBX^6^5^1^1",
        },
    ),
}


@pytest.mark.parametrize("name", ALL_WRONG)
def test_everything_wrong_is_told_at_once_field_by_field(name: str) -> None:
    message, faults = ALL_WRONG[name]
    for fault in faults:
        path, _, value = fault.partition("=")
        message = edit(message, path, value)
    told = {f"{_rule(finding)} {finding.field}" for finding in check(message)}
    assert set(faults.values()) <= told
    missing = {"ORU": "ACK-100 PV1^1", "MDM": "ACK-100 EVN^1"}.get(name)
    assert missing is None or missing in told


def _rule(finding: Finding) -> str:
    return f"ACK-{finding.code}" if finding.rule.startswith("ACK-") else finding.rule


def test_the_sister_volet_is_not_judged_by_our_rules() -> None:
    told = check(edit(edit(ORU, "MSH-21", "1.1^CISIS_CDA_HL7_LPS"), "ORC-1", "CA"))
    assert [finding.field for finding in told if finding.blocking] == ["MSH^1^21"]


def test_findings_say_what_was_found_and_expected() -> None:
    for finding in check(edit(edit(ADT, "ZFA-9", "OUI"), "PID-32", "")):
        assert finding.found
        assert finding.expected
        assert finding.text
        assert finding.reference or finding.code


def test_findings_show_shapes_not_identities() -> None:
    broken = edit(edit(ADT, "PID-7", "1979032X"), "PV1-44", "279035121518989PAT-TROIS")
    told = " ".join(" ".join(finding.as_dict().values()) for finding in check(broken))
    assert "9999999A" in told
    for secret in ("1979032X", "279035121518989", "PAT-TROIS"):
        assert secret not in told


def test_prt_is_read_with_a_later_release_and_z_segments_are_left_alone() -> None:
    assert not [f for f in check(ORU + "\rZZZ|x|y") if f.rule == "HL7-DEF"]
    assert ("HL7-DEF", "warning", "PRT[1]-16") in seen(edit(ORU, "PRT-16", "x"))


def test_walk_goes_forward_only() -> None:
    slots = slots_of(parse_header(MERGE.encode()))
    assert slots is not None
    assert list(walk(slots, ["MSH", "EVN", "PID", "MRG"])) == []
    assert list(walk(slots, ["MSH", "PID", "EVN", "MRG"])) == [Misfit(2, "PID")]
    assert list(walk(slots, ["MSH", "PID", "MRG"])) == [Misfit(4, "EVN", missing=True)]
    assert list(walk(slots, ["MSH", "EVN", "PID", "PV1", "MRG"])) == [Misfit(4, "PV1")]
    assert list(walk(slots, ["MSH", "EVN", "PID", "MRG", "MRG"])) == [Misfit(5, "MRG")]


HEADER = ADT.split("\r")[0]
HOSTILE = {
    "a hundred thousand segments": HEADER + "\rOBX|1|ED|" * 100_000,
    "many wide segments": HEADER + ("\rNK1|1|" + "|".join(["a^b^c&d~e^f"] * 60)) * 900,
    "many repetitions": HEADER + ("\rNK1|1|" + "~".join(["a^b^c&d"] * 300)) * 900,
    "a large payload": edit(ORU, "OBX-5", "^TEXT^XML^Base64^" + "QUJD" * 2_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_cost_little(name: str) -> None:
    raw = HOSTILE[name].encode()
    started = time.monotonic()
    findings = check_message(raw)
    assert time.monotonic() - started < 10
    assert len(findings) <= MAX_FINDINGS


def test_what_hl7apy_did_not_see_is_said() -> None:
    message = HEADER + ("\rNTE|1|L|" + "x" * 1_000) * 60
    assert [f.severity for f in check(message) if f.found == "message trop long"] == ["info"]


_CHARS = st.sampled_from(list('|^~\\&\r"09AYé '))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([ADT, ORU, MDM, ACK, ZAM]), st.lists(st.tuples(st.integers(0, 2000), _CHARS), max_size=20))
def test_random_damage_never_crashes(message: str, changes: list[tuple[int, str]]) -> None:
    text = list(message)
    for index, char in changes:
        text[index % len(text)] = char
    assert isinstance(check("".join(text)), list)
