"""Each command: what it prints, for people and for machines, and the exit code a script can trust."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connector.base.resources import resource_dir
from tests.cli.conftest import Known, Result, Run
from tests.e2e.messages import edit, sample

SAMPLES = resource_dir("samples")
STAY = "000897406@000897406"


def port_of_nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def no_traceback(text: str) -> bool:
    return "Traceback" not in text and 'File "' not in text


# -- send ----------------------------------------------------------------------------------------------------------


def test_send_prints_the_answer(run: Run, known: Known) -> None:
    result = run("send", SAMPLES / "adt-a03-sortie.er7", "--to", f"127.0.0.1:{known.site.port}")
    assert result.code == 0
    assert result.out.startswith("AA adt-a03-sortie.er7")


def test_send_says_why_a_message_is_refused(run: Run, known: Known) -> None:
    result = run("send", SAMPLES / "mdm-t02-pas-un-cda.er7", "--to", f"127.0.0.1:{known.site.port}")
    assert result.code == 1
    assert result.out.startswith("AE ")
    assert "102" in result.out
    assert "archive ZIP" in result.out
    assert "OBX^1^5^1^5" in result.out


def test_send_for_machines(run: Run, known: Known) -> None:
    files = (SAMPLES / "adt-a03-sortie.er7", SAMPLES / "mdm-t02-sans-ins.er7")
    result = run("send", *files, "--to", f"127.0.0.1:{known.site.port}", "--json")
    assert result.code == 1
    good, bad = result.json()
    assert (good["ack"], good["controlId"], good["errors"]) == ("AA", "ADT0005", [])
    assert (bad["ack"], bad["errors"][0]["appCode"]) == ("AE", "903")


def test_send_takes_files_with_line_feeds(run: Run, known: Known, tmp_path: Path) -> None:
    file = tmp_path / "message.er7"
    file.write_bytes((SAMPLES / "adt-a03-sortie.er7").read_bytes().replace(b"\r", b"\n"))
    assert run("send", file, "--to", f"127.0.0.1:{known.site.port}").code == 0


def test_send_to_nobody(run: Run) -> None:
    result = run("send", SAMPLES / "adt-a03-sortie.er7", "--to", f"127.0.0.1:{port_of_nobody()}")
    assert result.code == 3
    assert "cannot connect" in result.err
    assert no_traceback(result.out + result.err)


@pytest.mark.parametrize("address", ["localhost", "host:", ":2575", "host:99999", "host:port"])
def test_send_to_something_that_is_no_address(run: Run, address: str) -> None:
    result = run("send", SAMPLES / "adt-a03-sortie.er7", "--to", address)
    assert result.code == 2
    assert "HOST:PORT" in result.err
    assert no_traceback(result.err)


def test_debug_shows_the_traceback() -> None:
    command = [sys.executable, "-m", "connector", "--debug", "send", str(SAMPLES / "adt-a03-sortie.er7")]
    result = subprocess.run(
        [*command, "--to", f"127.0.0.1:{port_of_nobody()}"], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode != 0
    assert "Traceback" in result.stderr
    assert "TransportError" in result.stderr


# -- check ---------------------------------------------------------------------------------------------------------


def test_check_accepts_the_good_samples(run: Run) -> None:
    result = run("check", SAMPLES / "adt-a01-admission.er7", SAMPLES / "mdm-t02-lettre-de-liaison.er7")
    assert result.code == 0, result.out
    assert result.out.count("ok") == 2


def test_check_says_what_is_wrong_and_where(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.er7"
    file.write_bytes(edit(sample("adt-a01-admission"), "PID-3", "").encode())
    result = run("check", file)
    assert result.code == 1
    assert "PID" in result.out


def test_check_for_machines(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.er7"
    file.write_bytes(edit(sample("adt-a01-admission"), "MSH-12", "").encode())
    result = run("check", file, SAMPLES / "adt-a01-admission.er7", "--json")
    assert result.code == 1
    report = result.json()
    assert report["adt-a01-admission.er7"] == []
    assert any("MSH" in finding["field"] for finding in report["bad.er7"])


def test_check_of_garbage_is_a_finding_not_a_crash(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "garbage.er7"
    file.write_bytes(b"bonjour\x00\xff")
    result = run("check", file)
    assert result.code == 1
    assert no_traceback(result.out + result.err)


def test_check_of_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    assert run("check", tmp_path / "nowhere.er7").code == 2


# -- trace and worklist --------------------------------------------------------------------------------------------


def test_trace_finds_a_document_whoever_asks(run: Run, known: Known) -> None:
    keys = {
        "--ipp": "000003",
        "--ins": "279035121518989",
        "--stay": "000897406",
        "--document": known.document,
        "--message": "MDM9001",
    }
    for option, value in keys.items():
        result = run("trace", "-c", known.config, option, value)
        assert result.code == 0, (option, result.err)
        assert "Document accepté par le DMP" in result.out, option


def test_trace_of_a_bare_stay_is_that_of_its_whole_key(run: Run, known: Known) -> None:
    bare = run("trace", "-c", known.config, "--stay", "000897406", "--json").json()
    whole = run("trace", "-c", known.config, "--stay", STAY, "--json").json()
    assert bare == whole
    assert len(bare) > 5


def test_trace_for_machines(run: Run, known: Known) -> None:
    lines = run("trace", "-c", known.config, "--document", known.document, "--json").json()
    assert [line["state_to"] for line in lines if line["state_to"]][-1] == "done"
    assert all(line["at"].endswith("+00:00") for line in lines)


@pytest.mark.parametrize(
    ("option", "value"), [("--ipp", "x"), ("--stay", "00089740"), ("--stay", "0@0"), ("--document", "1.2")]
)
def test_trace_of_something_unknown(run: Run, known: Known, option: str, value: str) -> None:
    assert run("trace", "-c", known.config, option, value).code == 1


@pytest.mark.parametrize("options", [(), ("--ipp", "1", "--ins", "2")])
def test_trace_wants_one_key(run: Run, known: Known, options: tuple[str, ...]) -> None:
    result = run("trace", "-c", known.config, *options)
    assert result.code == 2
    assert "exactly one" in result.err
    assert no_traceback(result.err)


def test_worklist_shows_what_waits_and_why(run: Run, known: Known) -> None:
    result = run("worklist", "-c", known.config)
    assert result.code == 0
    assert "Prédécesseur inconnu" in result.out
    items = run("worklist", "-c", known.config, "--json").json()
    assert [(item["kind"], item["state"], item["reason_code"]) for item in items] == [
        ("publication", "held", "predecessor.unknown")
    ]


def test_trace_before_the_connector_ever_ran(run: Run, known: Known, tmp_path: Path) -> None:
    config = tmp_path / "connector.toml"
    journal = known.site.settings.journal.path
    config.write_text(known.config.read_text(encoding="utf-8").replace(str(journal), str(tmp_path / "none.sqlite")))
    result = run("trace", "-c", config, "--ipp", "000003")
    assert result.code == 1
    assert "journal" in result.err
    assert no_traceback(result.err)


def apart(*arguments: object) -> Result:
    """The command in a process of its own: `run` sets up the logs of the whole process."""
    command = [sys.executable, "-m", "connector", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return Result(ended.returncode, ended.stdout, ended.stderr)


# -- run -----------------------------------------------------------------------------------------------------------


def test_run_with_a_wrong_setting(run: Run, known: Known, tmp_path: Path) -> None:
    config = tmp_path / "connector.toml"
    config.write_text(known.config.read_text(encoding="utf-8") + "[log]\nlevel = 'loud'\n", encoding="utf-8")
    result = run("run", "-c", config)
    assert result.code == 2
    for words in ("log.level", "found: loud", "allowed: 'debug'"):
        assert words in result.err
    assert no_traceback(result.err)


def test_run_with_the_wrong_certificate(known: Known, tmp_path: Path) -> None:
    pki = known.site.simulator.pki
    config = tmp_path / "connector.toml"
    text = known.config.read_text(encoding="utf-8")
    config.write_text(
        text.replace(str(pki.sign.certificate), str(pki.auth.certificate)).replace(
            str(pki.sign.key), str(pki.auth.key)
        ),
        encoding="utf-8",
    )
    for options in ((), ("--check",)):
        result = apart("run", "-c", config, *options)
        assert result.code == 2
        assert "keys.sign" in result.err
        assert "nonRepudiation" in result.err
        assert no_traceback(result.err)


def test_run_where_the_port_is_taken(known: Known, tmp_path: Path) -> None:
    config = tmp_path / "connector.toml"
    text = known.config.read_text(encoding="utf-8").replace("journal.sqlite", "other.sqlite")
    config.write_text(text + f"[listener]\nport = {known.site.port}\n", encoding="utf-8")
    result = apart("run", "-c", config)
    assert result.code == 2
    assert "listener.port" in result.err
    assert no_traceback(result.err)


def test_run_beside_another_connector_on_the_same_journal(known: Known, tmp_path: Path) -> None:
    config = tmp_path / "connector.toml"
    config.write_text(known.config.read_text(encoding="utf-8") + "[listener]\nport = 0\n", encoding="utf-8")
    result = apart("run", "-c", config)
    assert result.code == 1
    assert "another engine" in result.err
    assert no_traceback(result.err)


def test_run_from_start_to_sigterm(known: Known, tmp_path: Path) -> None:
    port = port_of_nobody()
    config = tmp_path / "connector.toml"
    text = known.config.read_text(encoding="utf-8").replace("journal.sqlite", "third.sqlite")
    config.write_text(text + f"[listener]\nport = {port}\n[api]\nport = {port_of_nobody()}\n", encoding="utf-8")
    command = [sys.executable, "-m", "connector", "run", "-c", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        started = process.stdout.readline()
        assert json.loads(started)["event"] == "started"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, out
    assert json.loads(out.splitlines()[-1])["event"] == "stopped"


# -- simulate and demo ---------------------------------------------------------------------------------------------


def test_simulate_tells_its_addresses_and_stops_on_sigterm(tmp_path: Path) -> None:
    ports = [f"--{name}-port=0" for name in ("https", "psc", "control", "feed", "query")]
    command = [sys.executable, "-m", "connector", "simulate", "--folder", str(tmp_path / "sim"), *ports, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, text
            text += line
        urls = json.loads(text)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert urls["base"].startswith("https://localhost:")
    assert {"registry", "repository", "patients", "habilitations", "pixv3", "userinfo", "control"} <= set(urls)


def test_simulate_refuses_a_fault_file_that_is_wrong(run: Run, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"effect": "earthquake"}]')
    ports = [f"--{name}-port=0" for name in ("https", "psc", "control", "feed", "query")]
    result = run("simulate", "--folder", tmp_path / "sim", *ports, "--faults", faults)
    assert result.code == 2
    assert "effect must be one of" in result.err
    assert no_traceback(result.err)


def test_simulate_refuses_a_matrix_that_is_wrong(run: Run, tmp_path: Path) -> None:
    matrix = tmp_path / "matrix.csv"
    matrix.write_text("profession;classCodes\n")
    ports = [f"--{name}-port=0" for name in ("https", "psc", "control", "feed", "query")]
    result = run("simulate", "--folder", tmp_path / "sim", *ports, "--profile", "ihe", "--matrix", matrix)
    assert result.code == 2
    assert "first line of a matrix" in result.err
    assert no_traceback(result.err)


def test_simulate_where_a_port_is_taken(run: Run, known: Known, tmp_path: Path) -> None:
    ports = [f"--{name}-port=0" for name in ("psc", "control", "feed", "query")]
    result = run("simulate", "--folder", tmp_path / "sim", *ports, f"--https-port={known.site.port}")
    assert result.code == 2
    assert "port" in result.err
    assert no_traceback(result.err)


def test_the_demo_verifies_every_claim_it_makes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "connector", "demo", "--folder", str(tmp_path / "demo"), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["ok"]
    claims = [check for step in report["steps"] for check in step["checks"]]
    assert len(claims) > 10
    assert all(check["ok"] for check in claims)

    # -- everything else -----------------------------------------------------------------------------------------------
    received = [path for path in (tmp_path / "demo" / "received").rglob("*") if path.is_file()]
    assert received
    assert all(path.stat().st_mode & 0o007 == 0 for path in received), "a patient's document anybody may read"


@pytest.mark.parametrize(
    "command", ["demo", "run", "simulate", "send", "trace", "worklist", "queue", "replay", "check"]
)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.code == 0
    assert "Usage" in result.out


def test_a_fault_of_ours_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("connector.hl7.conformance.check_message", broken)
    result = run("check", SAMPLES / "adt-a01-admission.er7")
    assert result.code == 70
    assert "ZeroDivisionError" in result.err
    assert "--debug" in result.err
    assert no_traceback(result.err)
