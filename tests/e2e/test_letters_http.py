"""POST /letters under strange requests, keys of two callers, deletions with their reason: always answered in French."""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Any

import pytest

from connector.assembly import open_desk
from connector.base.clock import utc_now
from connector.flows.letters import Source
from connector.journal import Journal
from connector.patients.schema import SCHEMA
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import Site
from tests.e2e.letters import STAY, Desk, data, fresh_cda, run
from tests.e2e.messages import admission
from tests.e2e.process import fixed_port
from tests.e2e.test_letters_entries import CLIENTS, READER, TOKEN, Caller, form, pdf, until

OTHER = "o" * 32


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, token in (("DPI", TOKEN), ("READ", READER), ("LABO", OTHER)):
        monkeypatch.setenv(f"LETTERS_TOKEN_{name}", token)


@pytest.fixture
def port() -> int:
    return fixed_port(random.Random(29))


@pytest.fixture
def open_site(make_site: MakeSite, port: int) -> Site:
    labo = {"name": "labo", "secret_env": "LETTERS_TOKEN_LABO"}
    site = make_site(letters={"port": port, "clients": [*CLIENTS, labo], "rate": 1_000.0, "burst": 1_000})
    site.sample("adt-a01-admission.er7")
    site.settled("ADT0001")
    return site


# -- strange requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"kind": "discharge", "reason": ' + b"9" * 200_000 + b"}", "reason"),
        (b'{"reason": "\\ud800"}', "reason"),
        (b'{"letter": {"kind": "discharge"}, "stay": "\\udfff"}', "stay"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "(fichier)"),
    ],
)
def test_a_body_no_letter_can_be_made_of_is_refused_with_its_place(
    open_site: Site, port: int, body: bytes, path: str
) -> None:
    answer = Caller(port)("POST", "/letters", body)
    assert (answer.status, path in answer.paths) == (400, True), answer.content
    assert all(one["text"] for one in answer.content["faults"])


def nested(depth: int) -> bytes:
    """A form in a form, `depth` times."""
    inner = b"end"
    for number in range(depth):
        mark = b"b%d" % number
        head = b"Content-Type: multipart/form-data; boundary=" + mark + b"\r\n\r\n"
        inner = head + b"--" + mark + b"\r\n" + inner + b"\r\n--" + mark + b"--\r\n"
    return b"--limite\r\n" + inner + b"\r\n--limite--\r\n"


LARGE_HEAD = b"--limite\r\nX: " + b"x" * 9_000 + b"\r\n\r\nx\r\n--limite--\r\n"
CODED = b"--limite\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--limite--\r\n"


@pytest.mark.parametrize(
    "body",
    [nested(2_000), b"--limite\r\n\r\n" * 5_000 + b"--limite--", LARGE_HEAD, CODED, b"", b"--limite", b"--limite--"],
)
def test_a_form_that_is_none_is_refused(open_site: Site, port: int, body: bytes) -> None:
    answer = Caller(port)("POST", "/letters", body, "multipart/form-data; boundary=limite")
    assert (answer.status, len(answer.paths)) == (400, 1), answer.content
    assert Caller(port)("POST", "/letters", body, "multipart/form-data").paths == ["(requête)"]


def test_the_bytes_of_a_form_are_those_that_were_sent(open_site: Site, port: int) -> None:
    """A PDF holds every byte, line ends of all kinds, and may quote the boundary."""
    whole = pdf() + b"\r\n\n\r--limit\x00\xff--limite-bis"
    header = b'{"kind": "unstructured"}'
    kind, body = form(file=("l.PDF", whole), header=("l.JSON", header))
    from connector.api.uploads import read_upload
    from connector.letter.inputs import enclose

    read = read_upload(body, kind)
    assert read.data == enclose(whole, "l.pdf", {"kind": "unstructured"})


def test_what_is_not_served_is_said_as_everything_else_is(open_site: Site, port: int) -> None:
    call = Caller(port)
    nowhere = call("GET", "/lettres")
    assert (nowhere.status, nowhere.content["faults"][0]["text"]) == (404, "cette adresse n'est pas servie")
    method = call("PUT", "/letters/2.25.1", data())
    assert (method.status, method.paths) == (405, ["(requête)"])
    assert "n'est pas servie" in method.content["faults"][0]["text"]
    assert method.headers["allow"]


