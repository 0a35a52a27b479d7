"""The two entries of letters in a running connector: the watched folder, and HTTP by token or by certificate."""

from __future__ import annotations

import base64
import http.client
import json
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from connector.base.errors import SettingsError
from tests.e2e.conftest import MakeSite
from tests.e2e.harness import DEADLINE, Site, toml_of
from tests.e2e.letters import LETTERS, STAY, data, fresh_cda, stays_awaiting
from tests.e2e.messages import admission
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml
from tests.hl7_core.certificates import Authority

TOKEN, READER = "t" * 32, "r" * 32
CLIENTS = [
    {"name": "dpi", "secret_env": "LETTERS_TOKEN_DPI"},
    {"name": "pilotage", "role": "read", "secret_env": "LETTERS_TOKEN_READ"},
]


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERS_TOKEN_DPI", TOKEN)
    monkeypatch.setenv("LETTERS_TOKEN_READ", READER)


def pdf() -> bytes:
    """The PDF of the sample letter."""
    cda = fresh_cda()[0]
    return base64.b64decode(cda.partition(b'representation="B64">')[2].partition(b"<")[0])


def until(found: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.02)


# -- the folder ----------------------------------------------------------------------------------------------------


class Box:
    """The watched folder of a site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def drop(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def names(self, where: str) -> set[str]:
        path = self.folder / where
        return {one.name for one in path.iterdir()} if path.is_dir() else set()

    def wait(self, where: str, *names: str) -> None:
        until(lambda: set(names) <= self.names(where), f"{names} not in {where}: {self.names(where)}")

    def unique_id(self, name: str) -> str:
        return str(json.loads((self.folder / "done" / f"{name}.recu.json").read_text(encoding="utf-8"))["unique_id"])

    def empty(self) -> bool:
        return not self.names("working") and not [one for one in self.folder.iterdir() if one.is_file()]


def test_letters_dropped_in_the_folder_reach_the_dmp_and_a_bad_one_stops_none(
    make_site: MakeSite, tmp_path: Path
) -> None:
    box = Box(tmp_path / "lettres")
    site = make_site(letters={"folder": str(box.folder), "folder_seconds": 0.05, "orphan_seconds": 1.0})
    site.sample("adt-a01-admission.er7")
    site.sample("adt-a03-sortie.er7")
    site.settled("ADT0001")
    assert stays_awaiting(site) == [STAY]
    box.drop("a.yaml", b"kind: discharge\nreason: 1")
    box.drop("b.json", json.dumps({"letter": data(), "stay": "000897406"}).encode())
    box.drop("c.xml", fresh_cda()[0])
    box.drop("d.pdf", pdf())
    box.drop("d.pdf.yaml", (LETTERS / "header.yaml").read_bytes())
    box.drop("e.pdf", pdf())
    box.drop("f.docx", b"PK")
    box.drop("g.json.part", b"{")
    box.wait("done", "b.json", "c.xml", "d.pdf", "d.pdf.yaml")
    box.wait("refused", "a.yaml", "a.yaml.motif.txt", "e.pdf.motif.txt", "f.docx.motif.txt")
    for name in ("b.json", "c.xml", "d.pdf"):
        assert site.wait_delivery(box.unique_id(name)).state == "done", name
        assert site.accepted(box.unique_id(name)) == 1
    assert stays_awaiting(site) == []
    reasons = (box.folder / "refused" / "a.yaml.motif.txt").read_text(encoding="utf-8")
    assert "legal_authenticator : le champ manque" in reasons
    assert "en-tête" in (box.folder / "refused" / "e.pdf.motif.txt").read_text(encoding="utf-8")
    assert box.names("working") == set()
    # the same letter under another name is the same letter
    box.drop("again.json", json.dumps({"letter": data(), "stay": "000897406"}).encode())
    box.wait("done", "again.json")
    assert box.unique_id("again.json") == box.unique_id("b.json")
    box.drop("b.json", b"{")
    box.wait("refused", "b.json")
    assert len(site.query("SELECT 1 FROM message WHERE type = 'MDM'")) == 3


def test_a_file_still_being_written_is_left_alone(make_site: MakeSite, tmp_path: Path) -> None:
    box = Box(tmp_path / "lettres")
    site = make_site(letters={"folder": str(box.folder), "folder_seconds": 0.3})
    site.sample("adt-a01-admission.er7")
    whole = json.dumps(data()).encode()
    with (box.folder / "slow.json").open("wb") as file:
        for start in range(0, len(whole), len(whole) // 12):
            file.write(whole[start : start + len(whole) // 12])
            file.flush()
            time.sleep(0.08)
    box.wait("done", "slow.json")
    assert box.names("refused") == set()


def test_killed_in_the_middle_of_a_folder_run_nothing_is_lost_or_doubled(make_site: MakeSite, tmp_path: Path) -> None:
    box = Box(tmp_path / "lettres")
    site = make_site()
    site.sample("adt-a01-admission.er7")
    site.settled("ADT0001")
    site.stop()
    chance = random.Random(5)
    port = fixed_port(chance)
    table = toml_of(site.simulator, site.hospital.port, site.folder)
    table["listener"]["port"] = port
    table["letters"] = {"folder": str(box.folder), "folder_seconds": 0.05}
    write_toml(table, tmp_path / "connector.toml")
    count = 40
    for number in range(count):
        letter = data(reason=f"Motif {number}.")
        box.drop(f"{number:03}.yaml", yaml.safe_dump(json.loads(json.dumps(letter)), allow_unicode=True).encode())
    process = ConnectorProcess(tmp_path / "connector.toml", port)
    try:
        for _ in range(4):
            process.start()
            process.wait_ready()
            seen = len(box.names("done"))
            until(lambda: len(box.names("done")) > seen or box.empty(), "nothing moves")  # noqa: B023
            time.sleep(chance.random() * 0.1)
            process.kill()
        process.start()
        until(box.empty, f"not everything was taken: {box.names('working')}\n{process.tail()}")
        until(lambda: _done(site) == count, f"not everything reached the DMP\n{process.tail()}")
        assert process.stop() == 0
    finally:
        process.end()
        site.start()
    ids = {box.unique_id(f"{number:03}.yaml") for number in range(count)}
    assert len(ids) == count
    assert [site.accepted(unique_id) for unique_id in ids] == [1] * count
    assert box.names("refused") == set()
    assert site.query("SELECT count(*) FROM message WHERE type = 'MDM'") == [(count,)]


def _done(site: Site) -> int:
    return int(site.query("SELECT count(*) FROM delivery WHERE kind = 'publication' AND state = 'done'")[0][0])


# -- HTTP ----------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    status: int
    content: Any
    headers: dict[str, str]

    @property
    def paths(self) -> list[str]:
        return [one["path"] for one in self.content["faults"]]


class Caller:
    """An application of the hospital."""

    def __init__(self, port: int, token: str = TOKEN, tls: ssl.SSLContext | None = None) -> None:
        self._port, self._token, self._tls = port, token, tls

    def __call__(
        self, method: str, path: str, body: Any = None, kind: str = "application/json", **headers: str
    ) -> Answer:
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": kind}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        link = (
            http.client.HTTPSConnection("127.0.0.1", self._port, timeout=DEADLINE, context=self._tls)
            if self._tls
            else http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        )
        try:
            link.request(method, path, content, sent)
            answer = link.getresponse()
            return Answer(answer.status, json.loads(answer.read()), dict(answer.getheaders()))
        finally:
            link.close()


@pytest.fixture
def port() -> int:
    return fixed_port(random.Random(23))


@pytest.fixture
def open_site(make_site: MakeSite, port: int) -> Site:
    site = make_site(letters={"port": port, "clients": CLIENTS})
    site.sample("adt-a01-admission.er7")
    site.settled("ADT0001")
    return site


def test_a_letter_handed_in_over_http_is_followed_until_it_is_in_the_dmp(open_site: Site, port: int) -> None:
    call, read = Caller(port), Caller(port, READER)
    open_site.sample("adt-a03-sortie.er7")
    until(lambda: bool(stays_awaiting(open_site)), "no stay")
    (stay,) = read("GET", "/letters/awaiting").content["stays"]
    assert (stay["stay"], stay["unit"], stay["unit_name"]) == (STAY, "UF6268", "Chir V")
    assert "PAT-TROIS" not in json.dumps(stay)
    answer = call("POST", "/letters", {"letter": data(), "stay": STAY}, Idempotency_Key="4711")
    assert answer.status == 202, answer.content
    unique_id = answer.content["unique_id"]
    assert answer.headers["location"] == f"/letters/{unique_id}"
    assert open_site.wait_delivery(unique_id).state == "done"
    state = read("GET", f"/letters/{unique_id}").content
    assert (state["status"], state["text"], [one["number"] for one in state["chain"]]) == (
        "published",
        "dans le DMP",
        [1],
    )
    assert read("GET", "/letters/awaiting").content == {"stays": []}
    again = call("POST", "/letters", {"letter": data(), "stay": STAY}, Idempotency_Key="4711")
    assert (again.status, again.content["verdict"], again.content["unique_id"]) == (202, "known", unique_id)
    other = call("POST", "/letters", {"letter": data(reason="Autre."), "stay": STAY}, Idempotency_Key="4711")
    assert (other.status, other.paths) == (409, ["key"])
    newer = call("POST", f"/letters/{unique_id}", {"letter": data(reason="Autre."), "stay": STAY})
    assert (newer.status, newer.content["action"]) == (202, "replace")
    assert open_site.wait_delivery(newer.content["unique_id"]).state == "done"
    assert read("GET", f"/letters/{unique_id}").content["status"] == "replaced"
    gone = call("DELETE", f"/letters/{newer.content['unique_id']}")
    assert (gone.status, gone.content["action"]) == (202, "delete")
    until(lambda: read("GET", f"/letters/{newer.content['unique_id']}").content["status"] == "deleted", "not deleted")
    peers = open_site.query("SELECT DISTINCT peer FROM message WHERE type = 'MDM'")
    assert peers == [("letters:dpi",)]


def test_a_cda_and_a_pdf_with_its_header_are_letters_too(open_site: Site, port: int) -> None:
    call = Caller(port)
    cda, unique_id = fresh_cda()
    assert call("POST", "/letters", cda, "application/xml").content["unique_id"] == unique_id
    kind, body = form(file=("lettre.pdf", pdf()), header=("lettre.yaml", (LETTERS / "header.yaml").read_bytes()))
    answer = call("POST", "/letters", body, kind)
    assert answer.status == 202, answer.content
    assert open_site.wait_delivery(answer.content["unique_id"]).state == "done"
    kind, body = form(file=("lettre.pdf", pdf()))
    assert call("POST", "/letters", body, kind).status == 400
    kind, body = form(header=("lettre.yaml", b"kind: unstructured"))
    assert call("POST", "/letters", body, kind).paths == ["file"]


def form(**parts: tuple[str, bytes]) -> tuple[str, bytes]:
    """(media type, body) of a multipart form."""
    lines: list[bytes] = []
    for name, (file, content) in parts.items():
        head = f'--limite\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        lines += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", content, b"\r\n"]
    return "multipart/form-data; boundary=limite", b"".join([*lines, b"--limite--\r\n"])


def test_what_is_wrong_is_told_with_its_path(open_site: Site, port: int) -> None:
    call = Caller(port)
    wrong = call("POST", "/letters", data(legal_authenticator=None, reason=""))
    assert (wrong.status, set(wrong.paths)) == (400, {"legal_authenticator", "reason"})
    assert call("POST", "/letters", b"{", "application/json").status == 400
    assert call("POST", "/letters", b"x", "text/csv").status == 415
    assert call("POST", "/letters", {"letter": data(), "stay": "1@NOWHERE"}).paths == ["stay"]
    assert call("POST", "/letters", {"letter": data(), "hidden": ["TOUS"]}).paths == ["hidden"]
    assert call("GET", "/letters/2.25.1").status == 404
    nobody = fresh_cda(lambda cda: cda.replace(b'<id extension="279035121518989" root="1.2.250.1.213.1.4.10"/>', b""))[
        0
    ]
    refused = call("POST", "/letters", nobody, "application/xml")
    assert (refused.status, refused.content["faults"][0]["found"]) == (422, "903")
    assert open_site.query("SELECT count(*) FROM message WHERE type = 'MDM' AND verdict = 'accepted'") == [(0,)]


def test_nobody_unknown_gets_anything(open_site: Site, port: int, capfd: pytest.CaptureFixture[str]) -> None:
    for token in ("", "x" * 32, TOKEN[:-1], TOKEN + "t"):
        for method, path in (("POST", "/letters"), ("GET", "/letters/awaiting"), ("DELETE", "/letters/2.25.1")):
            answer = Caller(port, token)(method, path, data())
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    read = Caller(port, READER)
    assert read("POST", "/letters", data()).status == 403
    assert read("DELETE", "/letters/2.25.1").status == 403
    assert open_site.query("SELECT count(*) FROM message WHERE type = 'MDM'") == [(0,)]
    said = "".join(capfd.readouterr())
    assert TOKEN not in said
    assert "279035121518989" not in said


def test_size_and_rate_have_their_limits(make_site: MakeSite, port: int) -> None:
    site = make_site(letters={"port": port, "clients": CLIENTS, "max_bytes": 5_000, "rate": 1.0, "burst": 3})
    call = Caller(port)
    assert call("POST", "/letters", b" " * 6_000).status == 413
    assert call("POST", "/letters", iter([b" " * 3_000, b" " * 3_000])).status == 413
    assert call("GET", "/letters/2.25.1").status == 404
    slow = call("GET", "/letters/2.25.1")
    assert (slow.status, slow.headers["retry-after"]) == (429, "1")
    # each caller has a rate of its own
    assert Caller(port, READER)("GET", "/letters/2.25.1").status == 404
    assert site.query("SELECT count(*) FROM message") == [(0,)]


def test_a_certificate_is_as_good_as_a_token(make_site: MakeSite, port: int, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    server = ours.issue("connector")
    letters = {
        "port": port,
        "tls_cert": str(server.certificate),
        "tls_key": str(server.key),
        "tls_client_ca": str(ours.file),
        "clients": [*CLIENTS, {"name": "labo", "certificate": "labo.hopital.example"}],
    }
    site = make_site(letters=letters)
    site.sample("adt-a01-admission.er7")

    def context(authority: Authority | None, name: str = "") -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(ours.file))
        if authority is not None:
            pair = authority.issue(name)
            made.load_cert_chain(pair.certificate, pair.key)
        return made

    cda, unique_id = fresh_cda()
    labo = Caller(port, "", context(ours, "labo.hopital.example"))
    assert labo("POST", "/letters", cda, "application/xml").content["unique_id"] == unique_id
    assert Caller(port, TOKEN, context(None))("GET", f"/letters/{unique_id}").status == 200
    assert Caller(port, "", context(None))("GET", f"/letters/{unique_id}").status == 401
    assert Caller(port, "", context(ours, "autre.hopital.example"))("GET", f"/letters/{unique_id}").status == 401
    # a wrong token is not made good by a certificate
    assert Caller(port, "x" * 32, context(ours, "labo.hopital.example"))("GET", f"/letters/{unique_id}").status == 401
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Caller(port, "", context(theirs, "labo.hopital.example"))("GET", f"/letters/{unique_id}")
    assert site.query("SELECT peer FROM message WHERE type = 'MDM'") == [("letters:labo",)]


@pytest.mark.parametrize("token", [None, "", "short"])
def test_a_token_that_could_be_guessed_keeps_the_connector_from_starting(
    make_site: MakeSite, port: int, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is None:
        monkeypatch.delenv("LETTERS_TOKEN_DPI")
    else:
        monkeypatch.setenv("LETTERS_TOKEN_DPI", token)
    with pytest.raises(SettingsError) as refused:
        make_site(letters={"port": port, "clients": CLIENTS})
    assert refused.value.context["name"] == "letters.clients.dpi.secret_env"


@pytest.mark.parametrize(
    ("letters", "name"),
    [
        ({"port": 1}, "letters.clients"),
        ({"port": 1, "clients": CLIENTS, "host": "0.0.0.0"}, "letters.tls_cert"),
        ({"clients": [{"name": "a"}]}, "letters.clients.a"),
        ({"clients": [CLIENTS[0], CLIENTS[0]]}, "letters.clients"),
        ({"clients": [{"name": "a", "certificate": "x"}]}, "letters.clients.certificate"),
        ({"oids": {"CHU-X": "chu"}}, "letters.oids.CHU-X"),
        ({"application": "A|B"}, "letters.application"),
        ({"rate": 0.0}, "letters.rate"),
        ({"folder": "nowhere"}, "letters.folder"),
        ({"mandatory": "nowhere.toml"}, "letters.mandatory"),
    ],
)
def test_settings_that_cannot_work_are_named(make_site: MakeSite, letters: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make_site(letters=letters)
    assert refused.value.context["name"] == name


def test_the_word_of_an_admission_just_received_counts(make_site: MakeSite, port: int) -> None:
    site = make_site(letters={"port": port, "clients": CLIENTS})
    assert site.send(admission("ADT5001")).code == "AA"
    letter = {"letter": data(patient=None), "stay": "000897406"}
    assert Caller(port)("POST", "/letters", letter).status == 202
