"""The connector as an operator runs it: `python -m connector run -c file.toml`, a fixed port, and kill -9."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

READY = 30.0


def write_toml(table: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """The settings file of a table of sections; nested tables are written inline."""
    lines: list[str] = []
    for section, values in table.items():
        lines.append(f"[{section}]")
        lines += [f"{_key(name)} = {_value(value)}" for name, value in values.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _key(name: str) -> str:
    """TOML reads a dot as a table, and knows no bare star: "TD2.1" and "*" need their quotes."""
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def fixed_port(chance: random.Random) -> int:
    """A port free now and below the ephemeral range: no outgoing connection takes it while the connector is dead."""
    while True:
        port = chance.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class ConnectorProcess:
    """One connector, started, stopped and killed as often as one likes; everything it writes goes to `log`.

    `role` is that of `connector run`; `name` tells several processes of one settings file apart; `mutation` gives it a
    defect (tests.e2e.mutant).
    """

    def __init__(self, config: Path, port: int, *, role: str = "all", name: str = "", mutation: str = "") -> None:
        program = ["tests.e2e.mutant", mutation] if mutation else ["connector"]
        self._command = [sys.executable, "-m", *program, "run", "-c", str(config)]
        if role != "all":
            self._command += ["--role", role]
        self.role = role
        self.name = name.lstrip("-") or role
        self.port = port
        self.log = config.with_name(f"{config.stem}{name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._said = 0

    def start(self) -> None:
        """Returns at once; `wait_ready` tells when it works."""
        assert self._process is None
        with self.log.open("ab") as log:
            self._said = log.tell()
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        end = time.monotonic() + READY
        while not self._ready():
            assert self.alive, f"the connector ended by itself:\n{self.tail()}"
            assert time.monotonic() < end, f"the connector does not start:\n{self.tail()}"
            time.sleep(0.01)

    def _ready(self) -> bool:
        if self.role == "worker":
            # A worker listens nowhere: it says so when it has started.
            return b"started" in self.log.read_bytes()[self._said :]
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            return False
        return True

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def frozen(self) -> bool:
        """Stopped by SIGSTOP, its own or ours."""
        state = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        return state == "T"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9. It must still have been alive: a connector that ends by itself proves something else."""
        process, self._process = self._process, None
        assert process is not None
        ended = process.poll()
        process.kill()
        process.wait()
        assert ended is None, f"the connector ended by itself with {ended}:\n{self.tail()}"

    def freeze(self) -> None:
        """SIGSTOP: it stops in the middle of whatever it does, its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was, knowing nothing of the time that passed."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, as an operator does; the exit code."""
        process, self._process = self._process, None
        assert process is not None
        process.terminate()
        return process.wait(READY)

    def end(self) -> None:
        """Whatever the state, nothing of it remains."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
