"""A worker process of an export: makes and checks the letters it is sent until its pipe is closed.

Run by the crew as `python -m connector.flows.letters.export.worker`; what it is told and what it gives back are this
program's own values, pickled, between two processes of one user.
"""

from __future__ import annotations

import os
import pickle
import signal
from pathlib import Path

from connector.base.errors import ConnectorError
from connector.base.memory import settle
from connector.codes import use_folder
from connector.flows.letters.export.model import Task
from connector.flows.letters.export.prepare import Maker, Making
from connector.kit import frames


def main() -> None:
    """Serves standard input to standard output. Nothing else ever reaches that pipe."""
    answers = os.dup(1)
    os.dup2(2, 1)
    # A stop is for the one that leads, even when it is told to all: it lets the letters in hand come back.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    try:
        making: Making = pickle.loads(frames.receive(0))
        use_folder(Path(making.codes) if making.codes else None)
        maker = Maker(making)
    except frames.PipeClosed:
        return
    except ConnectorError as error:
        frames.send(answers, pickle.dumps((error.message, {name: str(v) for name, v in error.context.items()})))
        return
    settle()
    frames.send(answers, pickle.dumps(None))
    while True:
        try:
            task: Task = pickle.loads(frames.receive(0))
        except frames.PipeClosed:
            return
        # a letter that never ends also ends a worker whose leader is gone: nobody else would
        signal.setitimer(signal.ITIMER_REAL, making.gate.time_limit * 2)
        frames.send(answers, pickle.dumps(maker.make(task)))
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
