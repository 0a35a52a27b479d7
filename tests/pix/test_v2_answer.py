"""The ITI-9 answer: six cases, refusals, and one mutation per thing that must be believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import ServerRefusal
from connector.pix.errors import PixAnswerError
from connector.pix.model import Case, CrossReference, Domain
from connector.pix.v2_answer import read_answer
from connector.pix.v2_query import V2Query
from tests.pix.kit import INS, INS_DOMAIN, INS_OID, LOCAL, NOW

QUERY = V2Query("000003", LOCAL, (INS_DOMAIN,), "c1", "t1", NOW)
MSH = "MSH|^~\\&|PIX||CONNECTOR||20261121213001||RSP^K23^RSP_K23|r1|P|2.5||||||UNICODE UTF-8"
QPD = "QPD|IHE PIX Query|t1|000003^^^CHU-X&000897406&N|^^^&1.2.250.1.213.1.4.10&ISO"
INS_CX = f"{INS}^^^ASIP-SANTE-INS-NIR&{INS_OID}&ISO^INS"
FOUND = ["MSA|AA|c1", "QAK|t1|OK", QPD, f"PID|||{INS_CX}||~^^^^^^S"]


def answer(*segments: str, msh: str = MSH) -> bytes:
    return ("\r".join((msh, *segments)) + "\r").encode()


def refused(location: str, code: str = "204") -> bytes:
    return answer("MSA|AE|c1", f"ERR||{location}|{code}^Unknown key identifier|E", "QAK|t1|AE", QPD)


def test_found() -> None:
    found = read_answer(answer(*FOUND), QUERY)
    assert found.case is Case.FOUND
    assert found.identifiers == (CrossReference(INS_OID, "ASIP-SANTE-INS-NIR", INS, "INS", "ISO"),)
    assert found.identifiers[0].domain == Domain("ASIP-SANTE-INS-NIR", INS_OID, "ISO")


def test_known_without_cross_reference() -> None:
    assert read_answer(answer("MSA|AA|c1", "QAK|t1|NF", QPD), QUERY).case is Case.NO_CROSS_REFERENCE


@pytest.mark.parametrize(
    ("location", "case"),
    [
        ("QPD^1^3^1^1", Case.UNKNOWN_ID),
        ("QPD^1^3", Case.UNKNOWN_ID),
        ("QPD^1^3^1^4", Case.UNKNOWN_QUERY_DOMAIN),
        ("QPD^1^3^1^4^2", Case.UNKNOWN_QUERY_DOMAIN),
        ("QPD^1^4^1", Case.UNKNOWN_WANTED_DOMAIN),
        ("QPD^1^4^2^4", Case.UNKNOWN_WANTED_DOMAIN),
    ],
)
def test_unknown_cases_by_their_location(location: str, case: Case) -> None:
    found = read_answer(refused(location), QUERY)
    assert found.case is case
    assert found.identifiers == ()
    assert (found.errors[0].code, found.errors[0].location) == ("204", location)


def test_unknown_query_domain_prevails_over_wanted_ones() -> None:
    raw = answer(
        "MSA|AE|c1", "ERR||QPD^1^4^1|204^x|E", "ERR||QPD^1^4^2|204^x|E", "ERR||QPD^1^3^1^4|204^x|E", "QAK|t1|AE", QPD
    )
    found = read_answer(raw, QUERY)
    assert found.case is Case.UNKNOWN_QUERY_DOMAIN
    assert len(found.errors) == 3


def test_several_in_one_domain() -> None:
    raw = answer(*FOUND[:3], f"PID|||{INS_CX}~277076322082910^^^&{INS_OID}&ISO")
    found = read_answer(raw, QUERY)
    assert found.case is Case.SEVERAL
    assert [i.value for i in found.identifiers] == [INS, "277076322082910"]


def test_one_per_domain_is_not_several_and_the_queried_id_is_left_out() -> None:
    raw = answer(*FOUND[:3], f'PID|||{INS_CX}~{INS_CX}~X7^^^LABO~000003^^^CHU-X&000897406&N~""^^^OLD')
    found = read_answer(raw, QUERY)
    assert found.case is Case.FOUND
    assert [i.value for i in found.identifiers] == [INS, "X7"]


def test_only_the_queried_id_means_no_cross_reference() -> None:
    raw = answer(*FOUND[:3], "PID|||000003^^^CHU-X")
    assert read_answer(raw, QUERY).case is Case.NO_CROSS_REFERENCE


REFUSALS = {
    "AR in an ACK": (
        answer("MSA|AR|c1", "ERR||MSH^1^9^1^2|201^Unsupported event code|E", msh=MSH.replace("RSP^K23^RSP_K23", "ACK")),
        "201",
    ),
    "AE in an ACK": (
        answer("MSA|AE|c1", "ERR|||207^Application error|E", msh=MSH.replace("RSP^K23", "ACK^Q23")),
        "207",
    ),
    "AE 207": (answer("MSA|AE|c1", "ERR|||207^Application error|E|DB1^base fermée", "QAK|t1|AE", QPD), "DB1"),
    "AE other place": (refused("QPD^1^1"), "204"),
    "AE other code": (refused("QPD^1^3^1^1", "102"), "102"),
    "AR in a response": (answer("MSA|AR|c1", "ERR||MSH^1^12|203^Unsupported version id|E"), "203"),
    "AA with QAK AE": (answer("MSA|AA|c1", "ERR|||207|E", "QAK|t1|AE", QPD), "207"),
    "AE without ERR": (answer("MSA|AE|c1|panne", "QAK|t1|AE", QPD), ""),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_keep_the_server_words(name: str) -> None:
    raw, code = REFUSALS[name]
    with pytest.raises(ServerRefusal) as refusal:
        read_answer(raw, QUERY)
    assert refusal.value.code == code
    assert refusal.value.errors[0].channel == "ack"
    if name == "AE without ERR":
        assert refusal.value.text == "panne"


MUTATIONS = {
    "another message": ([s.replace("|c1", "|c2") for s in FOUND], "MSA-2"),
    "another query": ([s.replace("QAK|t1", "QAK|t2") for s in FOUND], "QAK-1"),
    "no MSA": (FOUND[1:], "MSA"),
    "no QAK": ([FOUND[0], *FOUND[2:]], "QAK"),
    "no PID": (FOUND[:3], "PID"),
    "empty PID-3": ([*FOUND[:3], "PID||||x"], "PID-3"),
    "unheard status": ([s.replace("|OK", "|ZZ") for s in FOUND], "MSA-1, QAK-2"),
    "unheard code": ([s.replace("|AA", "|ZZ") for s in FOUND], "MSA-1, QAK-2"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_one_mutation_is_one_disbelief(name: str) -> None:
    segments, field = MUTATIONS[name]
    with pytest.raises(PixAnswerError) as refused:
        read_answer(answer(*segments), QUERY)
    assert refused.value.context["field"] == field
    assert refused.value.sent


@pytest.mark.parametrize("kind", ["ACK", "ADT^A01", "RSP^K22"])
def test_an_acceptance_of_another_kind_is_no_answer(kind: str) -> None:
    with pytest.raises(PixAnswerError) as refused:
        read_answer(answer(*FOUND, msh=MSH.replace("RSP^K23", kind)), QUERY)
    assert refused.value.context["field"] == "MSH-9"


def test_no_identity_in_what_is_printed() -> None:
    found = read_answer(answer(*FOUND), QUERY)
    assert INS not in repr(found)
    assert "000003" not in repr(QUERY)


@given(st.binary(max_size=200) | st.text(st.sampled_from("MSHAPIDQK|^~\\&\rc1t"), max_size=60).map(str.encode))
def test_garbage_is_refused(raw: bytes) -> None:
    with pytest.raises((PixAnswerError, ServerRefusal)):
        read_answer(raw, QUERY)
