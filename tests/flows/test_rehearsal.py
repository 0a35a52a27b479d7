"""What a captured message would do today: the same bytes each time, and each field where a reader looks for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connector.base.resources import resource_dir
from connector.cli.rehearse_parts import parts_of
from connector.cli.send import with_cr
from connector.flows.rehearsal import Output, Parts, Rehearsal, open_rehearsal
from connector.flows.rehearsal_compare import ABSENT, Difference, compare
from connector.kit.config import GateConfig
from connector.kit.gate import open_gate
from connector.settings import Settings, parse_settings
from tests.hl7_readers.messages import edit

STRUCTURE = "1120456789"


def settings_with(**sections: dict[str, Any]) -> Settings:
    table: dict[str, Any] = {
        "journal": {"store": "journal.db"},
        "keys": {"structure": STRUCTURE, "ca_file": "ca.pem"},
        "vihf": {"lps_name": "dmp-connector", "lps_version": "0.1.0", "homologation_id": "TEST-0000"},
        "dmp": {
            "base_url": "https://localhost:1",
            "environment": "test",
            "lps_oid": "1.2.250.1.999.1.1",
            "lps_name": "dmp-connector",
            "source_id": "1.2.250.1.999.1.2",
        },
    }
    for name, values in sections.items():
        table[name] = table.get(name, {}) | values
    return parse_settings(table, Path())


def rehearsed(settings: Settings) -> Parts:
    """The pipeline of these settings, documents judged without the agency's kit."""
    return parts_of(settings, open_gate(GateConfig()))


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    with open_rehearsal(rehearsed(settings_with())) as opened:
        yield opened


def sample(name: str) -> str:
    return (resource_dir("samples") / f"{name}.er7").read_bytes().decode()


LETTER = sample("mdm-t02-lettre-de-liaison")


def text(output: Output) -> str:
    return json.dumps(output, ensure_ascii=False, sort_keys=True)


@pytest.mark.parametrize("file", sorted(resource_dir("samples").glob("*.er7")), ids=lambda file: file.stem)
def test_two_runs_say_the_same_bytes(file: Path, rehearsal: Rehearsal) -> None:
    first = text(rehearsal(file.read_bytes()))
    assert text(rehearsal(file.read_bytes())) == first
    # another key, another journal
    with open_rehearsal(rehearsed(settings_with())) as another:
        assert text(another(file.read_bytes())) == first


def test_a_message_is_rehearsed_alone(rehearsal: Rehearsal) -> None:
    alone = text(rehearsal(LETTER.encode()))
    rehearsal(sample("adt-a01-opposition").encode())
    assert text(rehearsal(LETTER.encode())) == alone


@pytest.mark.parametrize(("profile", "status"), [("dmp", "Deleted"), ("ihe", "Deprecated")])
def test_a_deletion_changes_the_status_that_the_domain_knows(profile: str, status: str) -> None:
    asked = edit(edit(edit(LETTER, "MSH-9", "MDM^T04^MDM_T02"), "ORC-1", "CA"), "OBX-11", "D")
    with open_rehearsal(rehearsed(settings_with(dmp={"profile": profile}))) as opened:
        (document,) = opened(asked.encode())["documents"]
    (change,) = (link for link in document["associations"] if link["type"].endswith("UpdateAvailabilityStatus"))
    slots = dict(change["slots"])
    assert slots["NewStatus"][0].endswith(f":{status}")


def test_what_would_leave_is_told_whole(rehearsal: Rehearsal) -> None:
    output = rehearsal(LETTER.encode())
    (document,) = output["documents"]
    assert output["ack"] == {"code": "AA", "errors": []}
    assert document["entries"]["Document01"]["title"] == "Lettre de liaison à la sortie"
    assert set(document["entries"]) == {"Document01", "Signature01"}
    assert document["submissionSet"]["submission_time"] == "20240310093500", "the message's own clock"
    assert [one["type"].rpartition(":")[2] for one in document["associations"]] == ["HasMember", "HasMember", "signs"]
    vihf = document["vihf"]
    assert vihf["nameId"] == "801234564895"
    assert vihf["attributes"]["Identifiant_Structure"] == [STRUCTURE]
    (role,) = vihf["attributes"]["urn:oasis:names:tc:xacml:2.0:subject:role"]
    assert role["code"] == "AUTOMATE"
    assert document["zam"]["OBX[3]"]["5"].startswith("Y^")
    assert document["cda"]["suites"][0] == "contrôles de structure"


def test_a_replacement_names_its_predecessor(rehearsal: Rehearsal) -> None:
    (document,) = rehearsal(sample("mdm-t10-remplacement").encode())["documents"]
    assert [one["type"].rpartition(":")[2] for one in document["associations"]][-1] == "RPLC"


