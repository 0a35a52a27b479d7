"""A worker process: compiles the kit once, then judges the documents it is sent until its pipe is closed.

Run by the pool as `python -m connector.kit.worker`, settings as JSON in the first frame,
then for each document the moment of checking (ISO 8601) and its bytes. Saxon's state is bound to the
thread that made it, so one worker judges one document at a time.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.base.errors import ConnectorError
from connector.kit import frames
from connector.kit.judge import Judge
from connector.kit.verdict import CdaVerdict


def main() -> None:
    """Serves standard input to standard output. Nothing else ever reaches that pipe."""
    answers = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _use_every_processor()
    try:
        settings = json.loads(frames.receive(0))
        judge = _judge(settings)
    except ConnectorError as error:
        context = {name: str(value) for name, value in error.context.items()}
        frames.send(answers, json.dumps({"error": error.message, "context": context}).encode())
        return
    frames.send(answers, json.dumps({"kit": judge.kit}).encode())
    while True:
        try:
            now, content = datetime.fromisoformat(frames.receive(0).decode()), frames.receive(0)
        except frames.PipeClosed:
            return
        # a document that never ends also ends a worker whose daemon is gone: nobody else would
        signal.setitimer(signal.ITIMER_REAL, settings["time_limit"] * 2)
        frames.send(answers, json.dumps(_plain(judge.judge(content, now)), ensure_ascii=False).encode())
        signal.setitimer(signal.ITIMER_REAL, 0)


def _judge(settings: dict[str, Any]) -> Judge:
    return Judge(
        Path(settings["kit"]),
        weight=settings["schematron"],
        terminologies=settings["terminologies"],
        max_bytes=settings["max_bytes"],
        cache=Path(settings["cache"]) if settings["cache"] else None,
        environment=settings["environment"],
    )


def _plain(verdict: CdaVerdict) -> dict[str, Any]:
    return asdict(verdict)


def _use_every_processor() -> None:
    """The daemon keeps to one processor, and its children with it; a worker is there for the others."""
    try:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    except OSError:
        # forbidden here: it works all the same, on the processor it has
        return


if __name__ == "__main__":
    main()