def test_a_fault_of_ours_is_answered_and_logged_without_what_was_sent(
    open_site: Site, port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("DUPONT")

    monkeypatch.setattr("connector.api.letters.read_upload", fail)
    answer = Caller(port)("POST", "/letters", data())
    assert (answer.status, answer.content["faults"][0]["text"]) == (500, "erreur interne, à signaler")
    said = "".join(capfd.readouterr())
    assert ("request for letters failed" in said, "DUPONT" in said) == (True, False)


def test_a_large_letter_keeps_nobody_waiting(open_site: Site, port: int) -> None:
    """While an application hands in 2.75 MB of YAML, admissions are acknowledged."""
    body = b"kind: discharge\nallergies:\n" + b"- {text: x, code: {code: y}}\n" * 95_000
    slowest, answers = 0.0, []
    thread = threading.Thread(
        target=lambda: answers.append(Caller(port)("POST", "/letters", body, "application/yaml").status)
    )
    thread.start()
    for number in range(1_000):
        began = time.monotonic()
        assert open_site.send(admission(f"ADT6{number:03}")).code == "AA"
        slowest = max(slowest, time.monotonic() - began)
        if not thread.is_alive():
            break
    thread.join(60)
    assert answers == [400]
    assert slowest < 3


# -- keys ----------------------------------------------------------------------------------------------------------


def letter(reason: str = "Motif.", **beside: str) -> dict[str, Any]:
    return {"letter": data(reason=reason), "stay": STAY, **beside}


def test_two_callers_may_number_their_letters_alike(open_site: Site, port: int) -> None:
    dpi, labo = Caller(port), Caller(port, OTHER)
    first = dpi("POST", "/letters", letter(key="4711")).content["unique_id"]
    second = labo("POST", "/letters", letter("Autre motif.", key="4711"))
    assert (second.status, second.content["verdict"]) == (202, "accepted")
    assert second.content["unique_id"] != first
    # in the body or in the header, it is one key
    again = dpi("POST", "/letters", letter(), Idempotency_Key="4711")
    assert (again.content["verdict"], again.content["unique_id"]) == ("known", first)


def handed_before(site: Site, peer: str, source: Source) -> str:
    """As a former release kept it: under the bare key."""
    journal = Journal.open(site.settings.journal, utc_now, [SCHEMA])
    desk = Desk(site, journal)
    try:
        receipt = run(open_desk(site.settings, journal, desk.desk._hand, clock=utc_now).submit_letter(source))
        journal.transact(lambda tx: tx.execute("UPDATE message SET peer = ? WHERE id = ?", (peer, receipt.message_id)))
        return receipt.unique_id
    finally:
        desk.close()
        journal.close()


def test_a_key_used_before_an_update_still_names_its_letter(open_site: Site, port: int) -> None:
    source = Source(data=data(reason="Motif."), stay=STAY, key="4711")
    first = handed_before(open_site, "letters:dpi", source)
    again = Caller(port)("POST", "/letters", letter(key="4711"))
    assert (again.content["verdict"], again.content["unique_id"]) == ("known", first)
    assert Caller(port)("POST", "/letters", letter("Autre motif.", key="4711")).status == 409
    # it was never another caller's
    other = Caller(port, OTHER)("POST", "/letters", letter(key="4711"))
    assert (other.content["verdict"], other.content["unique_id"] != first) == ("accepted", True)


# -- deletions -----------------------------------------------------------------------------------------------------


def test_a_deletion_over_http_keeps_its_reason_and_is_done_once(open_site: Site, port: int) -> None:
    call = Caller(port)
    unique_id = call("POST", "/letters", letter()).content["unique_id"]
    assert open_site.wait_delivery(unique_id).state == "done"
    for body in (
        {"why": "x"},
        {"reason": 1},
        {"reason": "deux\nlignes"},
        {"reason": "x" * 501},
        {"reason": "x" * 9_000},
    ):
        assert call("DELETE", f"/letters/{unique_id}", body).status == 400
    gone = call("DELETE", f"/letters/{unique_id}", {"reason": "Mauvais séjour"})
    assert (gone.status, gone.content["action"]) == (202, "delete")
    until(lambda: call("GET", f"/letters/{unique_id}").content["status"] == "deleted", "not deleted")
    texts = [line.text for line in open_site.lines(document_id=unique_id)]
    assert "Suppression demandée par dpi (letters:dpi) : Mauvais séjour" in texts
    (line,) = [
        act for (one,) in open_site.query("SELECT line FROM audit") if (act := json.loads(one))["kind"] == "operator"
    ]
    assert (line["operator"], line["reason"]) == ("dpi", "letters:dpi : Mauvais séjour")
    again = call("DELETE", f"/letters/{unique_id}")
    assert (again.status, again.content["faults"][0]["text"]) == (409, "ce document est déjà supprimé")
    assert call("POST", f"/letters/{unique_id}", letter("Autre.")).status == 409


def test_a_document_never_heard_of_is_deleted_with_its_cda_only(open_site: Site, port: int) -> None:
    call = Caller(port)
    cda, unique_id = fresh_cda()
    for method in ("GET", "DELETE"):
        assert call(method, f"/letters/{unique_id}").status == 404
    other = call("DELETE", "/letters/2.25.4", cda, "application/xml")
    assert (other.status, other.paths) == (400, ["id"])
    asked = call("DELETE", f"/letters/{unique_id}", cda, "application/xml", Deletion_Reason="demand%C3%A9e")
    assert asked.status == 202
    assert open_site.wait_delivery(unique_id).code == "deletion.unknown"
    texts = [line.text for line in open_site.lines(document_id=unique_id)]
    assert "Suppression demandée par dpi (letters:dpi) : demandée" in texts