def test_what_the_rules_refuse_does_not_leave(rehearsal: Rehearsal) -> None:
    with open_rehearsal(rehearsed(settings_with(keys={"structure": "1999999999"}))) as elsewhere:
        (document,) = elsewhere(LETTER.encode())["documents"]
    assert document["refused"]["code"] == "901"
    assert [finding["rule"] for finding in document["refused"]["findings"]] == ["EX_2.1-1140"]
    assert "entries" not in document


@pytest.mark.parametrize(
    ("name", "code", "app_code"), [("mdm-t02-sans-ins", "AE", "903"), ("mdm-t02-autre-patient", "AE", "904")]
)
def test_what_is_refused_at_the_door(name: str, code: str, app_code: str, rehearsal: Rehearsal) -> None:
    output = rehearsal(sample(name).encode())
    assert (output["ack"]["code"], output["ack"]["errors"][0]["appCode"]) == (code, app_code)
    assert output["message"]["verdict"] == "refused"
    assert "routing" not in output


def test_an_admission_says_whether_the_identity_is_qualified_and_why(rehearsal: Rehearsal) -> None:
    qualified = rehearsal(sample("adt-a31-identite-qualifiee").encode())["routing"]["patient_state"][0]
    provisional = rehearsal(sample("adt-a31-identite-provisoire").encode())["routing"]["patient_state"][0]
    assert (qualified["qualified"], qualified["reasons"]) == (1, "[]")
    assert provisional["qualified"] == 0
    assert provisional["reasons"] != "[]"


def test_an_opposition_is_told(rehearsal: Rehearsal) -> None:
    routing = rehearsal(sample("adt-a01-opposition").encode())["routing"]
    assert routing["patient_state"][0]["feeding"] == "IO"
    assert "opposition" in [line["event"] for line in routing["lines"]]


def test_what_the_message_alone_changed_is_found(rehearsal: Rehearsal) -> None:
    before = rehearsal(LETTER.encode())
    after = rehearsal(edit(LETTER, "PV1-2", "O").encode())
    fields = {difference.field for difference in compare(before, after)}
    assert "documents.submissionSet.content_type.code" in fields
    assert not [field for field in fields if "entries" in field]


def test_a_changed_setting_is_found() -> None:
    with (
        open_rehearsal(rehearsed(settings_with())) as one,
        open_rehearsal(rehearsed(settings_with(caller={"name_id": "structure"}))) as other,
    ):
        differences = compare(one(LETTER.encode()), other(LETTER.encode()))
    assert [(d.path, d.kept, d.today) for d in differences] == [
        ("documents[0].vihf.nameId", "801234564895", f"{STRUCTURE}/connector")
    ]


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: b"MSH|^~\\&|" + tail))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_answered_like_by_the_listener(rehearsal: Rehearsal, raw: bytes) -> None:
    output = rehearsal(raw)
    assert output["ack"] is None or output["ack"]["code"] in ("AA", "AE", "AR")


@pytest.mark.parametrize("time", ["", "hier", "00010101000000+1400", "99991231235959-1400"])
def test_a_message_without_a_usable_time(time: str, rehearsal: Rehearsal) -> None:
    assert rehearsal(edit(sample("adt-a01-admission"), "MSH-7", time).encode())["ack"]["code"] in ("AA", "AE")


def test_no_network_is_used(monkeypatch: pytest.MonkeyPatch, rehearsal: Rehearsal) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    with open_rehearsal(rehearsed(settings_with())) as fresh:
        assert fresh(LETTER.encode())["documents"][0]["entries"]


def test_the_official_messages(official_data: Path, rehearsal: Rehearsal) -> None:
    files = [file for file in (official_data / "ans-messages").rglob("*") if file.suffix in (".er7", ".hl7")]
    outputs = [rehearsal(with_cr(file.read_bytes())) for file in sorted(files)]
    documents = [one for output in outputs for one in output.get("documents", ())]
    assert [one for one in documents if "entries" in one]
    for one in documents:
        # each leaves, or says why not
        assert ("entries" in one) != ("refused" in one or "held" in one)


def test_fields_compared_one_by_one() -> None:
    kept: Output = {"a": [{"b": 1}, {"b": 2}], "c": {}, "d": None}
    today = {"a": [{"b": 1}, {"b": 3, "e": "x"}], "c": {"f": 1}, "d": None}
    assert compare(kept, today) == [
        Difference("a[1].b", 2, 3),
        Difference("c", {}, ABSENT),
        Difference("a[1].e", ABSENT, "x"),
        Difference("c.f", ABSENT, 1),
    ]
    assert [one.field for one in compare(kept, today)] == ["a.b", "c", "a.e", "c.f"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(VALUES, VALUES)
def test_nothing_differs_exactly_when_both_are_equal(kept: Any, today: Any) -> None:
    assert compare(kept, kept) == []
    assert bool(compare(kept, today)) == (json.dumps(kept, sort_keys=True) != json.dumps(today, sort_keys=True))
