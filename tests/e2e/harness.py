"""A whole site on loopback: simulator, connector (thread or process), the hospital's own ZAM listener."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from connector.base.clock import random_uuid, utc_now
from connector.base.resources import resource_dir
from connector.cli.queue_acts import perform
from connector.cli.seed import seed_samples
from connector.daemon import DaemonThread
from connector.hl7.ack import Ack, build_ack, parse_ack
from connector.hl7.er7 import Message, parse, parse_header
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.hl7.mllp_client import MllpClient
from connector.journal import Journal, JournalReader
from connector.journal.operator import Act
from connector.journal.timeline import TimelineLine, timeline
from connector.settings import Settings, parse_settings
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator

INS = "279035121518989"
STRUCTURE = "1120456789"
DEADLINE = 30.0


def toml_of(simulator: Simulator, zam_port: int, folder: Path, **overrides: Any) -> dict[str, Any]:
    """Settings of a site against `simulator`, as the settings file would give them."""
    pki = simulator.pki
    table: dict[str, Any] = {
        "journal": {"store": str(folder / "journal.sqlite")},
        "listener": {"port": 0},
        "engine": {
            "backoff": {"first": 0.05, "longest": 0.5},
            "destinations": {"*": {"cooldown": 0.2, "longest": 0.5}},
            "poll": 0.2,
        },
        "keys": {
            "structure": STRUCTURE,
            "ca_file": str(pki.ca),
            "sign_certificate": str(pki.sign.certificate),
            "sign_key": str(pki.sign.key),
            "auth_certificate": str(pki.auth.certificate),
            "auth_key": str(pki.auth.key),
        },
        "vihf": {"lps_name": "dmp-connector", "lps_version": "0.1.0", "homologation_id": "TEST-0000"},
        "dmp": {
            "base_url": simulator.urls["base"],
            "environment": "test",
            "lps_oid": "1.2.250.1.999.1.1",
            "lps_name": "dmp-connector",
            "source_id": "1.2.250.1.999.1.2",
            "structure_policy": "certificate",
        },
        "pix": {
            "protocol": "v2",
            "host": "127.0.0.1",
            "port": simulator.query_port,
            "ins_domain": "1.2.250.1.213.1.4.10",
        },
        "consultation": {
            "trigger": "on-admission",
            "type_codes": ["11502-2"],
            "output_folder": str(folder / "received"),
        },
        "psc": {
            "userinfo_url": simulator.urls["userinfo"],
            "token_file": str(folder / "psc-token"),
            "ca_file": str(pki.ca),
        },
        "publication": {"unknown_grace": 0.3},
        "zam": {"destinations": [{"sender": "*", "host": "127.0.0.1", "port": zam_port}]},
    }
    for section, values in overrides.items():
        if isinstance(values, dict):
            table.setdefault(section, {}).update(values)
        else:
            table[section] = values
    return table


class Rest(NamedTuple):
    """Where a delivery stands, and why."""

    state: str
    code: str
    reason: str


class Hospital:
    """The hospital's ZAM listener: what it received, and how it answered each of them."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[Message] = []
        self.answered: list[str] = []
        self.code = "AA"
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def handle(message: bytes, _peer: PeerInfo) -> bytes:
            code = self.code
            with self._arrived:
                self.received.append(parse(message))
                self.answered.append(code)
                self._arrived.notify_all()
            header = parse_header(message)
            return build_ack(header, code, (), now=utc_now(), control_id=random_uuid().hex[:20])  # type: ignore[arg-type]

        self._server = MllpServer(MllpConfig(port=port), handle)
        self._run(self._server.start())
        self.port = self._server.port

    def wait(self, count: int) -> Message:
        """The `count`-th ZAM."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, DEADLINE), "no ZAM arrived"
            return self.received[count - 1]

    def close(self) -> None:
        self._run(self._server.stop(1.0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)


class Site:
    """Simulator, hospital and connector; `with Site(folder) as site:`."""

    def __init__(self, folder: Path, simulator: SimConfig | None = None, **overrides: Any) -> None:
        self.folder = folder
        self.simulator = Simulator(simulator or SimConfig(folder=folder / "simulator"))
        self._overrides = overrides

    def as_other_structure(self, structure: str) -> None:
        """The connector's certificates are those of another structure; to be said before it starts."""
        pki = self.simulator.pki
        pairs = {"sign": pki.sign_other, "auth": pki.auth_other}
        keys: dict[str, Any] = {"structure": structure}
        for name, pair in pairs.items():
            keys |= {f"{name}_certificate": str(pair.certificate), f"{name}_key": str(pair.key)}
        self._overrides.setdefault("keys", {}).update(keys)

    def __enter__(self) -> Site:
        self.simulator.start()
        seed_samples(self.simulator, utc_now())
        self.hospital = Hospital()
        table = toml_of(self.simulator, self.hospital.port, self.folder, **self._overrides)
        self.settings: Settings = parse_settings(table, self.folder)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.hospital.close()
        self.simulator.stop()

    def start(self) -> None:
        self._daemon = DaemonThread(self.settings)
        self.port = self._daemon.start().mllp_port
        self._client = MllpClient("127.0.0.1", self.port, timeout=DEADLINE)

    def restart(self, **overrides: dict[str, Any]) -> None:
        """The same journal under other settings."""
        self.stop()
        for section, values in overrides.items():
            self._overrides.setdefault(section, {}).update(values)
        table = toml_of(self.simulator, self.hospital.port, self.folder, **self._overrides)
        self.settings = parse_settings(table, self.folder)
        self.start()

    def reload(self, settings: Settings) -> tuple[str, ...]:
        """Other settings for the running connector; gives the names that changed."""
        self.settings = settings
        return self._daemon.reload(settings)

    def stop(self) -> None:
        self._client.close()
        self._daemon.stop()

    def send(self, message: bytes) -> Ack:
        return parse_ack(self._client.exchange(message))

    def sample(self, name: str) -> Ack:
        return self.send((resource_dir("samples") / name).read_bytes())

    def log_on(self, professional: str = "801234564895") -> None:
        token = self.simulator.psc_token(professional, timedelta(hours=1))
        (self.folder / "psc-token").write_text(token, encoding="ascii")

    def lines(self, **key: Any) -> list[TimelineLine]:
        journal = JournalReader(self.settings.journal)
        try:
            return timeline(journal, **key)
        finally:
            journal.close()

    def wait(self, found: Callable[[list[TimelineLine]], bool], **key: Any) -> list[TimelineLine]:
        """The timeline of `key` once `found` holds."""
        end = time.monotonic() + DEADLINE
        while True:
            lines = self.lines(**key)
            if found(lines):
                return lines
            assert time.monotonic() < end, [(line.event, line.state_to, line.text) for line in lines]
            time.sleep(0.02)

    def wait_state(self, state: str, **key: Any) -> list[TimelineLine]:
        return self.wait(lambda lines: any(line.state_to == state for line in lines), **key)

    def wait_delivery(self, document_id: str, *states: str, kind: str = "publication") -> Rest:
        """The newest delivery of a document once it is in one of `states` (by default: at rest)."""
        wanted = states or ("done", "held", "refused", "dead")
        end = time.monotonic() + DEADLINE
        while True:
            rows = self.query(
                "SELECT state, reason_code, reason FROM delivery WHERE document_id = ? AND kind = ? ORDER BY id DESC",
                document_id,
                kind,
            )
            if rows and rows[0][0] in wanted:
                return Rest(*rows[0])
            assert time.monotonic() < end, rows
            time.sleep(0.02)

    def settled(self, control_id: str) -> list[TimelineLine]:
        """The timeline of a message once all its deliveries are done, held, refused or dead."""

        def at_rest(lines: list[TimelineLine]) -> bool:
            states = {line.delivery_id: line.state_to for line in lines if line.delivery_id and line.state_to}
            return bool(states) and set(states.values()) <= {"done", "held", "refused", "dead"}

        return self.wait(at_rest, control_id=control_id)

    def query(self, sql: str, *params: Any) -> list[Any]:
        journal = JournalReader(self.settings.journal)
        try:
            return [tuple(row) for row in journal.query(sql, params)]
        finally:
            journal.close()

    def act(self, what: Act, document_id: str, *, kind: str = "publication", unblock: bool = False) -> None:
        """What a person does from the command line, beside the daemon."""
        (number,) = self.query("SELECT max(id) FROM delivery WHERE document_id = ? AND kind = ?", document_id, kind)[0]
        journal = Journal.open(self.settings.journal, utc_now)
        try:
            report = perform(journal, what, [number], "essai", "test", yes=True, as_json=True, unblock=unblock)
        finally:
            journal.close()
        assert report.done == 1, report

    def accepted(self, unique_id: str) -> int:
        return self.simulator.world.acceptances().get(unique_id, 0)
