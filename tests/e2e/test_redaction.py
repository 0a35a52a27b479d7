"""A real process through everything that can go wrong, at level debug: no byte of its logs, alerts or metrics names
anybody (design rule 9)."""

from __future__ import annotations

import random
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.base.clock import utc_now
from connector.cli.seed import seed_samples
from connector.hl7.mllp_client import MllpClient
from connector.journal import JournalConfig, JournalReader
from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.simulator.server import Simulator
from tests.e2e.harness import DEADLINE, Hospital, toml_of
from tests.e2e.messages import INS, NESSI, admission, identity, letter, merge, oru, sample
from tests.e2e.process import ConnectorProcess, fixed_port, write_toml
from tests.e2e.test_api import get
from tests.hl7_core.certificates import Authority
from tests.watch.servers import HookServer, MailServer

SECRETS = {
    "INS": re.compile(f"{INS[:13]}|{NESSI[:13]}"),
    "IPP": re.compile(r"(?<![\d.:])000003(?!\d)"),
    "name": re.compile(r"PAT-TROIS|DOMINIQUE|NESSI|RUTH|Pat-Trois|Nessi"),
    "birth date": re.compile(r"19790328|1979-03-28|28/03/1979"),
    "document": re.compile(r"JVBERi0|%PDF|ClinicalDocument|LETTRE DE LIAISON|MSH\||PID\|"),
}
HOSTILE = "PAT-TROIS^DOMINIQUE^19790328 279035121518989 IPP 000003"


class Stage:
    """Everything outside the process, and the process."""

    def __init__(self, folder: Path, style: str) -> None:
        self.folder = folder
        authority = Authority(folder, "authority")
        pem = authority.issue("server")
        self.mail, self.hook = MailServer(pem), HookServer(pem)
        self.simulator = Simulator(SimConfig(folder=folder / "simulator")).start()
        seed_samples(self.simulator, utc_now())
        self.hospital = Hospital()
        self.port, self.api = (fixed_port(random.Random()) for _ in range(2))
        table = toml_of(
            self.simulator,
            self.hospital.port,
            folder,
            listener={"port": self.port, "max_frame": 200_000, "total_byte_budget": 400_000},
            api={"port": self.api},
            log={"level": "debug", "format": style},
            engine={"backoff": {"first": 0.05, "longest": 0.1, "max_attempts": 3}, "poll": 0.1},
            alerts={
                "every_seconds": 0.2,
                "clear_seconds": 1.0,
                "thresholds": {"certificate_days": [60, 30, 7, 500], "queue_seconds": 0.5},
                "smtp": {
                    "host": "127.0.0.1",
                    "port": self.mail.port,
                    "ca_file": str(authority.file),
                    "user": "connector",
                    "password_env": "CONNECTOR_TEST_MAIL",
                    "sender": "connecteur@example.org",
                    "recipients": ["astreinte@example.org"],
                },
                "webhook": {"url": self.hook.url, "ca_file": str(authority.file)},
            },
        )
        write_toml(table, folder / "connector.toml")
        self.process = ConnectorProcess(folder / "connector.toml", self.port)

    def close(self) -> None:
        self.process.end()
        self.hospital.close()
        self.simulator.stop()
        self.mail.close()
        self.hook.close()

    def told(self) -> dict[str, str]:
        """All that got out, by channel."""
        mails = "\n".join(f"{mail}\n{mail.get_content()}" for mail in self.mail.mails)
        return {
            "log": self.process.log.read_text(encoding="utf-8"),
            "mail": mails,
            "webhook": "\n".join(body.decode() for _, body in self.hook.raw),
            "metrics": get(self.api, "/metrics")[1],
            "health": get(self.api, "/health")[1] + get(self.api, "/ready")[1],
        }

    def journal(self, sql: str) -> list[tuple[object, ...]]:
        reader = JournalReader(JournalConfig(self.folder / "journal.sqlite"))
        try:
            return [tuple(row) for row in reader.query(sql)]
        finally:
            reader.close()


