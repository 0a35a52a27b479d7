"""The demo's stage: simulator in this process, connector in its own, the hospital's listener for ZAM."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from connector.base.clock import random_uuid, utc_now
from connector.base.errors import ConnectorError
from connector.base.resources import resource_dir
from connector.cli.seed import seed_samples
from connector.hl7.ack import Ack, build_ack, parse_ack
from connector.hl7.er7 import Message, parse, parse_header
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from connector.hl7.mllp_client import MllpClient
from connector.journal import JournalReader
from connector.journal.timeline import TimelineLine, timeline
from connector.settings import Settings, load_settings
from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator

PSC_USER = "801234564895"
DEADLINE = 30.0


class Stage:
    """Everything of one run under one folder; stopped in reverse order whatever happens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.samples = resource_dir("samples")
        self.zams: list[Message] = []
        self._zam_arrived = threading.Condition()

    def __enter__(self) -> Stage:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.simulator = Simulator(SimConfig(folder=self.folder / "simulator"))
        self.simulator.start()
        seed_samples(self.simulator, utc_now())
        self._hospital = _Listener(self._zam)
        self.settings = self._settings()
        self._log = (self.folder / "connector.log").open("wb")
        command = [sys.executable, "-m", "connector", "run", "-c", str(self.config_path)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self._wait_for_port(self.settings.listener.port)
        self._client = MllpClient("127.0.0.1", self.settings.listener.port, timeout=DEADLINE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self, "_client"):
            self._client.close()
        if hasattr(self, "_process"):
            self._process.terminate()
            self._process.wait(timeout=DEADLINE)
            self._log.close()
        if hasattr(self, "_hospital"):
            self._hospital.close()
        self.simulator.stop()

    # -- what the story does -----------------------------------------------------------------------------------

    def send(self, message: bytes) -> tuple[Ack, float]:
        """Sends as the hospital would; the ACK and the milliseconds it took."""
        started = time.perf_counter()
        ack = parse_ack(self._client.exchange(message))
        return ack, (time.perf_counter() - started) * 1000

    def sample(self, name: str) -> bytes:
        return (self.samples / name).read_bytes()

    def log_on(self) -> None:
        """The professional logs on to Pro Santé Connect; the portal writes the token where the connector reads it."""
        token = self.simulator.psc_token(PSC_USER, timedelta(hours=4))
        (self.folder / "psc-token").write_text(token, encoding="ascii")

    def wait(self, what: str, found: Callable[[list[TimelineLine]], bool], **key: str) -> list[TimelineLine]:
        """The timeline of `key` once `found` says so. Raises ConnectorError after 30 seconds."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            lines = self.timeline(**key)
            if found(lines):
                return lines
            time.sleep(0.02)
        raise ConnectorError(f"nothing happened in {DEADLINE:.0f} s: {what}", log=str(self.folder / "connector.log"))

    def timeline(self, **key: str) -> list[TimelineLine]:
        journal = JournalReader(self.settings.journal)
        try:
            return timeline(journal, **key)  # type: ignore[arg-type]
        finally:
            journal.close()

    def wait_zam(self, count: int) -> Message:
        """The `count`-th ZAM the hospital received."""
        with self._zam_arrived:
            if not self._zam_arrived.wait_for(lambda: len(self.zams) >= count, DEADLINE):
                raise ConnectorError("no ZAM arrived", expected=count, found=len(self.zams))
            return self.zams[count - 1]

    # -- how it is set up --------------------------------------------------------------------------------------

    @property
    def config_path(self) -> Path:
        return self.folder / "connector.toml"

    def _settings(self) -> Settings:
        """conf/demo.toml with this run's free ports."""
        text = (resource_dir("conf") / "demo.toml").read_text(encoding="utf-8").replace("../.demo/", "")
        urls = self.simulator.urls
        dmp, psc = _port(urls["base"]), _port(urls["userinfo"])
        ports = {"8443": dmp, "8444": psc, "3701": self.simulator.query_port, "2575": _free_port()}
        for default, actual in {**ports, "2576": self._hospital.port}.items():
            text = text.replace(default, str(actual))
        self.config_path.write_text(text, encoding="utf-8")
        return load_settings(self.config_path)

    def _wait_for_port(self, port: int) -> None:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                words = (self.folder / "connector.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise ConnectorError(f"the connector did not start:\n{words}")
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise ConnectorError("the connector does not listen", port=port)

    def _zam(self, message: bytes) -> bytes:
        with self._zam_arrived:
            self.zams.append(parse(message))
            self._zam_arrived.notify_all()
        return build_ack(parse_header(message), "AA", (), now=utc_now(), control_id=random_uuid().hex[:20])


class _Listener:
    """The hospital's own MLLP listener, in a thread with its own loop."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def handle(message: bytes, _peer: PeerInfo) -> bytes:
            return answer(message)

        self._server = MllpServer(MllpConfig(port=0), handle)
        self._call(self._server.start())
        self.port = self._server.port

    def close(self) -> None:
        self._call(self._server.stop(1.0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: object) -> None:
        future: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]
        future.result(DEADLINE)


def _port(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
