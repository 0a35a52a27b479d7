"""The connector as an operator runs it: `python -m connector run -c file.toml`, a fixed port, and kill -9."""

from __future__ import annotations

import json
import random
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
        lines += [f"{name} = {_value(value)}" for name, value in values.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + " }"
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
    """One connector, started and killed as often as one likes; everything it writes goes to `log`."""

    def __init__(self, config: Path, port: int) -> None:
        self._config = config
        self.port = port
        self.log = config.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns at once; `wait_ready` tells when it listens."""
        assert self._process is None
        command = [sys.executable, "-m", "connector", "run", "-c", str(self._config)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        end = time.monotonic() + READY
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                assert self.alive, f"the connector ended by itself:\n{self.tail()}"
                assert time.monotonic() < end, f"the connector does not listen:\n{self.tail()}"
                time.sleep(0.01)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

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