@pytest.fixture(params=["json", "console"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("CONNECTOR_TEST_MAIL", "secret")
    stage = Stage(tmp_path, request.param)
    stage.process.start()
    stage.process.wait_ready()
    yield stage
    stage.close()


def until(what: Callable[[], bool], why: str) -> None:
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.05)


def traffic(stage: Stage) -> None:
    """What a hospital sends in a bad year, and what the other side answers in one."""
    faults = stage.simulator.faults
    faults.add(FaultRule("registry-error", "ITI-41", times=1, code=HOSTILE, text=HOSTILE))
    faults.add(FaultRule("fault", "ITI-41", nth=2, times=1, subcode=HOSTILE, text=f"<b>{HOSTILE}</b>"))
    faults.add(FaultRule("cut-after", "ITI-41", nth=3, times=1))
    faults.add(FaultRule("garbage-answer", "ITI-41", nth=4, times=1))
    faults.add(FaultRule("ack", "TD0.2", times=2, code=HOSTILE, text=HOSTILE))
    messages = [admission("ADT1"), identity("ADT2", "VALI", "20261101080000+0100"), merge("ADT3", "000003")]
    messages += [letter(f"MDM{n}")[0] for n in range(6)]
    messages += [letter("MDMX", PID_32="PROV")[0], oru().encode(), sample("mdm-t02-sans-ins").encode()]
    messages += [sample("mdm-t02-pas-un-cda").encode(), sample("adt-z12-inconnu").encode()]
    messages += [sample("mdm-t02-autre-patient").encode(), sample("mdm-t02-ordre-incoherent").encode()]
    messages += [admission("ADT4", PID_3=HOSTILE), admission("ADT5", PID_7="28/03/1979")]
    # half a message, no header, an unknown character set, too large
    messages += [messages[0][:200], HOSTILE.encode(), b"MSH|^~\\&|" + HOSTILE.encode() + b"\rPID|" + b"\xff" * 30]
    messages += [messages[0].replace(b"UNICODE UTF-8", b"PAT-TROIS"), messages[0] + b"PID|PAT-TROIS" * 20_000]
    for raw in messages:
        with MllpClient("127.0.0.1", stage.port, timeout=DEADLINE) as client:
            client.exchange(raw)
    with socket.create_connection(("127.0.0.1", stage.port)) as half:
        half.sendall(b"\x0b" + messages[0][:300])


def break_the_journal(stage: Stage) -> None:
    """Rows no version of ours writes: the router and the handlers fail on them, inside, with the data in hand."""
    with sqlite3.connect(stage.folder / "journal.sqlite", timeout=DEADLINE) as journal:
        message = "verdict, routed, type, event, control_id, sender, peer, route, received_at, findings, ack, raw"
        journal.execute(
            f"INSERT INTO message (key, {message}) SELECT 'broken|', 'accepted', 0, type, event, 'BROKEN', sender,"
            " peer, 'document', received_at, '[]', ack, ? FROM message WHERE control_id = 'ADT1' LIMIT 1",
            (HOSTILE.encode(),),
        )
        journal.execute(
            "INSERT INTO delivery (kind, patient_id, lane, state, due, run, unsettled, attempts, message_id, stay,"
            " document_id, reason, reason_code, since, created_at, updated_at, payload, destination)"
            " SELECT kind, patient_id, 'broken', 'dead', due, 0, 0, 9, message_id, stay, '', ?, ?, since, created_at,"
            " updated_at, payload, destination FROM delivery LIMIT 1",
            (HOSTILE, HOSTILE),
        )
        journal.execute(
            "UPDATE delivery SET payload = ? WHERE state IN ('queued','retry','sending') AND run = 0",
            ('{"x": "NESSI"}',),
        )
    with MllpClient("127.0.0.1", stage.port, timeout=DEADLINE) as client:
        client.exchange(admission("ADT9"))


def test_no_byte_that_leaves_the_process_names_anybody(stage: Stage) -> None:
    traffic(stage)
    until(lambda: stage.journal("SELECT count(*) FROM delivery WHERE kind = 'publication'")[0][0] >= 6, "not routed")  # type: ignore[operator]
    break_the_journal(stage)
    stage.simulator.stop()
    with MllpClient("127.0.0.1", stage.port, timeout=DEADLINE) as client:
        client.exchange(admission("ADT10", event="A04"))
        client.exchange(letter("MDM10")[0])
    # the shortest validity of the simulator's certificates is an alert by itself: there is mail in any case
    until(lambda: bool(stage.journal("SELECT 1 FROM alert WHERE cause LIKE 'dead:%' AND told <> ''")), "no dead letter")
    until(
        lambda: bool(stage.journal("SELECT 1 FROM alert WHERE cause = 'routing' AND told <> ''")), "no routing failure"
    )
    until(lambda: not stage.journal("SELECT 1 FROM alert_notice"), "notices left behind")
    told = stage.told()
    assert stage.process.stop() == 0
    told["log"] = stage.process.log.read_text(encoding="utf-8")
    for channel, text in told.items():
        assert text, f"nothing on {channel}: the scan proves nothing"
        for what, pattern in SECRETS.items():
            found = pattern.search(text)
            assert found is None, f"{what} in {channel}: …{text[max(0, found.start() - 200) : found.end() + 100]}…"
    assert "routing failed" in told["log"]
    assert "Traceback" not in told["log"]
    causes = [body["cause"] for body in stage.hook.received if body["kind"] == "raised"]
    assert len(causes) == len(set(causes)), "one notice a cause"
    assert len(stage.mail.mails) == len(stage.hook.received)
    assert "dead:other" in causes
