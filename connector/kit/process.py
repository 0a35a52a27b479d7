"""A worker: this Python in a process of its own, spoken to through pipes, which sees no more than it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable


def start_worker(module: str, kept: Iterable[str]) -> subprocess.Popen[bytes]:
    """Runs `module`, with the variables `kept` of the environment alone; both pipes are unbuffered and never block."""
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Saxon writes pieces of documents there
        stderr=subprocess.DEVNULL,
        env=environment,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for pipe in (process.stdin, process.stdout):
        os.set_blocking(pipe.fileno(), False)
    return process


def end_worker(process: subprocess.Popen[bytes], grace: float) -> None:
    """Closes its pipe, and kills it when it has not ended within `grace` seconds."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
